"""A mean with its 95 % interval, and what follows from where the interval lies.

Verdicts of several intervals follow two rules. That *all* means lie on one side needs no correction
for their number: an intersection-union test (Berger 1982). That *some* mean does would be found by
chance if only enough are looked at, and needs Holm's correction (1979).

Berger, R. L. 1982. Multiparameter hypothesis testing and acceptance sampling. Technometrics 24,
295-300.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from lfs_core.evaluation.statistics import (
    DRAWS,
    LEVEL,
    bootstrap,
    bootstrap_means,
    freedom_of,
    holm,
    p_values,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Verdict = Literal["holds", "fails", "depends", "not shown", "not reproduced here"]
"""Of a claim; `depends` applies to many readings only, and the last to numbers of the paper that
other networks and images do not reach."""

ALIKE = 0.95  # maps whose rank correlation is above it are the same for a reader
COMMON = 0.5  # maps that agree more than this are mostly not about the pair


@dataclass(frozen=True)
class Interval:
    """A mean over pairs with the ends of its 95 % interval.

    Attributes:
        mean: of the pairs.
        low: lower end.
        high: upper end.
        pairs: how many, where known.
        freedom: degrees of freedom, if they are not the pairs less one.
    """

    mean: float
    low: float
    high: float
    pairs: int | None = None
    freedom: float | None = None

    def __str__(self) -> str:
        pairs = "" if self.pairs is None else f" (n = {self.pairs})"
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]{pairs}"

    @property
    def p(self) -> float:
        """The two-sided p-value of a mean of 0, by `statistics.p_values`."""
        freedom = self.freedom
        if freedom is None:
            freedom = np.inf if self.pairs is None else max(self.pairs - 1, 1)
        mean, low, high = map(np.array, (self.mean, self.low, self.high))
        return float(p_values(mean, low, high, freedom))

    def minus(self, value: float) -> Interval:
        """By how much the mean lies above a value."""
        return replace(self, mean=self.mean - value, low=self.low - value, high=self.high - value)

    def under(self, value: float) -> Interval:
        """By how much the mean lies below a value."""
        return replace(self, mean=value - self.mean, low=value - self.high, high=value - self.low)

    def above(self, value: float = 0.0) -> Verdict:
        """Whether the mean lies above a value."""
        if self.low > value:
            return "holds"
        return "fails" if self.high < value else "not shown"

    def below(self, value: float = 0.0) -> Verdict:
        """Whether the mean lies below a value."""
        return self.under(value).above()


def interval(values: ArrayLike, draws: int = DRAWS, classes: np.ndarray | None = None) -> Interval:
    """The mean of values of pairs (P,); classes (P,2) of both images of each, where known."""
    known = np.asarray(values, dtype=float)
    mean, low, high = map(float, bootstrap_means(known, draws, classes=classes))
    freedom = float(freedom_of(known, classes))
    return Interval(mean, low, high, int(np.isfinite(known).sum()), freedom)


def correlation(
    x: np.ndarray, y: np.ndarray, draws: int = 2000, classes: np.ndarray | None = None
) -> Interval:
    """Spearman's correlation over pairs; classes (P,2) of both images of each, where known."""
    from scipy.stats import rankdata

    def of(counts: np.ndarray) -> np.ndarray:
        drawn = (np.repeat(np.arange(len(x)), times) for times in counts.astype(int))
        return np.array([np.corrcoef(rankdata(x[k]), rankdata(y[k]))[0, 1] for k in drawn])

    mean, low, high = map(float, bootstrap(of, len(x), draws, classes=classes))
    pairs = len(x) if classes is None else len(np.unique(classes))
    return Interval(mean, low, high, len(x), max(pairs - 2, 1))


def with_interval(values: ArrayLike, classes: np.ndarray | None = None) -> str:
    """A mean with its interval and the number of pairs, as tables show them."""
    return str(interval(values, 2000, classes))


def together(found: Sequence[Interval], parts: Sequence[int] | None = None) -> list[Verdict]:
    """Whether each of several means lies above 0, so that all verdicts hold together.

    If all are the same without correction, they stay; else each is corrected by Holm's rule over
    all.

    Args:
        found: the means.
        parts: of how many parts of a claim each is the lowest. That the lowest is above 0 says
            that all are; that it is below would be found by chance if there are enough parts.
    """
    times = [1] * len(found) if parts is None else parts
    p = np.array([of.p * (k if of.mean < 0 else 1) for of, k in zip(found, times, strict=True)])

    def verdicts(p: np.ndarray) -> list[Verdict]:
        return [
            of.above() if one < 1 - LEVEL else "not shown" for of, one in zip(found, p, strict=True)
        ]

    alone = verdicts(p)
    return alone if len(set(alone)) < 2 else verdicts(holm(p))


def joint_verdict(parts: Sequence[Interval]) -> Verdict:
    """Of a claim that several means lie above 0: holds if all do; fails if any lies below."""
    verdicts = together(parts)
    if "fails" in verdicts:
        return "fails"
    return "holds" if set(verdicts) == {"holds"} else "not shown"
