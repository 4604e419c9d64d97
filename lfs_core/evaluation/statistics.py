"""How sure a mean is, and whether two methods differ on the same pairs."""

from __future__ import annotations

import numpy as np

from lfs_core.errors import LFSError

DRAWS = 10_000
LEVEL = 0.95


def bootstrap_means(
    values: np.ndarray, draws: int = DRAWS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means and their percentile intervals, from pairs drawn again with replacement.

    All columns see the same draws, so that differences of columns are paired.

    Args:
        values: (P,...), one row a pair; NaN where a pair says nothing.
        draws: how many samples are drawn.
        seed: of the draws.

    Returns:
        Means, lower and upper ends at 95 %, each (...); NaN where no pair says anything.

    Raises:
        LFSError: there is no pair.
    """
    if not len(values):
        raise LFSError("There are no pairs, and so no mean.")
    flat = values.reshape(len(values), -1).astype(float)
    known = np.isfinite(flat)
    generator = np.random.default_rng(seed)
    # How often each pair is drawn; a matrix product then gives all samples of all columns at once.
    counts = generator.multinomial(len(flat), np.full(len(flat), 1 / len(flat)), draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        filled = np.where(known, flat, 0)
        means = filled.sum(axis=0) / known.sum(axis=0)
        samples = (counts @ filled) / (counts @ known.astype(float))
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.nanpercentile(
        np.where(known.any(axis=0), samples, 0), [tail, 100 - tail], axis=0
    )
    low, high = (np.where(known.any(axis=0), end, np.nan) for end in (low, high))
    shape = values.shape[1:]
    return means.reshape(shape), low.reshape(shape), high.reshape(shape)


def sign_flip_test(differences: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Whether the mean differs from 0: the two-sided permutation test of paired differences.

    Args:
        differences: (P,...), one row a pair; NaN where a pair says nothing.
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
