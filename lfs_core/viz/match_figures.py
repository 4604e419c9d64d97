"""Which place matches which: a picture of one pair, and a chart of many."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from lfs_core.correspondence import matched
from lfs_core.explanation import PairExplanation
from lfs_core.findings import matches
from lfs_core.findings.intervals import interval
from lfs_core.viz.chart import Chart, dots
from lfs_core.viz.figures import as_picture, bare
from lfs_core.viz.matches import LINES, matches_of

BETWEEN = 0.12  # the two photographs, of the width of one
BEND = 0.07  # of a line, of its length: of several in one row none covers another


def plot_matches(explanation: PairExplanation) -> Figure:
    """Both photographs, and the ten most confident one-to-one matches as numbered lines.

    The more confident a match, the wider its line.

    Raises:
        LFSError: its method does not tell which places match.
    """
    _, likeness, (rows, columns) = matches_of(explanation)
    height, width = explanation.images.shape[-2:]
    tall = height / width
    figure = Figure(figsize=(7.4, 7.4 * tall / (2 + BETWEEN)), layout="constrained")
    axis = figure.subplots()
    for side, image in enumerate(explanation.images):
        left = side * (1 + BETWEEN)
        axis.imshow(as_picture(image), extent=(left, left + 1, tall, 0))
    found = matched(likeness)[: len(LINES)]
    for k, (match, (colour, ink, dashed)) in enumerate(zip(found, LINES, strict=False)):
        ends = [
            (
                side * (1 + BETWEEN) + (place % columns + 0.5) / columns,
                tall * (place // columns + 0.5) / rows,
            )
            for side, place in enumerate((match.k, match.l))
        ]
        x, y = _bent(*ends)
        wide = 1 + 2.5 * match.confidence
        under = [Stroke(linewidth=wide + 1.6, foreground="black"), Normal()]
        style = (0, (4, 2)) if dashed else "-"
        # The black edge of a dashed line has its dashes, too.
        axis.plot(x, y, color=colour, lw=wide, ls=style, path_effects=under, zorder=3 + k)
        for at in ends:
            axis.text(
                *at,
                str(k + 1),
                ha="center",
                va="center",
                fontsize=8,
                color=ink,
                zorder=20,
                bbox={"boxstyle": "circle,pad=0.25", "facecolor": colour, "edgecolor": "black"},
            )
    axis.set(xlim=(0, 2 + BETWEEN), ylim=(tall, 0))
    if not found:
        axis.set_title("no place of one has a match in the other", fontsize=10)
    bare(axis)
    return figure


def plot_near(scores: matches.Scores, classes: np.ndarray | None = None) -> Chart:
    """The share of places that each method matches at most one place off, by kind of pair.

    Args:
        scores: of the stored run of `lfs study matching`, of faces or of scenes.
        classes: (P,2), whose both images of each pair are.
    """
    controls = [matches.title(name) for name in matches.CONTROLS]
    chart = dots(
        "Places matched at most one place off",
        {
            kind: {
                "": {
                    matches.title(method): interval(
                        matches.values(scores, kind, method, "near"), 2000, classes
                    )
                    for method in methods
                }
            }
            for kind, methods in scores.items()
        },
        "share of places matched at most one place off (higher is better)",
        hollow=lambda series, row: row in controls,
        italic=lambda row: row in controls,
    )
    chart.figure.update_xaxes(range=[0, 1.02])
    return chart


def _bent(a: tuple[float, float], b: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Points of a line from a to b that bends upwards."""
    t = np.linspace(0, 1, 50)
    x, y = (start + t * (end - start) for start, end in zip(a, b, strict=True))
    return x, y - BEND * (b[0] - a[0]) * 4 * t * (1 - t)
