"""Superpixels of many kinds: against the paper's grid, and by their properties."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.evaluation.metrics.selectivity import enlarged, flip_ranks, superpixels
from lfs_core.evaluation.partitions import GRIDS, PARTITIONS, partition, replaced_after

IMAGE = torch.rand(3, 80, 80, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", PARTITIONS)
def test_every_pixel_belongs_to_one_superpixel(kind: str) -> None:
    segments = partition(IMAGE, kind)
    assert segments.shape == (80, 80)
    assert segments.unique().tolist() == list(range(int(segments.max()) + 1))


def test_grids_have_as_many_cells_as_they_say() -> None:
    cells = {kind: partition(IMAGE, kind).flatten().bincount() for kind in GRIDS}
    assert {kind: len(of) for kind, of in cells.items()} == {
        "8x8": 64,
        "8x8, shifted": 81,
        "5x5": 25,
        "10x10": 100,
    }
    assert cells["8x8"].unique().tolist() == [100]
    # Half a cell at each border, a quarter in each corner.
    assert cells["8x8, shifted"].unique().tolist() == [25, 50, 100]


def test_slic_follows_colours() -> None:
    """No superpixel crosses the border between two colours."""
    image = torch.zeros(3, 80, 80)
    image[0, :, :37] = 1
    segments = partition(image, "SLIC")
    left = set(segments[:, :37].unique().tolist())
    assert not left & set(segments[:, 37:].unique().tolist())


@given(flips=st.integers(0, 64), seed=st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_the_papers_grid_is_flipped_as_by_selectivity(flips: int, seed: int) -> None:
    heat = torch.rand(40, 40, generator=torch.Generator().manual_seed(seed))
    ranks = enlarged(flip_ranks(superpixels(heat)), (40, 40))
    before = replaced_after(heat, partition(IMAGE[:, ::2, ::2], "8x8"), seed)
    assert torch.equal(before < flips / 64 - 1e-9, ranks < flips)


@given(seed=st.integers(0, 100), kind=st.sampled_from(PARTITIONS))
@settings(max_examples=40, deadline=None)
def test_the_most_relevant_come_first(seed: int, kind: str) -> None:
    heat = torch.rand(80, 80, generator=torch.Generator().manual_seed(seed))
    segments = partition(IMAGE, kind)
    before = replaced_after(heat, segments, 0)
    of = {
        int(k): (before[segments == k].unique().item(), heat[segments == k].mean().item())
        for k in segments.unique()
    }
    shares = [share for share, _ in sorted(of.values(), key=lambda one: -one[1])]
    assert shares == sorted(shares) and shares[0] == 0 and len(set(shares)) == len(shares)


def test_ties_are_drawn() -> None:
    even, segments = torch.ones(80, 80), partition(IMAGE, "8x8")
    orders = {
        tuple(replaced_after(even, segments, seed)[::10, ::10].flatten().tolist())
        for seed in range(5)
    }
    assert len(orders) == 5


def test_refusals() -> None:
    with pytest.raises(lfs.LFSError, match="no superpixels 'hexagons'"):
        partition(IMAGE, "hexagons")
    with pytest.raises(lfs.LFSError, match="NaN"):
        replaced_after(torch.full((80, 80), torch.nan), partition(IMAGE, "5x5"), 0)
