"""Methods that explain two things by what is left of them without random sets of their parts.

Each is the method of images of that name, with parts for pixels, and one thing's parts are taken
away at a time while the other one stays whole.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.parts import Thing, left, wholes

HIDDEN = 0.2  # of the parts, by a set of CorrRISE; its authors' three patches cover as much
SHARE = 0.1  # of the sets that count as nearest, and as furthest
ROUNDING = 1e-6  # float32 cosines that differ by no more are equal

Sides = tuple[Tensor, Tensor]
"""A number for each part of a, (K,), and for each of b, (L,)."""


def random_sets(parts: int, count: int, hidden: float, seed: int = 0) -> Tensor:
    """Sets of parts (count,parts) bool, each part in each set with the chance `hidden`.

    Raises:
        LFSError: there are fewer than two sets, or the chance is not between 0 and 1.
    """
    if count < 2:
        raise LFSError(f"count is {count}; it takes 2 sets or more.")
    if not 0 < hidden < 1:
        raise LFSError(f"hidden is {hidden}; it must lie between 0 and 1.")
    return torch.rand(count, parts, generator=torch.Generator().manual_seed(seed)) < hidden


def corrrise(a: Thing, b: Thing, count: int = 500, seed: int = 0) -> Sides:
    """Correlations of each part's being kept with the cosine that is left (Lu et al. 2024).

    Evidence of part k: corr_S(k is not in S, cos(a without S, b)), over random sets S.

    Args:
        a: a thing.
        b: another one.
        count: how many sets, 2 or more.
        seed: of the sets.

    Returns:
        (K,) and (L,) in [-1,1]; 0 where a part is always kept or nothing changes.

    Raises:
        LFSError: as `random_sets` and `wholes`.
    """
    h_a, h_b = wholes(a, b)
    return _correlations(a, h_b, count, seed), _correlations(b, h_a, count, seed)


def _correlations(thing: Thing, partner: Tensor, count: int, seed: int) -> Tensor:
    sets = random_sets(len(thing.parts), count, HIDDEN, seed)
    score, kept = (left(thing, sets) @ partner).double(), (~sets).double()
    if _same(score):
        return torch.zeros(len(thing.parts))
    score, kept = score - score.mean(), kept - kept.mean(dim=0)
    lengths = score.norm() * kept.norm(dim=0)
    return (score @ kept / lengths.where(lengths > 0, 1)).float()


def distance_explainer(a: Thing, b: Thing, count: int = 1000, seed: int = 0) -> Sides:
    """How much more often a part is kept where a thing is nearest than where it is furthest.

    Evidence of part k: the share of the tenth of the sets with the largest cosine that keep it,
    less that of the tenth with the smallest (Meijer, Bos 2025). A set keeps each part with the
    chance 1/2.

    Args:
        a: a thing.
        b: another one.
        count: how many sets, 2 or more.
        seed: of the sets.

    Returns:
        (K,) and (L,) in [-1,1]; 0 where nothing changes.

    Raises:
        LFSError: as `random_sets` and `wholes`.
    """
    h_a, h_b = wholes(a, b)
    return _nearest(a, h_b, count, seed), _nearest(b, h_a, count, seed)


def _nearest(thing: Thing, partner: Tensor, count: int, seed: int) -> Tensor:
    sets = random_sets(len(thing.parts), count, 0.5, seed)
    score, kept = left(thing, sets) @ partner, (~sets).float()
    if _same(score):
        return torch.zeros(len(thing.parts))
    order, few = score.argsort(stable=True), max(1, round(SHARE * count))
    return kept[order[-few:]].mean(dim=0) - kept[order[:few]].mean(dim=0)


def _same(score: Tensor) -> bool:
    return bool(score.max() - score.min() <= ROUNDING)


def chance(a: Thing, b: Thing, seed: int = 0) -> Sides:
    """A control that ignores both things: numbers drawn evenly from [-1,1]."""
    drawn = torch.Generator().manual_seed(seed)
    of_a, of_b = (2 * torch.rand(len(of.parts), generator=drawn) - 1 for of in (a, b))
    return of_a, of_b
