"""Insertion against a loop that puts one superpixel back after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lfs_core as lfs
from lfs_core.evaluation.metrics.base import SIDE, Case, Labels
from lfs_core.evaluation.metrics.insertion import Insertion
from lfs_core.evaluation.metrics.selectivity import FLIPS, GRID
from lfs_core.util.distances import cosines

PIXELS = 16  # a side of the images, 2x2 to a superpixel


def network(images: torch.Tensor) -> torch.Tensor:
    """(B,3,16,16) -> (B,192): coarse colours with both signs."""
    return torch.nn.functional.avg_pool2d(images, 2).flatten(1) - 0.4


def case(images: torch.Tensor, maps: torch.Tensor, similar: torch.Tensor) -> Case:
    h = network(images.flatten(0, 1)).unflatten(0, (-1, 2))
    # Cosines are given, so that the pairs are called what they should be.
    labels = Labels(similar, torch.where(similar, 1.0, -1.0), 0.0)
    return Case(network, images, h, labels, maps, lambda pairs: maps, seed=4)


def test_curves_are_those_of_a_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 2, 3, PIXELS, PIXELS, generator=generator)
    maps = torch.rand(2, 2, SIDE, SIDE, generator=generator)
    similar = torch.tensor([True, False])
    curves = Insertion(every=5, fill="black").measure(case(images, maps, similar))
    cells = maps.unflatten(-1, (GRID, -1)).unflatten(-3, (GRID, -1)).mean(dim=(-1, -3)).numpy()
    for k in range(2):
        shown = images[k].numpy().copy()
        changed = range(1 if similar[k] else 2)
        for side in changed:
            shown[side] = 0
        for step in range(FLIPS + 1):
            if step:
                for side in changed:
                    rank = np.argsort(-cells[k, side], axis=None)[step - 1]
                    row, column = np.unravel_index(rank, (GRID, GRID))
                    block = np.s_[side, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                    shown[block] = images[k].numpy()[block]
            if step % 5 == 0:
                h = network(torch.from_numpy(shown))[None]
                np.testing.assert_allclose(curves[k, step // 5], cosines(h)[0], atol=1e-5)


def test_more_is_better_towards_the_decision() -> None:
    labels = Labels(torch.tensor([True, False]), torch.tensor([0.9, 0.0]), 0.3)
    curves = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    scores = Insertion(every=10).score(curves, labels)
    torch.testing.assert_close(scores, torch.tensor([0.75, 0.75]))
    assert Insertion().better == "higher"


@pytest.mark.parametrize("options", [{"fill": "pink"}, {"every": 3}, {"every": 0}])
def test_what_cannot_be_is_refused(options: dict) -> None:
    with pytest.raises(lfs.LFSError):
        Insertion(**options)
