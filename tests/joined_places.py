"""A pair whose matching places are known."""

from __future__ import annotations

from dataclasses import replace

import torch
from compared import explained, ramps

from lfs_core.explanation import PairExplanation

GRID = ROWS, COLUMNS = 3, 4
K = ROWS * COLUMNS
LONELY, LOSER = 0, 5  # places of the first image: unlike all others; and like what 4 matches


def mirrored(place: int) -> int:
    """The place of the mirror image."""
    return place - place % COLUMNS + COLUMNS - 1 - place % COLUMNS


def matching_pair(**changes: object) -> PairExplanation:
    """Places match their mirror images; the lower ones with more confidence.

    What two places say together is noise of either sign.
    """
    likeness = torch.full((K, K), -0.2)
    for place in range(K):
        if place not in (LONELY, LOSER):
            likeness[place, mirrored(place)] = 0.75 + 0.02 * place
    likeness[LOSER, mirrored(4)] = 0.78
    generator = torch.Generator().manual_seed(0)
    e = explained("amortised", 2, ramps((30, 45)))
    matches = 0.02 * torch.randn(K, K, generator=generator)
    return replace(e, **({"matches": matches, "likeness": likeness, "grid": GRID} | changes))
