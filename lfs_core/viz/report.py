"""One explanation as one self-contained HTML page."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex
from PIL import Image

from lfs_core.embedders import network_title
from lfs_core.evaluation.names import reader_name
from lfs_core.viz.figures import MAP_COLOURS, as_picture, overlay
from lfs_core.viz.page import check_suffix, filled, write_page

if TYPE_CHECKING:
    from lfs_core.explanation import PairExplanation


def write_report(
    explanation: PairExplanation,
    path: str | os.PathLike,
    names: Sequence[str] = ("First image", "Second image"),
    messages: Sequence[str] = (),
) -> None:
    """Write the page; it holds its pictures and numbers, and needs no other file.

    Args:
        explanation: what to show.
        path: the file, ending in .html.
        names: what to call the two images.
        messages: remarks to show above the maps.

    Raises:
        LFSError: the path does not end in .html or cannot be written.
    """
    check_suffix(path)  # now, not after the work
    write_page(path, render_report(explanation, names, messages))


def render_report(
    explanation: PairExplanation, names: Sequence[str], messages: Sequence[str]
) -> str:
    """The page's HTML; see `write_report`."""
    sides = [
        {"name": name, "panels": _panels(explanation, side, name)}
        for side, name in enumerate(names)
    ]
    colours = matplotlib.colormaps[MAP_COLOURS](np.linspace(0, 1, 12))
    return filled(
        files("lfs_core.viz") / "report.html",
        decision="similar" if explanation.is_similar else "dissimilar",
        method=reader_name(explanation.method),
        decoded=explanation.reconstructions is not None,
        similarity=explanation.similarity,
        is_similar=explanation.is_similar,
        settings=explanation.settings,
        names=names,
        sides=sides,
        messages=messages,
        gradient=", ".join(to_hex(colour) for colour in colours),
        rows=[("method", reader_name(explanation.method)), *settings_rows(explanation.settings)],
        data=explanation.to_dict(),
    )


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
