"""Occlusion: how much of the similarity is lost when a window of an image is covered."""

from __future__ import annotations

from typing import ClassVar

import torch
from captum import attr

from lfs_core.comparators.base import Comparator, Evidence, Pairs, SimilarityTo
from lfs_core.comparators.fills import FILL_WORDS, Fill, check_fill, plain
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words

BATCH = 64  # images of the network at a time, unless the pairs alone are more
ROUNDING = 1e-6  # float32 cosines that differ by no more are equal


class Occlusion(Comparator):
    """Covers one window of an image after the other and watches the similarity.

    The evidence of a window is the cosine with the whole other image before it is covered, less
    the cosine after. The windows tile the image; one that does not divide evenly has windows that
    differ by a pixel. One forward pass for each window and image, and one for the whole image.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        grid: windows along each side of the image, 1 or more.
        fill: what covers a window: "mean", the image's own mean colour; "grey", 0.5; or "black".
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "occlusion"
    title = "Occlusion"
    words: ClassVar[Words] = {"grid": "{0} by {0} windows", "fill": FILL_WORDS}
    source = "Zeiler, Fergus 2014"

    def __init__(
        self,
        embedder: Embedder,
        grid: int = 8,
        fill: Fill = "mean",
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if grid < 1:
            raise LFSError(f"grid is {grid}; it must be at least 1.")
        check_fill("fill", fill)
        self.grid, self.fill = grid, fill

    def evidence(self, pairs: Pairs) -> Evidence:
        """What covering each window takes from the cosine: (P,2,grid,grid), in [-2,2].

        Raises:
            LFSError: there are more windows along a side than pixels.
        """
        height, width = pairs.images.shape[-2:]
        if self.grid > min(height, width):
            raise LFSError(
                f"grid is {self.grid}, but the images have {width}x{height} pixels; "
                "give a smaller one."
            )
        rows, columns = (torch.arange(side) * self.grid // side for side in (height, width))
        windows = rows[:, None] * self.grid + columns
        images = pairs.images.flatten(0, 1)
        # Ablating numbered features takes captum less time than its sliding window does.
        lost = attr.FeatureAblation(SimilarityTo(self.embedder)).attribute(
            images,
            baselines=plain(images, self.fill),
            additional_forward_args=pairs.partners.flatten(0, 1),
            feature_mask=windows[None, None],
            perturbations_per_eval=max(1, BATCH // len(images)),
        )
        # captum repeats a window's value on all of its pixels: take that of the first.
        down, across = (torch.searchsorted(x, torch.arange(self.grid)) for x in (rows, columns))
        values = lost[:, 0, down][..., across].unflatten(0, (-1, 2))
        return Evidence(values.where(values.abs() > ROUNDING, 0))

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"grid": self.grid, "fill": self.fill}
