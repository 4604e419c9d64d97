"""The causal map: what each place of an image does to each latent, for every partner at once.

A decoder says which pixels vary together with a latent. What the network reads is found by taking
a place away and looking which latents move. That depends on one image alone, so that one set of
passes explains it beside any number of partners.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.errors import LFSError
from lfs_core.util.networks import Embedder, embed

BATCH = 64  # images of the network at a time


def tiles(size: Sequence[int], grids: Sequence[int], shifted: bool = False) -> Tensor:
    """Windows that tile an image, of one or several sizes.

    Args:
        size: (H,W) in pixels.
        grids: for each size of windows, how many there are along each side of the image.
        shifted: tile once more, moved by half a window down and across; windows at the border are
            then smaller.

    Returns:
        (K,H,W) bool, True inside a window.

    Raises:
        LFSError: a grid has no window, or more along a side than there are pixels.
    """
    windows = []
    for grid in grids:
        if not 1 <= grid <= min(size):
            raise LFSError(
                f"A grid of {grid} windows a side does not fit images of {size[1]}x{size[0]} "
                f"pixels; give 1 to {min(size)}."
            )
        for shift in (0, 0.5) if shifted else (0,):
            down, across = (_strips(side, grid, shift) for side in size)
            windows.append((down[:, None, :, None] & across[None, :, None, :]).flatten(0, 1))
    return torch.cat(windows)


def _strips(side: int, grid: int, shift: float) -> Tensor:
    """(n,side) bool: which pixels along a side are in each of its strips."""
    strip = (torch.arange(side) * grid / side + shift).floor().long()
    return strip == torch.arange(int(strip.max()) + 1)[:, None]


@torch.no_grad()
def causal_map(embedder: Embedder, images: Tensor, windows: Tensor, baseline: Tensor) -> Tensor:
    """C: by how much each latent falls when a window of the image is taken away.

    C[k, j] = h_j - h_j without window k, of embeddings of length one. The cosine with a partner o
    therefore falls by exactly C[k] · o.

    Args:
        embedder: the network; nothing but its embeddings is used.
        images: (B,3,H,W) in [0,1].
        windows: (K,H,W) bool.
        baseline: (B,3,H,W) in [0,1], what is seen in the place of a window.

    Returns:
        (B,K,D), one pass for each window and one for the whole image.
    """
    whole = normalize(embed(embedder, images), dim=-1)
    found = []
    for image, plain in zip(images, baseline, strict=True):
        without = [
            embed(embedder, torch.where(some[:, None], plain, image))
            for some in windows.split(BATCH)
        ]
        found.append(normalize(torch.cat(without), dim=-1))
    return whole[:, None] - torch.stack(found)


@torch.no_grad()
def shared_map(
    embedder: Embedder,
    images: Tensor,
    windows: Tensor,
    baseline: Tensor,
    sets: Tensor,
    ridge: float = 1.0,
) -> Tensor:
    """C with what windows do together shared out among them: a Shapley-type map.

    The C that minimises sum_S |h - h_S - sum_{k in S} C[k]|^2 + ridge |C|^2, h_S being the
    embedding without all windows of the set S (Lundberg, Lee 2017; here for every latent at once).

    Args:
        embedder: the network; nothing but its embeddings is used.
        images: (B,3,H,W) in [0,1].
        windows: (K,H,W) bool, that tile the image.
        baseline: (B,3,H,W) in [0,1], what is seen in the place of a window.
        sets: (S,K) bool, the windows that are taken away together.
        ridge: > 0, so that every window has a value, whatever the sets.

    Returns:
        (B,K,D), one pass for each set and one for the whole image.
    """
    chosen = sets.float()
    together = (chosen @ windows.flatten(1).float() > 0).unflatten(1, windows.shape[1:])
    change = causal_map(embedder, images, together, baseline)
    A = chosen.double()
    C = torch.linalg.solve(A.T @ A + ridge * torch.eye(A.shape[1]).to(A), A.T @ change.double())
    return C.to(change.dtype)


def evidence(C: Tensor, partner: Tensor, weights: Tensor | float = 1.0) -> Tensor:
    """What each window does to the similarity with a partner: sum_j w_j C[k, j] o_j.

    Args:
        C: (...,K,D), of `causal_map`.
        partner: o, (...,D), the partner's embedding, of any length but 0.
        weights: w, (...,D), how much each latent counts; with 1 throughout, the result is the fall
            of the cosine.

    Returns:
        (...,K), above 0 where a window speaks for a match.
    """
    return (C * (weights * normalize(partner, dim=-1))[..., None, :]).sum(dim=-1)


def to_pixels(values: Tensor, windows: Tensor) -> Tensor:
    """Evidence of windows (...,K) as maps (...,H,W): each pixel has the mean of its windows'.

    A window's evidence is first divided by its area, so that large windows count no more.
    """
    inside = windows.flatten(1).to(values.dtype)
    density = values / inside.sum(dim=1)
    mean = density @ inside / inside.sum(dim=0)
    return mean.unflatten(-1, windows.shape[1:])
