"""Faithfulness against time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS, Results, is_control
from lfs_core.evaluation.statistics import bootstrap_means
from lfs_core.findings.beyond import OURS, TESTS
from lfs_core.viz.figures import BLUE, GREY, ORANGE


def plot_pareto(results: Results, costs: Mapping[str, Mapping[str, float]]) -> Figure:
    """Scores against time, in four panels; the dotted line is the Pareto front.

    Time is in units of the two passes that the similarity itself costs.
    """
    figure = Figure(figsize=(9.6, 9.6), layout="constrained")
    axes = figure.subplots(len(TESTS), len(KINDS), sharex=True)
    named = [name for name in results.explainers if name in costs]
    price = np.array([costs[name]["of two passes"] for name in named])
    places = [results.explainers.index(name) for name in named]
    for row, (metric, test) in zip(axes, TESTS.items(), strict=True):
        for axis, kind in zip(row, KINDS, strict=True):
            found = bootstrap_means(
                results.scores(metric, kind), classes=results.classes_of(metric, kind)
            )
            means, low, high = (of[places] for of in found)
            for k, name in enumerate(named):
                colour = GREY if is_control(name) else ORANGE if name == OURS else BLUE
                axis.plot([price[k]] * 2, [low[k], high[k]], color=colour, alpha=0.6)
                axis.plot(price[k], means[k], "o", color=colour, ms=5)
            for k, height in zip(
                np.argsort(means), _apart(np.sort(means), high.max()), strict=True
            ):
                axis.annotate(
                    reader_name(named[k]),
                    (price[k], means[k]),
                    (1.03, height),  # beside the panel: names are long
                    textcoords=("axes fraction", "data"),
                    fontsize=6,
                    va="center",
                    arrowprops={"arrowstyle": "-", "lw": 0.3, "color": GREY},
                )
            _frontier(axis, price, means)
            axis.set(title=f"{test}, {kind} pairs", xscale="log", ylim=(0, None))
            axis.grid(alpha=0.3)
    for axis in axes[-1]:
        axis.set_xlabel("time, in units of two passes")
    for axis in axes[:, 0]:
        axis.set_ylabel("mean change of the cosine")
    return figure


def _apart(rising: np.ndarray, top: float) -> np.ndarray:
    """Heights of labels in the order of their points, none on another."""
    gap = top / 28
    heights = rising.copy()
    for k in range(1, len(heights)):
        heights[k] = max(heights[k], heights[k - 1] + gap)
    return heights


def _frontier(axis: Axes, price: np.ndarray, means: np.ndarray) -> None:
    """A stair through the best score at each price."""
    order = np.lexsort((-means, price))
    best = np.maximum.accumulate(means[order])
    axis.step(price[order], best, where="post", color=GREY, lw=0.8, ls=":")
