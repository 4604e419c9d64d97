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

ROUNDING = 16  # units in the last place; in another batch a network's output differs by a few


def normalized_distance(h1: Vectors, h2: Vectors) -> Tensor:
    """Eq. 3: d_j = |h1_j - h2_j|, min-max scaled over the latents of each pair.

    Where all |h1_j - h2_j| are equal up to rounding (D+ = D-, identical embeddings among them),
    Eq. 3 divides zero by zero; no latent then differs more than another, and the result is 0.

    Args:
        h1: embeddings (...,D) of the first images.
        h2: embeddings (...,D) of the second images.

    Returns:
        (...,D) in [0,1].

    Raises:
        LFSError: shapes differ, there is no latent, or a value is NaN or infinite.
    """
    import torch

    h1, h2 = checked(h1, h2)
    return min_max((h1 - h2).abs(), torch.maximum(h1.abs(), h2.abs()))


def relevance(h1: Vectors, h2: Vectors, similar: Decisions = True) -> Tensor:
    """Eq. 2: R = 1 - d for pairs that the network calls similar, R = d for the others.

    Identical embeddings therefore get R = 1 in every latent when called similar, and R = 0 when
    called dissimilar: there is no evidence for a difference that is not there.

    Args:
        h1: embeddings (...,D) of the first images.
        h2: embeddings (...,D) of the second images.
        similar: the network's decision, one for all pairs or (...) one for each.

    Returns:
        (...,D) in [0,1].

    Raises:
        LFSError: as `normalized_distance`, or `similar` does not match the pairs.
    """
    return for_the_decision(normalized_distance(h1, h2), similar)


def min_max(values: Tensor, size: Tensor) -> Tensor:
    """Scaled to [0,1] over the last axis; 0 where all are equal, but for rounding.

    Args:
        values: (...,D).
        size: (...,D), of the numbers that the values were computed from.
    """
    import torch

    smallest, largest = values.aminmax(dim=-1, keepdim=True)
    spread = largest - smallest
    rounding = ROUNDING * torch.finfo(values.dtype).eps * size.amax(dim=-1, keepdim=True)
    return ((values - smallest) / spread).where(spread > rounding, 0)


def for_the_decision(distance: Tensor, similar: Decisions) -> Tensor:
    """1 - distance for similar pairs, the distance (...,D) in [0,1] for the others."""
    import torch

    similar = torch.as_tensor(similar, dtype=torch.bool, device=distance.device)
    if similar.ndim and similar.shape != distance.shape[:-1]:
        raise LFSError(
            f"`similar` has shape {tuple(similar.shape)}, but there are "
            f"{tuple(distance.shape[:-1])} pairs: give one bool, or one for each pair."
        )
    return torch.where(similar[..., None], 1 - distance, distance)


def checked(h1: Vectors, h2: Vectors) -> tuple[Tensor, Tensor]:
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
