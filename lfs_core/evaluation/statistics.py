"""Confidence intervals of means, and tests whether two methods differ on the same pairs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lfs_core.errors import LFSError

DRAWS = 10_000
LEVEL = 0.95


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray], pairs: int, draws: int = DRAWS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A statistic of pairs and its percentile interval, from pairs drawn again with replacement.

    Args:
        statistic: from how often each of some samples holds each pair, (S,P), to its values in
            these samples, (S,...); NaN where a sample has no value.
        pairs: P, how many pairs there are.
        draws: how many samples are drawn.
        seed: of the draws.

    Returns:
        The statistic of all pairs, and its lower and upper ends at 95 %, each (...).

    Raises:
        LFSError: there is no pair.
    """
    if not pairs:
        raise LFSError("There are no pairs, and so no mean.")
    counts = np.random.default_rng(seed).multinomial(pairs, np.full(pairs, 1 / pairs), draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = statistic(np.ones((1, pairs), dtype=counts.dtype))[0]
        samples = statistic(counts)
    known = np.isfinite(found)
    tail = 100 * (1 - LEVEL) / 2
    ends = np.nanpercentile(np.where(known, samples, 0), [tail, 100 - tail], axis=0)
    low, high = np.where(known, ends, np.nan)
    return found, low, high


def bootstrap_means(
    values: np.ndarray, draws: int = DRAWS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means and their intervals by `bootstrap`.

    All columns see the same draws, so that differences of columns are paired.

    Args:
        values: (P,...), one row a pair; NaN where a pair has no value.
        draws: how many samples are drawn.
        seed: of the draws.

    Returns:
        Means, lower and upper ends at 95 %, each (...); NaN where no pair has a value.

    Raises:
        LFSError: there is no pair.
    """
    flat = values.reshape(len(values), int(np.prod(values.shape[1:]))).astype(float)
    known = np.isfinite(flat)
    filled, weights = np.where(known, flat, 0), known.astype(float)
    # A matrix product gives all samples of all columns at once.
    found = bootstrap(lambda counts: (counts @ filled) / (counts @ weights), len(flat), draws, seed)
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


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values of several tests, corrected so that all hold together (Holm 1979).

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
