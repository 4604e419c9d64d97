"""Which pairs to explain: chosen by identity and similarity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lfs_core.errors import LFSError


@dataclass(frozen=True)
class Pair:
    """Two images by their place in a set.

    Attributes:
        a: index of the first image.
        b: index of the second.
        similarity: cosine of their embeddings, in [-1,1].
        same_identity: whether both show the same person or thing.
    """

    a: int
    b: int
    similarity: float
    same_identity: bool


def all_pairs(embeddings: Tensor, identities: Sequence[str]) -> list[Pair]:
    """Every pair of a set, most similar first.

    Args:
        embeddings: (N,D).
        identities: whose image each is.
    """
    unit = torch.nn.functional.normalize(embeddings, dim=1)
    a, b = torch.triu_indices(len(unit), len(unit), offset=1)
    similarity = (unit @ unit.T)[a, b]
    order = similarity.argsort(descending=True, stable=True)
    return [
        Pair(i, j, s, identities[i] == identities[j])
        for i, j, s in zip(
            a[order].tolist(), b[order].tolist(), similarity[order].tolist(), strict=True
        )
    ]


def spread(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """This many pairs, spread evenly over all; all, if there are no more."""
    count = min(count, len(pairs))
    return [pairs[int((k + 0.5) / count * len(pairs))] for k in range(count)]


def choose_pairs(
    embeddings: Tensor,
    identities: Sequence[str],
    count: int,
    *,
    similar: bool,
    threshold: float,
    among: Iterable[int] | None = None,
) -> list[Pair]:
    """Pairs about which the network is right, spread evenly from most to least similar.

    Similar pairs show one identity and lie above the threshold; dissimilar ones show two and lie
    at or below it. No image is used twice, and as many identities as possible are shown.

    Args:
        embeddings: (N,D).
        identities: whose image each is.
        count: how many pairs.
        similar: which kind of pair.
        threshold: xi_1, above which the network calls a pair similar.
        among: places of the images that may be used; by default all.

    Raises:
        LFSError: the set has fewer such pairs.
    """
    allowed = set(range(len(embeddings)) if among is None else among)
    right = [
        pair
        for pair in all_pairs(embeddings, identities)
        if pair.same_identity == similar
        and (pair.similarity > threshold) == similar
        and {pair.a, pair.b} <= allowed
    ]
    chosen: list[Pair] = []
    shown: list[str] = []
    for k in range(count):
        used = {index for pair in chosen for index in (pair.a, pair.b)}
        left = [pair for pair in right if not {pair.a, pair.b} & used]
        if not left:
            kind = "similar" if similar else "dissimilar"
            raise LFSError(f"The set has only {k} {kind} pairs of different images, not {count}.")
        target = right[int((k + 0.5) / count * len(right))].similarity
        # Among the pairs nearest to the wanted similarity, prefer people not shown yet.
        nearest = sorted(left, key=lambda pair: abs(pair.similarity - target))[:10]
        best = min(
            nearest,
            key=lambda pair: shown.count(identities[pair.a]) + shown.count(identities[pair.b]),
        )
        chosen.append(best)
        shown += [identities[best.a], identities[best.b]]
    return sorted(chosen, key=lambda pair: -pair.similarity)
