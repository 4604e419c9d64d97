"""Rank correlation of maps against SciPy's, and how methods are compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

import lfs_core as lfs
from lfs_core.evaluation.metrics.agreement import (
    SIDE,
    agreement_beyond_chance,
    agreement_of_methods,
    map_similarity,
    rank_correlation,
    strongest_overlap,
)


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


def test_structural_similarity_is_scikit_images() -> None:
    from skimage.metrics import structural_similarity as theirs

    a, b = torch.rand(2, 2, SIDE, SIDE, dtype=torch.float64)
    found = map_similarity(a, b)
    for k in range(2):
        expected = theirs(
            a[k].numpy(),
            b[k].numpy(),
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        assert found[k].item() == pytest.approx(expected, abs=1e-9)
    torch.testing.assert_close(map_similarity(a, a), torch.ones(2).double())


def test_maps_smaller_than_the_window() -> None:
    with pytest.raises(lfs.LFSError, match="8 pixels a side are smaller than SSIM's 11"):
        map_similarity(torch.rand(1, 8, 8), torch.rand(1, 8, 8))


def test_overlap_of_the_strongest_by_hand() -> None:
    a = torch.arange(100.0).reshape(1, 10, 10)
    torch.testing.assert_close(strongest_overlap(a, a**2), torch.ones(1))
    assert strongest_overlap(a, -a).item() == 0
    # Half of the strongest ten in common: 5 of 15.
    shifted = a.clone()
    shifted[0, 9, 5:] = -1
    assert strongest_overlap(a, shifted).item() == pytest.approx(5 / 15)


def test_agreement_beyond_chance_knows_the_pair() -> None:
    """Maps that follow the pair agree with each other, and not with those of other pairs."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(9, 2, SIDE, SIDE, generator=generator)
    noisy = (maps + 0.5 * torch.rand(maps.shape, generator=generator)) / 1.5
    is_similar = torch.tensor([True] * 5 + [False] * 3 + [True])
    for same, chance in agreement_beyond_chance(maps, noisy, is_similar).values():
        assert same.shape == (9,) and (same > chance + 0.2).all()
    common = torch.rand(SIDE, SIDE, generator=generator).expand(9, 2, -1, -1)
    for same, chance in agreement_beyond_chance(common, common, is_similar).values():
        torch.testing.assert_close(same, chance)  # the same map for all pairs: chance
    alone = agreement_beyond_chance(maps, noisy, torch.tensor([True] + [False] * 8))
    assert all(torch.isnan(x[0]) and x[1:].isfinite().all() for of in alone.values() for x in of)


def test_chance_is_the_mean_over_the_other_pairs_of_the_decision() -> None:
    maps, others = torch.rand(2, 5, 2, 20, 20, generator=torch.Generator().manual_seed(1))
    is_similar = torch.tensor([True, False, True, True, False])
    _, chance = agreement_beyond_chance(maps, others, is_similar)["rank correlation"]
    large, larger = (torch.nn.functional.interpolate(of, SIDE) for of in (maps, others))
    of = (0, 2, 3)
    table = np.array(
        [
            [
                np.mean(
                    [
                        spearmanr(large[i, side].ravel(), larger[j, side].ravel()).statistic
                        for side in (0, 1)
                    ]
                )
                for j in of
            ]
            for i in of
        ]
    )
    np.fill_diagonal(table, 0)
    assert chance[list(of)].mean().item() == pytest.approx(table.sum() / 6, abs=1e-6)
    # A pair's own number is that of its row and its column.
    expected = (table[0].sum() + table[:, 0].sum()) / 2 - table.sum() / 6
    assert chance[0].item() == pytest.approx(expected, abs=1e-6)
