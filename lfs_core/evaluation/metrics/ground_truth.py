"""Maps compared with known facts about the images: regions, objects, corresponding points."""

from __future__ import annotations

import torch
from torch import Tensor

from lfs_core.errors import LFSError


def region_auroc(heat: Tensor, region: Tensor) -> float:
    """How well a map separates a region from the rest, whatever the map's scale.

    Args:
        heat: (H,W), higher where the evidence is stronger.
        region: (H,W) bool, neither empty nor everything.

    Returns:
        Area under the ROC curve, in [0,1]: the chance that a pixel inside is brighter than one
        outside. 0.5 for a map that is unrelated to the region.

    Raises:
        LFSError: the region is empty or everything, or the shapes differ.
    """
    _check(heat, region)
    # The Mann-Whitney statistic: how many pairs of a pixel inside and one outside are in order.
    _, place, counts = heat.flatten().unique(return_inverse=True, return_counts=True)
    ranks = (counts.cumsum(0) - (counts - 1).double() / 2)[place]  # equal values share one
    inside = int(region.sum())
    in_order = ranks[region.flatten()].sum().item() - inside * (inside + 1) / 2
    return in_order / (inside * (region.numel() - inside))


def share_inside(heat: Tensor, region: Tensor) -> float:
    """The share of a map's sum that lies in a region, in [0,1].

    Args:
        heat: (H,W), >= 0.
        region: (H,W) bool, neither empty nor everything.

    Raises:
        LFSError: the region is empty or everything, the shapes differ, or the map is 0 throughout.
    """
    _check(heat, region)
    if not heat.sum() > 0:
        raise LFSError("The map is 0 throughout; no share of it lies anywhere.")
    return (heat[region].sum() / heat.sum()).item()


def moved_correlation(maps: Tensor, correspondence: Tensor) -> float:
    """Whether the two maps of a pair mark the same points of the scene.

    Args:
        maps: (2,H,W), of images a and b.
        correspondence: (H,W,2), where in b each pixel of a lies, (x,y) in pixels; NaN where it
            does not.

    Returns:
        Pearson correlation, in [-1,1], of map a with map b at the corresponding points.

    Raises:
        LFSError: fewer than two points correspond, or a map is constant over them.
    """
    known = correspondence.isfinite().all(-1)
    height, width = maps.shape[-2:]
    # Whole numbers are pixel centres, as `grid_sample` has them with aligned corners.
    points = correspondence[known] * 2 / torch.tensor([width - 1, height - 1]) - 1
    of_b = torch.nn.functional.grid_sample(
        maps[1][None, None], points[None, None], align_corners=True, padding_mode="border"
    ).flatten()
    of_a = maps[0][known]
    if known.sum() < 2 or of_a.std() == 0 or of_b.std() == 0:
        raise LFSError("The maps cannot be compared: too few points correspond, or one is flat.")
    return torch.corrcoef(torch.stack([of_a, of_b]))[0, 1].item()


def _check(heat: Tensor, region: Tensor) -> None:
    if heat.shape != region.shape:
        raise LFSError(f"Map {tuple(heat.shape)} and region {tuple(region.shape)} differ in shape.")
    if region.all() or not region.any():
        raise LFSError("The region is empty or everything; there is nothing to tell apart.")
