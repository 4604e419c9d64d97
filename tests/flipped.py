"""A pair whose pixel flipping can be followed by hand."""

from __future__ import annotations

import torch
from torch import Tensor

from lfs_core.evaluation.metrics.selectivity import FLIPS
from lfs_core.explanation import PairExplanation
from lfs_core.viz.views.flipbook import FlipBook

EVERY = 5
SIDE = 40

__all__ = ["EVERY", "FLIPS", "corners", "explained_by", "flip_book"]


def corners(images: Tensor) -> Tensor:
    """A network (B,3,H,W) -> (B,12): the mean colours of an image's four quarters."""
    return torch.nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)


def explained_by(similar: bool) -> dict[str, PairExplanation]:
    """A pair of colour ramps; one map falls from the left, one from the top, neither with ties."""
    down, across = torch.meshgrid(*[torch.linspace(0, 1, SIDE)] * 2, indexing="ij")
    first = torch.stack([across, down, 1 - across])
    second = torch.stack([across, 0.8 * down, 1 - across]) if similar else first.flip(0, 2)
    images = torch.stack([first, second])
    cosine = torch.cosine_similarity(*corners(images), dim=0).item()
    left = 1 - 0.9 * across - 0.01 * down
    maps = {"left": left, "top": left.T}
    return {
        name: PairExplanation(
            method=name,
            similarity=cosine,
            is_similar=similar,
            images=images,
            maps=torch.stack([heat, heat.flip(1)]),
            map_threshold=0.7,
            settings={"similarity_threshold": 0.9},
        )
        for name, heat in maps.items()
    }


def flip_book(similar: bool, fill: str = "black") -> FlipBook:
    """Its flip-book."""
    explained = {name: [e] for name, e in explained_by(similar).items()}
    return FlipBook(corners, explained, fill=fill, every=EVERY)
