"""Rivals that are given the term which the book's own maps give themselves: own-likeness."""

from __future__ import annotations

import os
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from lfs_core.amortised import CausalHead
from lfs_core.comparators.base import Comparator, Evidence, Pairs, spread
from lfs_core.comparators.gradcam import GradCAM
from lfs_core.comparators.gradient_x_input import GradientXInput
from lfs_core.comparators.lrp import LRP
from lfs_core.comparators.occlusion import Occlusion
from lfs_core.comparators.simexpert import SimExpert
from lfs_core.comparators.xssab import XSSAB
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.evaluation.controls.own_likeness import likeness_to_itself, partner_map
from lfs_core.explanation import Words

By = Literal["amortised", "causal", "itself"]

RIVALS: dict[str, type[Comparator]] = {
    of.method: of for of in (GradCAM, SimExpert, XSSAB, Occlusion, GradientXInput, LRP)
}
FLAT = ("gradcam", "gradient-x-input")  # the cosine of an image with itself has no slope


class WithOwnLikeness(Comparator):
    """A rival's evidence combined with the image's likeness to itself, as in `amortised`.

    E(a,b) / mean |E(a,b)| + own * sign * L(a) / mean |L(a)|: E is the rival's evidence in image a,
    and L the evidence for the likeness of a to itself. The sign is + for a pair called similar and
    - for one called dissimilar. Both are scaled, because rivals measure evidence in their own
    units, such as cosines per pixel value or shares of a cosine. Without scaling, one term would
    outweigh the other. The causal maps have both in one unit and need no scaling. A map that is 0
    throughout stays so.

    Rivals are those that tell for from against; without a sign, evidence cannot be added to. The
    other term of `amortised`, `contrast`, compares what a window carries in both images, in all
    latents: of the methods here the causal maps alone know that, so it can be given to no other.

    Args:
        embedder: the network.
        of: the rival: "gradcam", "simexpert", "xssab", "occlusion", "gradient-x-input" or "lrp".
        by: what finds L: "amortised" or "causal", as in `own-likeness`; or "itself", the rival's
            own evidence in the pair of the image and itself, if it has any. The gradient of a
            cosine has none there, since the cosine is at its maximum.
        own: weight of the likeness to itself, >= 0.
        head: of "amortised", as there.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: an option is wrong or out of range, no head ships for the network, or it is a
            black box.
    """

    method = "with-own-likeness"
    title = "Rival with own-likeness"
    words: ClassVar[Words] = {
        "of": {name: of.title for name, of in RIVALS.items()},
        "by": {
            "amortised": "of one pass",
            "causal": "of 64 passes",
            "itself": "by the rival's own evidence",
        },
        "own": "weight {}",
    }
    role = "ablation"
    source = "this book"
    needs = frozenset({"gradients", "layers", "training"})

    def __init__(
        self,
        embedder: Embedder,
        of: str = "gradcam",
        by: By = "amortised",
        own: float = 1.0,
        head: CausalHead | str | os.PathLike | None = None,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if of not in RIVALS:
            raise LFSError(
                f"{of} cannot be given own-likeness, which needs evidence that tells for from "
                f"against; choose one of {', '.join(RIVALS)}."
            )
        if by not in get_args(By):
            raise LFSError(f"by is {by!r}; it must be {' or '.join(map(repr, get_args(By)))}.")
        if by == "itself" and of in FLAT:
            raise LFSError(
                f"{of} finds no evidence in an image and itself, where the cosine has no slope; "
                "choose by='amortised' or by='causal'."
            )
        if not own >= 0:
            raise LFSError(f"own is {own}; it must be at least 0.")
        self.of, self.by, self.own = of, by, own
        self._rival = RIVALS[of](embedder, similarity_threshold=similarity_threshold)
        self._map = (
            None if by == "itself" else partner_map(embedder, by, head, similarity_threshold)
        )

    def see(self, images: Tensor) -> Pairs:
        """Pairs of images (P,2,3,H,W), with what the rival needs."""
        return self._rival.see(images)

    def evidence(self, pairs: Pairs) -> Evidence:
        """Both terms, each with a mean absolute value of 1 in every image: (P,2,h,w)."""
        beside = self._rival.evidence(pairs).values.detach()
        if self._rival.margin:  # it divides a cosine; xi_1 of it supports no decision
            beside = beside - self.similarity_threshold / beside[0, 0].numel()
        itself = self._likeness(pairs.images.detach())
        if beside.shape != itself.shape:
            size = pairs.images.shape[-2:]
            beside, itself = spread(beside, size), spread(itself, size)
        sign = pairs.is_similar.float().mul(2).sub(1)[:, None, None, None]
        return Evidence(_scaled(beside) + self.own * sign * _scaled(itself))

    def _likeness(self, images: Tensor) -> Tensor:
        """The evidence (P,2,h,w) of images (P,2,3,H,W) for their likeness to themselves."""
        if self._map is not None:
            return likeness_to_itself(self._map, self._map.see(images))
        twice = self._rival.see(images.flatten(0, 1)[:, None].expand(-1, 2, -1, -1, -1))
        return self._rival.evidence(twice).values.detach()[:, 0].unflatten(0, (-1, 2))

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"of": self.of, "by": self.by, "own": self.own}


def _scaled(values: Tensor) -> Tensor:
    """Evidence (P,2,h,w) with a mean absolute value of 1 in each image; 0 where it is 0."""
    size = values.abs().mean(dim=(-2, -1), keepdim=True)
    return values / torch.where(size > 0, size, torch.inf)
