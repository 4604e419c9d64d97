"""Figures and tables of evaluations: curves, scores with intervals, agreement beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import kendalltau

from lfs_core.evaluation.results import KINDS, SURE, Results, is_control
from lfs_core.evaluation.spec import make_metric
from lfs_core.evaluation.statistics import bootstrap_means
from lfs_core.viz.figures import BLUE, GREEN, GREY, ORANGE, plot_matrix

if TYPE_CHECKING:
    import pandas as pd

PURPLE, SKY, RED = "#cc79a7", "#56b4e9", "#d55e00"  # Okabe and Ito, 2008
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


def provenance(manifest: Mapping[str, object]) -> str:
    """Where a stored run comes from, as one line of Markdown."""
    seeds = f", {manifest['seeds']} seeds" if "seeds" in manifest else ""
    return (
        f"*Stored run*: {manifest['number']} pairs of {manifest['pairs']}, network "
        f"{manifest['embedder']}{seeds}; commit {manifest['commit']}, {manifest['finished']}. "
        f"`{manifest['command']}` repeats it."
    )


def plot_curves(
    results: Results, metric: str, at: Sequence[float], explainers: Sequence[str], xlabel: str
) -> Figure:
    """Mean curves of explainers over pairs of both kinds, with 95 % intervals."""
    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, kind in zip(axes, KINDS, strict=True):
        for explainer, (colour, dash) in zip(explainers, LINES, strict=False):
            mean, low, high = bootstrap_means(results.curves(explainer, metric, kind), draws=2000)
            axis.plot(at, mean, dash, color=colour, label=explainer)
            axis.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)
        pairs = int((results.labels.is_similar == (kind == "similar")).sum())
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
        means, low, high = bootstrap_means(results.scores(metric, kind))
        upwards = make_metric(metric).better == "lower"
        order = [k for k in np.argsort(-means if upwards else means) if np.isfinite(means[k])]
        for place, k in enumerate(order):
            explainer = results.explainers[k]
            _whisker(axis, place, low[k], means[k], high[k], is_control(explainer))
        labels = [
            f"{results.explainers[k]} †"
            if results.beats_controls(metric, kind, results.explainers[k]) is False
            else results.explainers[k]
            for k in order
        ]
        axis.set_yticks(range(len(order)), labels, fontsize=7)
        axis.set(title=f"{kind} pairs", xlabel="score")
        axis.grid(axis="y", alpha=0.3)
    return figure


def _whisker(axis: Axes, place: int, low: float, mean: float, high: float, hollow: bool) -> None:
    colour = GREY if hollow else BLUE
    axis.plot([low, high], [place, place], color=colour)
    axis.plot(mean, place, "o", color=colour, markerfacecolor="white" if hollow else colour)


def scores_table(results: Results, metric: str) -> pd.DataFrame:
    """Mean scores with 95 % intervals, and whether each explainer beats its controls for sure."""
    import pandas as pd

    table: dict[str, dict[str, str]] = {}
    for row in results.rows():
        if row["metric"] != metric:
            continue
        text = f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        line = table.setdefault(row["explainer"], {})
        line[row["kind"]] = text
        beats = results.beats_controls(metric, row["kind"], row["explainer"])
        line[f"{row['kind']}: beats controls"] = {True: "yes", False: "no", None: "control"}[beats]
    return pd.DataFrame(table).T.rename_axis("explainer")


def measures_table(results: Results) -> pd.DataFrame:
    """Mean scores over all pairs with 95 % intervals, a column for each metric."""
    import pandas as pd

    columns = {metric: results.scores(metric).T for metric in results.metrics}
    return pd.DataFrame(
        {metric: [_mean(scores) for scores in of] for metric, of in columns.items()},
        pd.Index(results.explainers, name="explainer"),
    )


def pointing_table(results: Results) -> pd.DataFrame:
    """How often the strongest place of a map lies on the right side in the patch test."""
    import pandas as pd

    return pd.DataFrame(
        {
            kind: [_mean(results.curves(name, "patch", kind)[:, 1]) for name in results.explainers]
            for kind in KINDS
        },
        pd.Index(results.explainers, name="explainer"),
    )


def plot_pairwise(results: Results, metric: str) -> Figure:
    """Every explainer against every other: by how much the row is better, where that is sure."""
    count = len(results.explainers)
    figure = Figure(figsize=(13, 1.5 + 0.32 * count), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, kind in zip(axes, KINDS, strict=True):
        by, p = results.pairwise(metric, kind)
        sure = np.where(p < SURE, by, np.nan)
        limit = np.abs(by).max()
        shown = axis.imshow(sure, "PuOr_r", vmin=-limit, vmax=limit)
        for row, column in np.argwhere(np.isnan(sure)):
            axis.text(column, row, "≈", ha="center", va="center", fontsize=7, color=GREY)
        axis.set_xticks(range(count), results.explainers, rotation=90, fontsize=7)
        axis.set_yticks(range(count), results.explainers, fontsize=7)
        axis.set_title(f"{kind} pairs")
    figure.colorbar(shown, ax=axes, label="row better than column by", shrink=0.8)
    return figure


def hyperparameters_table(found: Mapping[str, Mapping]) -> pd.DataFrame:
    """Rank correlation of maps with those for p = 0.3 and for the other decision; pixels shown."""
    import pandas as pd

    return pd.DataFrame(
        {
            name: {
                **{f"p = {p}": _mean(at["rank correlation"]) for p, at in of["p"].items()},
                "other decision": _mean(of["other_decision"]),
                **{f"shown above {at}": _mean(shares) for at, shares in of["shown"].items()},
            }
            for name, of in found.items()
        }
    )


def _mean(values: Sequence[float]) -> str:
    mean, low, high = bootstrap_means(np.array(values), draws=2000)
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


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

    names = list(rankings)
    return pd.DataFrame(
        [[kendalltau(rankings[a], rankings[b]).statistic for b in names] for a in names],
        names,
        names,
    ).round(2)


def plot_agreement_beyond_chance(found: Mapping[str, Mapping[str, Mapping]]) -> Figure:
    """Each method's agreement with another, on the same pair and on other pairs, by measure."""
    names = list(found)
    measures = list(next(iter(found.values())))
    figure = Figure(figsize=(9.6, 1.4 + 0.25 * len(names)), layout="constrained")
    axes = figure.subplots(1, len(measures), sharey=True)
    for axis, measure in zip(axes, measures, strict=True):
        for place, name in enumerate(names):
            for which, colour, marker in (("other_pairs", GREY, "o"), ("same_pair", BLUE, "D")):
                mean, low, high = bootstrap_means(np.array(found[name][measure][which]), draws=2000)
                axis.plot([low, high], [place, place], color=colour)
                label = which.replace("_", " ") if place == 0 else None
                axis.plot(mean, place, marker, color=colour, markersize=5, label=label)
        axis.set_yticks(range(len(names)), names, fontsize=7)
        axis.set(xlabel=measure)
        axis.grid(axis="y", alpha=0.3)
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def plot_between_methods(found: Mapping) -> Figure:
    """Agreement of all methods with each other; on the diagonal, with their map of another pair."""
    between = np.array(found["between_methods"])
    np.fill_diagonal(between, found["with_next_pair"])
    return plot_matrix(torch.from_numpy(between), found["methods"])


def plot_continuity(results: Results, metric: str, explainers: Sequence[str]) -> Figure:
    """How far maps change as an image is displaced (Fig. 10), as means over pairs."""
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axis = figure.subplots()
    for explainer, (colour, dash) in zip(explainers, LINES, strict=False):
        mean = np.nanmean(results.measured[explainer][metric].double().numpy(), axis=0)
        axis.plot(range(1, len(mean) + 1), mean, dash, color=colour, label=explainer)
    axis.set(xlabel="displacement", ylabel="change of the map")
    axis.grid(alpha=0.3)
    figure.legend(loc="outside right center", fontsize=8)
    return figure


def overlap_table(found: Mapping[str, Mapping]) -> pd.DataFrame:
    """How well maps find the shared part of two crops, and the same points in both, by method."""
    import pandas as pd

    names = {"region": "shared part", "points": "same points"}
    kinds = np.array(found["kinds"])
    table = {
        explainer: {
            f"{name}, {kind}": _mean(np.array(of[which], dtype=float)[kinds == kind])
            for which, name in names.items()
            for kind in dict.fromkeys(found["kinds"])
        }
        for explainer, of in found["scores"].items()
    }
    best_first = sorted(table, key=lambda explainer: -np.mean(found["scores"][explainer]["region"]))
    return pd.DataFrame(table)[best_first].T.rename_axis("explainer")


def plot_parts(ratios: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """How many times its share of the area each part of the face has of a map."""
    figure = Figure(figsize=(9.6, 1.4 + 0.25 * len(ratios)), layout="constrained")
    parts = list(next(iter(ratios.values())))
    axes = figure.subplots(1, len(parts), sharey=True)
    for axis, part in zip(axes, parts, strict=True):
        for place, (explainer, of) in enumerate(ratios.items()):
            mean, low, high = bootstrap_means(of[part], draws=2000)
            _whisker(axis, place, low, mean, high, is_control(explainer))
        axis.axvline(1, color=GREY, ls=":")
        axis.set_yticks(range(len(ratios)), list(ratios), fontsize=7)
        axis.set(title=part, xlabel="times its share of the area")
    axes[0].invert_yaxis()
    return figure
