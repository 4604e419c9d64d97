"""Superpixels of many kinds, and the order in which a map replaces them."""

from __future__ import annotations

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.util.extras import needs

SLIC = 64  # segments that are asked for, as many as the paper's grid has cells
COMPACTNESS = 10.0  # of SLIC, against likeness of colour; scikit-image's default

GRIDS = {"8x8": (8, 0.0), "8x8, shifted": (8, 0.5), "5x5": (5, 0.0), "10x10": (10, 0.0)}
"""Cells along each side, and by what part of a cell the grid is moved to the lower right."""

PARTITIONS = (*GRIDS, "SLIC")


def partition(image: Tensor, kind: str) -> Tensor:
    """Which superpixel each pixel belongs to.

    Args:
        image: (3,H,W) in [0,1]; only SLIC (Achanta et al. 2012) looks at it.
        kind: one of `PARTITIONS`.

    Returns:
        (H,W) of whole numbers from 0.

    Raises:
        LFSError: there is no such kind, or SLIC is asked for without scikit-image.
    """
    if kind not in PARTITIONS:
        raise LFSError(f"There are no superpixels {kind!r}; choose one of {', '.join(PARTITIONS)}.")
    height, width = image.shape[-2:]
    if kind in GRIDS:
        cells, moved = GRIDS[kind]
        rows, columns = (
            ((torch.arange(pixels) * cells / pixels) + moved).long() for pixels in (height, width)
        )
        labels = rows[:, None] * (cells + 1) + columns
    else:
        with needs("book", "Cutting SLIC superpixels"):
            from skimage.segmentation import slic
        pixels = image.movedim(0, -1).double().numpy()
        labels = torch.from_numpy(slic(pixels, n_segments=SLIC, compactness=COMPACTNESS))
    return labels.unique(return_inverse=True)[1]


def replaced_after(heat: Tensor, segments: Tensor, seed: int) -> Tensor:
    """What share of the image is replaced before each pixel is, the most relevant superpixel first.

    Superpixels come in the order of their mean; ties are drawn. So pixels below 20/64 are those
    that 20 flips of the paper's 64 superpixels replace.

    Args:
        heat: a map (H,W).
        segments: the superpixel of each pixel (H,W), from 0.
        seed: of the order among equals.

    Returns:
        (H,W) in [0,1), the same within a superpixel.

    Raises:
        LFSError: the map holds NaN or infinity.
    """
    if not heat.isfinite().all():
        raise LFSError("A map holds NaN or infinity; nothing can be ordered by it.")
    flat = segments.flatten()
    sizes = flat.bincount().double()
    means = flat.bincount(weights=heat.flatten().double()) / sizes
    # Rounding in a mean must not decide between superpixels that are equally relevant.
    means = (means * 2**30).round()
    drawn = torch.randperm(len(means), generator=torch.Generator().manual_seed(seed))
    order = drawn[means[drawn].argsort(descending=True, stable=True)]
    before = torch.empty_like(sizes)
    before[order] = sizes[order].cumsum(0) - sizes[order]
    return (before / sizes.sum())[segments]
