"""The greedy order: nearly the highest score that pixel flipping allows.

It explains nothing, since it looks at the test: at every step it replaces the superpixel that
moves the similarity farthest against the decision.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from lfs_core.embedders import Embedder, embed
from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.selectivity import FILL_WORDS, FILLS, FLIPS, GRID, enlarged
from lfs_core.explanation import PairExplainer, PairExplanation, Words
from lfs_core.util.distances import cosines


class Greedy(PairExplainer):
    """Flips one superpixel after the other and keeps the best each time.

    Args:
        embedder: the network.
        fill: as in the test.
        seed: of noise, as in the test.
        steps: how many superpixels are ordered; all others rank last, as equals.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: there is no such fill, or a threshold is out of range.
    """

    method = "greedy"
    title = "Greedy order"
    words: ClassVar[Words] = {"fill": FILL_WORDS, "steps": "{} steps"}
    role = "oracle"
    source = "this book"

    def __init__(
        self,
        embedder: Embedder,
        fill: str = "noise",
        seed: int = 0,
        steps: int = FLIPS,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if fill not in FILLS:
            raise LFSError(f"There is no fill {fill!r}; choose one of {', '.join(FILLS)}.")
        self.fill, self.seed, self.steps = fill, seed, steps

    def _explain(self, images: Tensor) -> list[PairExplanation]:
        with torch.no_grad():
            h = self._embed(images)
        similarity = cosines(h)
        replacement = FILLS[self.fill](images, torch.Generator().manual_seed(self.seed))
        found = []
        for k, (pair, instead) in enumerate(zip(images, replacement, strict=True)):
            similar = bool(similarity[k] > self.similarity_threshold)
            scores = self._ordered(pair, instead, h[k], similar)
            found.append(
                PairExplanation(
                    method=self.method,
                    similarity=similarity[k].item(),
                    is_similar=similar,
                    images=pair,
                    maps=torch.stack([enlarged(of, pair.shape[-2:]) for of in scores]),
                    map_threshold=self.map_threshold,
                    settings=self.settings(),
                )
            )
        return found

    @torch.no_grad()
    def _ordered(self, pair: Tensor, instead: Tensor, h: Tensor, similar: bool) -> Tensor:
        """Scores (2,g,g): the first superpixel to go has the highest."""
        cells = enlarged(torch.arange(GRID**2).view(GRID, GRID), pair.shape[-2:])
        scores = torch.zeros(2, GRID**2)
        shown, h = pair.clone(), h.clone()
        for step in range(self.steps):
            for side in range(1 if similar else 2):
                left = (scores[side] == 0).nonzero()[:, 0]
                tried = torch.where(cells == left[:, None, None, None], instead[side], shown[side])
                after = embed(self.embedder, tried)
                moved = torch.cosine_similarity(after, h[1 - side][None])
                best = int(moved.argmin() if similar else moved.argmax())
                shown[side], h[side] = tried[best], after[best]
                scores[side, left[best]] = self.steps - step
        return scores.view(2, GRID, GRID) / self.steps
