"""Deletion and insertion for verification: are pairs told apart without their relevant places?

As explanations of face verification are evaluated (CorrRISE, Lu et al. 2024). Both images of a pair
are changed, and what counts is whether the pair is decided right. For dissimilar pairs maps mark
the evidence against a match; without it the network should take them for a match. So one rule holds
for both kinds of pairs, but not for those few that the network decides wrong from the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.base import Case, Labels
from lfs_core.evaluation.metrics.selectivity import FILL_WORDS, FILLS, flip_curves, flip_ranks
from lfs_core.explanation import Words

PERCENTS = (10, 20, 40)  # of the places, the most relevant
MODES = ("deletion", "insertion")


@dataclass(frozen=True)
class Verification:
    """How often pairs are decided right without, or with nothing but, their most relevant places.

    Attributes:
        mode: "deletion", these places are replaced, or "insertion", all others are.
        fill: by what, a name in `FILLS`.
    """

    mode: str = "deletion"
    fill: str = "blur"

    words: ClassVar[Words] = {"mode": "", "fill": FILL_WORDS}
    about: ClassVar[str] = "pairs decided right as relevant places go or come"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise LFSError(f"mode is {self.mode!r}; it must be {' or '.join(MODES)}.")
        if self.fill not in FILLS:
            raise LFSError(f"There is no fill {self.fill!r}; choose one of {', '.join(FILLS)}.")

    @property
    def title(self) -> str:
        """Its name for readers: the mode is part of it."""
        return f"Verification, {self.mode}"

    @property
    def better(self) -> Literal["higher", "lower"]:
        """Without the relevant places pairs should be decided wrong, with them alone right."""
        return "lower" if self.mode == "deletion" else "higher"

    def measure(self, case: Case) -> Tensor:
        """Cosines (P,1+len(PERCENTS)): of the clean pairs, then for each share of places."""
        ranks = flip_ranks(case.maps, case.seed)
        places = ranks[0, 0].numel()
        chosen = [round(percent / 100 * places) for percent in PERCENTS]
        if self.mode == "deletion":
            flips = [0, *chosen]
        else:  # the least relevant go first, and most of them where few are kept
            ranks = places - 1 - ranks
            flips = [0, *(places - kept for kept in reversed(chosen))]
        curves = flip_curves(
            case.embedder,
            case.images,
            ranks[None],
            torch.ones(len(ranks), dtype=torch.bool),
            fill=self.fill,
            flips=flips,
            seed=case.seed,
            h=case.h,
        )[0]
        if self.mode == "deletion":
            return curves
        return torch.cat([curves[:, :1], curves[:, 1:].flip(-1)], dim=-1)

    def check(self, labels: Labels) -> None:
        """Raise an LFSError unless there are pairs of both kinds."""
        equal_error_threshold(labels.similarity, labels.same)

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """At what share of PERCENTS a pair is decided right, in [0,1].

        The threshold is that of equal error for the clean pairs.

        Raises:
            LFSError: as `equal_error_threshold`.
        """
        threshold = equal_error_threshold(labels.similarity, labels.same)
        changed = measured[:, 1:]
        right = (changed > threshold) == labels.same[:, None]
        return right.to(measured).where(changed.isfinite(), torch.nan).mean(dim=-1)


def equal_error_threshold(similarity: Tensor, same: Tensor) -> float:
    """The threshold at which as large a share of either kind is decided wrong, or nearly so.

    Pairs above it are called the same. It lies half-way between two similarities; where two such
    places are equally good, half-way between these.

    Args:
        similarity: (P,) of pairs.
        same: (P,) bool, whether both images show one person or class.

    Raises:
        LFSError: all pairs are of one kind.
    """
    if same.all() or not same.any():
        kind = "the same" if same.any() else "different"
        raise LFSError(
            f"All {len(same)} pairs are {kind}; an equal-error threshold needs pairs of both kinds."
        )
    values = similarity.double().unique()
    thresholds = (values[:-1] + values[1:]) / 2 if len(values) > 1 else values
    below = [
        torch.searchsorted(similarity[kind].double().sort().values, thresholds, right=True)
        for kind in (same, ~same)
    ]
    false_rejects, false_accepts = below[0], (~same).sum() - below[1]
    # Shares are compared as whole numbers, so that rounding decides between no equals.
    apart = (false_rejects * (~same).sum() - false_accepts * same.sum()).abs()
    return thresholds[apart == apart.min()].mean().item()
