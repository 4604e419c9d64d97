"""One explanation as one self-contained HTML page."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from importlib.resources import files
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex
from PIL import Image

from lfs_core.datasets.framing import Parts, parts
from lfs_core.datasets.images import to_tensor
from lfs_core.embedders import network_title
from lfs_core.errors import FaceError
from lfs_core.evaluation.names import reader_name
from lfs_core.findings.trust import confidence_in_words, confidence_means, doubts
from lfs_core.viz.figures import MAP_COLOURS, as_picture, overlay
from lfs_core.viz.matches import view_contents
from lfs_core.viz.page import check_suffix, filled, write_page
from lfs_core.viz.rendering import render, script

if TYPE_CHECKING:
    from torch import Tensor

    from lfs_core.datasets.images import ImageLike
    from lfs_core.explanation import PairExplanation

Seen = tuple[Parts, int]
"""What a network can read of a photograph, and the number of the face that is explained."""

WHOLE = 480  # px, longest side of a whole photograph
ALIKE = 0.02  # mean difference of two crops' pixels, in [0,1], that show one face


def write_report(
    explanation: PairExplanation,
    path: str | os.PathLike,
    names: Sequence[str] = ("First image", "Second image"),
    messages: Sequence[str] = (),
    photographs: Sequence[ImageLike | Seen] | None = None,
) -> None:
    """Write the page; it holds its pictures and numbers, and needs no other file.

    Args:
        explanation: what to show.
        path: the file, ending in .html.
        names: what to call the two images.
        messages: remarks to show above the maps, before reasons against trusting them.
        photographs: those that the faces were cut out of, each shown with all its faces; or what a
            network can read of each, and the number of the face that is explained.

    Raises:
        ImageError: a photograph cannot be read.
        LFSError: the path does not end in .html or cannot be written.
    """
    check_suffix(path)  # now, not after the work
    write_page(path, render_report(explanation, names, messages, photographs))


def render_report(
    explanation: PairExplanation,
    names: Sequence[str],
    messages: Sequence[str],
    photographs: Sequence[ImageLike | Seen] | None = None,
) -> str:
    """The page's HTML; see `write_report`."""
    wholes = [
        _whole(of if isinstance(of, tuple) else _seen(of, explanation.images[side]), name)
        for side, (of, name) in enumerate(zip(photographs or (), names, strict=False))
    ]
    sides = [
        {"name": name, "panels": _panels(explanation, side, name), "whole": whole}
        for side, (name, whole) in enumerate(zip_longest(names, wholes))
    ]
    colours = matplotlib.colormaps[MAP_COLOURS](np.linspace(0, 1, 12))
    told = explanation.matches is not None
    return filled(
        files("lfs_core.viz") / "report.html",
        scripts=[script("matches")] if told else [],
        matches=render("matches", view_contents(explanation, names)) if told else "",
        decision="similar" if explanation.is_similar else "dissimilar",
        method=reader_name(explanation.method),
        decoded=explanation.reconstructions is not None,
        similarity=explanation.similarity,
        confidence=confidence_in_words(explanation),
        confidence_means=confidence_means(explanation),
        is_similar=explanation.is_similar,
        settings=explanation.settings,
        names=names,
        sides=sides,
        messages=[*messages, *doubts(explanation)],
        gradient=", ".join(to_hex(colour) for colour in colours),
        rows=[("method", reader_name(explanation.method)), *settings_rows(explanation.settings)],
        data=explanation.to_dict(),
    )


def _seen(photograph: ImageLike, crop: Tensor) -> Seen | None:
    """The faces of a photograph, and which of them a crop (3,H,W) shows; None without a face."""
    try:
        found = parts(photograph, None, "face")
    except FaceError:
        return None
    sizes = crop.shape[2], crop.shape[1]
    pictures = [to_tensor(part.image.resize(sizes)) for part in found.all]
    distances = [(picture - crop).abs().mean().item() for picture in pictures]
    nearest = min(range(len(distances)), key=distances.__getitem__)
    return (found, nearest + 1 if distances[nearest] < ALIKE else 0)


def _whole(seen: Seen | None, name: str) -> dict[str, Any] | None:
    """A whole photograph with its faces; None where there are none."""
    if seen is None:
        return None
    found, number = seen
    faces = [
        {
            "number": part.number,
            "chosen": part.number == number,
            "left": part.box[0],
            "top": part.box[1],
            "width": part.box[2] - part.box[0],
            "height": part.box[3] - part.box[1],
        }
        for part in found.all
        if part.box
    ]
    if not faces:
        return None
    shown = found.photograph.copy()
    shown.thumbnail((WHOLE, WHOLE))
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode()
    count = "one face" if len(faces) == 1 else f"{len(faces)} faces, numbered from left to right"
    which = f"face {number} is explained" if number else "none of them is the one explained"
    return {
        "jpeg": data,
        "width": shown.width,
        "faces": faces,
        "alt": f"{name} with {count}; {which}",
        "caption": f"The photograph: {count}; {which}",
    }


def _panels(explanation: PairExplanation, side: int, name: str) -> list[dict[str, str]]:
    image, heat = explanation.images[side], explanation.maps[side]
    mask = explanation.masks[side]
    share = mask.float().mean().item()
    above = f"{share:.0%} of the pixels lie above \u03be\u2082 = {explanation.map_threshold}"
    pictures = [
        (as_picture(image), f"{name} as the network sees it", "What the network sees"),
        (
            matplotlib.colormaps[MAP_COLOURS](heat.numpy())[..., :3],
            f"Heatmap of {name}",
            "The map, relative to its strongest pixel",
        ),
        (overlay(image, heat, mask), f"{name} in grey, its strongest pixels in colour", above),
    ]
    if explanation.reconstructions is not None:
        decoded = as_picture(explanation.reconstructions[side])
        pictures.append((decoded, f"{name} decoded", "What the decoder makes of its embedding"))
    return [{"png": _png(p), "alt": alt, "caption": caption} for p, alt, caption in pictures]


def _png(picture: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.round(picture * 255).astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def settings_rows(settings: dict[str, Any]) -> list[tuple[str, object]]:
    """Settings, and one level below them, as table rows; tables and histories are left out."""
    rows: list[tuple[str, object]] = []
    for key, value in settings.items():
        inner = {f"{key}: {k}": v for k, v in value.items()} if isinstance(value, dict) else {}
        for name, content in (inner or {key: value}).items():
            if name.endswith("embedder"):
                content = network_title(str(content))
            if isinstance(content, float):
                content = f"{content:.4g}"
            if isinstance(content, str | int):
                rows.append((name.replace("_", " "), content))
    return rows
