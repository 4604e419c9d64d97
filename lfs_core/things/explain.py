"""Two things, and which of their parts make a network call them similar or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lfs_core.causal import evidence
from lfs_core.comparators.causal import draw_sets
from lfs_core.correspondence import Match, likeness, matched, together
from lfs_core.embedders import threshold_of
from lfs_core.errors import LFSError
from lfs_core.parts import Thing, causal, occlusion, shared, wholes
from lfs_core.things.methods import Sides, chance, corrrise, distance_explainer
from lfs_core.things.sinex import sinex
from lfs_core.util.rounding import rounded

SETS = 512  # of parts that the shared map takes away

Drawn = Mapping[str, int]
"""The seed of random sets, and where it was given their count."""


class Found(NamedTuple):
    """What a method has found: evidence for a match, and the causal maps where it makes them."""

    signed: Sides
    C: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True, eq=False)
class ThingsExplanation:
    """Why a network calls two things similar or dissimilar; `PairExplanation` is for images.

    Attributes:
        method: its name in `METHODS`.
        similarity: cosine of the two embeddings, in [-1,1].
        threshold: xi_1, in [-1,1].
        parts: what the K parts of a and the L parts of b are called.
        signed: (K,) and (L,), above 0 where a part is evidence for a match and below 0 where it is
            evidence against it.
        matches: (K,L), the joint evidence of two parts, one of each thing; None for methods that
            find none.
        likeness: (K,L), by which `correspondence` matches parts; None likewise.
    """

    method: str
    similarity: float
    threshold: float
    parts: tuple[tuple[str, ...], tuple[str, ...]]
    signed: Sides
    matches: Tensor | None = None
    likeness: Tensor | None = None

    @property
    def is_similar(self) -> bool:
        """The decision: similarity > xi_1."""
        return self.similarity > self.threshold

    @property
    def evidence(self) -> Sides:
        """(K,) and (L,), >= 0: what supports the decision that was taken."""
        of_a, of_b = (of if self.is_similar else -of for of in self.signed)
        return of_a.clamp_min(0), of_b.clamp_min(0)

    @property
    def matched(self) -> list[Match]:
        """One-to-one matches of parts, the most confident first; none without a likeness."""
        return [] if self.likeness is None else matched(self.likeness)

    @property
    def unmatched(self) -> Sides | None:
        """(K,) and (L,) in [0,2]: how unlike each part is to all parts of the other thing.

        What has no match is what differs: 1 - max_l likeness[k, l]. None without a likeness.
        """
        if self.likeness is None:
            return None
        return 1 - self.likeness.amax(dim=1), 1 - self.likeness.amax(dim=0)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON, to four decimals."""
        return {
            "method": self.method,
            "similarity": self.similarity,
            "threshold": self.threshold,
            "is_similar": self.is_similar,
            "parts": self.parts,
            "signed": [rounded(of) for of in self.signed],
            "matches": rounded(self.matches),
            "matched": [[m.k, m.l, round(m.confidence, 4)] for m in self.matched],
        }


def explain_things(
    a: Thing,
    b: Thing,
    method: str = "causal",
    threshold: float | None = None,
    seed: int = 0,
    count: int | None = None,
) -> ThingsExplanation:
    """Explain the similarity of two things that one network has embedded.

    Args:
        a: a thing.
        b: another one, of as many or of other parts.
        method: a name in `METHODS`. "causal" and "occlusion" take one part away at a time and agree
            on evidence; "causal" says as well which parts match.
        threshold: xi_1, in [-1,1]; a pair above it is "similar". Left out, the network's own.
        seed: of random sets.
        count: of random sets, for methods that draw them; by default, as many as for images.

    Raises:
        LFSError: there is no such method, the threshold is out of range, or a thing has fewer than
            two parts, an embedding of 0, with NaN, or of another length.
    """
    if method not in METHODS:
        raise LFSError(f"There is no method {method!r} for parts; choose {', '.join(METHODS)}.")
    threshold = own_threshold(a) if threshold is None else threshold
    if not -1 <= threshold <= 1:
        raise LFSError(f"threshold is {threshold}; a cosine lies in [-1, 1].")
    h_a, h_b = wholes(a, b)
    drawn = {"seed": seed} | ({} if count is None else {"count": count})
    found = METHODS[method](a, b, drawn)
    matches = None if found.C is None else together(*found.C)
    return ThingsExplanation(
        method=method,
        similarity=float(h_a @ h_b),
        threshold=threshold,
        parts=(tuple(a.parts), tuple(b.parts)),
        signed=found.signed,
        matches=matches,
        likeness=None if found.C is None else likeness(*found.C),
    )


def own_threshold(thing: Thing) -> float:
    """The xi_1 of the network of a thing, if it has one; else the paper's."""
    network = getattr(thing, "embed", None) or getattr(thing, "ear", None)
    return threshold_of(network)


def _found(a: Thing, b: Thing, C_a: Tensor, C_b: Tensor) -> Found:
    h_a, h_b = wholes(a, b)
    return Found((evidence(C_a, h_b), evidence(C_b, h_a)), (C_a, C_b))


def _shared(a: Thing, b: Thing, drawn: Drawn) -> Found:
    maps = (shared(of, some_sets(len(of.parts), **drawn)) for of in (a, b))
    return _found(a, b, *maps)


def some_sets(parts: int, seed: int = 0, count: int = SETS) -> Tensor:
    """Sets (S,parts) bool to take away: all but the empty one if they are few, else a draw."""
    if 2**parts <= count:
        return torch.arange(1, 2**parts)[:, None] >> torch.arange(parts) & 1 > 0
    return draw_sets(parts, count, seed)


METHODS: dict[str, Callable[[Thing, Thing, Drawn], Found]] = {
    "causal": lambda a, b, drawn: _found(a, b, causal(a), causal(b)),
    "shared": _shared,
    "occlusion": lambda a, b, drawn: Found(occlusion(a, b)),
    "corrrise": lambda a, b, drawn: Found(corrrise(a, b, **drawn)),
    "distance-explainer": lambda a, b, drawn: Found(distance_explainer(a, b, **drawn)),
    "sinex": lambda a, b, drawn: Found(sinex(a, b, None, **drawn)),
    "random": lambda a, b, drawn: Found(chance(a, b, drawn["seed"])),
}
"""How two things can be explained, by name; the last is a control."""

TITLES = {
    "causal": "Causal map",
    "shared": "Causal map, shared among parts",
    "occlusion": "Occlusion",
    "corrrise": "CorrRISE",
    "distance-explainer": "Distance explainer",
    "sinex": "SINEX, reconstructed",
    "random": "Random numbers",
}
"""What they are called for readers."""
