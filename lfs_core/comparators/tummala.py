"""Tummala and Suresh's class activation maps for a twin network, reconstructed."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words
from lfs_core.relevance import relevance

Variant = Literal["difference", "gradient"]

ROUNDING = 1e-6  # of an embedding's length; what is nearer is the same


class Tummala(Comparator):
    """Weighted sums of the last maps, the weights those of the decision about the pair.

    Reconstructed: the authors propose a class activation map for a twin network trained with a
    contrastive loss, and no formula of it could be checked. Two readings are given. Both are
    ReLU sum_k w_k A_k over the last maps A_k of each image.

    "difference": channels vote by how far they are apart. With f_k the average of map k, w_k is
    |f1_k - f2_k|, scaled to [0,1] over the channels, for a pair called dissimilar, and 1 minus
    that for one called similar.

    "gradient": Grad-CAM of the distance. w_k is the gradient of |h1 - h2| on map k, averaged over
    its places, for a pair called dissimilar, and minus that for one called similar. Embeddings
    that are equal have no such gradient, and the map of such a pair is 0.

    Args:
        embedder: the network to explain.
        variant: "difference" or "gradient".
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range, or the network has no layers.
    """

    method = "tummala"
    title = "Tummala and Suresh"
    words: ClassVar[Words] = {"variant": "by {}"}
    source = "Tummala, Suresh 2023"
    verified = False
    needs = frozenset({"gradients", "layers"})
    signed = False
    of_embeddings = False

    def __init__(
        self,
        embedder: Embedder,
        variant: Variant = "difference",
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if variant not in get_args(Variant):
            raise LFSError(
                f"variant is {variant!r}; it must be {' or '.join(map(repr, get_args(Variant)))}."
            )
        self.variant = variant

    def evidence(self, pairs: Pairs) -> Evidence:
        """ReLU of the weighted sum over channels: (P,2,h,w), >= 0, for the decision taken."""
        weights = _by_difference(pairs) if self.variant == "difference" else _by_gradient(pairs)
        return Evidence((weights[..., None, None] * pairs.maps).sum(dim=2).relu())

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"variant": self.variant}


def _by_difference(pairs: Pairs) -> Tensor:
    """(P,1,c) in [0,1], the same for both images: Eq. 2, of channels instead of latents."""
    f = pairs.maps.detach().mean(dim=(-2, -1))
    return relevance(f[:, 0], f[:, 1], pairs.is_similar)[:, None]


def _by_gradient(pairs: Pairs) -> Tensor:
    """(P,2,c): mean gradient of the distance, or of minus the distance for similar pairs."""
    distance = (pairs.h[:, 0] - pairs.h[:, 1]).norm(dim=-1)
    towards = torch.where(pairs.is_similar, -distance, distance)
    apart = distance > ROUNDING * pairs.h.detach().norm(dim=-1).amax(dim=1)
    (gradient,) = torch.autograd.grad((towards * apart).sum(), pairs.maps)
    return gradient.mean(dim=(-2, -1))
