"""Integrated Jacobians: which pixels, paired with those of the other image, make the similarity."""

from __future__ import annotations

from typing import ClassVar

import torch
from captum.attr import IntegratedGradients
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.comparators.fills import Fill, check_fill, plain
from lfs_core.embedders import Embedder, embed, embed_all
from lfs_core.errors import LFSError
from lfs_core.explanation import Words

BATCH = 32  # images of the network at a time


class IntegratedJacobians(Comparator):
    """Second-order attribution: the part of every pair of pixels in the similarity.

    Images a and b are measured from references a' and b', images that show nothing. Let e be unit
    embeddings, and J the Jacobian of e averaged over the straight line from reference to image.
    Then pixel i of a and pixel j of b contribute A_ij = (a - a')_i [J_a^T J_b]_ij (b - b')_j.
    Because J_b (b - b') = e(b) - e(b'), the sum over all j is (a - a')_i [J_a^T (e(b) - e(b'))]_i:
    the integrated gradients of a's embedding along e(b) - e(b'). This is the evidence; no Jacobian
    is ever built. Over all pixels it sums to <e(a) - e(a'), e(b) - e(b')>, the same for both
    images. The authors train networks that embed the reference as 0, for which this is the
    similarity. Of other networks it is about 1 more, where references are like each other and
    unlike images. Eberle et al. 2020 (BiLRP) pair pixels alike, by another rule of propagation.

    One pass forward and one back for each image and step.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        reference: "mean", an image's own mean colour; "grey", 0.5; or "black". Pixels of its
            colour get no evidence.
        steps: Gauss-Legendre nodes on the line, 1 or more. With more the sum comes nearer to what
            is promised.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "integrated-jacobians"
    title = "Integrated Jacobians"
    words: ClassVar[Words] = {"reference": "from {}", "steps": "{} steps"}
    source = "Möller, Nikolaev, Padó 2023; Eberle et al. 2020"
    needs = frozenset({"gradients"})
    cosine_only = True

    def __init__(
        self,
        embedder: Embedder,
        reference: Fill = "mean",
        steps: int = 50,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        check_fill("reference", reference)
        if steps < 1:
            raise LFSError(f"steps is {steps}; it must be at least 1.")
        self.reference, self.steps = reference, steps

    def evidence(self, pairs: Pairs) -> Evidence:
        """Row and column sums of A, colours summed: (P,2,H,W)."""
        images = pairs.images.detach().flatten(0, 1)
        references = plain(images, self.reference)
        start = normalize(embed_all(self.embedder, references, BATCH), dim=-1)
        moved = normalize(pairs.h.detach(), dim=-1) - start.unflatten(0, (-1, 2))
        partners = moved.flip(1).flatten(0, 1)
        integrate = IntegratedGradients(self._along).attribute
        found = [
            integrate(
                some,
                baselines=reference,
                additional_forward_args=partner,
                n_steps=self.steps,
                method="gausslegendre",
                internal_batch_size=BATCH,
            )
            for some, reference, partner in zip(
                *(x.split(BATCH) for x in (images, references, partners)), strict=True
            )
        ]
        score = (moved[:, 0] * moved[:, 1]).sum(dim=-1)
        values = torch.cat(found).sum(dim=1).unflatten(0, (-1, 2))
        return Evidence(values, score[:, None].expand(-1, 2))

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"reference": self.reference, "steps": self.steps}

    def _along(self, images: Tensor, directions: Tensor) -> Tensor:
        """How far the embeddings of images (B,3,H,W) reach along directions (B,D): (B,)."""
        return (normalize(embed(self.embedder, images), dim=-1) * directions).sum(dim=-1)
