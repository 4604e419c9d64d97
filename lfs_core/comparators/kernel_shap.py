"""KernelSHAP: the similarity that an image has beyond an empty one, shared out fairly."""

from __future__ import annotations

from collections.abc import Callable

import torch
from captum import attr
from torch import Tensor

from lfs_core.comparators.base import Pairs, SimilarityTo
from lfs_core.comparators.fills import plain
from lfs_core.comparators.surrogate import Surrogate


class KernelSHAP(Surrogate):
    """Shapley values of superpixels, estimated from samples.

    A superpixel's Shapley value is what showing it adds to the cosine with the whole other image,
    averaged over all orders in which the superpixels of an image can be shown. It is the weight of
    the superpixel in the linear model that fits all sets best. A set of k of M superpixels counts
    (M - 1) / (binom(M, k) k (M - k)), and the whole and the empty image must be fitted. captum
    draws sets with these chances, and gives the whole and the empty image a weight of 10^6.

    The weights sum to s(x) - s(x'), s being the cosine with the other image, x the image, and x'
    the image with all superpixels hidden.
    """

    method = "kernel-shap"
    title = "KernelSHAP"
    source = "Lundberg, Lee 2017"

    def fitting(self, similarity: Callable[..., Tensor]) -> attr.KernelShap:
        """KernelSHAP by captum."""
        return attr.KernelShap(similarity)

    @torch.no_grad()
    def promised(self, pairs: Pairs) -> Tensor:
        """s(x) - s(x'), (P,2)."""
        empty = plain(pairs.images.flatten(0, 1), self.fill)
        of_empty = SimilarityTo(self.embedder)(empty, pairs.partners.flatten(0, 1))
        return pairs.similarity[:, None] - of_empty.unflatten(0, (-1, 2))
