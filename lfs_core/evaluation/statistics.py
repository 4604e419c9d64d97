"""Confidence intervals of means, and tests whether two methods differ on the same pairs.

Pairs that share a person or a class are not independent: a bird that is hard to explain is so in
all its pairs. Where classes are few, an interval that takes pairs as independent is too narrow.
If the classes of both images are known, intervals are therefore widened. The standard error allows
for any dependence of pairs that share a class (Cameron and Miller 2014; Aronow, Samii and Assenova
2015). Drawing classes again, each pair counted by the product of its classes' counts, would count
what is of a pair alone three times over (Owen 2007).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from lfs_core.errors import LFSError
from lfs_core.util.extras import needs

DRAWS = 10_000
LEVEL = 0.95


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray],
    pairs: int,
    draws: int = DRAWS,
    seed: int = 0,
    classes: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A statistic of pairs and its percentile interval, from pairs drawn again with replacement.

    Args:
        statistic: from how often each of some samples holds each pair, (S,P), to its values in
            these samples, (S,...); NaN where a sample has no value.
        pairs: P, how many pairs there are.
        draws: how many samples are drawn.
        seed: of the draws.
        classes: (P,2) integers, the class of both images of each pair; then the interval is
            stretched about the statistic by `stretch`, never made narrower.

    Returns:
        The statistic of all pairs, and its lower and upper ends at 95 %, each (...).

    Raises:
        LFSError: there is no pair, or all are of one class.
    """
    if not pairs:
        raise LFSError("There are no pairs, and so no mean.")
    counts = _counts(pairs, draws, seed)
    everybody = np.ones((1, pairs))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = statistic(everybody)[0]
        samples = statistic(counts)
        without = None if classes is None else statistic(everybody - np.eye(pairs))
    known = np.isfinite(found)
    tail = 100 * (1 - LEVEL) / 2
    ends = np.nanpercentile(np.where(known, samples, 0), [tail, 100 - tail], axis=0)
    if classes is not None and without is not None:
        influence = np.nan_to_num(found - without)  # of each pair, by the jackknife
        ends = found + stretch(influence, classes) * (ends - found)
    low, high = np.where(known, ends, np.nan)
    return found, low, high


@lru_cache(maxsize=8)
def _counts(pairs: int, draws: int, seed: int) -> np.ndarray:
    """How often each sample holds each pair, (draws,pairs); kept, for drawing is most of the work.

    The counts are floating-point numbers, since matrix products are quick for these alone.
    """
    drawn = np.random.default_rng(seed).multinomial(pairs, np.full(pairs, 1 / pairs), draws)
    counts = drawn.astype(float)
    counts.flags.writeable = False  # everybody is given the same array
    return counts


def stretch(influence: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How many times wider an interval is that allows for pairs that share a class.

    The variance of a mean is a sum of products of the influences of two pairs. It runs over all
    pairs of pairs that share a class (Aronow, Samii and Assenova 2015, Eq. 4; Cameron and Miller
    2014). With few classes it is too small, so it is multiplied by C / (C - 1), and quantiles are
    those of Student's t with C - 1 degrees of freedom, where C counts the classes.

    Args:
        influence: (P,...), of each pair on the mean, up to a common factor.
        classes: (P,2) integers.

    Returns:
        (...), at least 1.

    Raises:
        LFSError: all pairs are of one class.
    """
    norm, t = _distributions()
    names, places = np.unique(classes, return_inverse=True)
    if len(names) < 2:
        raise LFSError("All pairs are of one class; an interval over classes needs two or more.")
    a, b = np.sort(places.reshape(-1, 2), axis=1).T
    u = influence.reshape(len(influence), -1)
    of_class = np.zeros((len(names), u.shape[1]))
    np.add.at(of_class, a, u)
    two = a != b
    np.add.at(of_class, b[two], u[two])
    # Pairs of the same two classes share both, and have been counted twice.
    couples, couple = np.unique(a[two] * len(names) + b[two], return_inverse=True)
    of_couple = np.zeros((len(couples), u.shape[1]))
    np.add.at(of_couple, couple, u[two])
    variance = (of_class**2).sum(axis=0) - (of_couple**2).sum(axis=0)
    variance *= len(names) / (len(names) - 1)
    alone = (u**2).sum(axis=0)
    times = np.sqrt(np.divide(variance, alone, out=np.ones_like(alone), where=alone > 0).clip(1))
    upper = (1 + LEVEL) / 2
    return (times * t.ppf(upper, len(names) - 1) / norm.ppf(upper)).reshape(influence.shape[1:])


def _distributions() -> tuple[Any, Any]:
    """The normal distribution and Student's t; an interval needs them, its import does not."""
    with needs("evaluate", "A confidence interval"):
        from scipy.stats import norm, t
    return norm, t


def bootstrap_means(
    values: np.ndarray, draws: int = DRAWS, seed: int = 0, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means and their intervals by `bootstrap`.

    All columns see the same draws, so that differences of columns are paired.

    Args:
        values: (P,...), one row a pair; NaN where a pair has no value.
        draws: how many samples are drawn.
        seed: of the draws.
        classes: (P,2) integers, the class of both images of each pair, where known.

    Returns:
        Means, lower and upper ends at 95 %, each (...); NaN where no pair has a value.

    Raises:
        LFSError: there is no pair, or all are of one class.
    """
    flat = values.reshape(len(values), int(np.prod(values.shape[1:]))).astype(float)
    known = np.isfinite(flat)
    filled, weights = np.where(known, flat, 0), known.astype(float)
    # A matrix product gives all samples of all columns at once.
    found = bootstrap(
        lambda counts: (counts @ filled) / (counts @ weights), len(flat), draws, seed, classes
    )
    mean, low, high = (one.reshape(values.shape[1:]) for one in found)
    return mean, low, high


def sign_flip_test(differences: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Whether the mean differs from 0: the two-sided permutation test of paired differences.

    Args:
        differences: (P,...), one row a pair; NaN where a pair has no value.
        draws: how many ways of exchanging the two methods are drawn.
        seed: of the draws.

    Returns:
        p-values (...), in (0,1].
    """
    flat = np.nan_to_num(differences.reshape(len(differences), -1).astype(float))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (draws, len(flat)))
    # Rounding must not make a sample as extreme as what was found seem less so.
    found = np.abs(flat.sum(axis=0)) * (1 - 1e-9) - 1e-12
    extreme = (np.abs(signs @ flat) >= found).sum(axis=0)
    return ((extreme + 1) / (draws + 1)).reshape(differences.shape[1:])


def p_values(
    mean: np.ndarray, low: np.ndarray, high: np.ndarray, freedom: np.ndarray | float = np.inf
) -> np.ndarray:
    """Two-sided p-values of means, from their 95 % intervals: is the mean 0?

    The mean has Student's t distribution with the spread that its interval has on the side of 0. So
    p is 0.05 where the interval ends at 0, and a verdict from p is one from the interval. Other
    than a share of samples, p can be small enough for many tests together.

    Args:
        mean: (...).
        low: (...), lower ends.
        high: (...), upper ends.
        freedom: (...), degrees of freedom: how many pairs, or classes, less one.

    Returns:
        (...), in [0,1]; 1 where there is no mean.
    """
    _, t = _distributions()
    half = np.where(mean > 0, mean - low, high - mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = t.ppf((1 + LEVEL) / 2, freedom) * np.abs(mean) / half
    z = np.where(np.equal(mean, 0), 0, z)
    return np.where(np.isfinite(mean), 2 * t.sf(z, freedom), 1.0)


def freedom_of(values: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
    """Degrees of freedom of means of pairs: how many pairs, or classes where known, less one.

    Args:
        values: (P,...), one row a pair; NaN where a pair has no value.
        classes: (P,2) integers, the class of both images of each pair, where known.

    Returns:
        (...), at least 1.
    """
    known = np.isfinite(values.reshape(len(values), -1).astype(float))
    if classes is None:
        count = known.sum(axis=0)
    else:
        count = np.array([len(np.unique(classes[of])) for of in known.T], dtype=int)
    return np.maximum(count - 1, 1).reshape(values.shape[1:])


def paired_test(differences: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
    """Whether means differ from 0: by `sign_flip_test`, or where classes are known by `p_values`.

    Flipping signs pair by pair would take pairs of one class as independent.

    Args:
        differences: (P,...), one row a pair; NaN where a pair has no value.
        classes: (P,2) integers, the class of both images of each pair, where known.

    Returns:
        p-values (...), in [0,1].
    """
    if classes is None:
        return sign_flip_test(differences)
    freedom = freedom_of(differences, classes)
    return p_values(*bootstrap_means(differences, classes=classes), freedom)


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values of several tests, corrected so that all hold together.

    Holm, S. 1979. A simple sequentially rejective multiple test procedure. Scandinavian Journal
    of Statistics 6, 65-70.

    Args:
        p_values: (n,).

    Returns:
        (n,), in [0,1].
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.maximum.accumulate(p_values[order] * factors).clip(max=1)
    return corrected
