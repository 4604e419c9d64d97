"""What the paper says about maps, asked of maps: one number for each pair.

All is computed from embeddings and a decoder, at the size of the maps that are evaluated.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from lfs_core.decoder import Decoder
from lfs_core.evaluation.metrics.agreement import STRONGEST, map_similarity, of_both
from lfs_core.evaluation.metrics.base import SIDE
from lfs_core.evaluation.metrics.continuity import TENTHS
from lfs_core.mapping import difference_map, display_map, perturb
from lfs_core.relevance import relevance

BATCH = 250  # pairs decoded at a time
OTHERS = 3  # other pairs that SSIM compares each pair with; ranks and overlaps take them all
UNCHANGED = 1e-4  # of a map's scale; a curve that varies less is rounding


@torch.no_grad()
def lfs_maps(
    decoder: Decoder, h: Tensor, is_similar: Tensor, p: float, latents: str = "raw"
) -> Tensor:
    """Maps of ExplainLFS (P,2,SIDE,SIDE) in [0,1].

    Args:
        decoder: D.
        h: embeddings (P,2,D).
        is_similar: (P,) bool, the decisions.
        p: of Eq. 4.
        latents: "raw", or "scaled" to [0,1] over the decoder's training data.
    """
    spread = torch.ones_like(decoder.latent_max)
    if latents == "scaled":
        spread = decoder.latent_max - decoder.latent_min
        spread = spread.where(spread > 0, 1)
    maps = []
    for some, similar in zip(h.split(BATCH), is_similar.split(BATCH), strict=True):
        # The lower end of the range vanishes in every difference.
        R = relevance(some[:, 0] / spread, some[:, 1] / spread, similar)[:, None]
        moved = some + spread * perturb(torch.zeros_like(some), R, p)
        maps.append(display_map(difference_map(decoder, some, moved), (SIDE, SIDE)))
    return torch.cat(maps)


def ranks(maps: Tensor) -> Tensor:
    """Ranks of the places of maps (...,H,W), centred and of length 1: (...,H*W).

    The scalar product of two of them is Spearman's correlation; a constant map has 0 throughout.
    """
    found = torch.from_numpy(rankdata(maps.flatten(-2).numpy(), axis=-1))
    return torch.nn.functional.normalize(found - found.mean(dim=-1, keepdim=True), dim=-1)


def with_other_pairs(own: Tensor, others: Tensor) -> Tensor:
    """Mean scalar product of vectors (P,2,n) with those of all other pairs (P,2,n).

    Returns:
        (P,), as `of_both`, of means over both images; NaN for a pair that is alone.
    """

    def means(first: Tensor, second: Tensor) -> Tensor:
        same = (first * second).sum(dim=-1)
        everybody = (first * second.sum(dim=0)).sum(dim=-1)
        return ((everybody - same) / (len(first) - 1)).mean(dim=1)

    return of_both(means(own, others), means(others, own))


def with_others(own: Tensor, is_similar: Tensor) -> Tensor:
    """How far ranks of maps (P,2,n) agree with those of all other pairs of their decision, (P,)."""
    return within_decisions(lambda k: with_other_pairs(own[k], own[k]), is_similar)


def within_decisions(measure: Callable[[Tensor], Tensor], is_similar: Tensor) -> Tensor:
    """A measure of pairs and others of their decision: from positions (n,) to numbers (n,)."""
    found = torch.full((len(is_similar),), torch.nan, dtype=torch.float64)
    for decision in (True, False):
        of = (is_similar == decision).nonzero()[:, 0]
        if len(of) > 1:
            found[of] = measure(of).double()
    return found


def agreement(maps: Tensor, others: Tensor, is_similar: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """As `metrics.agreement.agreement_beyond_chance`, with more pairs and in less time.

    Args:
        maps: (P,2,SIDE,SIDE) of one method.
        others: of the other method.
        is_similar: (P,) bool; a pair is compared with others of its decision.

    Returns:
        By measure: (P,) for each pair, and (P,) with the other method's maps of other pairs, as
        `of_both`.
    """
    first, second = ranks(maps), ranks(others)
    chosen, theirs = strongest(maps), strongest(others)
    return {
        "rank correlation": (
            (first * second).sum(dim=-1).mean(dim=1),
            within_decisions(lambda k: with_other_pairs(first[k], second[k]), is_similar),
        ),
        "structural similarity": (
            map_similarity(maps, others).mean(dim=1),
            within_decisions(lambda k: _ssim_of_others(maps[k], others[k]), is_similar),
        ),
        "overlap of the strongest tenth": (
            _overlap((chosen * theirs).sum(dim=-1), chosen).mean(dim=1),
            within_decisions(lambda k: _overlap_of_others(chosen[k], theirs[k]), is_similar),
        ),
    }


def strongest(maps: Tensor) -> Tensor:
    """(...,H*W), 1 at the strongest tenth of the places of maps (...,H,W), else 0."""
    flat = maps.flatten(-2)
    places = flat.topk(round(STRONGEST * flat.shape[-1])).indices
    return torch.zeros_like(flat).scatter(-1, places, 1.0)


def _overlap(both: Tensor, chosen: Tensor) -> Tensor:
    """Intersection over union, from the number of common places."""
    count = round(STRONGEST * chosen.shape[-1])
    return (both / (2 * count - both)).double()


def _overlap_of_others(chosen: Tensor, theirs: Tensor) -> Tensor:
    """(P,) mean overlap with all other pairs, over both images, as `of_both`."""
    both = torch.einsum("psk,qsk->spq", chosen, theirs)
    each = _overlap(both, chosen).mean(dim=0).fill_diagonal_(0)
    return of_both(each.sum(dim=1) / (len(each) - 1), each.sum(dim=0) / (len(each) - 1))


def _ssim_of_others(maps: Tensor, others: Tensor) -> Tensor:
    """(P,) mean SSIM with the next pairs, over both images, as `of_both`."""
    rolls = range(1, min(OTHERS, len(maps) - 1) + 1)
    each = [map_similarity(maps, others.roll(-k, 0)).mean(dim=1) for k in rolls]
    columns = [one.roll(k, 0) for k, one in zip(rolls, each, strict=True)]
    return of_both(torch.stack(each).mean(dim=0), torch.stack(columns).mean(dim=0))


def other_partners(
    h: Tensor, is_similar: Tensor, threshold: float, decision: bool = False
) -> tuple[Tensor, Tensor]:
    """Pairs whose first image gets the same decision with the next pair's second image.

    Args:
        h: embeddings (P,2,D).
        is_similar: (P,) bool.
        threshold: xi_1.
        decision: of the pairs that are looked at.

    Returns:
        Positions of these pairs (n,), and the embeddings (n,2,D) of the exchanged pairs.
    """
    pairs = (is_similar == decision).nonzero()[:, 0]
    swapped = torch.stack([h[pairs, 0], h[pairs.roll(-1), 1]], dim=1)
    again = torch.cosine_similarity(swapped[:, 0], swapped[:, 1]) > threshold
    kept = (again == decision) & (len(pairs) > 1)
    return pairs[kept], swapped[kept]


def shares_of_parts(maps: Tensor, regions: Tensor) -> Tensor:
    """How many times its share of the area each region has of a map, as `metrics.parts.shares`.

    Args:
        maps: (P,2,H,W).
        regions: (P,2,n,H,W) bool; a map without regions has none that is True.

    Returns:
        (P,n), the mean over both images; NaN where an image has no regions.
    """
    area = regions.float().mean(dim=(-2, -1))
    inside = (maps[:, :, None] * regions).sum(dim=(-2, -1)) / maps.sum(dim=(-2, -1))[:, :, None]
    return (inside / area).where(area > 0, torch.nan).mean(dim=1)


def smallest_margin(counts: np.ndarray, of_parts: np.ndarray) -> np.ndarray:
    """Mouth before eyes before nose, each above an even spread: the smallest of these margins.

    Args:
        counts: how often each of some samples holds each pair (S,P).
        of_parts: (P,3) of eyes, nose and mouth, 1 for an even spread.

    Returns:
        (S,): above 0 if the means satisfy all parts of the statement.
    """
    means = counts @ of_parts / counts.sum(axis=1, keepdims=True)
    eyes, nose, mouth = means.T
    return np.min([mouth - eyes, eyes - nose, *(means.T - 1)], axis=0)


def rank_correlations(counts: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of the ranks of x and y (P,) in samples (S,P) of pairs; NaN if one is constant.

    Ranks are those among all pairs.
    """
    a, b = rankdata(x), rankdata(y)
    moments = np.stack([a, b, a * a, b * b, a * b], axis=1)
    of_a, of_b, of_aa, of_bb, of_ab = (counts @ moments / counts.sum(axis=1, keepdims=True)).T
    spread = np.sqrt((of_aa - of_a**2).clip(0) * (of_bb - of_b**2).clip(0))
    covariance = of_ab - of_a * of_b
    return np.divide(
        covariance, spread, out=np.full_like(spread, np.nan), where=spread > 1e-9 * len(x) ** 2
    )


def follows_displacement(changes: Tensor) -> Tensor:
    """Rank correlation of the size of a displacement with the change of the map.

    Args:
        changes: (P,20), for the displacements `TENTHS`.

    Returns:
        (P,); 0 for a map that does not change, as it follows nothing.
    """
    size = ranks(torch.tensor(TENTHS).abs().double()[None])
    found = (ranks(changes[:, None]) * size).sum(dim=-1)
    return found.where(changes.amax(dim=1) - changes.amin(dim=1) > UNCHANGED, 0.0)


def per_halving(scores: Tensor, errors: Tensor) -> Tensor:
    """By how much the score of each pair grows when a decoder's error is halved.

    Args:
        scores: (P,M) of decoders.
        errors: (M,), their held-out errors.

    Returns:
        (P,), the slope of the least squares line over minus the logarithm of the error.
    """
    x = -errors.double().log2()
    x = x - x.mean()
    return (scores.double() @ x) / (x @ x)
