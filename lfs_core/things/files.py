"""Files as things, by how their names end: to add a kind, add a line to `KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lfs_core.errors import LFSError
from lfs_core.parts import Thing
from lfs_core.things.meanings import MEANINGS

if TYPE_CHECKING:
    from torch import Tensor


class Kind(NamedTuple):
    """What a file holds.

    Attributes:
        name: of one, for readers.
        part: what one of its parts is called.
        network: that embeds it, for readers.
        read: the thing in a file; what it has in `unread` is not read by the network.
        calibrated: how the network's own threshold was found, for readers.
    """

    name: str
    part: str
    network: str
    read: Callable[[Path], Thing]
    calibrated: str = ""


def read_sentence(path: Path) -> Thing:
    """The text of a file, for MiniLM.

    Raises:
        LFSError: it has fewer than two words, or more than the network reads.
        AssetError: the network cannot be fetched.
    """
    from lfs_core.things.minilm import all_minilm
    from lfs_core.things.sentences import Sentence, words
    from lfs_core.util.reading import read_text

    text = read_text(path).strip()
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise LFSError("this is no text in UTF-8 or UTF-16; save it as one.")
    if len(words(text)) < 2:  # said before anything is fetched
        return Sentence(lambda texts: None, text)
    return Sentence(all_minilm(), text)


def read_graph(path: Path) -> Thing:
    """The graph of a GML file, for the network that finds motifs.

    Raises:
        LFSError: it is no such file, or no graph that can be explained.
    """
    import networkx as nx

    from lfs_core.things.graphs import Graph, unread
    from lfs_core.things.motifs import GraphNetwork, motif_network

    class Late:
        """The network, which is loaded when it is first asked, after the graph was looked at."""

        similarity_threshold = GraphNetwork.similarity_threshold

        def __call__(self, adjacency: Tensor, there: Tensor) -> Tensor:
            found: Tensor = motif_network()(adjacency, there)
            return found

    try:
        graph = nx.read_gml(path, label=None)
    except (nx.NetworkXError, ValueError) as error:
        raise LFSError(f"this is no graph in GML: {error}.") from None
    names = {node: graph.nodes[node].get("label", node) for node in graph}
    if len({*names.values()}) < len(graph):  # as the atoms of a molecule
        names = {node: f"{name} ({node})" for node, name in names.items()}
    return Graph(Late(), nx.relabel_nodes(graph, names), unread=unread(graph))


OF_SENTENCES = (
    f"The threshold is the one that separates best {len(MEANINGS)} pairs of sentences with one "
    f"meaning from {2 * len(MEANINGS)} pairs with two. It is right about 94 % of the first. Of the "
    "pairs with two meanings it is right about 53 % where both are about one subject, and 100 % "
    "where they are about two."
)
OF_GRAPHS = (
    "The threshold is the one that separates best pairs of made graphs that share a motif from "
    "pairs that do not. It is right about 90 % of them, both kinds weighted equally."
)
TEXT = Kind("text", "word", "MiniLM (all-MiniLM-L6-v2)", read_sentence, OF_SENTENCES)
GRAPH = Kind("graph", "node", "a small network of planted motifs", read_graph, OF_GRAPHS)
KINDS = {".txt": TEXT, ".md": TEXT, ".gml": GRAPH}  # Markdown is read as it stands


def kind_of(path: Path) -> Kind | None:
    """The kind of a file; None for all that may be images."""
    return KINDS.get(path.suffix.lower())


def read_things(path_a: Path, path_b: Path) -> tuple[Kind, Thing, Thing]:
    """Two files of one kind as things.

    Raises:
        LFSError: they are of two kinds, or one cannot be read; it names the file.
    """
    kind, other = kind_of(path_a), kind_of(path_b)
    if kind is None or kind is not other:
        said = [f"{p.name} is {_one(k, p)}" for p, k in ((path_a, kind), (path_b, other))]
        raise LFSError(f"{' and '.join(said)}; give two {' or two '.join(readable_things())}.")
    things = []
    for path in (path_a, path_b):
        try:
            things.append(kind.read(path))
        except LFSError as error:
            raise type(error)(f"{path.name}: {error}") from None
    return kind, things[0], things[1]


def readable_things() -> list[str]:
    """The kinds with the suffixes of their files, for readers."""
    suffixes = {
        kind.name: [end for end, of in KINDS.items() if of is kind] for kind in (TEXT, GRAPH)
    }
    return [f"{name}s ({' '.join(ends)})" for name, ends in suffixes.items()]


def _one(kind: Kind | None, path: Path) -> str:
    return f"a {kind.name}" if kind else f"none, by its suffix {path.suffix or '(it has none)'}"
