"""Distance explainer: what the masks that bring an image nearest to the other have in common."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.comparators.masking import differing, masked_similarity, weighted_masks
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words


class DistanceExplainer(Comparator):
    """Distance explainer: the mean of the masks that leave an image near less that of the others.

    Each mask is that of RISE: a coarse grid of kept and hidden cells, enlarged and shifted at
    random; what it hides is black. The evidence of a pixel is how much the masks under which the
    image is nearest to the other one keep of it, in the mean, less what those keep under which it
    is furthest. One forward pass for each mask and image.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        masks: how many, 2 or more; the same for every image.
        grid: cells of a mask along each side, 2 or more.
        keep: chance that a cell is kept, between 0 and 1.
        share: of the masks that count as nearest, and as furthest, above 0 and at most 0.5.
        seed: of the masks, 0 or more.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "distance-explainer"
    title = "Distance explainer"
    words: ClassVar[Words] = {"masks": "{} masks", "grid": "{0} by {0} cells"}
    source = "Meijer, Bos 2025"

    def __init__(
        self,
        embedder: Embedder,
        masks: int = 1000,
        grid: int = 8,
        keep: float = 0.5,
        share: float = 0.1,
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        for name, value, least in (("masks", masks, 2), ("grid", grid, 2), ("seed", seed, 0)):
            if value < least:
                raise LFSError(f"{name} is {value}; it must be at least {least}.")
        if not 0 < keep < 1:
            raise LFSError(f"keep is {keep}; it must lie between 0 and 1.")
        if not 0 < share <= 0.5:
            raise LFSError(f"share is {share}; it must lie above 0 and at most at 0.5.")
        self.masks, self.grid, self.keep = masks, grid, keep
        self.share, self.seed = share, seed

    def evidence(self, pairs: Pairs) -> Evidence:
        """Mean of the nearest masks less mean of the furthest, (P,2,H,W) in [-1,1].

        It is 0 where the similarity is the same under every mask.
        """
        height, width = pairs.images.shape[-2:]
        masks = rise_masks(self.masks, self.grid, self.keep, self.seed, height, width)
        similarity = masked_similarity(self.embedder, pairs, masks)
        order = similarity.argsort(dim=-1, stable=True)  # the furthest first
        count = max(1, round(self.share * self.masks))
        weights = torch.zeros_like(similarity)
        weights.scatter_(-1, order[..., :count], -1 / count)
        weights.scatter_(-1, order[..., -count:], 1 / count)
        return Evidence(weighted_masks(weights * differing(similarity), masks))

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {
            "masks": self.masks,
            "grid": self.grid,
            "keep": self.keep,
            "share": self.share,
            "seed": self.seed,
        }


@lru_cache(maxsize=1)
def rise_masks(masks: int, grid: int, keep: float, seed: int, height: int, width: int) -> Tensor:
    """RISE's masks (M,H,W) in [0,1]: grids enlarged past the image's size, from which it is cut."""
    generator = torch.Generator().manual_seed(seed)
    cells = (torch.rand(masks, grid, grid, generator=generator) < keep).float()

    def enlarge(side: int) -> Tensor:
        """(M,side,grid): how much of each cell each pixel of one axis takes."""
        step = -(-side // grid)
        shift = torch.randint(step, (masks, 1), generator=generator)
        return _tents(grid, (grid + 1) * step)[shift + torch.arange(side)]

    return enlarge(height) @ cells @ enlarge(width).mT


def _tents(cells: int, pixels: int) -> Tensor:
    """(pixels,cells): the weights of linear interpolation, mirrored at the outermost cells."""
    place = (torch.arange(pixels) + 0.5) * cells / pixels - 0.5
    place = (cells - 1) - (cells - 1 - place.abs()).abs()
    return (1 - (place[:, None] - torch.arange(cells)).abs()).clamp_min(0)
