"""A mean with its 95 % interval, and what follows from where the interval lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from lfs_core.evaluation.statistics import DRAWS, bootstrap, bootstrap_means

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Verdict = Literal["holds", "fails", "depends", "not shown", "not reproduced here"]
"""Of a claim; `depends` is said of many readings only, and the last of numbers of the paper that
other networks and images than the paper's do not reach."""


@dataclass(frozen=True)
class Interval:
    """A mean over pairs with the ends of its 95 % interval; and how many pairs, where known."""

    mean: float
    low: float
    high: float
    pairs: int | None = None

    def __str__(self) -> str:
        pairs = "" if self.pairs is None else f" (n = {self.pairs})"
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]{pairs}"

    def above(self, value: float = 0.0) -> Verdict:
        """Whether the mean lies above a value."""
        if self.low > value:
            return "holds"
        return "fails" if self.high < value else "not shown"

    def below(self, value: float = 0.0) -> Verdict:
        """Whether the mean lies below a value."""
        return Interval(-self.mean, -self.high, -self.low).above(-value)


def interval(values: ArrayLike, draws: int = DRAWS) -> Interval:
    """The mean of values of pairs (P,)."""
    known = np.asarray(values, dtype=float)
    mean, low, high = map(float, bootstrap_means(known, draws))
    return Interval(mean, low, high, int(np.isfinite(known).sum()))


def correlation(x: np.ndarray, y: np.ndarray, draws: int = 2000) -> Interval:
    """Spearman's correlation over pairs, with the interval of a bootstrap over pairs."""
    from scipy.stats import rankdata

    def of(counts: np.ndarray) -> np.ndarray:
        drawn = (np.repeat(np.arange(len(x)), times) for times in counts)
        return np.array([np.corrcoef(rankdata(x[k]), rankdata(y[k]))[0, 1] for k in drawn])

    mean, low, high = map(float, bootstrap(of, len(x), draws))
    return Interval(mean, low, high, len(x))


def with_interval(values: ArrayLike) -> str:
    """A mean with its interval, as tables show them."""
    mean, low, high = bootstrap_means(np.asarray(values, dtype=float), 2000)
    return str(Interval(float(mean), float(low), float(high)))


def joint_verdict(verdicts: Sequence[Verdict]) -> Verdict:
    """Of a claim of several parts: holds if every part does; fails if any part does."""
    if "fails" in verdicts:
        return "fails"
    return "holds" if set(verdicts) == {"holds"} else "not shown"
