"""Numbers, maps and pictures as views are sent them: packed, as text."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.path import Path
from PIL import Image
from torch import Tensor

from lfs_core.datasets.framing import Parts
from lfs_core.viz.figures import MAP_COLOURS

REGION = 40  # largest side of a region, before its border is drawn
WHOLE = 480  # px, longest side of a photograph in which a face is chosen


def text(values: np.ndarray) -> str:
    """The bytes of an array, as text."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def deflated(words: str) -> str:
    """A long text that says nearly the same many times, in a tenth of its length."""
    return base64.b64encode(zlib.compress(words.encode(), 9)).decode()


def colour_table(name: str = MAP_COLOURS) -> str:
    """The colours of maps, or of another of matplotlib's scales, in 256 steps of three bytes."""
    return text(matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3])


def data_url(image: Image.Image, kind: str, quality: int) -> str:
    """A picture as a data URL, "webp" or "jpeg"."""
    buffer = io.BytesIO()
    image.save(buffer, kind.upper(), quality=quality)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def faces_to_choose(found: Parts) -> dict[str, Any]:
    """A whole photograph and where its faces are, in per cent of its sides, from left to right."""
    whole = found.photograph.copy()
    whole.thumbnail((WHOLE, WHOLE))
    boxes = [part.box for part in found.all if part.box]
    return {
        "picture": data_url(whole, "webp", 80),
        "boxes": [[round(100 * at, 2) for at in box] for box in boxes],
    }


def reduce(maps: Tensor, side: int) -> Tensor:
    """Maps (2,H,W), averaged down to at most `side` pixels a side."""
    height, width = maps.shape[1:]
    scale = min(1, side / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return torch.nn.functional.interpolate(maps[None], size, mode="area")[0]


def outline(region: Tensor) -> str:
    """The border of a region (H,W), as a path of SVG in units of the picture's sides."""
    share = reduce(region[None].float(), REGION)[0]
    height, width = share.shape
    # What touches the edge ends there.
    padded = torch.nn.functional.pad(share, (1, 1, 1, 1)).numpy()
    x, y = ((np.arange(-1, count + 1) + 0.5) / count for count in (width, height))
    lines = Figure().subplots().contour(x, y, padded, levels=[0.5])
    path = lines.get_paths()[0].cleaned(simplify=True)
    letters = {int(Path.MOVETO): "M", int(Path.LINETO): "L"}
    places, kinds = np.asarray(path.vertices), np.asarray(path.codes)
    return "".join(
        "Z" if kind == Path.CLOSEPOLY else f"{letters[kind]}{across:.3f} {down:.3f}"
        for (across, down), kind in zip(places.clip(0, 1), kinds.tolist(), strict=True)
        if kind != Path.STOP
    )


def packed(heat: Tensor) -> str:
    """A map (h,w) in [0,1], in 256 steps: differences of neighbours, which deflate well."""
    steps = (heat * 255).round().byte().numpy().ravel()
    return base64.b64encode(
        zlib.compress(np.diff(steps, prepend=np.uint8(0)).tobytes(), 9)
    ).decode()


def stepped(maps: Tensor, side: int) -> Iterator[dict[str, Any]]:
    """Maps (2,H,W), averaged down, in 255 steps over the range that they had before."""
    for heat, reduced in zip(maps, reduce(maps, side), strict=True):
        low, high = (float(f"{value.item():.6g}") for value in (heat.min(), heat.max()))
        scaled = (reduced - low) / (high - low or 1)
        yield {"range": [low, high], "steps": packed(scaled.clamp(0, 1))}
