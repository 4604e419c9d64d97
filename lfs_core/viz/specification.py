"""Specification curves: what came out under every reading of a claim (Simonsohn et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from lfs_core.findings.claims import Claim
from lfs_core.findings.ledger import readings_of, verdict_of
from lfs_core.findings.readings import Reading, in_words, verdicts
from lfs_core.viz.chart import FAINT, GREY, Chart, Table, faded, menu, styled
from lfs_core.viz.figures import BLUE, RED

LOOKS = {  # colour and shape of each verdict
    "holds": (BLUE, "circle"),
    "fails": (RED, "diamond"),
    "not shown": (GREY, "circle-open"),
}
CURVE, ROW = 300, 17  # heights in pixels: of the curve, and of a value of a choice
LONGEST = 26  # letters of a row's name, so that a telephone has room for its marks


def plot_specification(readings: Sequence[Reading], ylabel: str) -> go.Figure:
    """Every reading as a point with its 95 % interval, in order; below, what it chose.

    A point says on being touched what its reading chose and found. The menu marks the readings
    with one value of a choice.

    Args:
        readings: of one claim.
        ylabel: what was found in each, and in which unit; the claim says that it is above 0.
    """
    order = np.argsort([reading.found.mean for reading in readings], kind="stable")
    found = verdicts(readings)
    judged = [found[k] for k in order]
    readings = [readings[k] for k in order]
    rows = _rows(readings)
    figure = go.Figure()
    members: list[list[int]] = []  # readings of each trace
    for verdict, (colour, symbol) in LOOKS.items():
        places = [k for k, of in enumerate(judged) if of == verdict]
        if places:
            members.append(places)
            figure.add_trace(_points(readings, places, verdict, colour, symbol))
    marks = [
        (place, f"{choice}: {value}")
        for choice, value in rows
        for place, reading in enumerate(readings)
        if reading.choices.get(choice) == value
    ]
    figure.add_scatter(
        x=[place for place, _ in marks],
        y=[label for _, label in marks],
        yaxis="y2",
        mode="markers",
        marker={"symbol": "line-ns", "size": 9, "line": {"color": GREY, "width": 1.5}},
        hovertemplate="%{y}<extra></extra>",
        showlegend=False,
    )
    labels = [f"{choice}: {value}" for choice, value in rows][::-1]
    total = CURVE + ROW * len(rows)
    styled(
        figure,
        total,
        updatemenus=[_menu(readings, members, rows)] if rows else [],
    )
    figure.update_layout(
        xaxis={
            "title": {"text": "readings, by what was found"},
            "anchor": "y2" if rows else "y",
            "range": [-1, len(readings)],
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={
            "title": {"text": ylabel},
            "domain": [ROW * len(rows) / total, 1],
            "gridcolor": FAINT,
        },
        yaxis2={
            "domain": [0, max(ROW * len(rows) - 8, 1) / total],
            "categoryorder": "array",
            "categoryarray": labels,
            "range": [-0.5, len(rows) - 0.5],
            "tickfont": {"size": 10},
            "tickvals": labels,
            "ticktext": [
                label if len(label) <= LONGEST else f"{label[:13]}…{label[-12:]}"
                for label in labels
            ],
            "showgrid": False,
            "automargin": True,
            "fixedrange": True,
            "visible": bool(rows),
        },
    )
    return figure


def claim_charts(claims: Sequence[Claim]) -> list[Chart]:
    """The curve of each claim that has readings, in the order of the claims; numbered from 1."""
    charts = []
    for number, claim in enumerate(claims, 1):
        readings = readings_of(claim)
        if readings:
            title = f"{number}. {claim.statement} ({verdict_of(claim)}, {len(readings)} readings)"
            alt = f"A rising row of points, one for each reading, with intervals: {_alt(readings)}."
            figure = plot_specification(readings, "above 0: as claimed")
            charts.append(Chart(figure, title, alt, _table(readings), folded=True))
    return charts


def _table(readings: Sequence[Reading]) -> Table:
    """How many readings with each value of a choice have which verdict."""
    found = verdicts(readings)
    rows = []
    for label, chosen in {
        "all": range(len(readings)),
        **{
            f"{choice}: {value}": [
                k for k, reading in enumerate(readings) if reading.choices.get(choice) == value
            ]
            for choice, value in _rows(readings)
        },
    }.items():
        counts = [sum(found[k] == verdict for k in chosen) for verdict in LOOKS]
        rows.append([label, *map(str, counts), str(len(chosen))])
    return Table(["readings with", *LOOKS, "of"], rows)


def _alt(readings: Sequence[Reading]) -> str:
    means = [reading.found.mean for reading in readings]
    return f"{in_words(readings)}; means run from {min(means):.3f} to {max(means):.3f}"


def _points(
    readings: Sequence[Reading], places: Sequence[int], verdict: str, colour: str, symbol: str
) -> go.Scatter:
    """The readings of one verdict, as one trace."""
    found = [readings[k].found for k in places]
    mean, low, high = np.array([(of.mean, of.low, of.high) for of in found]).round(5).T
    return go.Scatter(
        x=list(places),
        y=mean.tolist(),
        error_y={
            "type": "data",
            "symmetric": False,
            "array": (high - mean).round(5).tolist(),
            "arrayminus": (mean - low).round(5).tolist(),
            "width": 0,
            "thickness": 1,
            "color": faded(colour),
        },
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 6},
        unselected={"marker": {"opacity": 0.12}},
        selected={"marker": {"size": 8}},
        name=f"{verdict} ({len(places)} of {len(readings)})",
        text=[_said(readings[k], verdict) for k in places],
        hovertemplate="%{text}<extra></extra>",
    )


def _said(reading: Reading, verdict: str) -> str:
    """What a reading chose and found, in lines of HTML."""
    chosen = "<br>".join(f"{choice}: {value}" for choice, value in reading.choices.items())
    return f"<b>{verdict}</b>: {reading.found}<br>{chosen}"


def _menu(
    readings: Sequence[Reading], members: Sequence[Sequence[int]], rows: Sequence[tuple[str, str]]
) -> dict[str, object]:
    """A menu of values, each of which marks the points of its readings."""
    buttons = [_button("mark readings with ...", [None] * len(members))]
    for choice, value in rows:
        chosen = [
            [k for k, place in enumerate(of) if readings[place].choices.get(choice) == value]
            for of in members
        ]
        buttons.append(_button(f"{choice}: {value}", chosen))
    return menu(buttons, name="mark")


def _button(label: str, selected: Sequence[Sequence[int] | None]) -> dict[str, object]:
    traces = list(range(len(selected)))
    return {"label": label, "method": "restyle", "args": [{"selectedpoints": selected}, traces]}


def _rows(readings: Sequence[Reading]) -> list[tuple[str, str]]:
    """Choices with more than one value, and their values, in order of appearance."""
    values: dict[str, dict[str, None]] = {}
    for reading in readings:
        for choice, value in reading.choices.items():
            values.setdefault(choice, {})[value] = None
    return [(choice, value) for choice, of in values.items() if len(of) > 1 for value in sorted(of)]
