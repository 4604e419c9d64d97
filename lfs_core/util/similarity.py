"""SSIM (Wang et al. 2004): how alike two images are in structure, place by place."""

from __future__ import annotations

import torch
from torch import Tensor

from lfs_core.errors import LFSError

REACH, SPREAD = 5, 1.5  # pixels on either side of a place; the Gaussian's deviation
WINDOW = 2 * REACH + 1  # pixels a side
C1, C2 = 0.01**2, 0.03**2  # for values in [0,1]


def structural_similarity(images: Tensor, others: Tensor) -> Tensor:
    """SSIM of images with others, one by one.

    Args:
        images: (...,H,W) in [0,1], floats.
        others: (...,H,W) in [0,1].

    Returns:
        (...) in [-1,1], over the places about which a whole window fits.

    Raises:
        LFSError: the images are smaller than the window.
    """
    rows, columns = (_slid(size).to(images) for size in images.shape[-2:])

    def local(values: Tensor) -> Tensor:
        """Means under the window, which is the same along both axes."""
        return rows @ values @ columns.T

    x, y = images, others
    mean_x, mean_y = local(x), local(y)
    var_x, var_y = local(x * x) - mean_x**2, local(y * y) - mean_y**2
    covariance = local(x * y) - mean_x * mean_y
    similar = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    return (similar / ((mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2))).mean(dim=(-2, -1))


def _slid(size: int) -> Tensor:
    """(size-WINDOW+1,size): the Gaussian at each place where it fits."""
    places = size - WINDOW + 1
    if places < 1:
        raise LFSError(f"Images of {size} pixels a side are smaller than SSIM's {WINDOW}.")
    gaussian = torch.exp(-(torch.arange(-REACH, REACH + 1).double() ** 2) / (2 * SPREAD**2))
    matrix = torch.zeros(places, size, dtype=torch.float64)
    for place in range(places):
        matrix[place, place : place + WINDOW] = gaussian / gaussian.sum()
    return matrix
