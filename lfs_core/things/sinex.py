"""SINEX: segments are perturbed together, and each is charged its part of what is lost.

Reconstructed from the abstracts of Fedele, Guidotti and Pedreschi (2022; 2024), which name local
perturbation, a weighted average over segments, the interplay of segments and one-shot learning with
C classes. The weight of a set, one over its size, and the outcome, the lead of the partner over the
other classes, are this book's reading.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.errors import LFSError
from lfs_core.parts import Thing, left, wholes
from lfs_core.things.methods import Sides, random_sets

TAKEN = 0.3  # of the segments, by a set
SETS = 300


def sinex(
    a: Thing, b: Thing, others: Tensor | None = None, count: int = SETS, seed: int = 0
) -> Sides:
    """Weighted averages of what is lost without sets of segments.

    Evidence of segment k: the sum over sets S with k of fall(S) / |S|, over that of 1 / |S|. The
    fall is that of the lead: the cosine with the partner less the mean cosine with the others.

    Args:
        a: a thing.
        b: another one, which stands for its class.
        others: (C,D) embeddings, one of each other class; without them the lead is the cosine.
        count: how many sets, 2 or more.
        seed: of the sets.

    Returns:
        (K,) and (L,), above 0 where a segment is evidence for a match.

    Raises:
        LFSError: the others are of another network; or as `wholes`.
    """
    h_a, h_b = wholes(a, b)
    sets = [random_sets(len(of.parts), count, TAKEN, seed) for of in (a, b)]
    return (
        charged(a, lead(h_b, others), sets[0]),
        charged(b, lead(h_a, others), sets[1]),
    )


def lead(partner: Tensor, others: Tensor | Sequence[Tensor] | None) -> Tensor:
    """(D,), whose product with a unit embedding is the partner's lead over the others.

    Raises:
        LFSError: the others are not (C,D).
    """
    if others is None or not len(others):
        return partner
    others = torch.stack(list(others))
    if others.shape[1:] != partner.shape:
        raise LFSError(
            f"The others are {tuple(others.shape)}; one network must make them and the partner, "
            f"(C,{len(partner)})."
        )
    return partner - normalize(others, dim=-1).mean(dim=0)


def charged(thing: Thing, towards: Tensor, sets: Tensor) -> Tensor:
    """What each part (K,) is charged of the falls without sets (S,K); 0 for one in no set.

    Args:
        thing: what has the parts.
        towards: (D,); the outcome is its product with the unit embedding.
        sets: (S,K) bool.

    Raises:
        LFSError: as `left`.
    """
    sets = sets[sets.any(dim=1)]
    whole, *gone = left(thing, torch.cat([torch.zeros_like(sets[:1]), sets])) @ towards
    fall = whole - torch.stack(gone)
    weight = sets.float() / sets.sum(dim=1, keepdim=True)
    return (fall @ weight) / weight.sum(dim=0).clamp_min(1e-9)
