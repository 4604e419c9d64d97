"""Eq. 2-3: how much each latent counts in the network's decision about a pair.

torch is imported on the first call, so that `import lfs_core` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lfs_core.errors import LFSError

if TYPE_CHECKING:
    from torch import Tensor


def normalized_distance(h1: Tensor, h2: Tensor) -> Tensor:
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
    distance = (h1 - h2).abs()
    smallest, largest = distance.aminmax(dim=-1, keepdim=True)
    spread = largest - smallest
    return (distance - smallest) / spread.where(spread > 0, 1)


def relevance(h1: Tensor, h2: Tensor, similar: bool | Tensor = True) -> Tensor:
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
    import torch

    distance = normalized_distance(h1, h2)
    similar = torch.as_tensor(similar, dtype=torch.bool, device=distance.device)
    if similar.ndim and similar.shape != distance.shape[:-1]:
        raise LFSError(
            f"`similar` has shape {tuple(similar.shape)}, but there are "
            f"{tuple(distance.shape[:-1])} pairs: give one bool, or one for each pair."
        )
    return torch.where(similar[..., None], 1 - distance, distance)


def _checked(h1: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
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
