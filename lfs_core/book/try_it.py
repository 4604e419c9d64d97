"""The page on which readers try networks: what it offers, and the words that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torchvision.transforms.functional import to_pil_image

from lfs_core.book.try_it_files import DECODERS, EXACT, GRID, write_assets
from lfs_core.browser.graphs import MAP_SIDE
from lfs_core.correspondence import LEAST
from lfs_core.datasets.scenes import photographs
from lfs_core.decoder import load_decoder
from lfs_core.embedders import load_embedder, threshold_of
from lfs_core.embedders.network import Network
from lfs_core.errors import AssetError
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS
from lfs_core.findings.trust import (
    NEAR,
    NO_FACE,
    UNSURE_FACE,
    confidence_words,
    doubts_about_method,
    doubts_about_similarity,
    spec_of,
    what_confidence_means,
)
from lfs_core.util.confidence import Spread, spread_of
from lfs_core.util.modules import shipped_modules
from lfs_core.viz.matches import LINES, place_words
from lfs_core.viz.packing import data_url
from lfs_core.viz.rendering import render
from lfs_core.viz.views.pair_explorer import DECODED, LEARNT, PairExplorer

CAUSAL = "causal"
METHODS = (DECODED, LEARNT, "simexpert", "occlusion", CAUSAL, "centre")
OFFERED = {  # each network with what it is for
    "facenet-casia": "Faces, by FaceNet",
    "efficientnet-lite0": "Scenes and things, by EfficientNet-Lite0",
}
FACES = ("astronaut", "astronaut, mirrored", "grace_hopper")
THINGS = ("chelsea", "chelsea, mirrored", "coffee", "rocket")
SIDE = 512  # px, longest side of a photograph that is offered
STEPS = np.linspace(-1, 1, 401)  # similarities at which confidence is told


def try_it(folder: Path, address: str) -> str:
    """The view as HTML.

    Args:
        folder: its files are written there.
        address: of this folder as the page knows it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, Any] = {"folder": address, "offers": [], "missing": ""}
    try:
        contents["offers"] = [_offer(name, title, folder) for name, title in OFFERED.items()]
    except AssetError as error:
        reason = str(error).splitlines()[0]
        contents["missing"] = (
            f"This copy of the book was built without what runs networks in a browser. {reason} "
            "Build it again where the package can be fetched."
        )
    return render("try_it", contents)


def _offer(name: str, title: str, folder: Path) -> dict[str, Any]:
    """What the view holds of one network; its files are written."""
    network = load_embedder(name)
    assert isinstance(network, Network)
    assets, (number, moved) = write_assets(name, folder)
    able = {asset["name"] for asset in assets}
    methods = [
        method
        for method in METHODS
        if method in able or method == "centre" or (method == DECODED and "decoder-linear" in able)
    ]
    samples = _samples(FACES if network.framing == "face" else THINGS)
    decoders = {
        kind: load_decoder(f"{name}{end}")
        for kind, end in DECODERS.items()
        if f"{name}{end}" in shipped_modules("decoders")
    }
    threshold = threshold_of(network)
    explorer = PairExplorer(
        list(samples.values()),
        [network],
        names=list(samples),
        decoders=decoders,
        methods=methods,
        similarity_threshold=threshold,
    )
    contents = explorer.contents
    for of in contents["networks"]:
        of["methods"] = methods
        of["decoders"] = dict.fromkeys(of["decoders"], False)  # all are asked alike
    return {
        **contents,
        "title": title,
        "rounded": (
            f"The network's weights are rounded. This moves the similarities of {number} "
            f"photographs by at most {moved:.2g}."
        ),
        "reports": False,
        "titles": contents["titles"] | {CAUSAL: reader_name(_spec(CAUSAL))},
        "telling": [method for method in (LEARNT, CAUSAL) if method in methods],
        "answers": {
            "map,centre": _centre(network),
            **dict(_doubts(name, methods, decoders)),
        },
        "own": {
            "size": network.image_size,
            "framing": network.framing,
            "grid": GRID,
            "mapSize": [MAP_SIDE, MAP_SIDE],
            "assets": assets,
            "samples": [data_url(image, "webp", 90) for image in samples.values()],
            "unsure": UNSURE_FACE,
            "noFace": NO_FACE,
            "places": place_words((GRID, GRID)),
            "lines": [line._asdict() for line in LINES],
            "least": LEAST,
            **_about_similarities(name, spread_of(network)),
        },
    }


def _samples(names: Sequence[str]) -> dict[str, Image.Image]:
    """Public photographs by name."""
    known, found = photographs(), {}
    for name in names:
        of, _, turned = name.partition(", ")
        image = Image.fromarray(known[of][:, ::-1].copy() if turned else known[of])
        image.thumbnail((SIDE, SIDE))
        found[name.replace("_", " ").capitalize()] = image
    return found


def _spec(method: str) -> str:
    """A method as it is tested, with its options."""
    options = EXACT if method == CAUSAL else {}
    return ",".join([method, *(f"{k}={str(v).lower()}" for k, v in options.items())])


def _centre(network: Network) -> dict[str, Any]:
    """The answer about the map of the control, which is the same for every pair."""
    side = network.image_size
    noise = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    images = [to_pil_image(image) for image in noise]
    explorer = PairExplorer(images, [network], methods=["centre"], decoders={}, aligned=True)
    return explorer.reply("map", "centre", 0, 0, 0, 1, 0, 0)


def _doubts(
    network: str, methods: Sequence[str], decoders: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """The answers about what measurements say against methods, by question."""
    for kind, pairs in enumerate(reversed(KINDS)):
        for method in methods:
            for decoder in decoders if method == DECODED else ("",):
                settings = {"decoder": decoders[decoder].info} if decoder else {}
                spec = spec_of(method, network, settings) if decoder else _spec(method)
                yield (
                    f"doubts,{method},{decoder},0,{kind}",
                    {"doubts": doubts_about_method(network, spec, pairs)},
                )


def _about_similarities(network: str, spread: Spread | None) -> dict[str, Any]:
    """How sure decisions are, and which similarities are doubtful, in words."""
    # As far from xi_1 as a cosine can be, or at it: only one of both doubts is said.
    (near,) = [
        words
        for words in doubts_about_similarity(network, 0.5, 0.5)
        if words not in doubts_about_similarity(network, 0.5, -1)
    ]
    far = [float(s) for s in STEPS if doubts_about_similarity(network, float(s), 9)]
    known = [float(s) for s in STEPS if float(s) not in far]
    outside = None
    if far and known:
        words = doubts_about_similarity(network, far[0], 9)[0]
        outside = {"low": min(known), "high": max(known), "words": words}
    return {
        "sure": [_sure(spread, similar) for similar in (False, True)],
        "sureMeans": what_confidence_means(spread, network),
        "near": {"within": NEAR, "words": near},
        "outside": outside,
    }


def _sure(spread: Spread | None, similar: bool) -> list[tuple[float, str]]:
    """Words for every similarity up to a limit."""
    steps: list[tuple[float, str]] = []
    for similarity in STEPS:
        sure = spread.confidence(float(similarity), similar) if spread else None
        words = confidence_words(sure)
        if steps and steps[-1][1] == words:
            steps.pop()
        steps.append((round(float(similarity), 4), words))
    return steps
