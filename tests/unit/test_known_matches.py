"""Pairs whose right matches are known, and how matches are judged by them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import to_tensor

from lfs_core.correspondence import likeness
from lfs_core.datasets.detecting import Face
from lfs_core.datasets.faces import FACE_SIZE, crop_face
from lfs_core.datasets.known_matches import (
    FACE_KINDS,
    MIRRORED,
    UPRIGHT,
    KnownPair,
    backwards,
    known_faces,
    known_scenes,
    mirrored_pair,
    place_of,
)
from lfs_core.datasets.scenes import load_scenes
from lfs_core.errors import LFSError
from lfs_core.evaluation.matches import REFERENCE, match_scores, middles
from lfs_core.studies.matching_uses import CLOSE, DELETED, _as_similar, _one_to_one, _without
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.util.windows import tiles

FACE = Face(
    (60.0, 50.0, 180.0, 190.0),
    1.0,
    np.array([[95, 100], [145, 98], [120, 130], [100, 160], [142, 158]]),
)


def ramps(width: int = 260, height: int = 240) -> Image.Image:
    """A photograph whose red is x and whose green is y, so that pixels say where they come from."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([x, y, np.zeros_like(x)], axis=-1).clip(0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture(scope="module")
def pairs() -> dict[str, KnownPair]:
    return {pair.kind: pair for pair in known_faces((ramps(), ramps()), (FACE, FACE), seed=4)}


def seen(image: Tensor, points: Tensor) -> Tensor:
    """The colours (N,3) of an image (3,H,W) at points (N,2) in shares of its sides."""
    at = (points * 2 - 1)[None, None].to(image)
    found = torch.nn.functional.grid_sample(image[None], at, align_corners=False)
    return found[0, :, 0].T


def test_all_kinds_are_made(pairs: dict[str, KnownPair]) -> None:
    assert tuple(pairs) == FACE_KINDS


@pytest.mark.parametrize("kind", FACE_KINDS)
def test_a_point_and_its_target_show_the_same(pairs: dict[str, KnownPair], kind: str) -> None:
    """Each pixel says where in the photograph it comes from."""
    pair = pairs[kind]
    shown = pair.targets.isfinite().all(dim=1)
    inner = (
        shown
        & ((pair.targets - 0.5).abs().amax(1) < 0.48)
        & ((pair.points - 0.5).abs().amax(1) < 0.48)
    )
    assert inner.sum() >= 4
    a, b = (
        seen(image, of[inner])
        for image, of in zip(pair.images, (pair.points, pair.targets), strict=True)
    )
    assert (a - b).abs().max() < 1.5 / 255  # half a pixel of rounding in each
    if kind == UPRIGHT:  # the same photograph
        torch.testing.assert_close(pair.points, pair.targets)
    if kind == MIRRORED:
        torch.testing.assert_close(1 - pair.points[:, 0], pair.targets[:, 0])


def test_the_first_image_is_the_crop_that_networks_read(pairs: dict[str, KnownPair]) -> None:
    crop = to_tensor(crop_face(ramps(), FACE))
    assert crop.shape[-1] == FACE_SIZE
    assert (pairs["moved"].images[0] - crop).abs().mean() < 1 / 255


def test_backwards_twice_keeps_what_both_show(pairs: dict[str, KnownPair]) -> None:
    pair = pairs["moved"]
    back = backwards(pair)
    shown = pair.targets.isfinite().all(dim=1)
    assert 0 < shown.sum() < len(shown)
    torch.testing.assert_close(back.points, pair.targets[shown])
    torch.testing.assert_close(backwards(back).targets, pair.targets[shown])


def test_scenes_say_where_their_points_lie() -> None:
    scenes = load_scenes(crops=2, size=64)
    pair = known_scenes(scenes, 0, 1, "crops")
    exact = scenes.correspondence(0, 1)
    shown = pair.targets.isfinite().all(dim=1)
    assert 0 < shown.sum() < len(shown)
    column, row = (pair.points[shown][0] * 64 - 0.5).round().long().tolist()
    torch.testing.assert_close((exact[row, column] + 0.5) / 64, pair.targets[shown][0].float())


def one_to_one(order: Tensor, grid: tuple[int, int]) -> KnownPair:
    """Places that go to other places as a whole, by their numbers; -1 for nowhere."""
    targets = middles(grid)[order.clamp_min(0)]
    targets[order < 0] = torch.nan
    return KnownPair("any", torch.zeros(2, 3, 8, 8), middles(grid), targets)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_right_answers_get_the_best_scores(seed: int) -> None:
    order = torch.randperm(64, generator=torch.Generator().manual_seed(seed))
    order[:7] = -1
    places = torch.eye(128)
    second = torch.empty(64, 128)
    second[order[7:]] = places[7:64]
    free = [k for k in range(64) if k not in set(order[7:].tolist())]
    second[free] = places[100:107]
    found = match_scores(likeness(places[:64], second), REFERENCE, one_to_one(order, REFERENCE))
    assert (found.near, found.exact, found.area, found.kept, found.kept_near, found.left) == (
        1,
    ) * 6
    assert found.distance == 0
    assert found.places == 57


def test_scores_by_hand() -> None:
    """Of an 8x8 grid that lies on itself, four places are moved: two by one place, two further."""
    alike = torch.eye(64) * 0.9
    for k, l, value in ((0, 1, 0.84), (8, 17, 0.83), (16, 19, 0.82), (24, 60, 0.81)):  # noqa: E741
        alike[k] = 0
        alike[k, l] = value
    found = match_scores(alike, REFERENCE, one_to_one(torch.arange(64), REFERENCE))
    assert found.near == pytest.approx(62 / 64)
    assert found.exact == pytest.approx(60 / 64)
    assert found.distance == 0
    assert found.left != found.left  # there is none to leave
    # The four are the least confident: two that are near, then two that are far off.
    assert found.area == pytest.approx((62 + 62 / 63 + 62 / 64) / 64)


def test_a_coarse_method_is_judged_by_the_same_places() -> None:
    """Four places that lie on themselves: their middles are one or two places from those judged."""
    found = match_scores(torch.eye(4), (2, 2), one_to_one(torch.arange(64), REFERENCE))
    # In each quarter of 4x4 places, the middle falls into place (2,2) and 3x3 places are near it.
    assert found.near == pytest.approx(9 / 16)
    assert found.exact == pytest.approx(1 / 16)


def test_a_mirror_image_shows_each_point_at_the_other_side() -> None:
    image = to_tensor(ramps(120, 100))
    pair = mirrored_pair(image, light=0.5)
    a, b = (seen(of, at) for of, at in zip(pair.images, (pair.points, pair.targets), strict=True))
    torch.testing.assert_close(a * 0.5, b, atol=1e-5, rtol=0)


def test_place_of_counts_row_by_row() -> None:
    points = torch.tensor([[0.0, 0.0], [0.99, 0.0], [0.0, 0.99], [1.0, 1.0]])
    assert place_of(points, (2, 3)).tolist() == [0, 2, 3, 5]


def test_refusals() -> None:
    pair = one_to_one(torch.arange(64), REFERENCE)
    with pytest.raises(LFSError, match="no matches of 2x3 places"):
        match_scores(torch.eye(4), (2, 3), pair)
    with pytest.raises(LFSError, match="no place"):
        match_scores(torch.eye(64), REFERENCE, one_to_one(torch.full((64,), -1), REFERENCE))


def test_pairs_of_two_people_are_as_similar_and_nobody_serves_twice() -> None:
    generator = torch.Generator().manual_seed(2)
    owner = torch.arange(40) // 4
    h = torch.nn.functional.normalize(torch.rand(40, 6, generator=generator), dim=1)
    cosines = h @ h.T
    found = list(_as_similar(cosines, owner))
    assert len(found) >= 4
    ones, twos = [], []
    for (a, b), (c, d) in found:
        assert owner[a] == owner[b]
        assert owner[c] != owner[d]
        assert abs(cosines[a, b] - cosines[c, d]) <= CLOSE
        assert min(cosines[a, b], cosines[c, d]) > THRESHOLD
        ones.append(owner[a].item())
        twos += owner[[c, d]].tolist()
    assert len(set(ones)) == len(ones)
    assert len(set(twos)) == len(twos)


def test_places_are_taken_away_one_to_one() -> None:
    order = [(0, 3), (0, 2), (1, 3), (1, 2), (2, 0)]
    assert _one_to_one(order) == [(0, 3), (1, 2), (2, 0)]
    images, grey = torch.rand(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.5)
    steps = list(_without(images, grey, tiles((4, 4), [2]), [(0, 3), (1, 2)]))
    assert len(steps) == DELETED
    for image, corners in zip(steps[0], [(0, 0), (2, 2)], strict=True):
        gone = (image == 0.5).all(0)
        assert gone.sum() == 4
        assert gone[corners[0], corners[1]]
    assert torch.equal(steps[1][0][:, :2], grey[0][:, :2])
    assert torch.equal(steps[-1], steps[1])
