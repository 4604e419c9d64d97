"""How the views' charts look; each view puts its numbers in.

Text and lines take the view's colours from its style, by day and by night.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lfs_core.viz.figures import BLUE, GREEN, ORANGE, RED

ABOVE = {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0}  # a legend
GAP = 0.03  # between strips, of the whole height


def plain(margin: Sequence[int], **layout: Any) -> dict[str, Any]:
    """A layout without ground, legend or zoom.

    Args:
        margin: left, right, above and below, in px.
        layout: further settings; axes are fixed.
    """
    axes = {name: {"fixedrange": True, **of} for name, of in layout.items() if "axis" in name}
    return {
        "dragmode": False,
        "font": {"family": "inherit", "size": 12},
        "margin": dict(zip("lrtb", margin, strict=True)),
        "paper_bgcolor": "transparent",
        "plot_bgcolor": "transparent",
        "showlegend": False,
        **layout,
        **axes,
    }


def _embedding(name: str, colour: str, dash: str) -> dict[str, Any]:
    line = {"color": colour, "width": 1, "dash": dash}
    return {"name": name, "x0": 1, "mode": "lines", "line": line, "hovertemplate": "%{y:.3f}"}


# Two embeddings, by latent.
CURVES = {
    "data": [
        _embedding("query", BLUE, "solid"),
        _embedding("this photograph", ORANGE, "4px,2px"),
    ],
    "layout": plain(
        (44, 8, 8, 24),
        height=190,
        hovermode="x unified",
        legend=ABOVE,
        showlegend=True,
        xaxis={"showgrid": False, "zeroline": False, "hoverformat": "d"},
        yaxis={"rangemode": "tozero", "nticks": 5, "zeroline": True},
    ),
}


def _strip(k: int, name: str, colour: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """One of four strips of bars from above, and its axis."""
    height = (1 + GAP) / 4
    bottom = (3 - k) * height
    signed = k < 2
    trace = {
        "type": "bar",
        "yaxis": f"y{k + 1}",
        "marker": {"color": colour, "line": {"width": 0}},
        "hovertemplate": f"latent %{{customdata}}: {name} %{{y:.3f}}<extra></extra>",
    }
    axis = {
        "domain": [bottom, min(bottom + height - GAP, 1)],
        "range": [-1, 1] if signed else [0, 1],
        "showgrid": False,
        "tickvals": [0 if signed else 0.5],
        "ticktext": [name],
    }
    return trace, axis


STRIPS = [
    _strip(k, name, colour)
    for k, (name, colour) in enumerate(
        zip(("h\u00b9", "h\u00b2", "d", "R"), (BLUE, ORANGE, RED, GREEN), strict=True)
    )
]
# Both embeddings, how they differ, and the relevance, by latent.
BARS = {
    "data": [trace for trace, _ in STRIPS],
    "layout": plain(
        (34, 8, 4, 4),
        bargap=0.2,
        height=220,
        hovermode="closest",
        xaxis={"visible": False, "anchor": "y4"},
        **{f"yaxis{k + 1}": axis for k, (_, axis) in enumerate(STRIPS)},
    ),
    "chosen": {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 2}},
}
