"""Do maps agree more than by chance? By ranks, by structure, and in their strongest places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.base import SIDE
from lfs_core.util.similarity import structural_similarity

STRONGEST = 0.1  # share of the places that `strongest_overlap` looks at
SHUFFLES = 20  # other pairs that each pair is compared with, for the null


def rank_correlation(maps: Tensor, others: Tensor) -> Tensor:
    """Spearman's correlation of maps with others, one by one.

    Args:
        maps: (...,H,W).
        others: (...,H,W).

    Returns:
        (...) in [-1,1]; 0 where a map is constant.

    Raises:
        LFSError: the shapes differ.
    """
    if maps.shape != others.shape:
        raise LFSError(f"Maps {tuple(maps.shape)} and {tuple(others.shape)} differ in shape.")
    return (_ranks(maps) * _ranks(others)).sum(dim=-1)


def map_similarity(maps: Tensor, others: Tensor) -> Tensor:
    """SSIM of maps (...,H,W) in [0,1] with others, one by one: (...) in [-1,1]."""
    return structural_similarity(maps.double(), others.double())


def strongest_overlap(maps: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of the strongest tenth of the places.

    Args:
        maps: (...,H,W).
        others: (...,H,W).

    Returns:
        (...) in [0,1]; two maps without relation have about 0.05.
    """
    shape, size = maps.shape[:-2], maps.shape[-2] * maps.shape[-1]
    count = round(STRONGEST * size)
    chosen = torch.zeros(2, *shape, size, dtype=torch.bool)
    for mask, of in zip(chosen, (maps, others), strict=True):
        mask.scatter_(-1, of.flatten(-2).topk(count).indices, True)
    both = chosen.all(dim=0).sum(dim=-1)
    return both / (2 * count - both)


MEASURES = {
    "rank correlation": rank_correlation,
    "structural similarity": map_similarity,
    "overlap of the strongest tenth": strongest_overlap,
}
"""How far maps (...,H,W) agree with others: (...), higher for more."""


def of_both(rows: Tensor, columns: Tensor) -> Tensor:
    """Numbers (P,) of pairs that have the mean of a table of pairs with pairs, and its uncertainty.

    A pair has a part in its row of the table and in its column. Rows alone have the same mean, but
    vary too little: an interval over them takes the pairs in the columns for known.

    Args:
        rows: (P,) mean of each row.
        columns: (P,) mean of each column.
    """
    return rows + columns - rows.mean()


def agreement_beyond_chance(
    maps: Tensor, others: Tensor, is_similar: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """Agreement of two methods on each pair, and with the other method's maps of other pairs.

    Args:
        maps: of one method, (P,2,H,W).
        others: of the other, (P,2,H,W).
        is_similar: (P,) bool; a pair is compared with others of its decision.

    Returns:
        By measure: of each pair (P,) the mean over both images; and the mean with `SHUFFLES` other
        pairs of its decision, as `of_both`: what agreement without knowledge of the pair looks
        like. NaN for a decision with a single pair.
    """
    found = {}
    for name, measure in MEASURES.items():
        same, chance = (torch.full((len(maps),), torch.nan, dtype=torch.float64) for _ in range(2))
        for decision in (True, False):
            of = (is_similar == decision).nonzero()[:, 0]
            if len(of) < 2:
                continue
            same[of] = measure(maps[of], others[of]).double().mean(dim=1)
            rolls = range(1, min(SHUFFLES, len(of) - 1) + 1)
            each = [measure(maps[of], others[of.roll(k)]).double().mean(dim=1) for k in rolls]
            columns = [one.roll(-k) for k, one in zip(rolls, each, strict=True)]
            chance[of] = of_both(torch.stack(each).mean(dim=0), torch.stack(columns).mean(dim=0))
        found[name] = same, chance
    return found


def agreement_of_methods(
    maps: Mapping[str, Sequence[Tensor]],
) -> tuple[Tensor, Tensor]:
    """How far methods agree on the same pairs, and with their own maps of other pairs.

    Args:
        maps: of each method, by its name: for each pair its maps (2,H,W), the pairs in one order.

    Returns:
        (M,M): mean rank correlation of methods over pairs and images; and (M,): of each method's
        map with its map of the next pair, which is what agreement looks like without the pair.

    Raises:
        LFSError: there are fewer than two pairs.
    """
    ranks = torch.stack([_ranks(torch.stack(list(of_pairs))) for of_pairs in maps.values()])
    if ranks.shape[1] < 2:
        raise LFSError("Maps of one pair cannot be compared with those of another; give more.")
    between = torch.einsum("mpsk,npsk->mnps", ranks, ranks).mean(dim=(2, 3))
    with_next = (ranks * ranks.roll(1, dims=1)).sum(dim=-1).mean(dim=(1, 2))
    return between, with_next


def _ranks(maps: Tensor) -> Tensor:
    """Ranks of the places of maps (...,H,W), equal values sharing one; centred, of length 1."""
    *batch, height, width = maps.shape
    coarse = torch.nn.functional.adaptive_avg_pool2d(
        maps.reshape(-1, 1, height, width).double(), SIDE
    ).flatten(1)
    ranks = torch.empty_like(coarse)
    for row, values in zip(ranks, coarse, strict=True):
        _, places, counts = values.unique(return_inverse=True, return_counts=True)
        last = counts.cumsum(0)
        row.copy_((last - (counts - 1) / 2)[places])
    ranks -= ranks.mean(dim=1, keepdim=True)
    return torch.nn.functional.normalize(ranks).reshape(*batch, -1)
