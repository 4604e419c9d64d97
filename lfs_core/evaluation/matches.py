"""How well places are matched, where the right answer is known."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lfs_core.correspondence import matched, probabilities
from lfs_core.datasets.known_matches import KnownPair, place_of
from lfs_core.errors import LFSError

REFERENCE = (8, 8)  # rows and columns of the places by which every method is judged


@dataclass(frozen=True)
class MatchScores:
    """Of the places of one image whose counterparts in another are known.

    Attributes:
        near: share whose best match is at most one place from the right one, diagonally too.
        exact: share whose best match is the right place.
        distance: median distance of the best match from the right point, in sides of the image.
        area: area under the curve of `near` among the most confident places, over how many these
            are; 1 if the wrong ones come last, whatever their number is not.
        places: how many there are.
        kept: share of them that have a one-to-one match.
        kept_near: of these matches, the share at most one place from the right one; NaN without
            any.
        left: of the places that the other image does not show, the share that have no match; NaN
            without any.
    """

    near: float
    exact: float
    distance: float
    area: float
    places: int
    kept: float
    kept_near: float
    left: float


def match_scores(
    likeness: Tensor,
    grid: tuple[int, int],
    pair: KnownPair,
    reference: tuple[int, int] = REFERENCE,
) -> MatchScores:
    """Judge the matches from a pair's first image to its second.

    A method's own places may differ from those that are judged. Then the place that holds the
    middle of the judged one stands for it, and its match is the middle of the place that it
    chooses.

    Args:
        likeness: (K,K), by which places are matched.
        grid: rows and columns of the K places.
        pair: with the right answers.
        reference: rows and columns of the places that are judged.

    Raises:
        LFSError: the grid does not have K places, or no place has a known match.
    """
    if likeness.shape != (grid[0] * grid[1],) * 2:
        raise LFSError(f"{tuple(likeness.shape)} are no matches of {grid[0]}x{grid[1]} places.")
    targets, known = pair.places(reference)
    shown = targets.isfinite().all(dim=1)
    if not shown.any():
        raise LFSError("Of no place of the pair is it known where it lies in the other image.")
    own = place_of(middles(reference), grid)  # which of its places answers for each judged one
    middle = middles(grid)
    found = middle[likeness.argmax(dim=1)[own]]
    confidence = probabilities(likeness).amax(dim=1)[own]
    steps = _steps(found, targets, reference)
    near, exact = steps <= 1, steps == 0

    partner = torch.full((len(likeness),), -1)
    for match in matched(likeness):
        partner[match.k] = match.l
    partner = partner[own]
    has = partner >= 0
    right = _steps(middle[partner.clamp_min(0)], targets, reference) <= 1
    order = confidence[shown].argsort(descending=True, stable=True)
    best_first = near[shown][order].double()
    ranks = torch.arange(1, len(order) + 1)
    return MatchScores(
        near=_share(near[shown]),
        exact=_share(exact[shown]),
        distance=(found - targets)[shown].norm(dim=1).median().item(),
        area=(best_first.cumsum(0) / ranks).mean().item(),
        places=int(shown.sum()),
        kept=_share(has[shown]),
        kept_near=_share(right[shown & has]),
        left=_share(~has[known & ~shown]),
    )


def middles(grid: tuple[int, int]) -> Tensor:
    """The middle (K,2) of each place, (x,y) in shares of the image's sides."""
    rows, columns = ((torch.arange(count, dtype=torch.float64) + 0.5) / count for count in grid)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1).flatten(0, 1)


def _steps(found: Tensor, targets: Tensor, grid: tuple[int, int]) -> Tensor:
    """How many of a grid's places lie between points (...,2), the longer way counted."""
    sides = torch.tensor(grid[::-1])
    cells = [
        (of * sides).floor().clamp(min=torch.zeros(2), max=sides - 1) for of in (found, targets)
    ]
    return (cells[0] - cells[1]).abs().amax(dim=-1)


def _share(flags: Tensor) -> float:
    return flags.double().mean().item()  # NaN of none
