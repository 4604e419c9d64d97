"""Windows that tile an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lfs_core.errors import LFSError


def tiles(size: Sequence[int], grids: Sequence[int], shifted: bool = False) -> Tensor:
    """Windows that tile an image, of one or several sizes.

    Args:
        size: (H,W) in pixels.
        grids: for each size of windows, how many there are along each side of the image.
        shifted: tile once more, moved by half a window down and across; windows at the border are
            then smaller.

    Returns:
        (K,H,W) bool, True inside a window.

    Raises:
        LFSError: a grid has no window, or more along a side than there are pixels.
    """
    windows = []
    for grid in grids:
        if not 1 <= grid <= min(size):
            raise LFSError(
                f"A grid of {grid} windows a side does not fit images of {size[1]}x{size[0]} "
                f"pixels; give 1 to {min(size)}."
            )
        for shift in (0, 0.5) if shifted else (0,):
            down, across = (_strips(side, grid, shift) for side in size)
            windows.append((down[:, None, :, None] & across[None, :, None, :]).flatten(0, 1))
    return torch.cat(windows)


def _strips(side: int, grid: int, shift: float) -> Tensor:
    """(n,side) bool: which pixels along a side are in each of its strips."""
    strip = (torch.arange(side) * grid / side + shift).floor().long()
    return strip == torch.arange(int(strip.max()) + 1)[:, None]
