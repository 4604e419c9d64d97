"""Scores by which a method orders places, at its own resolution and with their signs.

A map shows the evidence for the decision: evidence against it is 0, and a coarse map is spread over
the pixels. Both lose part of a method's order. A test that removes places in that order, the least
relevant first above all, needs it whole.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lfs_core.comparators.base import Comparator
from lfs_core.evaluation.maps import BATCH, maps_of
from lfs_core.evaluation.metrics.base import SIDE
from lfs_core.explanation import PairExplainer, PairExplanation


def ordering_maps(
    explainer: Callable[..., object], images: Tensor
) -> tuple[Tensor, dict[int, str]]:
    """By what scores an explainer orders the places of pairs, the highest first.

    For a `Comparator`: its evidence times the sign of the decision, as coarse or fine as the method
    finds it. For a method that decodes: the change of the decoded pixels. For any other explainer:
    its map, as `maps_of` gives it.

    Args:
        explainer: as of `maps_of`.
        images: pairs (P,2,3,H,W) in [0,1], of the size that the network reads.

    Returns:
        Scores (P,2,h,w), divided by the largest magnitude in each image, so that they lie in
        [-1,1]; NaN where there is something wrong. And what is wrong, by the pair's position.
    """
    if not isinstance(explainer, PairExplainer):
        return maps_of(explainer, images)
    scores, problems = {}, {}
    for some in torch.arange(len(images)).split(BATCH):
        for k, given in zip(some.tolist(), _attempted(explainer, images[some]), strict=True):
            if isinstance(given, Exception):
                problems[k] = f"it raised {type(given).__name__}: {given}"
            elif not given.isfinite().all():
                problems[k] = "its evidence holds NaN or infinity"
            else:
                scores[k] = given
                if (given.amax(dim=(1, 2)) == given.amin(dim=(1, 2))).any():
                    problems[k] = "a map of it is constant, so that its order is drawn"
    size = next(iter(scores.values())).shape[1:] if scores else (SIDE, SIDE)
    found = torch.full((len(images), 2, *size), torch.nan)
    for k, of_pair in scores.items():
        peak = of_pair.abs().amax(dim=(1, 2), keepdim=True)
        found[k] = of_pair / peak.where(peak > 0, 1)
    return found, problems


def _attempted(explainer: PairExplainer, images: Tensor) -> list[Tensor | Exception]:
    """The scores (2,h,w) of each pair, or the error that it raises."""
    try:
        if isinstance(explainer, Comparator):
            return list(_of_comparator(explainer, images))
        return list(_of_others(explainer, images))
    except Exception as error:
        if len(images) == 1:
            return [error]
        return [_attempted(explainer, pair[None])[0] for pair in images]


def _of_comparator(explainer: Comparator, images: Tensor) -> Tensor:
    """(P,2,h,w), above 0 where a place supports the decision."""
    pairs = explainer.see(images)
    values = explainer.evidence(pairs).values.detach()
    if not explainer.signed:
        return values
    return torch.where(pairs.is_similar[:, None, None, None], values, -values)


def _of_others(explainer: PairExplainer, images: Tensor) -> Tensor:
    """(P,2,h,w), the maps as they were before they were enlarged to the size of the images."""
    return torch.stack([_unenlarged(e) for e in explainer.batch([(a, b) for a, b in images])])


def _unenlarged(explained: PairExplanation) -> Tensor:
    """The map (2,h,w) of a decoder's pixels, from its enlargement; without a decoder, the map."""
    maps, decoded = explained.maps, explained.reconstructions
    if decoded is None or any(
        small > large for small, large in zip(decoded.shape[-2:], maps.shape[-2:], strict=True)
    ):
        return maps
    # Enlarging is linear along each side, and loses nothing.
    down, across = (
        torch.linalg.pinv(_enlarging(small, large))
        for small, large in zip(decoded.shape[-2:], maps.shape[-2:], strict=True)
    )
    return down @ maps.double() @ across.T


def _enlarging(small: int, large: int) -> Tensor:
    """(large,small): what `display_map` does along a side."""
    unit = torch.eye(small, dtype=torch.float64)[:, None]
    return torch.nn.functional.interpolate(unit, large, mode="linear", align_corners=False)[:, 0].T
