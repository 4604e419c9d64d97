"""Integrated gradients: the similarity gained on the way from an empty image, pixel by pixel."""

from __future__ import annotations

from typing import ClassVar

import torch
from captum import attr

from lfs_core.comparators.base import Comparator, Evidence, Pairs, SimilarityTo
from lfs_core.comparators.fills import Fill, check_fill, plain
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words

BATCH = 32  # points on the line at a time


class IntegratedGradients(Comparator):
    """Shares out the similarity that an image has beyond an empty one, among its pixels.

    Let x be an image, x' an empty one, and s(x) the cosine of x with the other image, whose
    embedding is held fixed. The evidence of a pixel is (x - x') times the gradient of s, averaged
    over the straight line from x' to x and summed over the colour channels. All pixels together
    have s(x) - s(x').

    One pass forward and one back for each image and step.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        baseline: x', the empty image: "mean", the image's own mean colour; "grey", 0.5; or
            "black", the authors' for photographs. Pixels of its colour get no evidence. The mean
            colour is nearest to the image, so that the sum needs the fewest steps.
        steps: Gauss-Legendre nodes on the line, 1 or more; the authors advise 20 to 300. With
            more the sum comes nearer to what is promised.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "integrated-gradients"
    title = "Integrated gradients"
    words: ClassVar[Words] = {"baseline": "from {}", "steps": "{} steps"}
    source = "Sundararajan, Taly, Yan 2017"
    needs = frozenset({"gradients"})

    def __init__(
        self,
        embedder: Embedder,
        baseline: Fill = "mean",
        steps: int = 50,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        check_fill("baseline", baseline)
        if steps < 1:
            raise LFSError(f"steps is {steps}; it must be at least 1.")
        self.baseline, self.steps = baseline, steps

    def evidence(self, pairs: Pairs) -> Evidence:
        """Integrated gradients (P,2,H,W), which sum to s(x) - s(x')."""
        images = pairs.images.detach().flatten(0, 1)
        partners = pairs.partners.detach().flatten(0, 1)
        similarity = SimilarityTo(self.embedder)
        empty = plain(images, self.baseline)
        # One image at a time, or rounding would depend on what else is in a batch.
        each = (x.split(1) for x in (images, empty, partners))
        found = [
            attr.IntegratedGradients(similarity).attribute(
                image,
                baselines=without,
                additional_forward_args=partner,
                n_steps=self.steps,
                internal_batch_size=BATCH,
            )
            for image, without, partner in zip(*each, strict=True)
        ]
        with torch.no_grad():
            of_empty = similarity(empty, partners).unflatten(0, (-1, 2))
        promised = pairs.similarity.detach()[:, None] - of_empty
        return Evidence(torch.cat(found).sum(dim=1).unflatten(0, (-1, 2)), promised)

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"baseline": self.baseline, "steps": self.steps}
