"""What a page loads to run networks: files as scripts, so that they load from a disk, too.

Bytes are deflated and written as text, in parts so that a page can say how far it is.
"""

from __future__ import annotations

import base64
import json
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from lfs_core.amortised import load_head
from lfs_core.browser import graphs
from lfs_core.browser.detector import export_detector
from lfs_core.browser.export import drift, export, run
from lfs_core.browser.packages import GPU_RUNTIME, GPU_WASM, RUNTIME, WASM
from lfs_core.comparators import load_explainer
from lfs_core.comparators.causal import CausalMethod
from lfs_core.comparators.simexpert import SimExpert
from lfs_core.datasets import scenes
from lfs_core.datasets.faces import load_faces
from lfs_core.datasets.images import to_tensor
from lfs_core.decoder import load_decoder
from lfs_core.embedders import load_embedder
from lfs_core.embedders.network import Network
from lfs_core.util.assets import cache_folder, fetch, writing_to_cache
from lfs_core.util.code import code_of
from lfs_core.util.digests import key
from lfs_core.util.kept import keep_json, kept_json
from lfs_core.util.modules import shipped_modules
from lfs_core.viz.joined import joined
from lfs_core.viz.rendering import WEB

log = logging.getLogger(__name__)

PART = 4_000_000  # characters of one script
EVERY = 3  # photographs of faces, of which one is looked at
GRID = 8  # windows along each side
DECODERS = {"linear": "", "conv": "-conv"}  # ends of their names
EXACT = {"scales": 1, "shifted": False}  # of `Causal`: one size of windows, that tile once
DRAWN = ["maps", "signed", "ranges"]
MATCHED = [*DRAWN, "matches", "likeness", "probabilities"]
XI_1, P = torch.tensor(0.3), torch.tensor(0.2)  # examples

Asset = dict[str, Any]  # its name, and file and size of each part


def write_assets(network: str, folder: Path) -> tuple[list[Asset], tuple[int, float]]:
    """Write all that a page needs to explain by a network, made once and then kept in the cache.

    Args:
        network: its name; the network is one of this package.
        folder: of the page's files.

    Returns:
        Each asset's name, and name and bytes of its scripts; and of how many photographs the
        similarities move by how much at most, since weights are rounded.

    Raises:
        AssetError: a package cannot be fetched, or the cache cannot be written.
        LFSError: the network cannot be translated.
    """
    runtimes = {
        "runtime": RUNTIME,
        "wasm": WASM,
        "gpu-runtime": GPU_RUNTIME,
        "gpu-wasm": GPU_WASM,
    }
    shared = {
        "worker": joined(WEB, "worker/main.js").encode(),
        **{name: fetch(asset).read_bytes() for name, asset in runtimes.items()},
    }
    embedder = load_embedder(network)
    made_from = key(code=[_of_network, export_detector, code_of(graphs)], network=embedder)
    kept = cache_folder() / "browser" / f"{network}-{made_from[:16]}"
    done = kept_json(kept / "done")
    if done is None:
        with writing_to_cache(kept / "done"), TemporaryDirectory(dir=kept.parent) as scratch:
            log.info("Translating %s for the browser (once) ...", network)
            for name, content in _of_network(network):
                (Path(scratch) / f"{name}.onnx").write_bytes(content)
            images = photographs(embedder)
            found = drift(Path(scratch) / "network.onnx", embedder, images)
            for path in sorted(Path(scratch).iterdir()):
                path.replace(kept / path.name)
            done = keep_json(kept / "done", [len(images), found["similarity"]])
    graphs_of_it = {path.stem: path.read_bytes() for path in sorted(kept.glob("*.onnx"))}
    assets = [
        *(_scripts(name, name, content, folder) for name, content in shared.items()),
        *(
            _scripts(name, f"{network}-{name}", content, folder)
            for name, content in graphs_of_it.items()
        ),
    ]
    number, moved = done
    return assets, (number, moved)


def _of_network(name: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of every graph that explains by a network."""
    network = load_embedder(name)
    assert isinstance(network, Network)
    head = load_head(name) if name in shipped_modules("heads") else None
    with TemporaryDirectory() as folder:
        written = Path(folder) / "network.onnx"
        # Small networks lose more by 8 bits, and are small with 16.
        small = head is None
        export(network, written, head, int8=not small, half=small, places=True)
        yield "network", written.read_bytes()
        if network.framing == "face":
            export_detector(folder)
            for part in ("p", "r", "o"):
                yield f"faces-{part}", (Path(folder) / f"{part}.onnx").read_bytes()
        side = network.image_size
        images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
        h, places = run(written, images, ["h", "places"])
        of_head = run(written, images, ["C", "features"]) if head else []
    yield "pair", graphs.translated(graphs.PairGraph(), {"h": h}, ["similarity", "d"])
    yield "simexpert", _shares(network, h, places)
    if of_head:
        yield "amortised", _windows(network, "amortised", {}, h, *of_head)
    C = torch.rand(2, GRID**2, h.shape[1], generator=torch.Generator().manual_seed(1)) / GRID**2
    for method in ("occlusion", "causal"):
        yield method, _windows(network, method, EXACT, h, C)
    for kind, end in DECODERS.items():
        if f"{name}{end}" in shipped_modules("decoders"):
            given = {"h": h, "only": torch.ones(h.shape[1]), "p": P, "threshold": XI_1}
            decoded = graphs.DecodedGraph(load_decoder(f"{name}{end}").eval())
            yield f"decoder-{kind}", graphs.translated(decoded, given, ["change"])


def photographs(network: Network) -> Tensor:
    """Public photographs (B,3,H,W) as a network reads them, to see how far it was moved."""
    size = network.image_size
    if network.framing == "face":
        faces = load_faces("demo", progress=False).images[::EVERY]
        return faces.float() / 255
    return torch.stack(
        [to_tensor(Image.fromarray(of), size) for of in scenes.photographs().values()]
    )


def _shares(network: Network, h: Tensor, places: Tensor) -> bytes:
    explain = load_explainer("simexpert", network)
    assert isinstance(explain, SimExpert)
    side = round(places.shape[1] ** 0.5)
    graph = graphs.SharesGraph(explain, (side, side), network.image_size)
    return graphs.translated(graph, {"h": h, "places": places, "threshold": XI_1}, DRAWN)


def _windows(
    network: Network,
    method: str,
    options: dict[str, Any],
    h: Tensor,
    C: Tensor,
    features: Tensor | None = None,
) -> bytes:
    """Of occlusion too: its evidence is that of a causal map with one window at a time."""
    explain = load_explainer("causal" if options else method, network, **options)
    assert isinstance(explain, CausalMethod)
    given = {"h": h, "C": C, "threshold": XI_1}
    if features is not None:
        given["features"] = features
    graph = graphs.WindowGraph(
        explain, GRID, network.image_size, exact=bool(options), blocks=method == "causal"
    )
    return graphs.translated(graph, given, MATCHED)


def _scripts(name: str, called: str, content: bytes, folder: Path) -> Asset:
    text = base64.b64encode(zlib.compress(content, 9)).decode()
    parts = []
    # Whole groups of four letters, so that each part is bytes by itself.
    for k, start in enumerate(range(0, len(text), PART)):
        file = f"{called}.{k}.js"
        code = f"lfsAsset({json.dumps(file)},{json.dumps(text[start : start + PART])})"
        (folder / file).write_text(code, encoding="utf-8")
        parts.append({"file": file, "bytes": len(code)})
    return {"name": name, "parts": parts}
