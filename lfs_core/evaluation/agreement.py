"""Do maps agree? Rank correlation, which no scale or curve of colours can change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lfs_core.errors import LFSError

SIDE = 40  # places a side at which maps are compared


def rank_correlation(maps: Tensor, others: Tensor) -> Tensor:
    """Spearman's correlation of maps with others, one by one.

    Args:
        maps: (...,H,W).
        others: (...,H,W).

    Returns:
        (...) in [-1,1]; 0 where a map is constant and says nothing.

    Raises:
        LFSError: the shapes differ.
    """
    if maps.shape != others.shape:
        raise LFSError(f"Maps {tuple(maps.shape)} and {tuple(others.shape)} differ in shape.")
    return (_ranks(maps) * _ranks(others)).sum(dim=-1)


def agreement_of_methods(
    maps: Mapping[str, Sequence[Tensor]],
) -> tuple[Tensor, Tensor]:
    """How far methods agree on the same pairs, beside their own maps of other pairs.

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
