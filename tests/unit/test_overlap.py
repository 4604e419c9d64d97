"""Scores of maps on crops that share a part: of maps that know the answer and that know nothing."""

from __future__ import annotations

import math

import pytest
import torch

import lfs_core as lfs
from lfs_core.datasets.pairs import Pair
from lfs_core.datasets.scenes import load_scenes
from lfs_core.evaluation.metrics.overlap import (
    SHARED,
    next_pairs,
    object_scores,
    overlap_scores,
    partly_shared,
)


def test_who_knows_the_shared_part_scores_one_and_who_knows_nothing_a_half() -> None:
    scenes = load_scenes(crops=4)
    labels = scenes.labels
    pairs = [Pair(a, b, 0.5, labels[a] == labels[b]) for a in range(len(labels)) for b in range(a)]
    chosen = partly_shared(scenes, pairs, 3)
    for pair in chosen:
        share = scenes.shared_region(pair.a, pair.b).float().mean(dim=(1, 2))
        assert share.min() >= SHARED[0] and share.max() <= SHARED[1]
    scores = overlap_scores(
        scenes,
        chosen,
        {
            "knows": lambda pair: scenes.shared_region(pair.a, pair.b).float(),
            "the opposite": lambda pair: 1 - scenes.shared_region(pair.a, pair.b).float(),
            "flat": lambda pair: torch.ones(2, 224, 224),
            "of the scene": lambda pair: scenes.images[[pair.a, pair.b]].float().mean(dim=1),
        },
    )
    assert scores["knows"]["region"] == [1, 1, 1]
    assert scores["the opposite"]["region"] == [0, 0, 0]
    assert scores["flat"]["region"] == [0.5, 0.5, 0.5]
    assert all(map(math.isnan, scores["flat"]["points"]))
    assert min(scores["of the scene"]["points"]) > 0.8  # the same points, re-lit
    with pytest.raises(lfs.LFSError, match="not 5000"):
        partly_shared(scenes, pairs, 5000)


def test_who_knows_the_object_has_all_of_its_map_on_it_and_who_knows_nothing_its_area() -> None:
    scenes = load_scenes(crops=2)
    a, b = [k for k, label in enumerate(scenes.labels) if label == "motorcycle"][:2]
    masks = torch.stack([scenes.object_mask(k) for k in (a, b)]).float()
    methods = {"knows": lambda pair: masks, "flat": lambda pair: torch.ones(2, 224, 224)}
    found = object_scores(scenes, [Pair(a, b, 0.9, True)], methods)
    area = masks.mean().item()
    assert found["knows"] == pytest.approx({"share": 1, "area": area, "AUROC": 1})
    assert found["flat"] == pytest.approx({"share": area, "area": area, "AUROC": 0.5})
    with pytest.raises(lfs.LFSError, match="measured the outline"):
        object_scores(scenes, [Pair(a, scenes.labels.index("coffee"), 0.1, False)], methods)


def test_the_maps_of_the_next_pair() -> None:
    pairs = [Pair(k, k + 1, 0.5, True) for k in range(3)]
    shifted = next_pairs(lambda pair: torch.tensor(pair.a), pairs)
    assert [shifted(pair).item() for pair in pairs] == [1, 2, 0]
