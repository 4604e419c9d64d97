"""Choosing pairs by identity and similarity."""

from __future__ import annotations

import itertools

import pytest
import torch

import lfs_core as lfs
from lfs_core.datasets.pairs import all_pairs, choose_pairs, spread

GENERATOR = torch.Generator().manual_seed(0)
CENTRES = torch.randn(6, 32, generator=GENERATOR)
EMBEDDINGS = (CENTRES[:, None] + 0.6 * torch.randn(6, 5, 32, generator=GENERATOR)).flatten(0, 1)
IDENTITIES = [name for name in "abcdef" for _ in range(5)]


def test_all_pairs_once_with_their_cosine() -> None:
    pairs = all_pairs(EMBEDDINGS, IDENTITIES)
    assert len({(p.a, p.b) for p in pairs}) == 30 * 29 / 2
    for pair in pairs[::50]:
        cosine = torch.cosine_similarity(EMBEDDINGS[pair.a], EMBEDDINGS[pair.b], dim=0).item()
        assert pair.similarity == pytest.approx(cosine, abs=1e-6)
        assert pair.same_identity == (IDENTITIES[pair.a] == IDENTITIES[pair.b])
    assert all(x.similarity >= y.similarity for x, y in itertools.pairwise(pairs))


@pytest.mark.parametrize("similar", [True, False])
def test_chosen_pairs(similar: bool) -> None:
    chosen = choose_pairs(EMBEDDINGS, IDENTITIES, 4, similar=similar, threshold=0.3)
    assert len(chosen) == 4
    assert all(p.same_identity == similar and (p.similarity > 0.3) == similar for p in chosen)
    used = [index for p in chosen for index in (p.a, p.b)]
    assert len(set(used)) == 8  # no image twice
    shown = {IDENTITIES[index] for index in used}
    assert len(shown) >= 4
    right = [
        p.similarity
        for p in all_pairs(EMBEDDINGS, IDENTITIES)
        if p.same_identity == similar and (p.similarity > 0.3) == similar
    ]
    width = chosen[0].similarity - chosen[-1].similarity
    assert width > 0.4 * (max(right) - min(right))


def test_pairs_of_some_of_the_images() -> None:
    among = [k for k in range(30) if k % 5 < 2]
    chosen = choose_pairs(EMBEDDINGS, IDENTITIES, 3, similar=False, threshold=0.3, among=among)
    assert {index for p in chosen for index in (p.a, p.b)} <= set(among) and len(chosen) == 3
    with pytest.raises(lfs.LFSError, match="only 0 similar"):
        choose_pairs(EMBEDDINGS, IDENTITIES, 1, similar=True, threshold=0.3, among=[0, 5, 10])


def test_too_few_pairs() -> None:
    with pytest.raises(lfs.LFSError, match="only 2 similar pairs"):
        choose_pairs(EMBEDDINGS[:5], IDENTITIES[:5], 3, similar=True, threshold=0.0)
    with pytest.raises(lfs.LFSError, match="only 0 dissimilar pairs"):
        choose_pairs(EMBEDDINGS[:5], IDENTITIES[:5], 1, similar=False, threshold=0.3)


def test_spread_pairs_lie_evenly_and_are_no_more_than_there_are() -> None:
    pairs = all_pairs(EMBEDDINGS, IDENTITIES)
    places = [pairs.index(pair) for pair in spread(pairs, 5)]
    assert {b - a for a, b in itertools.pairwise(places)} == {len(pairs) // 5}
    assert places[0] == len(pairs) - 1 - places[-1]
    assert spread(pairs[:3], 5) == pairs[:3] and spread([], 5) == []
