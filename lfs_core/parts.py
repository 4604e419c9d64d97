"""A thing has parts, and parts can be taken away: all that the causal map asks of what it explains.

An image has windows, a sentence words, a graph nodes, a sound moments. A thing that can say how a
network embeds it without some of its parts can have its similarity to another one explained.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.causal import evidence
from lfs_core.errors import LFSError


class Thing(Protocol):
    """Something that has parts which can be taken away.

    Attributes:
        parts: what each part is called, for readers.
    """

    parts: tuple[str, ...]

    def without(self, sets: Tensor) -> Tensor:
        """Embeddings (S,D) without the parts of each set (S,K) bool.

        A set may be empty, for the whole thing, or hold all parts. What is left then is for the
        thing to say; an embedding of 0 has the cosine 0 with all others.
        """
        ...


@torch.no_grad()
def left(thing: Thing, sets: Tensor) -> Tensor:
    """What is left of a thing: unit embeddings (S,D) without the parts of each set (S,K) bool.

    Raises:
        LFSError: the thing has fewer than two parts or does not answer with (S,D) finite numbers,
            or the sets do not fit its parts.
    """
    count = len(thing.parts)
    if count < 2:
        said = "one part" if count else "no parts"
        raise LFSError(f"{_name(thing)} has {said}; it takes two, so that something is left.")
    if sets.dtype != torch.bool or sets.ndim != 2 or sets.shape[1] != count:
        raise LFSError(
            f"The sets are {tuple(sets.shape)} of {sets.dtype}; of {count} parts they must be "
            f"(S,{count}) bool."
        )
    h = thing.without(sets)
    if h.ndim != 2 or len(h) != len(sets):
        raise LFSError(
            f"{_name(thing)} gave {tuple(h.shape)} for {len(sets)} sets; `without` must return "
            "(S,D)."
        )
    if not h.isfinite().all():
        raise LFSError(f"{_name(thing)} has an embedding with NaN or infinity; check its network.")
    return normalize(h.detach(), dim=-1)


def whole(thing: Thing) -> Tensor:
    """The unit embedding (D,) of a thing with all its parts.

    Raises:
        LFSError: it is 0, which has no direction; or as `left`.
    """
    (h,) = left(thing, torch.zeros(1, len(thing.parts), dtype=torch.bool))
    if not h.any():
        raise LFSError(f"The embedding of {_name(thing)} is 0; no cosine can be taken of it.")
    return h


def wholes(a: Thing, b: Thing) -> tuple[Tensor, Tensor]:
    """Unit embeddings (D,) of two things.

    Raises:
        LFSError: they differ in length, so that two networks have made them; or as `whole`.
    """
    h_a, h_b = whole(a), whole(b)
    if h_a.shape != h_b.shape:
        raise LFSError(
            f"The embeddings have {len(h_a)} and {len(h_b)} numbers; one network must make both."
        )
    return h_a, h_b


def causal(thing: Thing) -> Tensor:
    r"""The causal map C (K,D) of a thing: C[k] = h - h\k, of embeddings of length one.

    Here h\k is the embedding without part k. As `causal_map` is for the windows of an image: the
    cosine with a partner o falls by exactly C[k] · o when part k is taken away.

    Raises:
        LFSError: as `whole`.
    """
    each = torch.eye(len(thing.parts), dtype=torch.bool)
    return whole(thing) - left(thing, each)


def shared(thing: Thing, sets: Tensor, ridge: float = 1.0) -> Tensor:
    """C (K,D) with what parts do together shared out among them (Lundberg, Lee 2017).

    The C that minimises sum_S |h - h_S - sum_{k in S} C[k]|^2 + ridge |C|^2, as `shared_map` for
    images; h_S is the embedding without the parts of the set S.

    Args:
        thing: what has the parts.
        sets: (S,K) bool, the parts that are taken away together.
        ridge: > 0, so that every part has a value, whatever the sets.

    Raises:
        LFSError: ridge is not above 0; or as `whole`.
    """
    if not ridge > 0:
        raise LFSError(f"ridge is {ridge}; it must be above 0.")
    change = whole(thing) - left(thing, sets)
    A = sets.double()
    C = torch.linalg.solve(A.T @ A + ridge * torch.eye(A.shape[1]).to(A), A.T @ change.double())
    return C.to(change.dtype)


def occlusion(a: Thing, b: Thing) -> tuple[Tensor, Tensor]:
    r"""How far the cosine falls without each part: cos(a, b) - cos(a\k, b) (Zeiler, Fergus 2014).

    Returns:
        (K,) of the parts of a and (L,) of those of b, in [-2,2], above 0 where a part is evidence
        for a match.

    Raises:
        LFSError: as `wholes`.
    """
    h_a, h_b = wholes(a, b)
    return evidence(causal(a), h_b), evidence(causal(b), h_a)


def _name(thing: Thing) -> str:
    return f"A {type(thing).__name__.lower()} of {len(thing.parts)} parts"
