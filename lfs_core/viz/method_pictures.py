"""One picture for each method: its two maps of a photograph in the public domain and a copy.

The copy is mirrored and darker, and no method knows it. A map that follows the face is mirrored
with it. Pictures are kept, and drawn again only if what makes them has changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lfs_core.comparators import EXPLAINERS, explainer_class, load_explainer
from lfs_core.datasets.faces import align_face
from lfs_core.embedders import load_embedder
from lfs_core.explanation import PairExplanation
from lfs_core.util.code import code_of
from lfs_core.util.digests import key
from lfs_core.util.extras import needs
from lfs_core.viz.figures import MAP_COLOURS
from lfs_core.viz.matches import place_words

NETWORK = "facenet-casia"
SIDE, GAP = 320, 16  # px of a map, and between the two
QUICK: Mapping[str, Mapping[str, Any]] = {"exclip": {"steps": 4}}  # two minutes with its own
NINTHS = (3, 3)
ASIDE = ("lfs_core.book", "lfs_core.findings", "lfs_core.viz")


@dataclass(frozen=True)
class Drawn:
    """What the picture of a method shows.

    Attributes:
        strongest: in words, where each of the two maps is strongest.
        turned: Spearman's correlation of the first map with the second one, mirrored back; 1 of a
            map that follows the face.
        unturned: of the first map with the second one as it is.
    """

    strongest: tuple[str, str]
    turned: float
    unturned: float


def draw_methods(folder: Path) -> dict[str, Drawn]:
    """Draw every method into `folder`/NAME.jpg, unless it lies there; what each picture shows.

    Raises:
        LFSError: scikit-image is missing, or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, method in methods().items():
        picture, record = folder / f"{name}.jpg", folder / f"{name}.json"
        made_from = made_of(method, QUICK.get(name, {}))
        known = json.loads(record.read_text("utf-8")) if record.is_file() else {}
        if known.get("made from") != made_from or not picture.is_file():
            e = load_explainer(name, load_embedder(NETWORK), **QUICK.get(name, {}))(*pair())
            _picture(e).save(picture, quality=85)
            known = {"made from": made_from, **_drawn(e)}
            record.write_text(json.dumps(known), encoding="utf-8")
        found[name] = Drawn(tuple(known["strongest"]), known["turned"], known["unturned"])
    return found


def made_of(method: type, options: Mapping[str, Any]) -> str:
    """The key of a method's picture: what finds its maps, and this file.

    Views, pages and stored results are reached from every explanation, and change no map.
    """
    code = code_of(method) | code_of(align_face)
    modules = {name: of for name, of in code.modules.items() if not name.startswith(ASIDE)}
    return key(
        code=[replace(code, modules=modules)],
        this=Path(__file__),
        options=options,
        network=NETWORK,
    )


def methods() -> dict[str, type]:
    """The classes of the methods, without controls, by name."""
    classes = {name: explainer_class(name) for name in EXPLAINERS}
    return {name: of for name, of in classes.items() if of.role == "method"}


def pair() -> tuple[Image.Image, Image.Image]:
    """The astronaut's face, and that of a mirrored, darker copy of the photograph."""
    with needs("book", "The photograph of the pictures"):
        import skimage.data
    photograph = skimage.data.astronaut()
    copy = np.ascontiguousarray(photograph[:, ::-1]) // 2
    return align_face(Image.fromarray(photograph)), align_face(Image.fromarray(copy))


def _picture(e: PairExplanation) -> Image.Image:
    """Both maps in colour over the grey photographs, side by side."""
    sides = []
    for image, heat in zip(e.images, e.maps, strict=True):
        grey = image.mean(dim=0).numpy()[..., None]
        colours = matplotlib.colormaps[MAP_COLOURS](heat.numpy())[..., :3]
        pixels = (255 * (0.4 * grey + 0.6 * colours)).round().astype(np.uint8)
        sides.append(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    both = Image.new("RGB", (2 * SIDE + GAP, SIDE), "white")
    for place, side in zip((0, SIDE + GAP), sides, strict=True):
        both.paste(side, (place, 0))
    return both


def _drawn(e: PairExplanation) -> dict[str, Any]:
    a, b = e.maps
    ninths = torch.nn.functional.adaptive_avg_pool2d(e.maps[None], NINTHS)[0].flatten(1)
    words = [of.partition(",")[0] for of in place_words(NINTHS)]
    return {
        "strongest": [words[int(of.argmax())] for of in ninths],
        "turned": _alike(a, b.flip(-1)),
        "unturned": _alike(a, b),
    }


def _alike(a: Tensor, b: Tensor) -> float:
    """Spearman's correlation of two maps (H,W)."""
    from scipy.stats import spearmanr

    return float(spearmanr(a.flatten().numpy(), b.flatten().numpy()).statistic)
