"""Scores of maps on crops that share a part: of maps that know the answer and that know nothing."""

from __future__ import annotations

import math

import pytest
import torch

import lfs_core as lfs
from lfs_core.datasets.pairs import Pair
from lfs_core.datasets.scenes import load_scenes
from lfs_core.evaluation.metrics.overlap import SHARED, overlap_scores, partly_shared


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
