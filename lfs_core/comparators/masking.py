"""What methods share that hide parts of an image and watch the similarity."""

from __future__ import annotations

import torch
from torch import Tensor

from lfs_core.comparators.base import Pairs
from lfs_core.embedders import Embedder, embed
from lfs_core.util.distances import similarity as alike
from lfs_core.util.threads import one_thread

CHUNK = 64  # masked images embedded at a time
ROUNDING = 1e-6  # float32 cosines that differ by no more are equal


@torch.no_grad()
def masked_similarity(embedder: Embedder, pairs: Pairs, masks: Tensor) -> Tensor:
    """The similarity of each image under each mask to the whole other image of its pair.

    Args:
        embedder: the network.
        pairs: P pairs.
        masks: (M,H,W), bool or in [0,1]; images are multiplied by them, so 0 makes a pixel black.

    Returns:
        Cosines (P,2,M), or 1 less distances.
    """

    def embedded(image: Tensor) -> Tensor:
        """What is left of an image under each mask, embedded: (M,D)."""
        found = []
        for some in masks.split(CHUNK):
            with one_thread():
                masked = image * some[:, None].float()
            found.append(embed(embedder, masked))
        return torch.cat(found)

    partners = pairs.partners.flatten(0, 1)
    images, place = pairs.images.flatten(0, 1).unique(dim=0, return_inverse=True)
    similarity = torch.empty(len(place), len(masks))
    for k in dict.fromkeys(place.tolist()):  # an image that is in several pairs is masked once
        h = embedded(images[k])
        for n in (place == k).nonzero().flatten():
            similarity[n] = alike(h, partners[n, None], pairs.distance)
    return similarity.unflatten(0, (-1, 2))


def weighted_masks(weights: Tensor, masks: Tensor) -> Tensor:
    """Sums (P,2,H,W) of masks (M,H,W), each times its weight for an image, (P,2,M)."""
    with one_thread():
        return (weights.float() @ masks.flatten(1).float()).unflatten(-1, masks.shape[1:])


def differing(similarity: Tensor) -> Tensor:
    """Whether an image's cosines (P,2,M) differ by more than rounding: (P,2,1) bool."""
    smallest, largest = similarity.aminmax(dim=-1, keepdim=True)
    return largest - smallest > ROUNDING
