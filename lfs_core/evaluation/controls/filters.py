"""The paper's map with filters instead of patterns: the pixels that move the relevant latents most.

A decoder shows which pixels vary together with a latent; the transposed Jacobian of the network
shows which pixels the network reads. Everything else is as in the paper.
"""

from __future__ import annotations

from typing import ClassVar

import torch

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words
from lfs_core.variants import RELEVANCE_WORDS, RELEVANCES


class Filters(Comparator):
    """|J^T R|, the mean over colours, instead of |D(h + pR) - D(h)|.

    J is the derivative of an image's embedding by its pixels. One backward pass per image.

    Args:
        embedder: the network.
        relevance: a name in `RELEVANCES`.
        seed: of relevance that is drawn.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: there is no such relevance, or a threshold is out of range.
    """

    method = "filters"
    title = "Filters in place of a decoder"
    words: ClassVar[Words] = {"relevance": RELEVANCE_WORDS}
    role = "ablation"
    source = "this book"
    needs = frozenset({"gradients"})
    signed = False

    def __init__(
        self,
        embedder: Embedder,
        relevance: str = "paper",
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if relevance not in RELEVANCES:
            raise LFSError(f"relevance is {relevance!r}; choose one of {', '.join(RELEVANCES)}.")
        self.relevance, self.seed = relevance, seed

    def evidence(self, pairs: Pairs) -> Evidence:
        """|J^T R| of both images, (P,2,H,W)."""
        h = pairs.h.detach()
        R = RELEVANCES[self.relevance](
            h[:, 0], h[:, 1], pairs.is_similar, self.seed, self.similarity_threshold
        )
        (gradient,) = torch.autograd.grad((pairs.h * R[:, None]).sum(), pairs.images)
        return Evidence(gradient.abs().mean(dim=2))
