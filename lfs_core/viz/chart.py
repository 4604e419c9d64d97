"""Interactive figures with Plotly, all in one style: dots with intervals, curves, bars, matrices.

Every figure says on being touched its value, 95 % interval and number of pairs, and has its numbers
as a table under it. A menu chooses what is shown where a figure has more than one set of numbers;
on paper each set has a picture. JupyterLab draws the figure itself; a page of the book has one
plotly.js and one `chart.js` for all its charts, and no request leaves the book's folder.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from lfs_core.findings.intervals import Interval
from lfs_core.viz.figures import BLUE, GREEN, ORANGE, PURPLE, RED, SKY

SCRIPT = Path(__file__).parent / "chart.js"
GREY = "#808080"  # seen on white and on black
FAINT = "rgba(128,128,128,0.25)"
LOOKS = [(BLUE, "circle"), (RED, "diamond"), (GREEN, "square"), (PURPLE, "triangle-up")]
LINES = [  # told apart by dashes too
    (BLUE, "solid"),
    (RED, "solid"),
    (GREEN, "solid"),
    (ORANGE, "solid"),
    (PURPLE, "solid"),
    (SKY, "solid"),
    (GREY, "dash"),
    (GREY, "dot"),
    (BLUE, "dot"),
    (ORANGE, "dash"),
]
LONGEST = 24  # letters in a line of a row's name: a telephone has room for its marks, too
LINE = 14  # px, of a row's name
WIDE = 300  # px, height of what is no list of rows


@dataclass(frozen=True)
class Table:
    """The numbers of a figure, in text.

    Attributes:
        columns: their names.
        rows: their cells.
    """

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()

    def html(self) -> str:
        """A table that takes no more room than there is, folded away."""
        if not self.rows:
            return ""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.columns)
        body = "".join(
            f'<tr><th scope="row">{escape(first)}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
            + "</tr>"
            for first, *rest in self.rows
        )
        return (
            '<details class="lfs-chart-table"><summary>The numbers of this figure</summary>'
            '<div tabindex="0" role="region" aria-label="The numbers of this figure">'
            f'<table class="dataframe"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div></details>"
        )


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure that a notebook shows as its cell's value.

    Attributes:
        figure: what is drawn.
        title: what it shows, in a few words of plain text.
        alt: what is seen in it, for who cannot see it.
        table: its numbers.
        folded: whether it is folded away under its title until it is asked for.
    """

    figure: go.Figure
    title: str
    alt: str
    table: Table = field(default_factory=Table)
    folded: bool = False

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """What a notebook shows: the figure for JupyterLab, HTML for the book, words for both."""
        return {
            "application/vnd.plotly.v1+json": json.loads(self.figure.to_json()),
            "text/html": self.html(),
            "text/plain": str(self),
        }

    def __str__(self) -> str:
        rows = f"; {len(self.table.rows)} rows of numbers" if self.table.rows else ""
        return f"Chart: {self.title}{rows}"

    def html(self) -> str:
        """HTML that can be put anywhere in a page that loads plotly.js and, after it, `chart.js`.

        Without scripts, as in an EPUB, a reader has the description and the table.
        """
        # Figures say nearly the same thousands of times: deflated they weigh a tenth.
        data = b64encode(zlib.compress(self.figure.to_json().encode(), 9)).decode()
        height = int(self.figure.layout.height or 450)
        inside = (
            '<div class="lfs-chart-choices"></div>'
            f'<div class="lfs-chart-plot" role="img" aria-label="{escape(self.alt)}" '
            f'style="min-height:{height}px">{escape(self.alt)}</div>'
            f'<script type="text/plain">{data}</script>{self.table.html()}'
        )
        if not self.folded:
            return f'<div class="lfs-chart">{inside}</div>'
        summary = f"<summary>{escape(self.title)}</summary>"
        return f'<details class="lfs-chart">{summary}{inside}</details>'


class Choice(NamedTuple):
    """What a menu's entry shows.

    Attributes:
        label: of the entry.
        traces: their positions in the figure.
        layout: what of the layout changes, as `relayout` takes it.
    """

    label: str
    traces: Sequence[int]
    layout: Mapping[str, Any] = {}


def styled(figure: go.Figure, height: int, choices: Sequence[Choice] = (), **layout: Any) -> None:
    """Give a figure the one style of all, and a menu of what it shows.

    Args:
        figure: with all its traces.
        height: in px, of what lies between the axes.
        choices: the first one is shown.
        layout: what else is said of the layout.
    """
    menus = []
    if len(choices) > 1:
        buttons = []
        for choice in choices:
            visible = [k in choice.traces for k in range(len(figure.data))]
            args = [{"visible": visible}, dict(choice.layout)]
            buttons.append({"label": choice.label, "method": "update", "args": args})
        menus.append(menu(buttons))
        for k, trace in enumerate(figure.data):
            trace.visible = k in choices[0].traces
    figure.update_layout(
        template="none",
        autosize=True,
        height=height + 130,
        meta={"inner": height},  # a page sees to it that the axes are as high, whatever is around
        margin={"t": 30, "b": 50, "l": 30, "r": 12, "pad": 2},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 12},
        hovermode="closest",
        hoverlabel={"align": "left", "namelength": -1},
        dragmode=False,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        updatemenus=menus,
    )
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(gridcolor=FAINT, zerolinecolor=GREY, automargin=True, fixedrange=True)
        axes(title={"standoff": 8, "font": {"size": 12}})
    figure.update_layout(**layout)
    if choices:
        figure.update_layout({name.replace(".", "_"): of for name, of in choices[0].layout.items()})


def menu(buttons: Sequence[Mapping[str, Any]], **layout: Any) -> dict[str, Any]:
    """A menu as Plotly draws it, above the figure; a page makes a native one of it."""
    return {
        "buttons": list(buttons),
        "x": 1,
        "xanchor": "right",
        "y": 1.02,
        "yanchor": "bottom",
        "bgcolor": "#ffffff",
        "bordercolor": GREY,
        "font": {"color": "#222222", "size": 11},
        **layout,
    }


Rows = Mapping[str, Interval]
"""By the name of a row, what was found."""
Series = Mapping[str, Rows]
"""By the name of a colour, its rows."""


def dots(
    title: str,
    choices: Mapping[str, Series],
    xlabel: str | Mapping[str, str],
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
    hollow: Callable[[str, str], bool] = lambda series, row: False,
    italic: Callable[[str], bool] = lambda row: False,
    mark: tuple[str, float] | None = None,
    alt: str = "",
) -> Chart:
    """Rows of means with their 95 % intervals, a colour for each series.

    Args:
        title: what it shows.
        choices: series by the entry of a menu; of one entry there is no menu.
        xlabel: of the axis, with the unit; of every entry, or one of all.
        orders: of the rows from top to bottom, by name; by default that of the first series. More
            than one, for a figure without other entries, make a menu.
        hollow: whether the mark of a series in a row is hollow.
        italic: whether the name of a row is.
        mark: name and place of a dotted line.
        alt: what is seen; by default it is told from the numbers.
    """
    figure = go.Figure()
    entries = []
    first = next(iter(choices.values()))
    orders = orders or {"": _rows(first)}
    for label, series in choices.items():
        order = _rows(series) if len(choices) > 1 else next(iter(orders.values()))
        begin = len(figure.data)
        for k, (name, rows) in enumerate(series.items()):
            figure.add_trace(
                _dots(name, rows, order, _shift(k, len(series)), LOOKS[k % len(LOOKS)], hollow)
            )
        said = xlabel if isinstance(xlabel, str) else xlabel[label]
        places = range(begin, len(figure.data))
        entries.append(
            Choice(label, places, {"xaxis.title.text": lines_of(said, 40)} | _ticks(order, italic))
        )
    height = max(
        sum(_height(row) for row in (_rows(series) if len(choices) > 1 else order))
        for series in choices.values()
    )
    height = max(height, 90)
    styled(figure, height, entries, showlegend=len(first) > 1)
    figure.update_yaxes(showgrid=True, zeroline=False, tickfont={"size": 11})
    if mark:
        figure.add_vline(mark[1], line={"color": GREY, "dash": "dot", "width": 1.5})
    if len(orders) > 1 and len(choices) == 1:
        figure.update_layout(updatemenus=[_orders(figure, orders, first, italic)])
    return Chart(figure, title, alt or _told(title, choices, mark), _table(choices, order))


def _rows(series: Series) -> list[str]:
    return list(dict.fromkeys(row for rows in series.values() for row in rows))


def _shift(k: int, count: int) -> float:
    """By how much a series lies below the middle of its row."""
    return 0.36 * (k - (count - 1) / 2) / max(count - 1, 1) if count > 1 else 0.0


def _dots(
    name: str,
    rows: Rows,
    order: Sequence[str],
    shift: float,
    look: tuple[str, str],
    hollow: Callable[[str, str], bool],
) -> go.Scatter:
    colour, symbol = look
    shown = {row: rows[row] for row in order if row in rows and np.isfinite(rows[row].mean)}
    return go.Scatter(
        x=[of.mean for of in shown.values()],
        y=[order.index(row) + shift for row in shown],
        error_x=_whiskers(list(shown.values()), colour),
        mode="markers",
        name=name,
        marker={
            "color": colour,
            "size": 8,
            "symbol": [f"{symbol}{'-open' if hollow(name, row) else ''}" for row in shown],
            "line": {"width": 1.5, "color": colour},
        },
        hovertext=[_hover(row, name, of) for row, of in shown.items()],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _whiskers(found: Sequence[Interval], colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [of.high - of.mean for of in found],
        "arrayminus": [of.mean - of.low for of in found],
        "thickness": 1.5,
        "width": 0,
        "color": colour,
    }


def _hover(row: str, series: str, found: Interval) -> str:
    """What is said of a mark: its name, value, interval and number."""
    second = f"{series}: " if series else ""
    return f"<b>{row}</b><br>{second}{said(found)}"


def said(found: Interval) -> str:
    """A mean, its 95 % interval where it has one, and the number of pairs where it is known."""
    if np.isfinite(found.low) and np.isfinite(found.high):
        return str(found)
    return f"{found.mean:.3f}" + ("" if found.pairs is None else f" (n = {found.pairs})")


def _ticks(order: Sequence[str], italic: Callable[[str], bool]) -> dict[str, Any]:
    names = [lines_of(row) for row in order]
    return {
        "yaxis.tickvals": list(range(len(order))),
        "yaxis.ticktext": [
            f"<i>{name}</i>" if italic(row) else name
            for row, name in zip(order, names, strict=True)
        ],
        "yaxis.range": [len(order) - 0.4, -0.6],  # the first row is the uppermost
    }


def lines_of(text: str, longest: int = LONGEST) -> str:
    """A text in lines of HTML, none of them longer than so many letters unless one word is."""
    return "<br>".join(map(escape, wrap(text, longest, break_long_words=False)))


def _height(row: str) -> int:
    return max(LINE * (lines_of(row).count("<br>") + 1) + 6, 27)


def _orders(
    figure: go.Figure,
    orders: Mapping[str, Sequence[str]],
    series: Series,
    italic: Callable[[str], bool],
) -> dict[str, Any]:
    """A menu that puts the rows into another order."""
    buttons = []
    for label, order in orders.items():
        y = []
        for k, rows in enumerate(series.values()):
            shift = _shift(k, len(series))
            first = next(iter(orders.values()))
            kept = [row for row in first if row in rows and np.isfinite(rows[row].mean)]
            y.append([list(order).index(row) + shift for row in kept])
        args = [{"y": y}, _ticks(order, italic)]
        buttons.append({"label": label, "method": "update", "args": args})
    return menu(buttons, name="order")


def _table(choices: Mapping[str, Series], order: Sequence[str]) -> Table:
    """A row for each row of the figure, a column for each series."""
    several = len(choices) > 1
    names = list(dict.fromkeys(name for series in choices.values() for name in series))
    columns = ["", *(["shown"] if several else []), *(name or "mean" for name in names)]
    rows = [
        [
            row,
            *([label] if several else []),
            *(said(series[name][row]) if row in series.get(name, {}) else "" for name in names),
        ]
        for label, series in choices.items()
        for row in (_rows(series) if several else order)
    ]
    return Table(columns, rows)


def _told(title: str, choices: Mapping[str, Series], mark: tuple[str, float] | None) -> str:
    """What is seen in a figure of dots, told from its numbers."""
    lines = []
    label, series = next(iter(choices.items()))
    for name, rows in series.items():
        known = {row: of.mean for row, of in rows.items() if np.isfinite(of.mean)}
        if known:
            low, high = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
            lines.append(
                f"{name + ': ' if name else ''}from {known[low]:.3f} ({low}) "
                f"to {known[high]:.3f} ({high})"
            )
    shown = f" Shown first: {label}." if label and len(choices) > 1 else ""
    dotted = f" A dotted line marks {mark[0]}, {mark[1]:g}." if mark else ""
    count = max(map(len, map(_rows, choices.values())))
    return (
        f"{title}. {count} rows, each with a mark at the mean and a line for its 95 % interval."
        f"{shown} {'; '.join(lines)}.{dotted}"
    )
