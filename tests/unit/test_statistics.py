"""Intervals and tests against SciPy's, and corrections by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.evaluation.statistics import (
    bootstrap,
    bootstrap_means,
    freedom_of,
    holm,
    p_values,
    paired_test,
    sign_flip_test,
    stretch,
)
from lfs_core.findings.intervals import Interval, interval, joint_verdict, together


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
        times = counts.astype(int)
        return np.array([np.corrcoef(x.repeat(n), y.repeat(n))[0, 1] for n in times])

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


def couples(random: np.random.Generator, classes: int, pairs: int) -> np.ndarray:
    """Pairs of two different classes (P,2)."""
    a = random.integers(classes, size=pairs)
    return np.stack([a, (a + random.integers(1, classes, size=pairs)) % classes], axis=1)


def test_intervals_over_few_classes_hold_what_they_promise() -> None:
    """Where each class moves all its pairs, only intervals that know the classes cover the mean."""
    random = np.random.default_rng(0)
    covered = []
    for _ in range(200):
        classes = couples(random, 37, 250)
        values = random.normal(size=37)[classes].sum(axis=1) / 2 + random.normal(size=250)
        ends = [bootstrap_means(values, 300, classes=of)[1:] for of in (None, classes)]
        covered.append([low <= 0 <= high for low, high in ends])
    by_pair, by_class = np.mean(covered, axis=0)
    assert by_pair < 0.75
    assert 0.90 < by_class < 0.99


def test_pairs_of_classes_of_their_own_are_independent() -> None:
    values = np.random.default_rng(0).normal(size=(200, 2))
    alone = np.arange(400).reshape(200, 2)
    for ours, theirs in zip(
        bootstrap_means(values, classes=alone), bootstrap_means(values), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=0.003)


@given(st.integers(2, 8), st.integers(2, 30), st.integers(0, 1000))
def test_the_stretch_is_that_of_the_sum_over_pairs_of_pairs(
    classes: int, pairs: int, seed: int
) -> None:
    """The definition: products of all two pairs that share a class, once each."""
    random = np.random.default_rng(seed)
    of = random.integers(classes, size=(pairs, 2))
    number = len(np.unique(of))
    if number < 2:
        return
    u = random.normal(size=pairs)
    sharing = [[bool(set(one) & set(other)) for other in of.tolist()] for one in of.tolist()]
    wanted = (np.outer(u, u) * sharing).sum() * number / (number - 1)
    wider = scipy.stats.t.ppf(0.975, number - 1) / scipy.stats.norm.ppf(0.975)
    found = stretch(u, of) / wider
    assert found == pytest.approx(np.sqrt(max(wanted / (u**2).sum(), 1)))
    np.testing.assert_allclose(stretch(u, of[:, ::-1]), stretch(u, of))  # nothing has a first class
    assert stretch(u, of) >= 1


def test_the_stretch_of_pairs_within_classes_is_that_of_clusters() -> None:
    """Pairs of one class each: the standard error is that of the classes' means."""
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(size=40), 6) + 0.1 * random.normal(size=240)
    of = np.repeat(np.arange(40), 6)
    _, low, high = bootstrap_means(values, classes=np.stack([of, of], axis=1))
    means = values.reshape(40, 6).mean(axis=1)
    half = scipy.stats.t.ppf(0.975, 39) * means.std(ddof=1) / np.sqrt(40)
    assert (high - low) / 2 == pytest.approx(half, rel=0.03)


def test_one_class_has_no_interval() -> None:
    with pytest.raises(lfs.LFSError, match="one class"):
        bootstrap_means(np.arange(4.0), classes=np.zeros((4, 2), dtype=int))


def test_p_is_that_of_flipping_signs() -> None:
    differences = np.random.default_rng(2).normal(0.15, 1, size=(150, 12))
    found = p_values(*bootstrap_means(differences))
    np.testing.assert_allclose(found, sign_flip_test(differences), atol=0.03)
    np.testing.assert_array_equal(paired_test(differences), sign_flip_test(differences))
    alone = np.arange(300).reshape(150, 2)
    np.testing.assert_allclose(paired_test(differences, alone), found, atol=0.03)


@pytest.mark.parametrize("pairs", [5, 11, 37])
def test_p_of_a_normal_mean_is_that_of_the_t_test_far_out(pairs: int) -> None:
    """In logarithms: where many tests are corrected together, the tail decides."""
    values = np.random.default_rng(pairs).normal(1.5, 1, size=(pairs, 20))
    half = scipy.stats.t.ppf(0.975, pairs - 1) * values.std(axis=0, ddof=1) / pairs**0.5
    mean = values.mean(axis=0)
    found = p_values(mean, mean - half, mean + half, pairs - 1)
    np.testing.assert_allclose(np.log(found), np.log(scipy.stats.ttest_1samp(values, 0).pvalue))
    assert (freedom_of(values) == pairs - 1).all()


def test_freedom_counts_classes_where_they_are_known() -> None:
    values = np.array([[1.0, np.nan], [2.0, 1.0], [3.0, 2.0]])
    classes = np.array([[0, 1], [2, 2], [2, 3]])
    assert freedom_of(values, classes).tolist() == [3, 1]
    assert freedom_of(values).tolist() == [2, 1]
    assert interval(values[:, 0], classes=classes).freedom == 3


finite = st.floats(-1, 1).map(lambda x: round(x, 3))


@given(finite, st.floats(0.001, 1), st.floats(0.001, 1))
def test_p_says_what_the_interval_says(mean: float, below: float, above: float) -> None:
    found = Interval(mean, mean - below, mean + above)
    outside = found.low > 0 or found.high < 0
    if abs(found.p - 0.05) > 1e-9:
        assert (found.p < 0.05) == outside
    assert found.p == pytest.approx(Interval(-mean, -found.high, -found.low).p)
    assert found.minus(mean).p == pytest.approx(1)
    assert found.minus(0.3).above() == found.above(0.3)
    assert found.under(0.3).above() == found.below(0.3)


def test_p_of_intervals_by_hand() -> None:
    assert Interval(0.1, 0, 0.5).p == pytest.approx(0.05)
    assert Interval(0.2, 0.1, 9).p == pytest.approx(2 * scipy.stats.norm.sf(2 * 1.959964))
    assert Interval(0, 0, 0).p == 1 and Interval(1, 1, 1).p == 0
    assert Interval(np.nan, np.nan, np.nan).p == 1


def test_all_needs_no_correction_and_some_does() -> None:
    barely = Interval(0.1, 0.001, 0.2)  # p is just below 0.05
    against, unsure = Interval(-0.1, -0.2, -0.001), Interval(0.1, -0.1, 0.3)
    assert together([barely] * 10) == ["holds"] * 10
    assert joint_verdict([barely] * 10) == "holds"
    assert together([barely] * 2 + [unsure]) == ["not shown"] * 3
    assert joint_verdict([barely, against]) == "not shown"
    sure = Interval(-0.2, -0.21, -0.19)
    assert joint_verdict([sure, barely, unsure]) == "fails"
    assert together([]) == []


@given(st.lists(st.tuples(finite, st.floats(0.001, 0.5)), min_size=1, max_size=12))
def test_verdicts_together_are_never_surer_than_alone(found: list[tuple[float, float]]) -> None:
    intervals = [Interval(mean, mean - half, mean + half) for mean, half in found]
    for verdict, alone in zip(together(intervals), (of.above() for of in intervals), strict=True):
        assert verdict in (alone, "not shown")
