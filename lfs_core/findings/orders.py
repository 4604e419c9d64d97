"""Whether places can be ordered better than they are, without another pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.comparators import EXPLAINERS
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS
from lfs_core.findings.intervals import Interval, interval, together
from lfs_core.findings.stored import stored_run

if TYPE_CHECKING:
    import pandas as pd

PEOPLE = {"weights": "people of the choice", "fresh": "fresh people"}
TESTS = {"selectivity": "Deletion", "insertion": "Insertion"}
RESAMPLED = 2000  # times, for each interval


@dataclass(frozen=True)
class Trial:
    """Orders that were tried against a control, on people of the choice and on fresh ones.

    Attributes:
        study: by which the scores are stored.
        control: what the others are compared with.
        tried: what the others are, in words.
        versus: the control, in words.
        apart: orders that are shown and could not be chosen.
    """

    study: str
    control: str
    tried: str
    versus: str
    apart: tuple[str, ...] = ()


ORDERS = Trial("one-pass-orders", "one-pass map", "greedy orders", "the order of the one-pass map")
TARGETS = Trial(
    "head-targets",
    "trained on",
    "heads and orders that were tried",
    "the head that was trained on towards its own target",
    ("as shipped",),
)


def orders_table(trial: Trial = ORDERS) -> pd.DataFrame:
    """By how much each order is ahead of the control, in each test."""
    import pandas as pd

    rows = {}
    for part, people in PEOPLE.items():
        scores = _scores(trial, part)
        for order in scores:
            if order != trial.control:
                ahead = _ahead(scores[trial.control], scores[order])
                name = reader_name(order) if order in EXPLAINERS else order
                rows[people, name] = {test: _told(of) for test, of in ahead.items()}
    return pd.DataFrame(rows).T.rename_axis(["pairs of", "order"])


def tried_in_words(trial: Trial = ORDERS) -> str:
    """Which order came closest among those tried, and how it did on fresh people."""
    means = {
        order: sum(of.mean() for of in tests.values())
        for order, tests in _scores(trial, "weights").items()
        if order not in (trial.control, *trial.apart)
    }
    best = max(means, key=lambda order: means[order])
    fresh = _scores(trial, "fresh")
    (order,) = (name for name in fresh if name != trial.control)
    found = _ahead(fresh[trial.control], fresh[order])
    verdicts = together(list(found.values()))
    said = (
        f"significantly better in {verdicts.count('holds')} of {len(found)} tests and worse in "
        f"{verdicts.count('fails')}"
    )
    return (
        f"Of the {trial.tried}, *{best}* has the highest sum of its leads on the people by whom "
        f"weights are chosen. On fresh people, *{order}* is {said}, compared with {trial.versus}."
    )


def _scores(trial: Trial, part: str) -> dict[str, dict[str, np.ndarray]]:
    """By order and test: the scores of each pair, the mean over fills."""
    people: Mapping[str, Any] = stored_run(trial.study)["people"][part]
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
