"""How the flip-book's chart looks; the view puts its numbers in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lfs_core.viz.figures import BLUE, GREEN, ORANGE, PURPLE, RED, SKY
from lfs_core.viz.views.drawn import ABOVE, plain

COLOURS = (BLUE, RED, GREEN, ORANGE, PURPLE, SKY)
DASHES = ("solid", "8px,4px", "2px,3px", "10px,3px,2px,3px", "5px,2px", "1px,5px")


def flipping(names: Sequence[str], end: str) -> dict[str, Any]:
    """Curves as superpixels are replaced: of each method all of it, and as far as it is replaced.

    Args:
        names: of the methods.
        end: what stands below the curves.
    """
    traces = []
    for m, name in enumerate(names):
        colour, dash = COLOURS[m % len(COLOURS)], DASHES[m % len(DASHES)]
        both = {"name": name, "legendgroup": name}
        whole = {
            **both,
            "mode": "lines",
            "line": {"color": colour, "width": 1},
            "opacity": 0.45,
            "showlegend": False,
            "hovertemplate": "%{y:.2f}",
        }
        so_far = {
            **both,
            "mode": "lines+markers",
            "line": {"color": colour, "width": 2.5, "dash": dash},
            "marker": {"color": colour, "opacity": 1},
            "hoverinfo": "skip",
        }
        traces.append([whole, so_far])
    layout = plain(
        (44, 12, 12, 44),
        height=320,
        hovermode="x unified",
        legend=ABOVE,
        showlegend=True,
        xaxis={"showgrid": False, "title": {"text": end, "standoff": 8}, "zeroline": False},
        yaxis={"nticks": 6, "zeroline": False},
    )
    now = {"type": "line", "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    return {"traces": traces, "layout": layout, "now": {**now, "line": {"width": 1}}}


def reach(curves: Sequence[Sequence[float]], last: int, threshold: float | None) -> dict[str, Any]:
    """Of one pair, how far its chart reaches, and a line at the threshold if there is one.

    Args:
        curves: of all methods.
        last: how many superpixels are replaced in the end.
        threshold: xi_1.
    """
    values = [value for curve in curves for value in curve]
    across: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    if threshold is not None:
        values.append(threshold)
        place = {"xref": "paper", "x0": 0, "x1": 1, "y0": threshold, "y1": threshold}
        across = [{"type": "line", **place, "line": {"width": 1, "dash": "5px,4px"}}]
        left = {"xref": "paper", "x": 0.01, "xanchor": "left", "y": threshold, "yanchor": "bottom"}
        words = [{"text": "\u03be\u2081", "showarrow": False, **left}]
    return {
        "x": [-0.3, last + 0.3],
        "y": [min(values) - 0.03, max(values) + 0.03],
        "shapes": across,
        "annotations": words,
    }
