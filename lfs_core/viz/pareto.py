"""Faithfulness against time."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS, Results, is_control
from lfs_core.findings.beyond import OURS, TESTS
from lfs_core.findings.intervals import Interval
from lfs_core.findings.score_tables import intervals_of
from lfs_core.viz.chart import (
    GREY,
    Chart,
    Choice,
    Table,
    lines_of,
    log_ticks,
    said,
    styled,
    whiskers,
)
from lfs_core.viz.figures import BLUE, RED

LOOKS = {  # colour and shape of each kind of method
    "methods": (BLUE, "circle"),
    "this book's map": (RED, "diamond"),
    "controls": (GREY, "circle-open"),
}
HIGH = 420  # px


def plot_pareto(results: Results, costs: Mapping[str, Mapping[str, float]]) -> Chart:
    """Scores against time; the dotted stair is the Pareto front, whose methods are named.

    Time is in units of the two passes that the similarity itself costs. A menu chooses the test
    and the kind of pairs.
    """
    figure, choices, rows = go.Figure(), [], []
    named = [name for name in results.explainers if name in costs]
    price = {name: float(costs[name]["of two passes"]) for name in named}
    for metric, test in TESTS.items():
        for kind in KINDS:
            found = intervals_of(results, metric, kind)
            label = f"{test}, {kind} pairs"
            begin = len(figure.data)
            front = _front({name: (price[name], found[name].mean) for name in named})
            figure.add_scatter(
                x=[price[name] for name in front],
                y=[found[name].mean for name in front],
                mode="lines",
                line={"color": GREY, "dash": "dot", "shape": "hv", "width": 1.5},
                name="Pareto front",
                hoverinfo="skip",
            )
            for group, look in LOOKS.items():
                members = [name for name in named if _group(name) == group]
                figure.add_trace(_marks(group, members, price, found, look))
            told = f"Pareto front: {'; '.join(map(reader_name, front))}"
            axis = f"time, in units of two passes<br>{lines_of(told, 48)}"
            shown = range(begin, len(figure.data))
            choices.append(Choice(label, shown, {"xaxis.title.text": axis}))
            rows += [
                [
                    reader_name(name),
                    label,
                    f"{price[name]:.1f}",
                    said(found[name]),
                    "yes" if name in front else "",
                ]
                for name in sorted(named, key=price.__getitem__)
            ]
    styled(figure, HIGH, choices)
    figure.update_xaxes(type="log", tickvals=log_ticks([*price.values()]), zeroline=False)
    figure.update_yaxes(title_text="mean change of the cosine", rangemode="tozero")
    columns = ["method", "test", "time, in units of two passes", "score", "on the front"]
    alt = (
        "Faithfulness against time. A mark with an interval for each method, further up for a "
        "better score and further left for less time, which is on a logarithmic axis; a dotted "
        f"stair joins those that nothing quicker beats. Shown first: {choices[0].label}."
    )
    return Chart(figure, "Faithfulness against time", alt, Table(columns, rows))


def _group(name: str) -> str:
    return "controls" if is_control(name) else "this book's map" if name == OURS else "methods"


def _front(places: Mapping[str, tuple[float, float]]) -> list[str]:
    """Those that are better than all that cost no more, from the cheapest to the best.

    Args:
        places: price and score.
    """
    front: list[str] = []
    for name in sorted(places, key=lambda name: (places[name][0], -places[name][1])):
        if not front or places[name][1] > places[front[-1]][1]:
            front.append(name)
    return front


def _marks(
    group: str,
    members: list[str],
    price: Mapping[str, float],
    found: Mapping[str, Interval],
    look: tuple[str, str],
) -> go.Scatter:
    colour, symbol = look
    return go.Scatter(
        x=[price[name] for name in members],
        y=[found[name].mean for name in members],
        error_y=whiskers([found[name] for name in members], colour),
        mode="markers",
        name=group,
        marker={"color": colour, "symbol": symbol, "size": 9},
        hovertext=[
            f"<b>{reader_name(name)}</b><br>{said(found[name])}<br>"
            f"time: {price[name]:.1f} times two passes"
            for name in members
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
