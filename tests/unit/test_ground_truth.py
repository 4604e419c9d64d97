"""Measures against known regions, by closed forms and independent implementations."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

import lfs_core as lfs
from lfs_core.evaluation.metrics.ground_truth import moved_correlation, region_auroc, share_inside


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), levels=st.integers(1, 30), scale=st.floats(1e-3, 1e3))
def test_auroc_is_scikit_learns_whatever_the_scale_and_ties(
    seed: int, levels: int, scale: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    heat = torch.randint(0, levels, (9, 7), generator=generator).double() * scale - scale
    region = torch.rand(9, 7, generator=generator) < 0.3
    region[0, 0], region[0, 1] = True, False
    expected = roc_auc_score(region.flatten().numpy(), heat.flatten().numpy())
    assert region_auroc(heat, region) == pytest.approx(expected, abs=1e-5)


def test_shares_of_a_region() -> None:
    heat = torch.tensor([[1.0, 3.0], [0.0, 4.0]])
    assert share_inside(heat, torch.tensor([[True, False], [True, False]])) == 0.125
    assert region_auroc(heat, heat > 2) == 1
    assert region_auroc(heat, heat < 2) == 0
    assert region_auroc(torch.ones(2, 2), heat > 2) == 0.5


def test_maps_that_move_with_the_scene_and_maps_that_do_not() -> None:
    generator = torch.Generator().manual_seed(0)
    scene = torch.rand(40, 60, generator=generator)
    maps = torch.stack([scene[:, :50], scene[:, 10:]])
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(50.0), indexing="ij")
    correspondence = torch.stack([x - 10, y], dim=-1)
    correspondence[:, :10] = torch.nan
    assert moved_correlation(maps, correspondence) == pytest.approx(1, abs=1e-5)
    still = torch.stack([maps[0], maps[0]])
    assert abs(moved_correlation(still, correspondence)) < 0.1
    # A sixth of a pixel between two pixels is five sixths of the one and a sixth of the other.
    ramp = torch.stack([x, 2 * x])
    assert moved_correlation(ramp, correspondence + 1 / 6) == pytest.approx(1, abs=1e-5)


def test_what_cannot_be_measured() -> None:
    heat, everything = torch.rand(4, 4), torch.ones(4, 4, dtype=torch.bool)
    for measure in (region_auroc, share_inside):
        with pytest.raises(lfs.LFSError, match="empty or everything"):
            measure(heat, everything)
        with pytest.raises(lfs.LFSError, match="empty or everything"):
            measure(heat, ~everything)
        with pytest.raises(lfs.LFSError, match="differ in shape"):
            measure(heat, everything[:2])
    everything[0] = False
    with pytest.raises(lfs.LFSError, match="0 throughout"):
        share_inside(torch.zeros(4, 4), everything)
    with pytest.raises(lfs.LFSError, match="cannot be compared"):
        moved_correlation(torch.rand(2, 4, 4), torch.full((4, 4, 2), torch.nan))
    with pytest.raises(lfs.LFSError, match="cannot be compared"):
        moved_correlation(torch.ones(2, 4, 4), torch.ones(4, 4, 2))
