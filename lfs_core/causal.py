"""The causal map: what each place of an image does to each latent, for every partner at once.

A decoder says which pixels vary together with a latent. To find what the network reads, remove a
place and see which latents move. That depends on one image alone, so one set of passes explains it
with any number of partners.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.util.networks import Embedder, embed

BATCH = 64  # images of the network at a time


@torch.no_grad()
def causal_map(embedder: Embedder, images: Tensor, windows: Tensor, baseline: Tensor) -> Tensor:
    """C: by how much each latent falls when a window of the image is removed.

    C[k, j] = h_j - h_j without window k, of embeddings of length one. The cosine with a partner o
    therefore falls by exactly C[k] · o.

    Args:
        embedder: the network; nothing but its embeddings is used.
        images: (B,3,H,W) in [0,1].
        windows: (K,H,W) bool.
        baseline: (B,3,H,W) in [0,1], what replaces a window.

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


def evidence(C: Tensor, partner: Tensor, weights: Tensor | float = 1.0) -> Tensor:
    """What each window does to the similarity with a partner: sum_j w_j C[k, j] o_j.

    Args:
        C: (...,K,D), of `causal_map`.
        partner: o, (...,D), the partner's embedding, of any length but 0.
        weights: w, (...,D), how much each latent counts; with 1 throughout, the result is the fall
            of the cosine.

    Returns:
        (...,K), above 0 where a window is evidence for a match.
    """
    return (C * (weights * normalize(partner, dim=-1))[..., None, :]).sum(dim=-1)
