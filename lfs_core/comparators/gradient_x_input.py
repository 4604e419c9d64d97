"""Gradient times input: the similarity's first-order account of each pixel."""

from __future__ import annotations

import torch

from lfs_core.comparators.base import Comparator, Evidence, Pairs

ROUNDING = 1e-6  # of an embedding's length; what is nearer is the same


class GradientXInput(Comparator):
    """The gradient of the similarity on each pixel times that pixel, summed over the channels.

    Black pixels get no evidence. Both images of a pair share one pass back. Where two embeddings
    are equal the cosine is at its maximum: its gradient, and so the evidence, is 0.
    """

    method = "gradient-x-input"
    title = "Gradient times input"
    source = "Shrikumar et al. 2016"
    needs = frozenset({"gradients"})

    def evidence(self, pairs: Pairs) -> Evidence:
        """Gradient times pixel, (P,2,H,W)."""
        e = torch.nn.functional.normalize(pairs.h.detach(), dim=-1)
        apart = (e[:, 0] - e[:, 1]).norm(dim=-1) > ROUNDING
        (gradient,) = torch.autograd.grad((pairs.similarity * apart).sum(), pairs.images)
        return Evidence((gradient * pairs.images.detach()).sum(dim=2))
