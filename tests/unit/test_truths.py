"""Scores of what is known: networks that see everything find it, and rows are what they say."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import pytest
import torch
from torch import Tensor

from lfs_core.things.explain import TITLES
from lfs_core.things.held_out_pairs import HELD_OUT
from lfs_core.things.motifs import MOTIFS, planted
from lfs_core.things.sentence_pairs import EXCHANGED
from lfs_core.things.truths import answering_words, exchanged_words, motif_parts, words_alone

LINES = ("One {two|three} four five.", "Six seven {eight nine|ten} zero.")


def bag(texts: Sequence[str]) -> Tensor:
    """A network that counts words: each has an axis of its own."""
    known = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "zero"]
    return torch.tensor(
        [[1.0 * of.lower().replace(".", "").split().count(word) for word in known] for of in texts]
    )


def test_a_network_that_counts_words_finds_all_exchanged_ones() -> None:
    found = exchanged_words(bag, ["causal", "corrrise", "random"], LINES, count=50)
    assert all(len(values) == 2 for values in found.values())
    assert found["Words without a match"] == found["Words alone without a match"] == [1, 1]
    assert found[TITLES["causal"]] == [1, 1]
    # "two" and "three" are shorter than one other word, as long as one, and longer than none.
    assert found["Long words"][0] == pytest.approx((1 / 6 + 1) / 2)


def test_answers_are_found_where_words_are_known() -> None:
    entries = [("One two three.", "Three one two.", "One=one two=two three=Three")]
    found = answering_words(bag, ["causal"], entries)
    assert found[TITLES["causal"]] == found["Words alone"] == [1] and found["Same place"] == [0]


def test_words_alone_are_cosines_of_words() -> None:
    class Words:
        parts = ("one", "two")

        def without(self, sets: Tensor) -> Tensor:
            raise NotImplementedError

    assert torch.equal(words_alone(bag, Words(), Words()), torch.eye(2))


def counted(adjacency: Tensor, there: Tensor) -> Tensor:
    """Nodes, edges and triangles: (B,3)."""
    triangles = torch.linalg.matrix_power(adjacency, 3).diagonal(dim1=1, dim2=2).sum(dim=1)
    return torch.stack([there.sum(dim=1).float(), adjacency.sum(dim=(1, 2)), triangles], dim=1)


@pytest.mark.parametrize("parts", ["nodes", "edges"])
def test_motifs_are_judged_by_their_nodes_or_edges(parts: str) -> None:
    found = motif_parts(counted, ["causal", "random"], 1, parts)
    assert {len(values) for values in found.values()} == {len(MOTIFS)}
    assert all(0 <= value <= 1 for values in found.values() for value in values)
    # Rings have core number 2, and with them only what lies between two joins.
    assert min(found["Core number"]) > 0.75


def test_the_core_number_of_an_edge_is_that_of_its_weaker_end() -> None:
    """So an edge between motif and tree is no edge of the motif."""
    graph, truth = planted("house", 0)
    core = nx.core_number(graph)
    inside = [(u, v) for u, v in graph.edges if truth[u] and truth[v]]
    assert len(inside) == MOTIFS["house"].number_of_edges()
    assert all(min(core[u], core[v]) == 2 for u, v in inside)


def test_the_lists_have_no_sentence_in_common() -> None:
    assert len({*HELD_OUT}) == len(HELD_OUT) == 24 and not {*HELD_OUT} & {*EXCHANGED}
