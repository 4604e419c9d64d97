"""Deletion and insertion against a loop over places, and the threshold against scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

import lfs_core as lfs
from lfs_core.evaluation.metrics.base import SIDE, Case, Labels
from lfs_core.evaluation.metrics.selectivity import FILLS
from lfs_core.evaluation.metrics.verification import (
    MODES,
    PERCENTS,
    Verification,
    equal_error_threshold,
)

PIXELS = 2  # a side of a place


def network(images: torch.Tensor) -> torch.Tensor:
    """(B,3,80,80) -> (B,300): coarse colours; grey is 0 throughout."""
    return torch.nn.functional.avg_pool2d(images - 0.5, 8).flatten(1)


def case_of(images: torch.Tensor, maps: torch.Tensor, same: torch.Tensor, seed: int = 0) -> Case:
    h = network(images.flatten(0, 1)).unflatten(0, (-1, 2))
    labels = Labels(same, torch.cosine_similarity(h[:, 0], h[:, 1]), 0.1)
    return Case(network, images, h, labels, maps, lambda others: others, seed)


def random_case(pairs: int = 3) -> Case:
    generator = torch.Generator().manual_seed(0)
    size = SIDE * PIXELS
    images = torch.rand(pairs, 2, 3, size, size, generator=generator) ** 2
    maps = torch.rand(pairs, 2, SIDE, SIDE, generator=generator)
    return case_of(images, maps, torch.arange(pairs) % 2 == 0, seed=3)


def cosine(images: np.ndarray) -> float:
    h = (images - 0.5).reshape(2, 3, 10, 8, 10, 8).mean(axis=(3, 5)).reshape(2, -1)
    return float(h[0] @ h[1] / np.linalg.norm(h[0]) / np.linalg.norm(h[1]))


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("mode", MODES)
def test_curves_are_those_of_a_loop_over_places(mode: str, fill: str) -> None:
    case = random_case()
    measured = Verification(mode, fill).measure(case)
    assert measured.shape == (3, 1 + len(PERCENTS))
    filling = FILLS[fill](case.images, torch.Generator().manual_seed(case.seed)).numpy()
    for k, images in enumerate(case.images.numpy()):
        assert measured[k, 0].item() == pytest.approx(cosine(images), abs=1e-5)
        for step, percent in enumerate(PERCENTS):
            changed = images.copy()
            for side in range(2):
                heat = case.maps[k, side].numpy()
                falling = sorted(np.ndindex(SIDE, SIDE), key=lambda at: -heat[at])
                top, others = falling[: 16 * percent], falling[16 * percent :]
                for row, column in top if mode == "deletion" else others:
                    block = np.s_[side, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                    changed[block] = filling[k][block]
            assert measured[k, 1 + step].item() == pytest.approx(cosine(changed), abs=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_ties_are_drawn_by_the_seed_and_pairs_do_not_depend_on_each_other(mode: str) -> None:
    metric = Verification(mode)
    case = random_case()
    even = replace(case, maps=torch.zeros_like(case.maps))
    drawn = [metric.measure(replace(even, seed=seed)) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.allclose(drawn[0][:, 1:], drawn[2][:, 1:])
    alone = case_of(case.images[1:2], case.maps[1:2], case.labels.same[1:2], case.seed)
    torch.testing.assert_close(metric.measure(alone), metric.measure(case)[1:2])


def test_the_share_decided_right_by_hand() -> None:
    labels = Labels(torch.tensor([True, False]), torch.tensor([0.8, 0.2]), 0.9)  # decided at 0.5
    measured = torch.tensor([[0.8, 0.6, 0.51, 0.49, 0, -1], [0.2, 0.3, 0.4, 0.49, 0.5, 0.7]])
    for mode in MODES:
        assert Verification(mode).score(measured, labels).tolist() == pytest.approx([0.4, 0.8])
    measured[0] = torch.nan
    scores = Verification().score(measured, labels)
    assert scores[0].isnan() and scores[1].item() == pytest.approx(0.8)


def test_who_knows_what_decides_scores_better() -> None:
    """Pairs of the same match in a bright corner alone, others everywhere but there."""
    generator = torch.Generator().manual_seed(1)

    def signs(*shape: int) -> torch.Tensor:
        coarse = torch.randint(0, 2, (*shape, 10, 10), generator=generator) * 2.0 - 1
        return coarse.repeat_interleave(8, -2).repeat_interleave(8, -1)

    same = torch.arange(8) % 2 == 0
    inside = torch.zeros(SIDE * PIXELS, SIDE * PIXELS)
    inside[:40, :40] = 1
    a, other = signs(8, 3), signs(8, 3)
    matching = same[:, None, None, None]
    b = torch.where(matching, inside * a + (1 - inside) * other, (1 - 2 * inside) * a)
    images = 0.5 + (0.1 + 0.2 * inside) * torch.stack([a, b], dim=1)
    knows = inside[::PIXELS, ::PIXELS].expand(8, 2, SIDE, SIDE)
    labels = case_of(images, knows, same).labels
    for mode in MODES:
        metric = Verification(mode, "grey")
        good, bad = (
            metric.score(metric.measure(case_of(images, maps, same)), labels)
            for maps in (knows, 1 - knows)
        )
        for kind in (same, ~same):
            better, worse = (good, bad) if metric.better == "higher" else (bad, good)
            assert better[kind].mean() > worse[kind].mean() + 0.3


def shares(similarity: np.ndarray, same: np.ndarray, threshold: float) -> tuple[float, float]:
    """Of false accepts, and of false rejects."""
    called_same = similarity > threshold
    return float(called_same[~same].mean()), float((~called_same[same]).mean())


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.booleans()), min_size=2, max_size=30).filter(
        lambda pairs: len({same for _, same in pairs}) == 2
    )
)
def test_no_threshold_brings_the_errors_closer(pairs: list[tuple[int, bool]]) -> None:
    similarity = np.array([value for value, _ in pairs]) / 10
    same = np.array([kind for _, kind in pairs])
    found = equal_error_threshold(torch.from_numpy(similarity), torch.from_numpy(same))
    accepts, rejects = shares(similarity, same, found)
    false_accepts, hits, _ = roc_curve(same, similarity, drop_intermediate=False)
    apart = np.abs(false_accepts - (1 - hits))
    if found in similarity:  # two places are equally good, the threshold lies between them
        assert len(set(similarity)) == 1 or (np.isclose(apart, apart.min())).sum() == 2
    else:
        assert abs(accepts - rejects) == pytest.approx(apart.min())


def test_the_threshold_is_that_of_a_roc_curve() -> None:
    """With overlapping scores of 500 pairs, as they are met."""
    generator = np.random.default_rng(0)
    same = generator.random(500) < 0.4
    similarity = generator.normal(0.2 + 0.3 * same, 0.2)
    found = equal_error_threshold(torch.from_numpy(similarity), torch.from_numpy(same))
    false_accepts, hits, thresholds = roc_curve(same, similarity, drop_intermediate=False)
    best = np.argmin(np.abs(false_accepts - (1 - hits)))
    assert thresholds[best + 1] < found < thresholds[best]
    assert shares(similarity, same, found) == (false_accepts[best], pytest.approx(1 - hits[best]))


@pytest.mark.parametrize(
    ("similarity", "same", "expected"),
    [
        ([0.9, 0.7, 0.1, 0.3], [1, 1, 0, 0], 0.5),  # a gap: its middle
        ([0.1, 0.9], [1, 0], 0.5),  # all wrong, either way
        ([0.4, 0.4], [1, 0], 0.4),
        ([0.0, 0.4, 1.0], [0, 1, 0], (0.2 + 0.7) / 2),  # 1/2 too many of either: between the two
    ],
)
def test_thresholds_by_hand(similarity: list[float], same: list[int], expected: float) -> None:
    found = equal_error_threshold(torch.tensor(similarity), torch.tensor(same).bool())
    assert found == pytest.approx(expected)


def test_refusals() -> None:
    with pytest.raises(lfs.LFSError, match=r"'removal'.*deletion or insertion"):
        Verification("removal")
    with pytest.raises(lfs.LFSError, match=r"no fill 'water'.*noise"):
        Verification(fill="water")
    for kind, word in ((True, "the same"), (False, "different")):
        with pytest.raises(lfs.LFSError, match=f"All 3 pairs are {word}; .*both kinds"):
            equal_error_threshold(torch.rand(3), torch.full((3,), kind))
