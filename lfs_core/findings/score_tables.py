"""Scores of methods with intervals, and the order in which they put the methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS, Results, is_control
from lfs_core.evaluation.spec import make_metric
from lfs_core.evaluation.statistics import bootstrap_means
from lfs_core.findings.intervals import Interval, with_interval

if TYPE_CHECKING:
    import pandas as pd


def scores_table(results: Results, metric: str) -> pd.DataFrame:
    """Mean scores with 95 % intervals; is each explainer significantly better than its controls?"""
    import pandas as pd

    table: dict[str, dict[str, str]] = {}
    for row in results.rows():
        if row["metric"] != metric:
            continue
        text = str(Interval(row["mean"], row["low"], row["high"], row["pairs"]))
        line = table.setdefault(reader_name(row["explainer"]), {})
        line[row["kind"]] = text
        beats = results.beats_controls(metric, row["kind"], row["explainer"])
        line[f"{row['kind']}: beats controls"] = {True: "yes", False: "no", None: "control"}[beats]
    return pd.DataFrame(table).T.rename_axis("explainer")


def controls_beaten(
    tests: Mapping[str, tuple[Results, str]], without: Sequence[str] = ()
) -> dict[str, dict[str, bool]]:
    """Whether each method beats every control in each test, those that do most often first.

    Args:
        tests: what was measured and the metric, by the test's name; each counts once for each kind
            of pair that has scores.
        without: tests that are left out, as "name, kind".

    Returns:
        By method, for the tests that have it.
    """
    found: dict[str, dict[str, bool]] = {}
    for test, (results, metric) in tests.items():
        for kind in KINDS:
            known = np.isfinite(results.scores(metric, kind)).any(axis=0)
            for name in np.array(results.explainers)[known].tolist():
                beats = results.beats_controls(metric, kind, name)
                if beats is not None and f"{test}, {kind}" not in without:
                    found.setdefault(name, {})[f"{test}, {kind}"] = beats
    order = sorted(found, key=lambda name: (-sum(found[name].values()), len(found[name])))
    return {name: found[name] for name in order}


def controls_beaten_table(beaten: Mapping[str, Mapping[str, bool]]) -> pd.DataFrame:
    """How many tests each method passes, and which they are.

    Args:
        beaten: as `controls_beaten` returns it.
    """
    import pandas as pd

    table = {
        reader_name(name): {
            "beats every control": f"in {sum(of.values())} of {len(of)}",
            "where": "; ".join(test for test, beats in of.items() if beats) or "nowhere",
        }
        for name, of in beaten.items()
    }
    return pd.DataFrame(table).T.rename_axis("explainer")


def intervals_of(results: Results, metric: str, kind: str | None) -> dict[str, Interval]:
    """By explainer the mean score with its 95 % interval; NaN where it has no score."""
    scores = results.scores(metric, kind)
    ends = bootstrap_means(scores, classes=results.classes_of(metric, kind))
    pairs = np.isfinite(scores).sum(axis=0).tolist()
    return {
        name: Interval(float(mean), float(low), float(high), n)
        for name, mean, low, high, n in zip(results.explainers, *ends, pairs, strict=True)
    }


def measures_table(results: Results) -> pd.DataFrame:
    """Mean scores over all pairs with 95 % intervals, a column for each metric."""
    import pandas as pd

    columns = {reader_name(metric): results.scores(metric).T for metric in results.metrics}
    return pd.DataFrame(
        {
            metric: [with_interval(scores, results.classes) for scores in of]
            for metric, of in columns.items()
        },
        pd.Index(map(reader_name, results.explainers), name="explainer"),
    )


def pointing_table(results: Results) -> pd.DataFrame:
    """How often the strongest place of a map lies on the right side in the patch test."""
    import pandas as pd

    return pd.DataFrame(
        {
            kind: [
                with_interval(
                    results.curves(name, "patch", kind)[:, 1], results.classes_of("patch", kind)
                )
                for name in results.explainers
            ]
            for kind in KINDS
        },
        pd.Index(map(reader_name, results.explainers), name="explainer"),
    )


def overlap_table(found: Mapping[str, Mapping]) -> pd.DataFrame:
    """How well maps find the shared part of two crops, and the same points in both, by method."""
    import pandas as pd

    names = {"region": "shared part", "points": "same points"}
    kinds = np.array(found["kinds"])
    table = {
        explainer: {
            f"{name}, {kind}": with_interval(np.array(of[which], dtype=float)[kinds == kind])
            for which, name in names.items()
            for kind in dict.fromkeys(found["kinds"])
        }
        for explainer, of in found["scores"].items()
    }
    best_first = sorted(table, key=lambda explainer: -np.mean(found["scores"][explainer]["region"]))
    return pd.DataFrame(table)[best_first].T.rename(index=reader_name).rename_axis("explainer")


def forgotten_table(
    found: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]],
) -> pd.DataFrame:
    """How well maps agree with those after weights were shuffled, by several measures.

    Args:
        found: by explainer and measure, the agreement of each pair as "same_pair".
    """
    import pandas as pd

    table = {
        reader_name(name): {
            measure: with_interval(of["same_pair"]) for measure, of in measures.items()
        }
        for name, measures in found.items()
    }
    return pd.DataFrame(table).T.rename_axis("explainer")


def board(results: Results, metric: str, kind: str) -> dict[str, Any]:
    """One metric on one kind of pair: explainers from best to worst, with their intervals."""
    scores = results.scores(metric, kind)
    if not len(scores) or not np.isfinite(scores).any():
        return {"rows": []}
    better = make_metric(metric).better
    means, low, high = bootstrap_means(scores, classes=results.classes_of(metric, kind))
    order = np.argsort(-means if better == "higher" else means)  # NaN comes last

    rows = []
    for k in (k for k in order if np.isfinite(means[k])):
        explainer = results.explainers[k]
        rows.append(
            {
                "explainer": reader_name(explainer),
                "control": is_control(explainer),
                "beats_controls": results.beats_controls(metric, kind, explainer),
                "pairs": int(np.isfinite(scores[:, k]).sum()),
                "mean": means[k],
                "low": low[k],
                "high": high[k],
            }
        )
    return {
        "metric": reader_name(metric),
        "about": make_metric(metric).about,
        "kind": kind,
        "better": better,
        "left": np.nanmin([low, means * 0]),
        "right": np.nanmax(high),
        "rows": rows,
    }


def ranking(
    results: Results, metric: str, kind: str, explainers: Sequence[str] | None = None
) -> np.ndarray:
    """The place of each explainer, or of some among themselves, by its mean score; 1 is best."""
    places = [results.explainers.index(name) for name in explainers or results.explainers]
    means = bootstrap_means(results.scores(metric, kind)[:, places], draws=1)[0]
    better = -1 if make_metric(metric).better == "higher" else 1
    return np.argsort(np.argsort(better * means)) + 1


def stability_table(rankings: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Kendall's tau of rankings of the same explainers with each other, in [-1,1]."""
    import pandas as pd
    from scipy.stats import kendalltau

    names = list(rankings)
    return pd.DataFrame(
        [[kendalltau(rankings[a], rankings[b]).statistic for b in names] for a in names],
        names,
        names,
    ).round(2)
