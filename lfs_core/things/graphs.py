"""A graph as a thing: its parts are nodes, or edges, which are taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import networkx as nx
import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.util.progress import batches

MOST = 200  # nodes; each needs a pass, and all pairs of nodes are held at once
PARTS = ("nodes", "edges")
BATCH = 64  # graphs at a time
DRAWN = {"graphics", "LabelGraphics"}  # attributes that say how a graph looks, as GML has them

GraphEmbedder = Callable[[Tensor, Tensor], Tensor]
"""Adjacency (B,N,N) in {0,1} and which nodes are there (B,N) bool -> (B,D)."""


class Graph:
    """A graph as a thing. With a node go its edges; an edge leaves its nodes.

    Args:
        embed: the network.
        graph: undirected, all in one piece. Of several edges between two nodes one is taken.
        parts: "nodes" or "edges".
        unread: what the file says that the network does not read, as `unread` finds it.

    Raises:
        LFSError: the graph is directed, in several pieces, too large or too small.
    """

    def __init__(
        self,
        embed: GraphEmbedder,
        graph: nx.Graph,
        parts: str = "nodes",
        unread: Sequence[str] = (),
    ) -> None:
        if parts not in PARTS:
            raise LFSError(f"parts is {parts!r}; it must be {' or '.join(PARTS)}.")
        if graph.is_directed():
            raise LFSError("The graph is directed; give an undirected one.")
        if not 2 <= len(graph) <= MOST:
            raise LFSError(f"The graph has {len(graph)} nodes; it takes 2 to {MOST}.")
        if not nx.is_connected(graph):
            pieces = nx.number_connected_components(graph)
            raise LFSError(f"The graph is in {pieces} pieces; explain one connected piece.")
        graph = nx.Graph(graph)
        self.embed, self.graph, self.kind, self.unread = embed, graph, parts, tuple(unread)
        self.nodes = list(graph)
        place = {node: k for k, node in enumerate(self.nodes)}
        self.edges = [(place[u], place[v]) for u, v in graph.edges if u != v]
        names = [str(node) for node in self.nodes]
        between = [f"{names[u]} to {names[v]}" for u, v in self.edges]
        self.parts = tuple(names if parts == "nodes" else between)

    def without(self, sets: Tensor) -> Tensor:
        """Embeddings (S,D) of the graph without the parts of each set (S,K) bool."""
        return torch.cat([self.embed(*self.left(some)) for some in batches(sets, BATCH)])

    def left(self, sets: Tensor) -> tuple[Tensor, Tensor]:
        """Adjacency (S,N,N) and which nodes are there (S,N) bool, without the parts of each set."""
        count = len(self.nodes)
        there = ~sets if self.kind == "nodes" else torch.ones(len(sets), count, dtype=torch.bool)
        ends = torch.tensor(self.edges).T
        adjacency = torch.zeros(len(sets), count, count)
        kept = torch.ones(len(sets), len(self.edges)) if self.kind == "nodes" else (~sets).float()
        adjacency[:, ends[0], ends[1]] = adjacency[:, ends[1], ends[0]] = kept
        return adjacency * there[:, None] * there[:, :, None], there


def unread(graph: nx.Graph) -> list[str]:
    """What a graph holds besides nodes and what joins them, for readers; networks read no more.

    What is the same at all nodes, or at all edges, tells none from the others and is left out. So
    is how a graph is drawn, and names of nodes that are all different.
    """
    nodes = _that_differ(data for _, data in graph.nodes(data=True))
    names = [data.get("label", node) for node, data in graph.nodes(data=True)]
    if "label" in nodes and len({*map(str, names)}) == len(names):
        nodes.remove("label")
    found = [f"{name!r} of nodes" for name in nodes]
    found += [
        f"{name!r} of edges" for name in _that_differ(data for *_, data in graph.edges(data=True))
    ]
    if nx.number_of_selfloops(graph):
        found.append("edges from a node to itself")
    if graph.number_of_edges() > len({frozenset(of[:2]) for of in graph.edges}):
        found.append("how many edges join two nodes")
    return found


def _that_differ(data: Iterable[Mapping[str, object]]) -> list[str]:
    """The names of attributes that are not the same everywhere."""
    rows = list(data)
    names = dict.fromkeys(name for row in rows for name in row if name not in DRAWN)
    return [name for name in names if any(row.get(name) != rows[0].get(name) for row in rows)]
