"""Charts of parts: bars stand where the evidence does, controls are hollow, tables hold numbers."""

from __future__ import annotations

import pytest
import torch
from test_truths import bag, counted

from lfs_core.things.explain import TITLES, explain_things
from lfs_core.things.graphs import Graph
from lfs_core.things.motifs import planted
from lfs_core.things.sentences import Sentence
from lfs_core.viz.part_figures import SIZE, plot_found, plot_graph, plot_lists, plot_words


def test_bars_are_the_evidence_of_words() -> None:
    e = explain_things(Sentence(bag, "One two four."), Sentence(bag, "One three four."))
    chart = plot_words(e)
    for bars, parts, signed in zip(chart.figure.data, e.parts, e.signed, strict=True):
        assert list(bars.text) == list(parts)
        assert list(bars.y) == pytest.approx(signed.tolist())
    least, most = chart.figure.layout.yaxis.range
    assert least < min(map(min, e.signed)) and most > max(map(max, e.signed))
    assert [row[0] for row in chart.table.rows] == [*e.parts[0], *e.parts[1]]


def test_squares_are_the_motif_and_the_strongest_node_is_the_largest() -> None:
    pair = [planted("house", k) for k in (0, 1)]
    e = explain_things(*(Graph(counted, of.graph) for of in pair))
    _, motif, tree = plot_graph(e, 0, pair[0]).figure.data
    assert len(motif.x) == int(pair[0].truth.sum()) == 5
    assert len(motif.x) + len(tree.x) == len(pair[0].graph)
    assert motif.marker.symbol == "square" and tree.marker.symbol == "circle"
    assert max(*motif.marker.size, *tree.marker.size) == pytest.approx(SIZE[1])
    none = explain_things(*(Graph(counted, of.graph) for of in pair), method="random")
    values = (torch.zeros_like(none.signed[0]), none.signed[1])
    object.__setattr__(none, "signed", values)
    _, *marks = plot_graph(none, 0, pair[0]).figure.data
    sizes = [size for trace in marks for size in trace.marker.size]
    assert set(sizes) == {SIZE[0]}


def test_controls_are_hollow_and_lists_are_apart() -> None:
    scores = {TITLES["causal"]: [0.9, 0.8], "Degree": [0.5, 0.7], TITLES["random"]: [0.4, 0.6]}
    chart = plot_found("Found", scores, "chance", ("Degree",))
    (marks,) = chart.figure.data
    assert sorted(marks.x) == pytest.approx([0.5, 0.6, 0.85])
    assert sum("open" in symbol for symbol in marks.marker.symbol) == 2
    both = plot_lists("Found", {"old": scores, "new": scores}, "chance", ("Degree",))
    assert [trace.name for trace in both.figure.data] == ["old", "new"]
