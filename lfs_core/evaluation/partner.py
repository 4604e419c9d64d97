"""Partner swap: a map that explains a decision about a pair must change with the partner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from lfs_core.evaluation.agreement import rank_correlation
from lfs_core.evaluation.metric import Case, Labels


@dataclass(frozen=True)
class Partner:
    """Rank correlation of an image's map for its partner with that for another partner.

    The other partner is the second image of the next pair of the chunk that has the same decision;
    the pair counts only if the network decides about image and other partner as before.
    """

    about: ClassVar[str] = "Partner swap: how far a map stays the same with another partner"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def measure(self, case: Case) -> Tensor:
        """(P,1), in [-1,1]; NaN for a pair whose decision changes, or which is alone."""
        measured = torch.full((len(case.images), 1), torch.nan)
        is_similar = case.labels.is_similar
        for decision in (True, False):
            pairs = (is_similar == decision).nonzero()[:, 0]
            swapped = torch.stack([case.h[pairs, 0], case.h[pairs.roll(-1), 1]], dim=1)
            again = torch.cosine_similarity(swapped[:, 0], swapped[:, 1]) > case.labels.threshold
            pairs, partners = (of[again == decision] for of in (pairs, pairs.roll(-1)))
            if len(pairs) == 0 or (len(partners) == 1 and pairs[0] == partners[0]):
                continue
            images = torch.stack([case.images[pairs, 0], case.images[partners, 1]], dim=1)
            others = case.explain(images)[:, 0]
            measured[pairs, 0] = rank_correlation(case.maps[pairs, 0], others).float()
        return measured

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """The correlation."""
        return measured[:, 0]
