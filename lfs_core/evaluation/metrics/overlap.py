"""Maps of crops that share a part of one photograph: is the evidence in the part they share?

A network that calls two crops similar has seen in both what both show. A map of that decision
should be stronger there than elsewhere, and mark the same points of the scene in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import mean

import torch
from torch import Tensor

from lfs_core.datasets.pairs import Pair
from lfs_core.datasets.scenes import SceneSet
from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.ground_truth import moved_correlation, region_auroc, share_inside
from lfs_core.explanation import Explainer

SHARED = (0.15, 0.85)  # of either image; less or more leaves too little to tell apart


def partly_shared(scenes: SceneSet, pairs: Sequence[Pair], count: int) -> list[Pair]:
    """Pairs that share some but not all of their pixels, spread evenly over the given order.

    Args:
        scenes: the crops.
        pairs: of crops of any scene, in the order over which to spread.
        count: how many.

    Raises:
        LFSError: there are fewer.
    """
    low, high = SHARED
    found = []
    for pair in pairs:
        if scenes.labels[pair.a] != scenes.labels[pair.b]:
            continue
        share = scenes.shared_region(pair.a, pair.b).float().mean(dim=(1, 2))
        if share.min() >= low and share.max() <= high:
            found.append(pair)
    if len(found) < count:
        raise LFSError(f"Only {len(found)} pairs share a part of their pixels, not {count}.")
    return [found[int((k + 0.5) * len(found) / count)] for k in range(count)]


def maps_by(explain: Explainer, scenes: SceneSet) -> Callable[[Pair], Tensor]:
    """From a pair of crops to its maps (2,H,W) by an explainer."""
    return lambda pair: explain(scenes.images[pair.a], scenes.images[pair.b]).maps


def next_pairs(maps: Callable[[Pair], Tensor], pairs: Sequence[Pair]) -> Callable[[Pair], Tensor]:
    """A control: for each of some pairs, the maps of the one after it."""
    after = dict(zip(pairs, [*pairs[1:], *pairs[:1]], strict=True))
    return lambda pair: maps(after[pair])


def overlap_scores(
    scenes: SceneSet,
    pairs: Iterable[Pair],
    methods: Mapping[str, Callable[[Pair], Tensor]],
) -> dict[str, dict[str, list[float]]]:
    """How well maps find the shared region, and whether they mark the same points of the scene.

    Args:
        scenes: the crops.
        pairs: of crops that share a part.
        methods: from a pair to its maps (2,H,W), by name.

    Returns:
        By method: "region", the mean over both images of `region_auroc`, and "points",
        `moved_correlation`, NaN where a map is flat over the
        corresponding points; one number a pair.
    """
    scores: dict[str, dict[str, list[float]]] = {
        name: {"region": [], "points": []} for name in methods
    }
    for pair in pairs:
        region = scenes.shared_region(pair.a, pair.b)
        correspondence = scenes.correspondence(pair.a, pair.b)
        for name, method in methods.items():
            maps = method(pair)
            both = [region_auroc(maps[side], region[side]) for side in (0, 1)]
            scores[name]["region"].append(float(torch.tensor(both).mean()))
            try:
                points = moved_correlation(maps, correspondence)
            except LFSError:  # a map is flat over the points
                points = torch.nan
            scores[name]["points"].append(points)
    return scores


def object_scores(
    scenes: SceneSet,
    pairs: Sequence[Pair],
    methods: Mapping[str, Callable[[Pair], Tensor]],
) -> dict[str, dict[str, float]]:
    """How much of maps lies on the object that crops show, where its outline is known.

    Args:
        scenes: the crops.
        pairs: of crops of one object.
        methods: from a pair to its maps (2,H,W), by name.

    Returns:
        By method, means over pairs and images: "share" of the map that lies on the object, "area"
        of the object, and "AUROC" of object against background.

    Raises:
        LFSError: the outline of what a crop shows is not known.
    """
    masks = {k: scenes.object_mask(k) for pair in pairs for k in (pair.a, pair.b)}
    outlined = {k: mask for k, mask in masks.items() if mask is not None}
    if len(outlined) < len(masks):
        raise LFSError("Nobody has measured the outline of what some of these crops show.")
    found = {}
    for name, method in methods.items():
        sides = [
            (heat, outlined[position])
            for pair in pairs
            for position, heat in zip((pair.a, pair.b), method(pair), strict=True)
        ]
        found[name] = {
            "share": mean(share_inside(heat.clamp_min(0), mask) for heat, mask in sides),
            "area": mean(float(mask.float().mean()) for _, mask in sides),
            "AUROC": mean(region_auroc(heat, mask) for heat, mask in sides),
        }
    return found
