"""Insertion: how fast does the decision come back as superpixels are put back?

The counterpart of pixel flipping: everything is replaced at first, and the most relevant
superpixels return. What a map calls relevant should be enough, not only needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.base import Case, Labels
from lfs_core.evaluation.metrics.selectivity import (
    FILL_WORDS,
    FILLS,
    FLIPS,
    GRID,
    area,
    flip_curves,
    flip_ranks,
    superpixels,
)
from lfs_core.explanation import Words


@dataclass(frozen=True)
class Insertion:
    """How far the similarity comes back towards the decision as superpixels are put back.

    One image of a similar pair is replaced at first, both of a dissimilar one, as in pixel
    flipping.

    Attributes:
        fill: what is seen before, a name in `FILLS`.
        every: the curve is measured each time this many superpixels are replaced.
    """

    fill: str = "noise"
    every: int = 1

    title: ClassVar[str] = "Insertion"
    words: ClassVar[Words] = {"fill": FILL_WORDS, "every": ""}
    about: ClassVar[str] = "how far the decision comes back as superpixels return"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __post_init__(self) -> None:
        if self.fill not in FILLS:
            raise LFSError(f"There is no fill {self.fill!r}; choose one of {', '.join(FILLS)}.")
        if self.every < 1 or FLIPS % self.every:
            raise LFSError(f"every is {self.every}; it must divide {FLIPS}.")

    def measure(self, case: Case) -> Tensor:
        """Curves (P,FLIPS/every+1): cosines with 0, every, 2*every ... FLIPS superpixels."""
        places = GRID**2
        # Flipping the least relevant first leaves the most relevant to the end.
        ranks = places - 1 - flip_ranks(superpixels(case.maps), case.seed)
        shown = range(0, FLIPS + 1, self.every)
        return flip_curves(
            case.embedder,
            case.images,
            ranks[None],
            ~case.labels.is_similar,
            fill=self.fill,
            flips=[places - n for n in reversed(shown)],
            seed=case.seed,
            h=case.h,
        )[0].flip(-1)

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """Mean rise of the curves of similar pairs, mean fall of those of dissimilar ones."""
        rise = area(measured) - measured[:, 0]
        return torch.where(labels.is_similar, rise, -rise)
