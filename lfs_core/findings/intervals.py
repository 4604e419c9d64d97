"""A mean with its 95 % interval, and what follows from where the interval lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from lfs_core.evaluation.statistics import DRAWS, bootstrap_means

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Verdict = Literal["confirmed", "refuted", "undecided"]


@dataclass(frozen=True)
class Interval:
    """A mean over pairs with the ends of its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def above(self, value: float = 0.0) -> Verdict:
        """Whether the mean lies above a value."""
        if self.low > value:
            return "confirmed"
        return "refuted" if self.high < value else "undecided"

    def below(self, value: float = 0.0) -> Verdict:
        """Whether the mean lies below a value."""
        return Interval(-self.mean, -self.high, -self.low).above(-value)


def interval(values: ArrayLike, draws: int = DRAWS) -> Interval:
    """The mean of values of pairs (P,)."""
    return Interval(*(float(x) for x in bootstrap_means(np.asarray(values, dtype=float), draws)))


def correlation(x: np.ndarray, y: np.ndarray, draws: int = 2000) -> Interval:
    """Spearman's correlation over pairs, with the interval of a bootstrap over pairs."""
    from scipy.stats import rankdata

    generator = np.random.default_rng(0)

    def of(chosen: np.ndarray) -> float:
        return np.corrcoef(rankdata(x[chosen]), rankdata(y[chosen]))[0, 1]

    samples = [of(generator.integers(len(x), size=len(x))) for _ in range(draws)]
    low, high = np.percentile(samples, [2.5, 97.5])
    return Interval(float(of(np.arange(len(x)))), float(low), float(high))


def with_interval(values: ArrayLike) -> str:
    """A mean with its interval, as tables show them."""
    return str(interval(values, draws=2000))


def mean_interval(values: Sequence[float], resamples: int = 1000) -> tuple[float, float, float]:
    """(2.5 %, mean, 97.5 %) of the mean, by bootstrap over the values; repeatable."""
    x = np.asarray(values)
    drawn = np.random.default_rng(0).integers(0, len(x), (resamples, len(x)))
    low, high = np.quantile(x[drawn].mean(axis=1), (0.025, 0.975))
    return float(low), float(x.mean()), float(high)


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """Confirmed if every part is; refuted if any part is."""
    if "refuted" in verdicts:
        return "refuted"
    return "undecided" if "undecided" in verdicts else "confirmed"
