"""A data set of coloured squares, as small as a study can learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def save_squares(folder: Path, count: int) -> None:
    """Write images of four colours each, in twenty classes in turn."""
    generator = np.random.default_rng(0)
    for k in range(count):
        colour = generator.integers(0, 256, (2, 2, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        path = folder / f"class {k % 20}" / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(colour).save(path)
