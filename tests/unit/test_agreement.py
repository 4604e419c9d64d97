"""Rank correlation of maps against SciPy's, and how methods are compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

import lfs_core as lfs
from lfs_core.evaluation.agreement import SIDE, agreement_of_methods, rank_correlation


@given(st.integers(0, 10_000), st.sampled_from([2, 5, 1000]))
def test_it_is_spearmans_correlation_also_with_ties(seed: int, levels: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.integers(0, levels, (2, SIDE, SIDE)).astype(float)
    found = rank_correlation(torch.from_numpy(a), torch.from_numpy(b)).item()
    assert found == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic, abs=1e-10)


def test_it_does_not_see_scale_or_curve() -> None:
    # In float64: exp would make neighbours equal in float32, and ties change the correlation.
    a, b = torch.rand(2, 3, SIDE, SIDE, dtype=torch.float64)
    expected = rank_correlation(a, b)
    torch.testing.assert_close(rank_correlation(a.exp(), 5 * b - 2), expected)
    torch.testing.assert_close(rank_correlation(a, -b), -expected)
    torch.testing.assert_close(rank_correlation(a, a), torch.ones(3).double())


def test_a_constant_map_agrees_with_nothing() -> None:
    assert rank_correlation(torch.ones(8, 8), torch.rand(8, 8)) == 0


def test_methods_and_their_maps_of_the_next_pair() -> None:
    a, b, c = (torch.rand(2, SIDE, SIDE) for _ in range(3))
    between, with_next = agreement_of_methods({"one": [a, b], "its negative": [-a, -b]})
    torch.testing.assert_close(between, torch.tensor([[1.0, -1], [-1, 1]]).double())
    expected = rank_correlation(a, b).mean()
    torch.testing.assert_close(with_next, expected.expand(2))
    between, _ = agreement_of_methods({"one": [a, b], "other": [a, c]})
    torch.testing.assert_close(between[0, 1], (1 + rank_correlation(b, c).mean()) / 2)


def test_refusals() -> None:
    with pytest.raises(lfs.LFSError, match="differ in shape"):
        rank_correlation(torch.rand(4, 4), torch.rand(5, 5))
    with pytest.raises(lfs.LFSError, match="give more"):
        agreement_of_methods({"one": [torch.rand(2, 4, 4)]})
