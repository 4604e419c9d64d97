"""Charts of evaluations: curves, scores with intervals, agreement beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS, SIGNIFICANT, Results, is_control
from lfs_core.evaluation.spec import make_metric
from lfs_core.evaluation.statistics import bootstrap_means
from lfs_core.findings.intervals import Interval, interval
from lfs_core.findings.score_tables import intervals_of
from lfs_core.viz.chart import Chart, dots, lines, matrix

CHANCE = "A map that knows nothing"


def plot_curves(
    results: Results, metric: str, at: Sequence[float], explainers: Sequence[str], xlabel: str
) -> Chart:
    """Mean curves of explainers over pairs of both kinds, with 95 % intervals."""
    choices = {}
    for kind in KINDS:
        classes = results.classes_of(metric, kind)
        pairs = int(results.of_kind(metric, kind).sum())
        choices[f"{pairs} {kind} pairs"] = {
            reader_name(name): (at, _means(results.curves(name, metric, kind), classes))
            for name in explainers
        }
    return lines("Similarity of a pair as its places change", choices, xlabel, "mean cosine")


def _means(values: np.ndarray, classes: np.ndarray | None) -> list[Interval]:
    """The means of the columns of values (P,n), with their intervals."""
    ends = bootstrap_means(values, 2000, classes=classes)
    pairs = np.isfinite(values).sum(axis=0)
    return [
        Interval(float(mean), float(low), float(high), int(n))
        for mean, low, high, n in zip(*ends, pairs, strict=True)
    ]


def plot_scores(results: Results, metric: str, chance: float | None = None) -> Chart:
    """Scores of all explainers with 95 % intervals, from best to worst.

    Marks are hollow of controls, and of explainers that are not significantly better than every
    control.

    Args:
        results: of an evaluation.
        metric: one of its metrics.
        chance: what a map that knows nothing gets, if that is known.
    """
    measured = make_metric(metric)
    kinds = [kind for kind in KINDS if np.isfinite(results.scores(metric, kind)).any()]
    names = {reader_name(name): name for name in results.explainers}
    series, orders, hollow = {}, {}, set()
    for kind in kinds:
        found = intervals_of(results, metric, kind)
        rows = {row: found[name] for row, name in names.items() if np.isfinite(found[name].mean)}
        best_first = sorted(
            rows, key=lambda row: rows[row].mean, reverse=measured.better == "higher"
        )
        series[f"{kind} pairs"] = rows
        orders[f"sorted by {kind} pairs"] = [
            *best_first,
            *(row for row in names if row not in rows),
        ]
        hollow |= {
            (f"{kind} pairs", row)
            for row, name in names.items()
            if not results.beats_controls(metric, kind, name)
        }
    known = [row for row in names if any(row in rows for rows in series.values())]
    orders = {label: [row for row in order if row in known] for label, order in orders.items()}
    return dots(
        f"{measured.title}: scores of {len(known)} methods and controls",
        {"": series},
        f"{measured.about} ({measured.better} is better)",
        orders=orders,
        hollow=lambda kind, row: (kind, row) in hollow,
        italic=lambda row: is_control(names[row]),
        mark=None if chance is None else ("chance", chance),
    )


def plot_leads(results: Results, tests: Mapping[str, str], baselines: Sequence[str]) -> Chart:
    """By how much each method is better than a baseline on the same pairs; a menu of baselines.

    Args:
        results: of an evaluation.
        tests: names for readers of some of its metrics.
        baselines: some of its explainers.
    """
    choices = {}
    for baseline in baselines:
        for metric, test in tests.items():
            sign = 1 if make_metric(metric).better == "higher" else -1
            series: dict[str, dict[str, Interval]] = {}
            for kind in KINDS:
                scores = results.scores(metric, kind)
                lead = sign * (scores - scores[:, [results.explainers.index(baseline)]])
                found = _means(lead, results.classes_of(metric, kind))
                series[f"{kind} pairs"] = {
                    reader_name(name): of
                    for name, of in zip(results.explainers, found, strict=True)
                    if name != baseline
                }
            choices[f"{test}: lead over {reader_name(baseline)}"] = series
    controls = {reader_name(name) for name in results.explainers if is_control(name)}
    return dots(
        "Lead of every method over a baseline",
        choices,
        "by how much better on the same pairs (right of 0: better than the baseline)",
        hollow=lambda kind, row: row in controls,
        italic=lambda row: row in controls,
    )


def plot_pairwise(results: Results, metric: str) -> Chart:
    """Every explainer against every other: by how much the row is significantly better."""
    choices = {}
    for kind in KINDS:
        by, p = results.pairwise(metric, kind)
        pairs = int(results.of_kind(metric, kind).sum())
        choices[f"{pairs} {kind} pairs"] = np.where(p < SIGNIFICANT, by, np.nan)
    return matrix(
        "Every method against every other",
        choices,
        [reader_name(name) for name in results.explainers],
        "row better than column by",
    )


def plot_agreement_beyond_chance(
    found: Mapping[str, Mapping[str, Mapping]], classes: np.ndarray | None = None
) -> Chart:
    """Each method's agreement with another, on the same pair and on other pairs, by measure.

    Args:
        found: of each method, by measure.
        classes: (P,2) of both images of each pair, where known.
    """
    return dots(
        "Agreement on the same pair and on other pairs",
        {
            measure: {
                which.replace("_", " "): {
                    reader_name(name): interval(of[measure][which], 2000, classes)
                    for name, of in found.items()
                }
                for which in ("same_pair", "other_pairs")
            }
            for measure in next(iter(found.values()))
        },
        "agreement",
    )


def plot_matrix(between: np.ndarray, methods: Sequence[str]) -> Chart:
    """Agreement of maps (M,M), rank correlations in [-1,1], of all methods with each other."""
    return matrix(
        "Agreement of the maps of methods",
        {"": between},
        [reader_name(name) for name in methods],
        "rank correlation",
        limit=1,
    )


def plot_between_methods(found: Mapping) -> Chart:
    """Agreement of all methods with each other; on the diagonal, with their map of another pair."""
    between = np.array(found["between_methods"])
    np.fill_diagonal(between, found["with_next_pair"])
    return plot_matrix(between, found["methods"])


def plot_continuity(results: Results, metric: str, explainers: Sequence[str]) -> Chart:
    """How far maps change as an image is displaced (Fig. 10), as means over pairs."""
    curves = {}
    for name in explainers:
        values = results.measured[name][metric].double().numpy()
        at = range(1, values.shape[1] + 1)
        curves[reader_name(name)] = (at, _means(values, results.classes))
    return lines(
        "Change of maps as an image is displaced",
        {"": curves},
        "displacement",
        "change of the map",
    )


def plot_parts(
    ratios: Mapping[str, Mapping[str, np.ndarray]], classes: np.ndarray | None = None
) -> Chart:
    """How many times its share of the area each part of the face has of a map.

    Args:
        ratios: (P,) of each part, by method.
        classes: (P,2) of both images of each pair, where known.
    """
    return dots(
        "Share of the map on parts of the face",
        {
            "": {
                part: {
                    reader_name(name): interval(of[part], 2000, classes)
                    for name, of in ratios.items()
                }
                for part in next(iter(ratios.values()))
            }
        },
        "times its share of the area",
        hollow=lambda part, row: any(
            is_control(name) for name in ratios if reader_name(name) == row
        ),
        mark=("an even spread", 1),
    )


def plot_intervals(
    measures: Mapping[str, Mapping[str, Interval]], chance: Sequence[float]
) -> Chart:
    """Means with their intervals, a row for each method; a menu chooses the measure.

    Args:
        measures: means by method, by the measure's name.
        chance: of each measure, what a map that knows nothing gets.
    """
    return dots(
        "How well maps find what two crops share",
        {
            measure: {"": {**rows, CHANCE: Interval(value, np.nan, np.nan)}}
            for (measure, rows), value in zip(measures.items(), chance, strict=True)
        },
        {measure: measure for measure in measures},  # a menu's entry is what the axis says
        hollow=lambda series, row: row == CHANCE,
        italic=lambda row: row == CHANCE,
    )
