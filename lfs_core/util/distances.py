"""How alike two embeddings are: by their cosine, or by the distance that a network was made for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from lfs_core.errors import LFSError

Distance = str | Callable[[Tensor, Tensor], Tensor]
"""A name in `DISTANCES`, or a function: (...,D), (...,D) -> (...), smaller for what is alike."""

DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cosine": lambda a, b: 1 - torch.cosine_similarity(a, b, dim=-1),
    "euclidean": lambda a, b: (a - b).norm(dim=-1),
    "sqeuclidean": lambda a, b: (a - b).square().sum(dim=-1),
    "manhattan": lambda a, b: (a - b).abs().sum(dim=-1),
}


def check_distance(distance: Distance) -> Distance:
    """A distance as it is.

    Raises:
        LFSError: there is no distance of this name.
    """
    if not callable(distance) and distance not in DISTANCES:
        raise LFSError(
            f"There is no distance {distance!r}; choose one of {list(DISTANCES)}, or give a "
            "function of two tensors (...,D)."
        )
    return distance


def distance_of(embedder: object) -> Distance:
    """A network's `distance`; "cosine", if it has none.

    Raises:
        LFSError: as `check_distance`.
    """
    return check_distance(getattr(embedder, "distance", "cosine"))


def distance_name(distance: Distance) -> str:
    """Its name, or that of its function."""
    return distance if isinstance(distance, str) else getattr(distance, "__name__", "own")


def similarity(a: Tensor, b: Tensor, distance: Distance = "cosine") -> Tensor:
    """1 - d(a,b), (...), of embeddings (...,D): the cosine for the cosine distance.

    It is linear in the distance, so that a fall of the similarity is a rise of the distance by as
    much, and evidence that sums to the one sums to the other. Distances below t are similarities
    above 1 - t.
    """
    if distance == "cosine":
        return torch.cosine_similarity(a, b, dim=-1)
    a, b = torch.broadcast_tensors(a, b)
    found = (distance if callable(distance) else DISTANCES[distance])(a, b)
    if not isinstance(found, Tensor) or found.shape != a.shape[:-1]:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise LFSError(
            f"The distance {distance_name(distance)!r} of {tuple(a.shape)} and {tuple(b.shape)} is "
            f"{shape}; it must be {tuple(a.shape[:-1])}."
        )
    return 1 - found


def measured(similarity: float, settings: Mapping[str, Any], decimals: int = 3) -> str:
    """A similarity in words: "cosine +0.310", or "euclidean distance 0.580".

    Args:
        similarity: of an explanation.
        settings: of it.
        decimals: how many.
    """
    distance = settings.get("distance", "cosine")
    if distance == "cosine":
        return f"cosine {similarity:+.{decimals}f}"
    return f"{distance} distance {1 - similarity:.{decimals}f}"


def needs_cosine(embedder: object, what: str) -> None:
    """Raise an LFSError if a network compares otherwise, for what knows cosines only."""
    distance = distance_of(embedder)
    if distance != "cosine":
        raise LFSError(
            f"{what} knows cosines only; this network compares by {distance_name(distance)!r}. "
            "Where embeddings have length one, a Euclidean distance d is the cosine 1 - d²/2: "
            "leave `distance` out, and give that as the threshold."
        )


def cosines(h: Tensor) -> Tensor:
    """Similarities (P,) of pairs of embeddings (P,2,D), in [-1,1].

    Raises:
        LFSError: an embedding is 0 throughout.
    """
    if not h.any(dim=-1).all():
        raise LFSError("The network gives an image the embedding 0, which has no cosine.")
    # Rounding may carry the cosine of equal embeddings past 1.
    return torch.cosine_similarity(h[:, 0], h[:, 1]).clamp(-1, 1)
