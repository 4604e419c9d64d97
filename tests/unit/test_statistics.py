"""Intervals and tests against SciPy's, and corrections by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.evaluation.statistics import bootstrap, bootstrap_means, holm, sign_flip_test
from lfs_core.findings.intervals import interval


def test_intervals_are_scipys() -> None:
    values = np.random.default_rng(0).gamma(2, size=(80, 3))
    mean, low, high = bootstrap_means(values)
    np.testing.assert_allclose(mean, values.mean(axis=0))
    theirs = scipy.stats.bootstrap((values,), np.mean, axis=0, method="percentile", rng=1)
    np.testing.assert_allclose(low, theirs.confidence_interval.low, atol=0.02)
    np.testing.assert_allclose(high, theirs.confidence_interval.high, atol=0.02)


def test_the_interval_of_any_statistic_is_scipys() -> None:
    x, y = np.random.default_rng(1).multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=90).T

    def correlations(counts: np.ndarray) -> np.ndarray:
        return np.array([np.corrcoef(x.repeat(n), y.repeat(n))[0, 1] for n in counts])

    found, low, high = bootstrap(correlations, len(x), draws=4000)
    assert found == pytest.approx(np.corrcoef(x, y)[0, 1])
    theirs = scipy.stats.bootstrap(
        (x, y),
        lambda a, b: np.corrcoef(a, b)[0, 1],
        paired=True,
        vectorized=False,
        n_resamples=4000,
        method="percentile",
        rng=1,
    ).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_a_mean_comes_before_the_ends_of_its_interval() -> None:
    found = interval([1, 2, 6])
    assert found.mean == 3 and found.low < found.mean < found.high
    assert interval([1, 2, 6]) == found  # the draws are the same


def test_differences_are_paired() -> None:
    one = np.random.default_rng(0).normal(size=50) * 10
    difference, low, high = bootstrap_means(one - (one + 0.1))
    assert low == pytest.approx(-0.1) and high == pytest.approx(-0.1) == pytest.approx(difference)
    together = bootstrap_means(np.stack([one, one], axis=1))
    for ends in together:
        assert ends[0] == ends[1]  # the same draws for both


def test_unknown_values_are_left_out() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    mean, low, high = bootstrap_means(values)
    assert mean[0] == 2 and low[0] == 1 and high[0] == 3
    assert np.isnan([mean[1], low[1], high[1]]).all()
    assert sign_flip_test(values)[1] == 1


def test_intervals_hold_what_they_promise() -> None:
    """Of 300 samples of a known distribution, about 95 % of the intervals hold its mean."""
    samples = np.random.default_rng(3).normal(size=(60, 300)) + 1
    _, low, high = bootstrap_means(samples, draws=1000)
    assert 0.90 < ((low <= 1) & (high >= 1)).mean() < 0.98


def test_the_sign_flip_test_is_scipys() -> None:
    differences = np.random.default_rng(1).normal(0.25, 1, size=(40, 3))
    ours = sign_flip_test(differences)
    theirs = scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=9999, rng=0
    )
    np.testing.assert_allclose(ours, theirs.pvalue, atol=0.015)


def test_the_sign_flip_test_of_few_pairs_by_hand() -> None:
    """Of 8 equally likely signs of (1,2,3), two give a sum as far from 0 as 6."""
    assert sign_flip_test(np.array([1.0, 2, 3])) == pytest.approx(2 / 8, abs=0.02)
    assert sign_flip_test(np.zeros(5)) == 1


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1, 1])


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=8))
def test_holm_lies_between_no_correction_and_bonferronis(p_values: list[float]) -> None:
    p = np.array(p_values)
    corrected = holm(p)
    assert (corrected >= p).all() and (corrected <= np.minimum(1, p * len(p)) + 1e-12).all()
    order = p.argsort(kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()


def test_no_pairs() -> None:
    with pytest.raises(lfs.LFSError, match="no pairs"):
        bootstrap_means(np.empty((0, 2)))
