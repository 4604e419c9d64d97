"""Graphs without some nodes or edges, and what a network that learns from planted motifs says."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.parts import causal, left, whole
from lfs_core.things.explain import explain_things
from lfs_core.things.graphs import Graph
from lfs_core.things.judged import auroc
from lfs_core.things.motifs import MOTIFS, GraphNetwork, motif_network, planted, stacked


def degrees(adjacency: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """How many nodes are there, and the sum of their degrees: (B,2)."""
    return torch.stack([there.sum(dim=1).float(), adjacency.sum(dim=(1, 2))], dim=1)


@pytest.mark.parametrize("parts", ["nodes", "edges"])
def test_what_is_left_is_what_networkx_leaves(parts: str) -> None:
    graph = nx.relabel_nodes(nx.house_graph(), {0: "roof", 3: "door"})
    thing = Graph(degrees, graph, parts)
    names = list(graph) if parts == "nodes" else list(graph.edges)
    assert len(thing.parts) == len(names)
    sets = torch.arange(2 ** len(names))[:, None] >> torch.arange(len(names)) & 1 > 0
    for gone, found in zip(sets, thing.without(sets), strict=True):
        smaller = graph.copy()
        away = [name for name, one in zip(names, gone.tolist(), strict=True) if one]
        (smaller.remove_nodes_from if parts == "nodes" else smaller.remove_edges_from)(away)
        assert found.tolist() == [len(smaller), 2 * smaller.number_of_edges()]


def test_a_star_by_hand() -> None:
    """Without its middle a star has no edges; without a leaf it has one less."""
    thing = Graph(degrees, nx.star_graph(3))
    h = torch.tensor([4.0, 6])
    expected = h / h.norm() - torch.tensor([[1.0, 0], *[[3 / 5, 4 / 5]] * 3])
    torch.testing.assert_close(causal(thing), expected)


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (nx.empty_graph(0), "0 nodes"),
        (nx.empty_graph(1), "1 nodes"),
        (nx.path_graph(201), "201 nodes"),
        (nx.disjoint_union(nx.path_graph(2), nx.path_graph(3)), "2 pieces"),
        (nx.DiGraph([(0, 1)]), "directed"),
    ],
)
def test_what_cannot_be_taken_apart_is_refused(graph: nx.Graph, said: str) -> None:
    with pytest.raises(lfs.LFSError, match=said):
        Graph(degrees, graph)
    with pytest.raises(lfs.LFSError, match="nodes or edges"):
        Graph(degrees, nx.house_graph(), "faces")


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(sorted(MOTIFS)), st.integers(0, 10**5))
def test_the_motif_is_where_the_truth_says(motif: str, seed: int) -> None:
    graph, truth = planted(motif, seed)
    inside = graph.subgraph(truth.nonzero()[:, 0].tolist())
    assert nx.is_isomorphic(inside, MOTIFS[motif])
    rest = graph.subgraph((~truth).nonzero()[:, 0].tolist())
    assert nx.is_tree(rest) and nx.is_connected(graph)


def test_the_network_ignores_the_order_of_nodes_and_padding() -> None:
    torch.manual_seed(0)
    network = GraphNetwork().eval()
    graph = planted("house", 0).graph
    turned = nx.relabel_nodes(graph, {k: len(graph) - 1 - k for k in graph})
    large = nx.path_graph(60)
    alone, beside = network(*stacked([graph])), network(*stacked([turned, large]))[:1]
    torch.testing.assert_close(alone, beside)


def test_nothing_left_is_0() -> None:
    thing = Graph(GraphNetwork().eval(), nx.house_graph())
    with torch.no_grad():
        assert not left(thing, torch.ones(1, 5, dtype=torch.bool)).any() and whole(thing).any()


@pytest.mark.slow
def test_the_network_learns_and_the_evidence_lies_on_the_motif() -> None:
    network = motif_network()
    rings = [planted("all of five", k) for k in range(2)]
    a, b = (Graph(network, of.graph) for of in rings)
    e = explain_things(a, b)
    assert (
        e.similarity
        > 0.9
        > explain_things(a, Graph(network, planted("ladder", 0).graph)).similarity
    )
    assert min(auroc(s, of.truth) for s, of in zip(e.signed, rings, strict=True)) > 0.8
