"""Eq. 4 and the map: perturb the latents by their relevance, decode, see which pixels change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.relevance import Vectors


def perturb(h: Vectors, relevance: Vectors, p: float) -> Tensor:
    """Eq. 4: h(p) = h + R * p.

    Args:
        h: embeddings (...,D).
        relevance: R, (...,D) or any shape that broadcasts to h's.
        p: size of the perturbation, in [0,1].

    Returns:
        (...,D).

    Raises:
        LFSError: p is outside [0,1] or the widths differ.
    """
    check_unit_interval("p", p)
    h, relevance = torch.as_tensor(h), torch.as_tensor(relevance)
    if h.shape[-1:] != relevance.shape[-1:]:
        raise LFSError(
            f"Embedding {tuple(h.shape)} and relevance {tuple(relevance.shape)} "
            "differ in the number of latents."
        )
    return h + relevance * p


def difference_map(decoder: Callable[[Tensor], Tensor], h: Tensor, h_p: Tensor) -> Tensor:
    """|D(h) - D(h_p)|, averaged over the colour channels (Sec. 3.3).

    A `Decoder` is compared before its output is cut to [0,1]: the perturbation moves an embedding
    far outside the decoder's training data, and cutting would erase the difference.

    Args:
        decoder: D, (B,D) -> (B,3,h,w).
        h: embeddings (...,D).
        h_p: perturbed embeddings (...,D).

    Returns:
        (...,h,w), >= 0, in units of pixel value.

    Raises:
        LFSError: shapes differ, or the decoder's output is not one image for each embedding.
    """
    if h.shape != h_p.shape:
        raise LFSError(f"h {tuple(h.shape)} and h(p) {tuple(h_p.shape)} differ in shape.")
    decode = getattr(decoder, "pixels", decoder)
    both = torch.stack([h, h_p]).reshape(-1, h.shape[-1])
    images = decode(both)
    if images.ndim != 4 or len(images) != len(both):
        raise LFSError(
            f"The decoder turned {tuple(both.shape)} into {tuple(images.shape)}; "
            "it must return (B,3,h,w)."
        )
    original, perturbed = images.chunk(2)
    difference = (original - perturbed).abs().mean(dim=-3)
    return difference.reshape(*h.shape[:-1], *difference.shape[-2:])


def display_map(difference: Tensor, size: Sequence[int]) -> Tensor:
    """A difference map at image size, divided by its maximum so that xi_2 has a scale.

    The paper does not say on which scale xi_2 = 0.7 is meant; relative to the strongest pixel of
    each map is the reading that keeps the same share of evidence for every pair. A map that is
    zero everywhere stays zero.

    Args:
        difference: (...,h,w), >= 0.
        size: (H,W) of the result.

    Returns:
        (...,H,W) in [0,1].
    """
    *batch, h, w = difference.shape
    maps = torch.nn.functional.interpolate(
        difference.reshape(-1, 1, h, w), size, mode="bilinear", align_corners=False
    ).reshape(*batch, *size)
    peak = maps.amax(dim=(-2, -1), keepdim=True)
    return maps / peak.where(peak > 0, 1)


def check_unit_interval(name: str, value: float) -> None:
    """Raise an LFSError unless `value` is a number in [0,1]."""
    if not 0 <= value <= 1:
        raise LFSError(f"{name} is {value}; it must lie in [0, 1].")
