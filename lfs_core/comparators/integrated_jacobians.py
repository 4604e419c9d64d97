"""Integrated Jacobians: which pixels, paired with those of the other image, make the similarity."""

from __future__ import annotations

from typing import Literal

import torch
from captum.attr import IntegratedGradients
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.embedders import Embedder, embed
from lfs_core.errors import LFSError

Reference = Literal["black", "grey"]

LEVELS = {"black": 0.0, "grey": 0.5}
BATCH = 32  # images of the network at a time


class IntegratedJacobians(Comparator):
    """Second-order attribution: every pair of pixels' part in the similarity.

    For images a and b, a reference r, unit embeddings e, and J the Jacobian of e averaged over the
    straight line from r to an image, pixels i of a and j of b contribute
    A_ij = (a - r)_i [J_a^T J_b]_ij (b - r)_j. As J_b (b - r) = e(b) - e(r), the sum over all j is
    (a - r)_i [J_a^T (e(b) - e(r))]_i: integrated gradients of a's embedding along
    e(b) - e(r). That sum is the evidence, and no Jacobian is ever built. Summed over i as well it
    is <e(a) - e(r), e(b) - e(r)>, for both images. As e(r) has a length of 1, like every
    embedding here, this is 1 above the cosine where both images are at right angles to the
    reference. Eberle et al. 2020 (BiLRP) pair pixels alike, with another rule of propagation.

    One pass forward and one back for each image and step.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        reference: r, "black" or "grey", the image that speaks for nothing. Pixels of its colour
            get no evidence: "black" passes over the darkest, "grey" over middle greys.
        steps: Gauss-Legendre nodes on the line, 1 or more. With more the sum comes nearer to what
            is promised.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "integrated-jacobians"
    source = "Möller, Nikolaev, Padó 2023; Eberle et al. 2020"
    needs = frozenset({"gradients"})

    def __init__(
        self,
        embedder: Embedder,
        reference: Reference = "grey",
        steps: int = 32,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if reference not in LEVELS:
            raise LFSError(f"reference is {reference!r}; it must be 'black' or 'grey'.")
        if steps < 1:
            raise LFSError(f"steps is {steps}; it must be at least 1.")
        self.reference, self.steps = reference, steps

    def evidence(self, pairs: Pairs) -> Evidence:
        """(a - r) * integrated gradients along e(b) - e(r), channels summed: (P,2,H,W)."""
        images = pairs.images.detach().flatten(0, 1)
        r = torch.full_like(images[:1], LEVELS[self.reference])
        with torch.no_grad():
            moved = normalize(pairs.h.detach(), dim=-1) - normalize(embed(self.embedder, r), dim=-1)
        towards = moved.flip(1).flatten(0, 1)
        attribute = IntegratedGradients(self._along).attribute
        values = [
            attribute(
                some,
                baselines=r,
                additional_forward_args=directions,
                n_steps=self.steps,
                method="gausslegendre",
                internal_batch_size=BATCH,
            )
            for some, directions in zip(images.split(BATCH), towards.split(BATCH), strict=True)
        ]
        score = (moved[:, 0] * moved[:, 1]).sum(dim=-1)
        return Evidence(
            torch.cat(values).sum(dim=1).unflatten(0, (-1, 2)), score[:, None].expand(-1, 2)
        )

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"reference": self.reference, "steps": self.steps}

    def _along(self, images: Tensor, directions: Tensor) -> Tensor:
        """How far the embeddings of images (B,3,H,W) lie along directions (B,D): (B,)."""
        return (normalize(embed(self.embedder, images), dim=-1) * directions).sum(dim=-1)
