"""Which place of one image matches which place of the other.

Taking place k out of an image moves its embedding by C[k] (`causal`). What two places, one of each
image, say together is therefore one product, at no further pass.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

# Most likely on people who serve for nothing else; see `lfs study matching`.
TEMPERATURE = 0.06  # of choices, in units of likeness
NOTHING = 0.44  # likeness of "no match"
LEAST = 0.25  # confidence of a match, as if each place chose the other with probability 1/2


class Match(NamedTuple):
    """Place k of image a and place l of image b.

    Attributes:
        k: place of a, counted row by row.
        l: place of b.
        confidence: in [0,1].
    """

    k: int
    l: int  # noqa: E741 - as in the formula
    confidence: float


def together(C_a: Tensor, C_b: Tensor) -> Tensor:
    r"""How much of the cosine places k of a and l of b make together: C_a[k] · C_b[l].

    For the maps of `causal_map` it is exactly the second difference
    cos(a, b) - cos(a\k, b) - cos(a, b\l) + cos(a\k, b\l), where a\k is image a without place k.
    For a shared or a predicted map this is approximate.

    Args:
        C_a: causal map (...,K,D) of image a.
        C_b: causal map (...,L,D) of image b.

    Returns:
        (...,K,L), above 0 where both together are evidence for a match.
    """
    return C_a @ C_b.mT


def likeness(places_a: Tensor, places_b: Tensor, *, centred: bool = False) -> Tensor:
    """Cosines, in [-1,1], of what the places of two images carry.

    Args:
        places_a: (...,K,c), a causal map or the features of the places.
        places_b: (...,L,c).
        centred: measure from the mean place of each image.

    Returns:
        (...,K,L).
    """
    if centred:
        places_a, places_b = (of - of.mean(dim=-2, keepdim=True) for of in (places_a, places_b))
    return normalize(places_a, dim=-1) @ normalize(places_b, dim=-1).mT


def answer(matches: Tensor, region: Tensor) -> Tensor:
    """What in b answers a region of a: the sum over its places.

    Args:
        matches: (...,K,L), as `together`.
        region: (K,) bool, places of a.

    Returns:
        (...,L).
    """
    return matches[..., region, :].sum(dim=-2)


def probabilities(
    likeness: Tensor, temperature: float = TEMPERATURE, nothing: float = NOTHING
) -> Tensor:
    """Probability that two places match: each chooses the other among all, or nothing.

    The product of both softmaxes (dual softmax; Sun et al. 2021), each with the choice of no match
    (Sarlin et al. 2020).

    Args:
        likeness: (...,K,L).
        temperature: > 0.
        nothing: likeness of "no match".

    Returns:
        (...,K,L) in [0,1].
    """
    logits = likeness / temperature
    none = torch.full_like(logits[..., :1], nothing / temperature)
    forth = torch.cat([logits, none], dim=-1).softmax(dim=-1)[..., :-1]
    back = torch.cat([logits, none[..., :1, :].expand_as(logits[..., :1, :])], dim=-2)
    return forth * back.softmax(dim=-2)[..., :-1, :]


def matched(likeness: Tensor, least: float = LEAST) -> list[Match]:
    """One-to-one matches, the most confident first: pairs of places that choose each other.

    A place without a match here has none: its best choice prefers another, or none is likely.

    Args:
        likeness: (K,L).
        least: confidence of a match, in [0,1].
    """
    chosen = probabilities(likeness)
    # Places that carry the same tie; `argmax` names one of them.
    forth, back = chosen.argmax(dim=1).tolist(), chosen.argmax(dim=0).tolist()
    mutual = [(one, other) for one, other in enumerate(forth) if back[other] == one]
    found = [Match(*pair, confidence=chosen[pair].item()) for pair in mutual]
    return sorted((m for m in found if m.confidence >= least), key=lambda m: -m.confidence)
