"""Partner swap: a map that explains a decision about a pair must change with the partner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from lfs_core.evaluation.metrics.agreement import rank_correlation
from lfs_core.evaluation.metrics.base import Case, Labels


@dataclass(frozen=True)
class Partner:
    """Rank correlation of an image's map for its partner with that for another partner.

    The other partner is the second image of the next pair of the chunk that has the same decision;
    the pair counts only if the network decides about image and other partner as before.
    """

    title: ClassVar[str] = "Partner swap"
    about: ClassVar[str] = "how far a map stays the same with another partner"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def measure(self, case: Case) -> Tensor:
        """(P,1), in [-1,1].

        NaN for a pair whose decision changes, which is alone, or one of whose maps is missing or
        constant: ranks of such a map would say that it has changed.
        """
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
            own = case.maps[pairs, 0]
            speaks = varied(own) & varied(others)
            if speaks.any():
                found = rank_correlation(own[speaks], others[speaks]).float()
                measured[pairs[speaks], 0] = found
        return measured

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """The correlation."""
        return measured[:, 0]


def varied(maps: Tensor) -> Tensor:
    """Which of maps (P,H,W) are neither constant nor NaN, (P,) bool."""
    return maps.amax(dim=(1, 2)) > maps.amin(dim=(1, 2))
