"""One explanation as one self-contained HTML page."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import matplotlib
import numpy as np
from matplotlib.colors import to_hex
from PIL import Image

from lfs_core.embedders import network_title
from lfs_core.errors import LFSError
from lfs_core.evaluation.names import reader_name
from lfs_core.util.files import replacing
from lfs_core.viz.figures import MAP_COLOURS, as_picture, overlay

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
    check_suffix(path)
    page = render_report(explanation, names, messages)
    with replacing(path) as new:
        new.write_text(page, encoding="utf-8")


def check_suffix(path: str | os.PathLike) -> None:
    """Raise an LFSError unless the path ends in .html."""
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise LFSError(f"The report is a web page: {path} must end in .html.")


def render_report(
    explanation: PairExplanation, names: Sequence[str], messages: Sequence[str]
) -> str:
    """The page's HTML; see `write_report`."""
    sides = [
        {"name": name, "panels": _panels(explanation, side, name)}
        for side, name in enumerate(names)
    ]
    colours = matplotlib.colormaps[MAP_COLOURS](np.linspace(0, 1, 12))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(
        files("lfs_core.viz").joinpath("report.html").read_text(encoding="utf-8")
    )
    # "</script", "<!--" and "<script" mean something inside a script element: no "<" is left.
    data = json.dumps(explanation.to_dict()).replace("<", "\\u003c")
    return template.render(
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
        data=data,
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
