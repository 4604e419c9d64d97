"""ROAD against a system of equations written pixel by pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.evaluation.metrics.base import SIDE, Case, Labels
from lfs_core.evaluation.metrics.road import BLUR, NOISE, PERCENTS, Road, blur, impute


def network(images: torch.Tensor) -> torch.Tensor:
    """(B,3,40,40) -> (B,300): coarse colours with both signs."""
    return torch.nn.functional.avg_pool2d(images - 0.4, 4).flatten(1)


def case_of(images: torch.Tensor, maps: torch.Tensor, threshold: float, seed: int = 0) -> Case:
    h = network(images.flatten(0, 1)).unflatten(0, (-1, 2))
    similarity = torch.cosine_similarity(h[:, 0], h[:, 1])
    labels = Labels(torch.ones(len(images), dtype=torch.bool), similarity, threshold)
    return Case(network, images, h, labels, maps, lambda others: others, seed)


def random_case() -> Case:
    """A similar pair and a dissimilar one."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 2, 3, SIDE, SIDE, generator=generator) ** 2
    images[0, 1] = 0.8 * images[0, 0] + 0.2 * images[0, 1]
    return case_of(images, torch.rand(2, 2, SIDE, SIDE, generator=generator), 0.8, seed=5)


def written_out(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """One equation a missing pixel, solved as a full matrix."""
    holes = [tuple(at) for at in np.argwhere(missing)]
    number = {at: k for k, at in enumerate(holes)}
    system, right = np.zeros((len(holes), len(holes))), np.zeros((len(holes), len(image)))
    for k, (row, column) in enumerate(holes):
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                at = row + down, column + across
                if (down, across) == (0, 0) or not (
                    0 <= at[0] < missing.shape[0] and 0 <= at[1] < missing.shape[1]
                ):
                    continue
                weight = 1 / 6 if down * across == 0 else 1 / 12
                system[k, k] += weight
                if at in number:
                    system[k, number[at]] -= weight
                else:
                    right[k] += weight * image[:, at[0], at[1]]
    filled = image.copy()
    filled[:, missing] = np.linalg.solve(system, right).T
    return filled


@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(2, 7), st.floats(0.05, 0.95))
def test_imputation_is_the_equations_written_out(
    seed: int, height: int, width: int, share: float
) -> None:
    generator = np.random.default_rng(seed)
    image, missing = generator.random((3, height, width)), generator.random((height, width)) < share
    missing[0, 0] = False
    filled = impute(torch.from_numpy(image), torch.from_numpy(missing)).numpy()
    np.testing.assert_allclose(filled, written_out(image, missing), atol=1e-10)
    assert (filled[:, ~missing] == image[:, ~missing]).all()
    assert image.min() - 1e-10 <= filled.min() and filled.max() <= image.max() + 1e-10


def test_a_slope_is_found_again_within_a_frame() -> None:
    rows, columns = torch.meshgrid(torch.arange(20.0), torch.arange(30.0), indexing="ij")
    slope = (0.1 + 0.02 * rows + 0.01 * columns)[None]
    missing = torch.zeros(20, 30, dtype=torch.bool)
    missing[3:17, 5:25] = True
    torch.testing.assert_close(impute(slope.masked_fill(missing, 9), missing), slope)


def test_nothing_and_everything_missing() -> None:
    image = torch.rand(3, 4, 5)
    assert torch.equal(impute(image, torch.zeros(4, 5, dtype=torch.bool)), image)
    with pytest.raises(lfs.LFSError, match="Every pixel is missing"):
        impute(image, torch.ones(4, 5, dtype=torch.bool))


def test_curves_are_those_of_a_loop() -> None:
    case = random_case()
    assert case.labels.is_similar.tolist() == [True, False]
    measured = Road().measure(case)
    assert measured.shape == (2, 1 + len(PERCENTS))
    torch.testing.assert_close(measured[:, 0], case.labels.similarity)
    noise = torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(case.seed)).numpy()
    for k, images in enumerate(case.images.numpy()):
        for step, percent in enumerate(PERCENTS):
            changed = images.copy()
            for side in range(2 if k == 1 else 1):
                order = np.argsort(-case.maps[k, side].numpy(), axis=None)
                missing = np.zeros(SIDE * SIDE, dtype=bool)
                missing[order[: 16 * percent]] = True
                missing = missing.reshape(SIDE, SIDE)
                filled = (written_out(images[side], missing) + 0.01 * noise).clip(0, 1)
                changed[side] = np.where(missing, filled, images[side])
            h = (changed - 0.4).reshape(2, 3, 10, 4, 10, 4).mean(axis=(3, 5)).reshape(2, -1)
            expected = h[0] @ h[1] / np.linalg.norm(h[0]) / np.linalg.norm(h[1])
            assert measured[k, 1 + step].item() == pytest.approx(expected, abs=1e-5)


def test_places_are_blocks_of_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place of 2x2 pixels is removed whole: the network sees no pixel of it."""
    monkeypatch.setattr("lfs_core.evaluation.metrics.road.NOISE", 0.0)
    seen = []

    def watched(images: torch.Tensor) -> torch.Tensor:
        seen.append(images)
        return images.mean(dim=(2, 3))

    watched.one_by_one = False  # so that it is not tried out
    case = random_case()
    images = case.images.repeat_interleave(2, -1).repeat_interleave(2, -2)
    h = watched(images.flatten(0, 1)).unflatten(0, (-1, 2))
    seen.clear()
    Road().measure(replace(case, embedder=watched, images=images, h=h))
    changed = torch.cat(seen).unflatten(0, (3, len(PERCENTS)))
    for sent, (k, side) in zip(changed, [(0, 0), (1, 0), (1, 1)], strict=True):
        for image, percent in zip(sent, PERCENTS, strict=True):
            kept = (image == images[k, side]).all(0)
            of_map = case.maps[k, side].flatten().sort(descending=True).values
            expected = case.maps[k, side] < of_map[16 * percent - 1]
            assert torch.equal(kept, expected.repeat_interleave(2, 0).repeat_interleave(2, 1))


def test_noise_and_ties_follow_the_seed_and_pairs_do_not_depend_on_each_other() -> None:
    case = random_case()
    for maps in (case.maps, torch.zeros_like(case.maps)):  # noise; noise and ties
        drawn = [Road().measure(replace(case, maps=maps, seed=seed)) for seed in (0, 0, 1)]
        assert torch.equal(drawn[0], drawn[1])
        assert not torch.allclose(drawn[0][:, 1:], drawn[2][:, 1:], atol=1e-6)
    alone = case_of(case.images[1:], case.maps[1:], 0.8, case.seed)
    torch.testing.assert_close(Road().measure(alone), Road().measure(case)[1:])


def test_pixels_stay_in_range_and_the_noise_is_small() -> None:
    black = torch.zeros(1, 2, 3, SIDE, SIDE)
    black[:, 1] = 0.5
    seen = []

    def watched(images: torch.Tensor) -> torch.Tensor:
        seen.append(images)
        return images.mean(dim=(2, 3)) + 1

    labels = Labels(torch.tensor([False]), torch.tensor([0.0]), 0.5)
    maps, h = torch.rand(1, 2, SIDE, SIDE), torch.ones(1, 2, 3)
    Road().measure(Case(watched, black, h, labels, maps, lambda others: others, 0))
    sent = torch.cat(seen)
    assert sent.min() == 0 and sent.max() <= 1
    assert sent[:5].max() > 0  # half of the noise is cut off at black
    removed = sent[-1] != 0.5
    assert removed.float().mean().item() == pytest.approx(0.9, abs=0.001)
    assert sent[-1][removed].std().item() == pytest.approx(NOISE, rel=0.05)
    assert sent[-1][removed].mean().item() == pytest.approx(0.5, abs=0.001)


def test_every_map_is_blurred_alike() -> None:
    case = random_case()
    expected = scipy.ndimage.gaussian_filter(
        case.maps.double().numpy(), BLUR, axes=(2, 3), mode="mirror", truncate=4
    )
    np.testing.assert_allclose(blur(case.maps), expected, atol=2e-6)
    assert BLUR == 2.5
    before = Road().measure(replace(case, maps=blur(case.maps)))
    assert torch.equal(Road(blurred=True).measure(case), before)
    assert not torch.allclose(Road().measure(case), before, atol=1e-4)
    for value in (0.0, 0.3, 1.0):  # no order comes out of a flat map
        assert len(blur(torch.full((1, 2, SIDE, SIDE), value)).unique()) == 1


def test_scores_by_hand() -> None:
    labels = Labels(torch.tensor([True, True]), torch.tensor([0.9, 0.1]), 0.5)
    measured = torch.tensor([[0.9, 0.5, 0.5, 0.5, 0.5, 0.5], [0.1, 0.1, 0.1, 0.1, 0.1, 0.7]])
    fall = 0.9 - (10 * 0.7 + 80 * 0.5) / 90
    rise = (70 * 0.1 + 20 * 0.4) / 90 - 0.1
    assert Road().score(measured, labels).tolist() == pytest.approx([fall, rise])
    measured[0, 3] = torch.nan
    assert Road().score(measured, labels).isnan().tolist() == [True, False]


@pytest.mark.parametrize("blurred", [False, True])
def test_who_knows_what_the_network_reads_scores_better(blurred: bool) -> None:
    """It reads one corner: of the similar pair equal, of the dissimilar one opposite."""

    def corner(images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(images[..., :12, :12], 4).flatten(1) - 0.4

    a = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    images = torch.stack([a, torch.stack([a[0], 1 - a[1]])], dim=1)
    h = corner(images.flatten(0, 1)).unflatten(0, (-1, 2))
    labels = Labels(
        torch.tensor([True, False]), torch.cosine_similarity(h[:, 0], h[:, 1], dim=-1), 0.5
    )
    assert labels.is_similar.tolist() == [True, False]
    knows = torch.zeros(2, 2, SIDE, SIDE)
    knows[..., :12, :12] = 1
    metric = Road(blurred=blurred)
    good, bad = (
        metric.score(
            metric.measure(Case(corner, images, h, labels, maps, lambda others: others, 0)), labels
        )
        for maps in (knows, 1 - knows)
    )
    assert metric.better == "higher"
    assert (good > bad + 0.05).all()


def test_refusals() -> None:
    with pytest.raises(lfs.LFSError, match="blurred is 1; it must be true or false"):
        Road(blurred=1)
