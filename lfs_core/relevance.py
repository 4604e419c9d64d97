"""Eq. 2-3: how much each latent counts in the network's decision about a pair.

torch is imported on the first call, so that `import lfs_core` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lfs_core.errors import LFSError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from torch import Tensor

Vectors: TypeAlias = "Tensor | np.ndarray | Sequence[float] | Sequence[Sequence[float]]"
Decisions: TypeAlias = "bool | Tensor | np.ndarray | Sequence[bool]"


def normalized_distance(h1: Vectors, h2: Vectors) -> Tensor:
    """Eq. 3: d_j = |h1_j - h2_j|, min-max scaled over the latents of each pair.

    Where all |h1_j - h2_j| are equal (D+ = D-, identical embeddings among them), Eq. 3 divides
    zero by zero; no latent then differs more than another, and the result is 0 throughout.

    Args:
        h1: embeddings (...,D) of the first images.
        h2: embeddings (...,D) of the second images.

    Returns:
        (...,D) in [0,1].

    Raises:
        LFSError: shapes differ, there is no latent, or a value is NaN or infinite.
    """
    h1, h2 = _checked(h1, h2)
    return _min_max((h1 - h2).abs())


def relevance(h1: Vectors, h2: Vectors, similar: Decisions = True) -> Tensor:
    """Eq. 2: R = 1 - d for pairs that the network calls similar, R = d for the others.

    Identical embeddings therefore get R = 1 in every latent when called similar, and R = 0 when
    called dissimilar: nothing speaks for a difference that is not there.

    Args:
        h1: embeddings (...,D) of the first images.
        h2: embeddings (...,D) of the second images.
        similar: the network's decision, one for all pairs or (...) one for each.

    Returns:
        (...,D) in [0,1].

    Raises:
        LFSError: as `normalized_distance`, or `similar` does not match the pairs.
    """
    return _for_the_decision(normalized_distance(h1, h2), similar)


def contribution(h1: Vectors, h2: Vectors, similar: Decisions = True) -> Tensor:
    """In place of Eq. 2: c_j = h1_j h2_j, the terms whose sum is the similarity.

    Args:
        h1: embeddings (...,D) of the first images.
        h2: embeddings (...,D) of the second images.
        similar: the network's decision, one for all pairs or (...) one for each.

    Returns:
        (...,D) in [0,1], c min-max scaled over the latents of each pair, 1 where it is largest
        for similar pairs and where it is smallest for the others.

    Raises:
        LFSError: as `relevance`.
    """
    h1, h2 = _checked(h1, h2)
    return _for_the_decision(1 - _min_max(h1 * h2), similar)


def arguing(h1: Vectors, h2: Vectors, similar: Decisions = True, threshold: float = 0.3) -> Tensor:
    """In place of Eq. 2: which latents argue for the decision, their share of the cosine compared.

    After Huber et al. (2024): with c_j = h1_j h2_j of embeddings of length one, latent j argues
    for a match if c_j >= xi_1 / D, its even share of the threshold; else against it.

    Args:
        h1: embeddings (...,D) of the first images.
        h2: embeddings (...,D) of the second images.
        similar: the network's decision, one for all pairs or (...) one for each.
        threshold: xi_1.

    Returns:
        (...,D), 1 for latents that argue for the decision taken, else 0.

    Raises:
        LFSError: as `relevance`.
    """
    h1, h2 = _checked(h1, h2)
    c = h1 * h2 / (h1.norm(dim=-1) * h2.norm(dim=-1))[..., None]
    return _for_the_decision((c < threshold / h1.shape[-1]).to(c), similar)


def _drawn(h1: Tensor, h2: Tensor, similar: bool | Tensor, seed: int) -> Tensor:
    """Random numbers in [0,1], the same for every pair."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    return torch.rand(h1.shape[-1], generator=generator).to(h1).expand_as(h1)


def _shuffled(h1: Tensor, h2: Tensor, similar: bool | Tensor, seed: int) -> Tensor:
    """Eq. 2, each value given to another latent, in one order for every pair."""
    import torch

    order = torch.randperm(h1.shape[-1], generator=torch.Generator().manual_seed(seed))
    return relevance(h1, h2, similar)[..., order.to(h1.device)]


RELEVANCES = {
    "paper": lambda h1, h2, similar, seed: relevance(h1, h2, similar),
    "contribution": lambda h1, h2, similar, seed: contribution(h1, h2, similar),
    "arguing": lambda h1, h2, similar, seed: arguing(h1, h2, similar),
    "constant": lambda h1, h2, similar, seed: 1 + 0 * relevance(h1, h2, similar),
    "random": _drawn,
    "shuffled": _shuffled,
    "inverted": lambda h1, h2, similar, seed: 1 - relevance(h1, h2, similar),
}
"""Eq. 2 and what is put in its place, by name: (h1, h2, similar, seed) -> R, (...,D) in [0,1].

"constant" is 1 throughout; "random" and "shuffled" know nothing of the pair or of the latents;
"inverted" is what the other decision would give.
"""


KNOWING_NOTHING = frozenset({"constant", "random", "shuffled", "inverted"})
"""Those with which a method is its own control."""

RELEVANCE_WORDS = {
    "paper": "the paper's relevance",
    "contribution": "relevance by contribution",
    "arguing": "relevance by argument",
    **{name: f"{name} relevance" for name in ("constant", "random", "shuffled", "inverted")},
}
"""What they are called in the names of methods for readers."""


def _min_max(values: Tensor) -> Tensor:
    """Scaled to [0,1] over the last axis; 0 where all are equal."""
    smallest, largest = values.aminmax(dim=-1, keepdim=True)
    spread = largest - smallest
    return (values - smallest) / spread.where(spread > 0, 1)


def _for_the_decision(distance: Tensor, similar: Decisions) -> Tensor:
    """1 - distance for similar pairs, the distance (...,D) in [0,1] for the others."""
    import torch

    similar = torch.as_tensor(similar, dtype=torch.bool, device=distance.device)
    if similar.ndim and similar.shape != distance.shape[:-1]:
        raise LFSError(
            f"`similar` has shape {tuple(similar.shape)}, but there are "
            f"{tuple(distance.shape[:-1])} pairs: give one bool, or one for each pair."
        )
    return torch.where(similar[..., None], 1 - distance, distance)


def _checked(h1: Vectors, h2: Vectors) -> tuple[Tensor, Tensor]:
    """Two batches of embeddings as floating-point tensors of one shape, all finite."""
    import torch

    h1, h2 = torch.as_tensor(h1), torch.as_tensor(h2)
    if h1.shape != h2.shape or h1.ndim == 0 or h1.shape[-1] == 0:
        raise LFSError(
            f"The embeddings have shapes {tuple(h1.shape)} and {tuple(h2.shape)}; "
            "relevance needs two of the same shape (...,D), from the same network."
        )
    dtype = torch.promote_types(h1.dtype, h2.dtype)
    if not dtype.is_floating_point:
        dtype = torch.get_default_dtype()
    h1, h2 = h1.to(dtype), h2.to(dtype)
    if not (h1.isfinite().all() and h2.isfinite().all()):
        raise LFSError("An embedding holds NaN or infinity; check the network and its input.")
    return h1, h2
