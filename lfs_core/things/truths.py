"""How well methods find what is known: exchanged words, answering words, planted motifs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import networkx as nx
import torch
from torch import Tensor

from lfs_core.parts import Thing
from lfs_core.things.explain import TITLES, explain_things
from lfs_core.things.graphs import Graph, GraphEmbedder
from lfs_core.things.judged import auroc
from lfs_core.things.motifs import MOTIFS, Planted, planted
from lfs_core.things.sentence_pairs import EXCHANGED, PARAPHRASES, exchanged, paraphrase
from lfs_core.things.sentences import Sentence, TextEmbedder

Scores = dict[str, list[float]]
"""Of each row of a table, by its name for readers, a number for each pair."""


def exchanged_words(
    embed: TextEmbedder,
    methods: Sequence[str],
    lines: Iterable[str] = EXCHANGED,
    count: int | None = None,
) -> Scores:
    """AUROC with which each method puts the exchanged words first, of evidence against a match.

    Each pair counts once, with the mean of its two sentences. Rows that are no methods: words that
    are unlike all of the other sentence, by the causal map; the same of each word embedded alone;
    and how long words are.

    Args:
        embed: the network.
        methods: names in `METHODS`.
        lines: of `EXCHANGED`.
        count: of random sets, as in `explain_things`.
    """
    scores: Scores = {}
    for seed, line in enumerate(lines):
        pair = exchanged(line)
        a, b = (Sentence(embed, text) for text in pair.texts)
        rows: dict[str, tuple[Tensor, Tensor]] = {}
        for method in methods:
            e = explain_things(a, b, method, seed=seed, count=count)
            rows[TITLES[method]] = (-e.signed[0], -e.signed[1])
            if method == "causal" and e.unmatched is not None:
                rows["Words without a match"] = e.unmatched
        alike = words_alone(embed, a, b)
        rows["Words alone without a match"] = (-alike.amax(dim=1), -alike.amax(dim=0))
        rows["Long words"] = (_lengths(a), _lengths(b))
        _add(scores, rows, pair.truth)
    return scores


def answering_words(
    embed: TextEmbedder,
    methods: Sequence[str] = ("causal", "shared"),
    entries: Iterable[tuple[str, str, str]] = PARAPHRASES,
) -> Scores:
    """Share, of each paraphrase's known pairs of words, that is found as the likest word.

    Args:
        embed: the network.
        methods: names in `METHODS`, of those that find matches.
        entries: of `PARAPHRASES`.
    """
    scores: Scores = {}
    for entry in entries:
        pair = paraphrase(*entry)
        a, b = (Sentence(embed, text) for text in pair.texts)
        found = {TITLES[m]: explain_things(a, b, m).likeness for m in methods}
        place = torch.linspace(0, 1, len(a.parts))[:, None] - torch.linspace(0, 1, len(b.parts))
        found |= {"Words alone": words_alone(embed, a, b), "Same place": -place.abs()}
        for name, alike in found.items():
            if alike is not None:
                right = [float(alike[k].argmax() == place) for k, place in pair.pairs]
                scores.setdefault(name, []).append(sum(right) / len(right))
    return scores


def motif_parts(
    embed: GraphEmbedder,
    methods: Sequence[str],
    each: int,
    parts: str = "nodes",
    seed: int = 0,
    count: int | None = None,
) -> Scores:
    """AUROC with which each method puts the nodes, or the edges, of a shared motif first.

    Rows that are no methods: a node's degree; and its core number, which tells rings from trees. An
    edge has the smaller number of its two ends.

    Args:
        embed: the network.
        methods: names in `METHODS`.
        each: pairs of each motif.
        parts: "nodes" or "edges".
        seed: of the graphs.
        count: of random sets, as in `explain_things`.
    """
    scores: Scores = {}
    for motif in MOTIFS:
        for k in range(each):
            pair = [planted(motif, 2 * (seed + k) + side) for side in (0, 1)]
            a, b = (Graph(embed, of.graph, parts) for of in pair)
            rows = {
                TITLES[m]: explain_things(a, b, m, seed=seed + k, count=count).signed
                for m in methods
            }
            for name, counted in (("Degree", nx.degree), ("Core number", nx.core_number)):
                numbers = [_counts(of, counted) for of in pair]
                rows[name] = (_of_parts(a, numbers[0]), _of_parts(b, numbers[1]))
            truth = [_of_parts(of, one.truth) for of, one in zip((a, b), pair, strict=True)]
            _add(scores, rows, (truth[0], truth[1]))
    return scores


def words_alone(embed: TextEmbedder, a: Thing, b: Thing) -> Tensor:
    """Cosines (K,L) of words that are embedded one at a time: a control that ignores sentences."""
    h_a, h_b = (torch.as_tensor(embed(list(of.parts))) for of in (a, b))
    return torch.nn.functional.cosine_similarity(h_a[:, None], h_b, dim=-1)


def _lengths(sentence: Sentence) -> Tensor:
    return torch.tensor([float(len(word)) for word in sentence.parts])


def _of_parts(graph: Graph, of_nodes: Tensor) -> Tensor:
    """Numbers of nodes (N,) for a graph's parts (K,): an edge has the smaller of its two ends'."""
    if graph.kind == "nodes":
        return of_nodes
    return of_nodes[torch.tensor(graph.edges)].amin(dim=1)


def _counts(of: Planted, count: object) -> Tensor:
    counts = dict(count(of.graph))  # type: ignore[operator]
    return torch.tensor([float(counts[node]) for node in of.graph])


def _add(
    scores: Scores, rows: Mapping[str, tuple[Tensor, Tensor]], truth: tuple[Tensor, Tensor]
) -> None:
    for name, values in rows.items():
        both = [auroc(of, right) for of, right in zip(values, truth, strict=True)]
        scores.setdefault(name, []).append(sum(both) / 2)
