"""Figures of evaluations: curves, scores with intervals, agreement beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS, SIGNIFICANT, Results, is_control
from lfs_core.evaluation.spec import make_metric
from lfs_core.evaluation.statistics import bootstrap_means
from lfs_core.viz.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, plot_matrix

LINES = [  # told apart by dashes too
    (BLUE, "-"),
    (ORANGE, "-"),
    (GREEN, "-"),
    (RED, "-"),
    (PURPLE, "-"),
    (SKY, "-"),
    (GREY, "--"),
    (GREY, ":"),
    (BLUE, ":"),
    (ORANGE, "--"),
]


def plot_curves(
    results: Results, metric: str, at: Sequence[float], explainers: Sequence[str], xlabel: str
) -> Figure:
    """Mean curves of explainers over pairs of both kinds, with 95 % intervals."""
    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, kind in zip(axes, KINDS, strict=True):
        for explainer, (colour, dash) in zip(explainers, LINES, strict=False):
            mean, low, high = bootstrap_means(
                results.curves(explainer, metric, kind),
                2000,
                classes=results.classes_of(metric, kind),
            )
            axis.plot(at, mean, dash, color=colour, label=reader_name(explainer))
            axis.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)
        pairs = int(results.of_kind(metric, kind).sum())
        axis.set(title=f"{pairs} {kind} pairs", xlabel=xlabel)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("mean cosine")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8
    )
    return figure


def plot_scores(results: Results, metric: str) -> Figure:
    """Scores of all explainers with 95 % intervals, from best to worst; controls are hollow."""
    count = len(results.explainers)
    figure = Figure(figsize=(9.6, 1.2 + 0.25 * count), layout="constrained")
    kinds = [kind for kind in KINDS if np.isfinite(results.scores(metric, kind)).any()]
    axes = figure.subplots(1, len(kinds), squeeze=False)[0]
    for axis, kind in zip(axes, kinds, strict=True):
        scores, classes = results.scores(metric, kind), results.classes_of(metric, kind)
        means, low, high = bootstrap_means(scores, classes=classes)
        upwards = make_metric(metric).better == "lower"
        order = [k for k in np.argsort(-means if upwards else means) if np.isfinite(means[k])]
        for place, k in enumerate(order):
            explainer = results.explainers[k]
            _whisker(axis, place, low[k], means[k], high[k], is_control(explainer))
        labels = [
            f"{reader_name(name)} †"
            if results.beats_controls(metric, kind, name) is False
            else reader_name(name)
            for name in (results.explainers[k] for k in order)
        ]
        axis.set_yticks(range(len(order)), labels, fontsize=7)
        axis.set(title=f"{kind} pairs", xlabel="score")
        axis.grid(axis="y", alpha=0.3)
    return figure


def plot_pairwise(results: Results, metric: str) -> Figure:
    """Every explainer against every other: by how much the row is significantly better."""
    count, names = len(results.explainers), [reader_name(name) for name in results.explainers]
    figure = Figure(figsize=(13, 1.5 + 0.32 * count), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, kind in zip(axes, KINDS, strict=True):
        by, p = results.pairwise(metric, kind)
        significant = np.where(p < SIGNIFICANT, by, np.nan)
        limit = np.abs(by).max()
        shown = axis.imshow(significant, "PuOr_r", vmin=-limit, vmax=limit)
        for row, column in np.argwhere(np.isnan(significant)):
            axis.text(column, row, "≈", ha="center", va="center", fontsize=7, color=GREY)
        axis.set_xticks(range(count), names, rotation=90, fontsize=7)
        axis.set_yticks(range(count), names, fontsize=7)
        axis.set_title(f"{kind} pairs")
    figure.colorbar(shown, ax=axes, label="row better than column by", shrink=0.8)
    return figure


def plot_agreement_beyond_chance(
    found: Mapping[str, Mapping[str, Mapping]], classes: np.ndarray | None = None
) -> Figure:
    """Each method's agreement with another, on the same pair and on other pairs, by measure.

    Args:
        found: of each method, by measure.
        classes: (P,2) of both images of each pair, where known.
    """
    names = list(found)
    measures = list(next(iter(found.values())))
    figure = Figure(figsize=(9.6, 1.4 + 0.25 * len(names)), layout="constrained")
    axes = figure.subplots(1, len(measures), sharey=True)
    for axis, measure in zip(axes, measures, strict=True):
        for place, name in enumerate(names):
            for which, colour, marker in (("other_pairs", GREY, "o"), ("same_pair", BLUE, "D")):
                values = np.array(found[name][measure][which])
                mean, low, high = bootstrap_means(values, 2000, classes=classes)
                axis.plot([low, high], [place, place], color=colour)
                label = which.replace("_", " ") if place == 0 else None
                axis.plot(mean, place, marker, color=colour, markersize=5, label=label)
        axis.set_yticks(range(len(names)), map(reader_name, names), fontsize=7)
        axis.set(xlabel=measure)
        axis.grid(axis="y", alpha=0.3)
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def plot_between_methods(found: Mapping) -> Figure:
    """Agreement of all methods with each other; on the diagonal, with their map of another pair."""
    between = np.array(found["between_methods"])
    np.fill_diagonal(between, found["with_next_pair"])
    return plot_matrix(torch.from_numpy(between), [reader_name(name) for name in found["methods"]])


def plot_continuity(results: Results, metric: str, explainers: Sequence[str]) -> Figure:
    """How far maps change as an image is displaced (Fig. 10), as means over pairs."""
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axis = figure.subplots()
    for explainer, (colour, dash) in zip(explainers, LINES, strict=False):
        mean = np.nanmean(results.measured[explainer][metric].double().numpy(), axis=0)
        axis.plot(range(1, len(mean) + 1), mean, dash, color=colour, label=reader_name(explainer))
    axis.set(xlabel="displacement", ylabel="change of the map")
    axis.grid(alpha=0.3)
    figure.legend(loc="outside right center", fontsize=8)
    return figure


def plot_parts(
    ratios: Mapping[str, Mapping[str, np.ndarray]], classes: np.ndarray | None = None
) -> Figure:
    """How many times its share of the area each part of the face has of a map.

    Args:
        ratios: (P,) of each part, by method.
        classes: (P,2) of both images of each pair, where known.
    """
    figure = Figure(figsize=(9.6, 1.4 + 0.25 * len(ratios)), layout="constrained")
    parts = list(next(iter(ratios.values())))
    axes = figure.subplots(1, len(parts), sharey=True)
    for axis, part in zip(axes, parts, strict=True):
        for place, (explainer, of) in enumerate(ratios.items()):
            mean, low, high = map(float, bootstrap_means(of[part], 2000, classes=classes))
            _whisker(axis, place, low, mean, high, is_control(explainer))
        axis.axvline(1, color=GREY, ls=":")
        axis.set_yticks(range(len(ratios)), map(reader_name, ratios), fontsize=7)
        axis.set(title=part, xlabel="times its share of the area")
    axes[0].invert_yaxis()
    return figure


def _whisker(axis: Axes, place: int, low: float, mean: float, high: float, hollow: bool) -> None:
    colour = GREY if hollow else BLUE
    axis.plot([low, high], [place, place], color=colour)
    axis.plot(mean, place, "o", color=colour, markerfacecolor="white" if hollow else colour)
