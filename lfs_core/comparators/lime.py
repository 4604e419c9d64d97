"""LIME: a linear model of the similarity among images that are not far from the one explained."""

from __future__ import annotations

import math
from collections.abc import Callable

from captum import attr
from captum._utils.models.linear_model import SkLearnRidge
from torch import Tensor

from lfs_core.comparators.surrogate import Surrogate

WIDTH = 0.25  # of the kernel, as in the authors' code for images
RIDGE = 1.0  # likewise


class LIME(Surrogate):
    """Weights of a ridge regression on superpixels that are kept or hidden by the toss of a coin.

    A sample z of kept (1) and hidden (0) superpixels counts exp(-d^2 / (2 * 0.25^2)), where d is 1
    minus the cosine of z with the vector of ones. The more of the image is left, the more it
    counts.

    As in the authors' code for images. captum's own settings would give nearly every superpixel
    the weight 0: its lasso asks of a superpixel to move the cosine by 0.04 at least.
    """

    method = "lime"
    title = "LIME"
    source = "Ribeiro, Singh, Guestrin 2016"

    def fitting(self, similarity: Callable[..., Tensor]) -> attr.Lime:
        """LIME by captum, with the authors' kernel and regression."""
        return attr.Lime(
            similarity, interpretable_model=SkLearnRidge(alpha=RIDGE), similarity_func=nearness
        )


def nearness(image: Tensor, sample: Tensor, kept: Tensor, **_: object) -> float:
    """How much a sample counts, by the superpixels (1,M) that it keeps."""
    distance = 1 - math.sqrt(kept.float().mean())  # 1 less the cosine of `kept` with ones
    return math.exp(-(distance**2) / (2 * WIDTH**2))
