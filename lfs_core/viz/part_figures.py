"""Parts and their evidence as charts: words in a row, nodes where a graph has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx
import plotly.graph_objects as go
import torch

from lfs_core.findings.intervals import interval
from lfs_core.things.explain import TITLES, ThingsExplanation
from lfs_core.things.motifs import Planted
from lfs_core.things.truths import Scores
from lfs_core.viz.chart import GREY, WIDE, Chart, Table, dots, styled
from lfs_core.viz.figures import BLUE, ORANGE

ROOM = 0.3  # of the height, for the words at the ends of bars
SIZE = 14, 30  # px, of the marks of nodes, without evidence and with the strongest


def plot_words(explanation: ThingsExplanation) -> Chart:
    """The evidence of each word of two sentences, in reading order; the second hangs below."""
    e, figure = explanation, go.Figure()
    rows = []
    for side, (parts, signed) in enumerate(zip(e.parts, e.signed, strict=True)):
        name = ("first", "second")[side]
        figure.add_bar(
            x=list(range(1, len(parts) + 1)),
            y=signed.tolist(),
            text=list(parts),
            textposition="outside",
            textangle=-90,  # upright words would shrink to the width of a bar
            textfont={"size": 11},
            constraintext="none",
            cliponaxis=False,
            name=f"{name} sentence",
            marker={"color": (BLUE, ORANGE)[side], "pattern": {"shape": ("", "/")[side]}},
            hovertext=[f"{w}: {v:+.3f}" for w, v in zip(parts, signed.tolist(), strict=True)],
            hovertemplate="%{hovertext}<extra></extra>",
        )
        rows += [[w, name, f"{v:+.3f}"] for w, v in zip(parts, signed.tolist(), strict=True)]
    styled(figure, WIDE, barmode="group")
    figure.update_xaxes(title_text="word, in reading order", zeroline=False)
    values = torch.cat(e.signed)
    least, most = values.clamp_max(0).min().item(), values.clamp_min(0).max().item()
    room = ROOM * (most - least)
    figure.update_yaxes(title_text="evidence for a match", range=[least - room, most + room])
    strongest = [parts[int(of.argmax())] for parts, of in zip(e.parts, e.signed, strict=True)]
    alt = (
        f"Two rows of bars, one for each sentence; the strongest evidence for a match is that of "
        f"{strongest[0]} in the first and {strongest[1]} in the second."
    )
    table = Table(["word", "sentence", "evidence for a match"], rows)
    return Chart(figure, "Evidence of each word", alt, table)


def plot_graph(explanation: ThingsExplanation, side: int, planted: Planted) -> Chart:
    """One graph of a pair: the larger a node, the more evidence for the match; known ones framed.

    Args:
        explanation: of two graphs by their nodes.
        side: 0 for the first, 1 for the second.
        planted: that graph, and which of its nodes are the motif's.
    """
    graph, truth = planted
    values = explanation.signed[side].clamp_min(0)
    shares = (values / values.max().clamp_min(1e-12)).tolist()
    place = nx.spring_layout(graph, seed=0, iterations=200)
    figure = go.Figure()
    ends = [(place[u], place[v]) for u, v in graph.edges]
    figure.add_scatter(
        x=[x for a, b in ends for x in (a[0], b[0], None)],
        y=[y for a, b in ends for y in (a[1], b[1], None)],
        mode="lines",
        line={"color": GREY, "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
    rows = []
    for inside, name, symbol in ((True, "motif", "square"), (False, "tree", "circle")):
        nodes = [k for k, node in enumerate(graph) if bool(truth[k]) == inside]
        figure.add_scatter(
            x=[place[k][0] for k in nodes],
            y=[place[k][1] for k in nodes],
            mode="markers",
            name=name,
            marker={
                "symbol": symbol,
                "size": [SIZE[0] + (SIZE[1] - SIZE[0]) * shares[k] for k in nodes],
                "color": [shares[k] for k in nodes],
                "colorscale": "Viridis",
                "cmin": 0,
                "cmax": 1,
                "line": {"width": 1, "color": GREY},
            },
            hovertext=[f"node {k}, {name}: {values[k]:.3f}" for k in nodes],
            hovertemplate="%{hovertext}<extra></extra>",
        )
        rows += [[str(k), name, f"{values[k]:.3f}"] for k in nodes]
    styled(figure, WIDE)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    alt = (
        f"A graph of {len(graph)} nodes; the {int(truth.sum())} squares are the shared motif, and "
        "marks are larger where taking the node away lowers the similarity more."
    )
    return Chart(figure, "Evidence of each node", alt, Table(["node", "of", "evidence"], rows))


def plot_found(title: str, scores: Scores, xlabel: str, controls: Sequence[str] = ()) -> Chart:
    """The mean of each row of scores with its 95 % interval; controls are hollow.

    Args:
        title: what it shows.
        scores: of `things.truths`.
        xlabel: of the axis.
        controls: rows that are no methods.
    """
    return plot_lists(title, {"": scores}, xlabel, controls)


def plot_lists(
    title: str, lists: Mapping[str, Scores], xlabel: str, controls: Sequence[str] = ()
) -> Chart:
    """As `plot_found`, of several lists of pairs, by their names: a colour for each."""
    none = {*controls, TITLES["random"]}
    series = {
        of: {name: interval(values, 2000) for name, values in scores.items()}
        for of, scores in lists.items()
    }
    chart = dots(
        title,
        {"": series},
        xlabel,
        hollow=lambda series, row: row in none,
        italic=lambda row: row in none,
    )
    chart.figure.update_xaxes(range=[0, 1.02])
    return chart
