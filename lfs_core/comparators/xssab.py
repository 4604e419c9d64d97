"""xSSAB: where the latents that argue for a match look, and where those against it."""

from __future__ import annotations

import torch
from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs


class XSSAB(Comparator):
    """Similarity score argument backpropagation.

    The cosine of unit embeddings e1 and e2 is the sum of c_j = e1_j * e2_j over D latents. Those
    with c_j >= xi_1 / D, an even share of the threshold, argue for a match, the rest against it.
    The evidence is |gradient of the first ones' sum| - |gradient of the others' sum|, each
    averaged over the colour channels. Which latents argue for what depends on xi_1, and so does
    the evidence. Two passes back, each for both images of all pairs at once.
    """

    method = "xssab"
    title = "xSSAB"
    source = "Huber, Luu, Terhörst, Damer 2024"
    needs = frozenset({"gradients"})
    cosine_only = True

    def evidence(self, pairs: Pairs) -> Evidence:
        """What argues for a match less what argues against it: (P,2,H,W), in 1 / pixel value."""
        e = torch.nn.functional.normalize(pairs.h, dim=-1)
        arguments = e[:, 0] * e[:, 1]
        supports = arguments >= self.similarity_threshold / arguments.shape[-1]

        def strength(some: Tensor) -> Tensor:
            """|gradient| (P,2,H,W) of the sum of some arguments, (P,D) bool."""
            (gradient,) = torch.autograd.grad(
                (arguments * some).sum(), pairs.images, retain_graph=True
            )
            return gradient.abs().mean(dim=2)

        return Evidence(strength(supports) - strength(~supports))
