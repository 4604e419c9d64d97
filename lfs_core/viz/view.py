"""What the interactive views share: packed numbers and maps, and pages that need no Python.

A view is a JavaScript module and a style sheet of one name; what all views use comes before them,
from `view.js` and `view.css`.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Mapping
from importlib.resources import files

import jinja2
import matplotlib
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.viz.figures import MAP_COLOURS

try:
    from anywidget import AnyWidget
except ImportError:
    raise LFSError(
        "Interactive views need anywidget, which is not installed: pip install 'lfs-core[book]'"
    ) from None

__all__ = ["AnyWidget", "colour_table", "data_url", "packed", "reduce", "render", "source", "text"]

VIZ = files("lfs_core.viz")


def source(view: str, kind: str) -> str:
    """The code ("js") or the style ("css") of a view, after what all views share."""
    return "\n".join((VIZ / f"{name}.{kind}").read_text("utf-8") for name in ("view", view))


def render(view: str, contents: Mapping[str, object], title: str | None = None) -> str:
    """A view as HTML that needs neither Python nor any other file.

    Args:
        view: its name.
        contents: what it shows, ready for JSON.
        title: of a document of its own; without, the HTML can be put anywhere in a page, and
            several times.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string((VIZ / "view.html").read_text("utf-8"))
    data = json.dumps(contents, separators=(",", ":"))
    return template.render(
        title=title,
        view=view,
        data=data.replace("<", "\\u003c"),  # no name may end the script element
        css=source(view, "css"),
        js=source(view, "js"),
    )


def text(values: np.ndarray) -> str:
    """The bytes of an array, as text."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def colour_table() -> str:
    """The colours of maps, in 256 steps of three bytes."""
    return text(matplotlib.colormaps[MAP_COLOURS](np.arange(256), bytes=True)[:, :3])


def data_url(image: Image.Image, kind: str, quality: int) -> str:
    """A picture as a data URL, "webp" or "jpeg"."""
    buffer = io.BytesIO()
    image.save(buffer, kind.upper(), quality=quality)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def reduce(maps: Tensor, side: int) -> Tensor:
    """Maps (2,H,W), averaged down to at most `side` pixels a side."""
    height, width = maps.shape[1:]
    scale = min(1, side / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return torch.nn.functional.interpolate(maps[None], size, mode="area")[0]


def packed(heat: Tensor) -> str:
    """A map (h,w) in [0,1], in 256 steps: differences of neighbours, which deflate well."""
    steps = (heat * 255).round().byte().numpy().ravel()
    return base64.b64encode(zlib.compress(np.diff(steps, prepend=np.uint8(0)), 9)).decode()
