"""Interactive figures with Plotly, all in one style: dots with intervals, curves, bars, matrices.

Every figure says on being touched its value, 95 % interval and number of pairs, and has its numbers
as a table under it. A menu chooses what is shown where a figure has more than one set of numbers;
on paper each set has a picture. JupyterLab draws the figure itself. The book's kernel gives HTML of
it too, for pages: these have one plotly.js and one `chart.js` for all charts, and no request leaves
the book's folder.
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
TITLE = 27  # letters in a line of an axis title: it stands below the axis, right of rows' names
LEGEND = 36  # letters in a line of a legend, right of its mark
LINE = 14  # px, of a row's name
CELL = 0.96  # of a cell is coloured, the rest is a gap
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
        """What a notebook shows: the figure, and words that stay the same if its numbers move."""
        return {
            "application/vnd.plotly.v1+json": json.loads(self.figure.to_json()),
            "text/plain": str(self),
        }

    def _repr_lfs_chart_(self) -> str:
        """What the book's kernel keeps for pages."""
        return self.html()

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
        layout: further settings of the layout.
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
    for trace in figure.data:
        if trace.name:
            trace.name = lines_of(trace.name, LEGEND)
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
    of: str = "method",
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
        of: what a row is.
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
            Choice(
                label, places, {"xaxis.title.text": lines_of(said, TITLE)} | _ticks(order, italic)
            )
        )
    shown = [_rows(series) for series in choices.values()] if len(choices) > 1 else [order]
    height = max(len(rows) * max(map(_height, rows), default=0) for rows in shown)
    height = max(height, 90)
    styled(figure, height, entries, showlegend=len(first) > 1)
    figure.update_yaxes(showgrid=True, zeroline=False, tickfont={"size": 11})
    _add(figure, mark)
    if len(orders) > 1 and len(choices) == 1:
        figure.update_layout(updatemenus=[_orders(figure, orders, first, italic)])
    return Chart(figure, title, alt or _told(title, choices, mark), _table(choices, order, of))


def _add(figure: go.Figure, mark: tuple[str, float] | None) -> None:
    """A dotted line across a figure, with its name in the legend."""
    if mark:
        line = {"color": GREY, "dash": "dot", "width": 2}
        figure.add_vline(mark[1], line=line, name=mark[0], showlegend=True)
        figure.update_layout(showlegend=True)


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
        error_x=whiskers(list(shown.values()), colour),
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


def whiskers(found: Sequence[Interval], colour: str) -> dict[str, Any]:
    """The lines of 95 % intervals, as Plotly takes them."""
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
    """The text of a mark: its name, value, interval and number."""
    second = f"{series}: " if series else ""
    return f"<b>{row}</b><br>{second}{said(found)}"


def said(found: Interval) -> str:
    """A mean, its 95 % interval where it has one, and the number of pairs where it is known."""
    if np.isfinite(found.low) and np.isfinite(found.high):
        return str(found)
    return f"{found.mean:.3f}" + ("" if found.pairs is None else f" (n = {found.pairs})")


def _ticks(order: Sequence[str], italic: Callable[[str], bool]) -> dict[str, Any]:
    names = [_name(row) for row in order]
    return {
        "yaxis.tickvals": list(range(len(order))),
        "yaxis.ticktext": [
            f"<i>{name}</i>" if italic(row) else name
            for row, name in zip(order, names, strict=True)
        ],
        "yaxis.range": [len(order) - 0.4, -0.6],  # the first row is the uppermost
    }


def lines_of(text: str, longest: int = LONGEST) -> str:
    """A text in lines of HTML, none of them longer than `longest` unless one word is."""
    return "<br>".join(map(escape, wrap(text, longest, break_long_words=False)))


def _name(row: str) -> str:
    """A row's name in one line or two."""
    return next(text for k in range(LONGEST, 999) if (text := lines_of(row, k)).count("<br>") < 2)


def _height(row: str) -> int:
    return max(LINE * (_name(row).count("<br>") + 1) + 6, 27)


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


def _table(choices: Mapping[str, Series], order: Sequence[str], of: str) -> Table:
    """A row for each row of the figure, a column for each series."""
    several = len(choices) > 1
    names = list(dict.fromkeys(name for series in choices.values() for name in series))
    columns = [of, *(["shown"] if several else []), *(name or "mean" for name in names)]
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


Curves = Mapping[str, tuple[Sequence[float], Sequence[Interval]]]
"""By the name of a curve, its places on the x axis and what was found there."""


def lines(
    title: str,
    choices: Mapping[str, Curves],
    xlabel: str,
    ylabel: str,
    *,
    log: bool = False,
    mark: tuple[str, float] | None = None,
    band: str = "95 % intervals",
    alt: str = "",
) -> Chart:
    """Curves with bands of their 95 % intervals.

    Args:
        title: what it shows.
        choices: curves by the entry of a menu; of one entry there is no menu.
        xlabel: of the x axis.
        ylabel: of the y axis.
        log: whether the x axis is logarithmic.
        mark: name and place on the x axis of a dotted line.
        band: what the bands are.
        alt: what is seen; by default it is told from the numbers.
    """
    figure = go.Figure()
    entries = []
    rows = []
    for label, curves in choices.items():
        begin = len(figure.data)
        for (name, (x, found)), (colour, dash) in zip(curves.items(), LINES, strict=False):
            if np.isfinite([of.low for of in found]).all():
                figure.add_scatter(
                    x=[*x, *reversed(x)],
                    y=[of.low for of in found] + [of.high for of in reversed(found)],
                    mode="lines",
                    line={"width": 0},
                    fill="toself",
                    fillcolor=faded(colour, 0.15),
                    legendgroup=name,
                    showlegend=False,
                    hoverinfo="skip",
                )
            figure.add_scatter(
                x=list(x),
                y=[of.mean for of in found],
                mode="lines+markers",
                name=name,
                legendgroup=name,
                line={"color": colour, "dash": dash, "width": 2},
                marker={"size": 5},
                hovertext=[
                    _hover(name, f"{xlabel} {place:g}", of)
                    for place, of in zip(x, found, strict=True)
                ],
                hovertemplate="%{hovertext}<extra></extra>",
            )
            first = [label] if len(choices) > 1 else []
            rows += [[name, *first, f"{p:g}", said(of)] for p, of in zip(x, found, strict=True)]
        entries.append(Choice(label, range(begin, len(figure.data))))
    styled(figure, WIDE, entries, showlegend=max(map(len, choices.values())) > 1)
    figure.update_xaxes(title_text=lines_of(xlabel, TITLE), zeroline=False)
    figure.update_yaxes(title_text=ylabel)
    if log:
        ticks = log_ticks([p for curves in choices.values() for x, _ in curves.values() for p in x])
        figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{of:g}" for of in ticks])
    _add(figure, mark)
    columns = ["curve", *(["shown"] if len(choices) > 1 else []), xlabel, ylabel]
    return Chart(figure, title, alt or _told_of_curves(title, choices, band), Table(columns, rows))


def log_ticks(places: Sequence[float]) -> list[float]:
    """Round numbers from the lowest to the highest place of a logarithmic axis."""
    low, high = (float(np.log10(of)) for of in (min(places), max(places)))
    steps = (1,) if high - low > 2 else (1, 2, 5)
    tens = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    ticks = [step * 10.0**k for k in tens for step in steps]
    return [of for of in ticks if 0.99 * min(places) <= of <= 1.01 * max(places)]


def faded(colour: str, opacity: float = 0.45) -> str:
    """A colour such as "#0072b2" that lets shine through what is behind it."""
    red, green, blue = bytes.fromhex(colour[1:])
    return f"rgba({red},{green},{blue},{opacity})"


def _told_of_curves(title: str, choices: Mapping[str, Curves], band: str) -> str:
    """Where curves begin and end, told from their numbers."""
    label, curves = next(iter(choices.items()))
    ends = [
        f"{name} from {found[0].mean:.3f} to {found[-1].mean:.3f}"
        for name, (_, found) in curves.items()
    ]
    shown = f" Shown first: {label}." if label and len(choices) > 1 else ""
    return f"{title}. Curves with bands: {band}.{shown} {'; '.join(ends)}."


def matrix(
    title: str,
    choices: Mapping[str, np.ndarray],
    names: Sequence[str],
    scale: str,
    *,
    limit: float | None = None,
    alt: str = "",
) -> Chart:
    """Numbers of every row with every column as colours: orange above 0, purple below.

    Args:
        title: what it shows.
        choices: (M,M) by the entry of a menu; a cell that is NaN stays empty.
        names: of rows and columns; columns show their numbers only.
        scale: what the colours say.
        limit: of the colours; by default the largest number.
        alt: what is seen.
    """
    figure = go.Figure()
    count = len(names)
    numbers = list(range(1, count + 1))
    for values in choices.values():
        largest = limit or float(np.nanmax(np.abs(values)))
        rows_of, columns_of = np.nonzero(~np.isnan(values))
        found = values[rows_of, columns_of].astype(float)
        figure.add_bar(  # one for each cell: the part of plotly.js in pages has no heatmaps
            x=(columns_of + 1).tolist(),
            y=[CELL] * len(found),
            base=(rows_of + 1 - CELL / 2).tolist(),
            width=CELL,
            marker={
                "color": found.tolist(),
                "cmin": -largest,
                "cmax": largest,
                # As seen in grey, too.
                "colorscale": [[0, "#542788"], [0.5, "#f7f7f7"], [1, "#b35806"]],
                "line": {"width": 0},
                "colorbar": {
                    "orientation": "h",
                    "y": 1,
                    "yanchor": "bottom",
                    "thickness": 10,
                    "title": {"text": scale, "side": "top", "font": {"size": 12}},
                },
            },
            showlegend=False,
            customdata=[
                [names[row], names[column], f"{of:.3f}"]
                for row, column, of in zip(
                    rows_of.tolist(), columns_of.tolist(), found, strict=True
                )
            ],
            hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>"
            + f"{scale}: %{{customdata[2]}}<extra></extra>",
        )
    styled(figure, 26 * count, [Choice(label, [k]) for k, label in enumerate(choices)])
    ticks = [f"{lines_of(name)}  {k}" for k, name in enumerate(names, 1)]
    ends = [count + 0.5, 0.5]
    figure.update_layout(barmode="overlay")
    figure.update_yaxes(tickvals=numbers, ticktext=ticks, range=ends, showgrid=False)
    sparse = numbers[:: 2 if count > 12 else 1]  # a telephone has room for no more
    figure.update_xaxes(tickvals=sparse, tickangle=-90, range=ends[::-1], showgrid=False)
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(zeroline=False, tickfont={"size": 10})
    several = len(choices) > 1
    rows = [
        [name, *([label] if several else []), *("" if np.isnan(of) else f"{of:.3f}" for of in row)]
        for label, values in choices.items()
        for name, row in zip(ticks, values, strict=True)
    ]
    columns = ["method", *(["shown"] if several else []), *map(str, numbers)]
    rows = [[row[0].replace("<br>", " "), *row[1:]] for row in rows]
    return Chart(figure, title, alt or f"{title}. Rows and columns: {count}.", Table(columns, rows))


def bars(
    title: str,
    choices: Mapping[str, Mapping[str, Sequence[float]]],
    x: Sequence[float],
    xlabel: str,
    ylabel: str,
    *,
    hover: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    overlaid: bool = False,
    mark: tuple[str, float] | None = None,
    alt: str = "",
) -> Chart:
    """Bars of one or more series, side by side or, as histograms, one before another.

    Args:
        title: what it shows.
        choices: by the entry of a menu and the name of a series, the height at each place.
        x: the places.
        xlabel: of the x axis.
        ylabel: of the y axis.
        hover: by entry and series what each bar says; by default its height.
        overlaid: whether the bars of all series stand at one place.
        mark: name and place of a dashed line.
        alt: what is seen.
    """
    figure = go.Figure()
    entries, rows = [], []
    for label, series in choices.items():
        begin = len(figure.data)
        for (name, heights), (colour, _) in zip(series.items(), LOOKS, strict=False):
            told = hover[label][name] if hover else [f"{height:.3f}" for height in heights]
            figure.add_bar(
                x=list(x),
                y=list(heights),
                name=name,
                marker={"color": faded(colour, 0.7) if overlaid else colour},
                hovertext=[f"<b>{name}</b><br>{said}" for said in told],
                hovertemplate="%{hovertext}<extra></extra>",
            )
            first = [label] if len(choices) > 1 else []
            rows += [
                [name, *first, f"{place:g}", said] for place, said in zip(x, told, strict=True)
            ]
        entries.append(Choice(label, range(begin, len(figure.data))))
    styled(figure, WIDE - 60, entries, barmode="overlay" if overlaid else "group", bargap=0.15)
    if overlaid:
        figure.update_layout(bargap=0)
    figure.update_xaxes(title_text=xlabel, zeroline=False)
    figure.update_yaxes(title_text=ylabel)
    _add(figure, mark)
    columns = ["series", *(["shown"] if len(choices) > 1 else []), xlabel, ylabel]
    return Chart(figure, title, alt or f"{title}. Bars by {xlabel}.", Table(columns, rows))
