"""Grad-CAM for embeddings: which of the last feature maps drive the similarity of a pair."""

from __future__ import annotations

import torch

from lfs_core.comparators.base import Comparator, Evidence, Pairs


class GradCAM(Comparator):
    """Grad-CAM (Selvaraju et al. 2017) with the similarity instead of a class score.

    The gradient of the cosine on each of the last maps, averaged over its places, weighs that
    map; the weighted sum says where the similarity comes from. Both images of a pair come from
    one pass forward and one pass back, no further than to the maps.
    """

    method = "gradcam"
    title = "Grad-CAM"
    source = "Chen et al. 2020; Livieris et al. 2023"
    needs = frozenset({"gradients", "layers"})

    def evidence(self, pairs: Pairs) -> Evidence:
        """Sum over channels of mean gradient times map, before the ReLU: (P,2,h,w)."""
        (gradient,) = torch.autograd.grad(pairs.similarity.sum(), pairs.maps)
        weights = gradient.mean(dim=(-2, -1), keepdim=True)
        return Evidence((weights * pairs.maps).sum(dim=2))
