"""Whether places can be ordered better than by the one-pass map, without another pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.evaluation.results import KINDS
from lfs_core.findings.intervals import Interval, interval
from lfs_core.findings.stored import stored_run

if TYPE_CHECKING:
    import pandas as pd

STORED, OURS = "one-pass-orders", "one-pass map"
PEOPLE = {"weights": "people of the choice", "fresh": "fresh people"}
TESTS = {"selectivity": "Deletion", "insertion": "Insertion"}
RESAMPLED = 2000  # times, for each interval


def orders_table() -> pd.DataFrame:
    """By how much each order is ahead of that of the one-pass map, in each test and in the sum."""
    import pandas as pd

    rows = {}
    for part, people in PEOPLE.items():
        scores = _scores(part)
        for order in scores:
            if order != OURS:
                ahead = _ahead(scores[OURS], scores[order])
                rows[people, order] = {test: _told(of) for test, of in ahead.items()}
    return pd.DataFrame(rows).T.rename_axis(["pairs of", "order"])


def tried_in_words() -> str:
    """Which order came closest among those tried, and how it did on fresh people."""
    means = {
        order: sum(of.mean() for of in tests.values())
        for order, tests in _scores("weights").items()
        if order != OURS
    }
    best = max(means, key=lambda order: means[order])
    fresh = _scores("fresh")
    (order,) = (name for name in fresh if name != OURS)
    found = _ahead(fresh[OURS], fresh[order])
    tests = [test for test, of in found.items() if of.above() == "holds"]
    worse = [test for test, of in found.items() if of.above() == "fails"]
    said = f"significantly better in {len(tests)} of {len(found)} tests and worse in {len(worse)}"
    return (
        f"Of the greedy orders, *{best}* has the highest sum on the people of the choice. On "
        f"fresh people, *{order}* is {said}, compared with the order of the one-pass map."
    )


def _scores(part: str) -> dict[str, dict[str, np.ndarray]]:
    """By order and test: the scores of each pair, the mean over fills."""
    people: Mapping[str, Any] = stored_run(STORED)["people"][part]
    similar = np.array(people["similar"])
    found: dict[str, dict[str, np.ndarray]] = {}
    for order, of_metric in people["scores"].items():
        for name, test in TESTS.items():
            values = [v for metric, v in of_metric.items() if metric.startswith(name)]
            mean = np.mean(np.array(values, dtype=float), axis=0)
            for kind in KINDS:
                chosen = mean[similar == (kind == "similar")]
                found.setdefault(order, {})[f"{test}, {kind}"] = chosen
    return found


def _ahead(ours: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> dict[str, Interval]:
    return {test: interval(other[test] - ours[test], RESAMPLED) for test in ours}


def _told(of: Interval) -> str:
    star = "" if of.above() == "not shown" else " *"
    return f"{of.mean:+.3f} [{of.low:+.3f}, {of.high:+.3f}]{star} (n = {of.pairs})"
