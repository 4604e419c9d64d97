"""Deletion and insertion as a loss: places in the order of a head's evidence, hidden or shown.

The mask is hard, and its gradient that of a soft one (straight through): L2X (Chen et al. 2018) and
FastSHAP (Jethani et al. 2022) are related.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from lfs_core.amortised import CausalHead
from lfs_core.causal import evidence
from lfs_core.embedders import Embedder, embed
from lfs_core.embedders.taps import Taps
from lfs_core.evaluation.pair_set import load_pairs
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.util.distances import cosines

PAIRS = 256  # from which those of a step are drawn
AT_ONCE = 1  # pair in a step; a second one takes 6 GB more
MASKS = 4  # of each, at different sizes
SIZES = (2, 4, 8, 16, 32)  # places hidden, or shown alone
SOFT = 0.1  # of the evidence's spread: how wide the edge of the soft mask is


def goal_loss(network: Embedder, folder: Path) -> Callable[[CausalHead], Tensor]:
    """The loss of a head by deletion and insertion themselves, on some pairs drawn each time.

    Args:
        network: what is explained.
        folder: of photographs to draw pairs from.
    """
    drawn = load_pairs(folder, network, PAIRS)
    generator = torch.Generator().manual_seed(1)

    def loss(head: CausalHead) -> Tensor:
        chosen = torch.randint(len(drawn.images), (AT_ONCE,), generator=generator)
        return wrong_way(network, head, drawn.images[chosen].float() / 255, generator)

    return loss


def wrong_way(
    network: Embedder, head: CausalHead, images: Tensor, generator: torch.Generator
) -> Tensor:
    """How far decisions move the wrong way, when the best places are hidden or shown alone.

    Args:
        network: what is explained.
        head: whose evidence orders the places.
        images: pairs (P,2,3,H,W) in [0,1].
        generator: of how many places, and of what replaces them.
    """
    with torch.no_grad():
        h, maps = Taps(network, head.layers)(images.flatten(0, 1))
    h = normalize(h, dim=-1)
    C = head(h, maps)[0].unflatten(0, (-1, 2))
    h = h.unflatten(0, (-1, 2))
    is_similar = cosines(h) > THRESHOLD
    sign = is_similar.float().mul(2).sub(1)
    for_it = sign[:, None, None] * evidence(C, h.flip(1)) + evidence(C, h)
    wrong = []
    for _ in range(MASKS):
        size = SIZES[int(torch.randint(len(SIZES), (), generator=generator))]
        best = best_places(for_it, size).flatten(0, 1).unflatten(-1, (1, head.grid, -1))
        shown = interpolate(best, images.shape[-2:]).unflatten(0, (-1, 2))
        fill = torch.rand(images.shape, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            fill = images.mean(dim=(-2, -1), keepdim=True).expand_as(images)
        for mask, wanted in ((1 - shown, -1), (shown, 1)):  # hidden, the decision should change
            seen = images * mask + fill * (1 - mask)
            changed = normalize(embed(network, seen.flatten(0, 1)), dim=-1).unflatten(0, (-1, 2))
            # As in the tests: the partner of an image of a similar pair stays whole.
            one = (changed * h.flip(1)).sum(dim=-1).mean(dim=-1)
            both = changed.prod(dim=1).sum(dim=-1)
            wrong.append(-wanted * (sign * torch.where(is_similar, one, both)).mean())
    return torch.stack(wrong).mean()


def best_places(for_it: Tensor, size: int) -> Tensor:
    """1 at the places (...,K) with the most evidence, 0 elsewhere; with the gradient of an edge."""
    values = for_it / for_it.detach().std(dim=-1, keepdim=True).clamp_min(1e-12)
    top, places = values.detach().topk(size + 1, dim=-1)
    soft = ((values - top[..., -2:].mean(dim=-1, keepdim=True)) / SOFT).sigmoid()
    hard = torch.zeros_like(soft).scatter(-1, places[..., :size], 1.0)
    return soft + (hard - soft).detach()
