"""Crops of photographs, and what every two of them share."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from torchvision.datasets import ImageFolder

import lfs_core as lfs
from lfs_core.datasets import scenes as module
from lfs_core.datasets.folders import find_photographs
from lfs_core.datasets.scenes import Crop, SceneSet, load_scenes, photographs, write_scenes

SIZE = 224


@pytest.fixture(scope="module")
def views() -> dict[str, np.ndarray]:
    return photographs()


@pytest.fixture(scope="module")
def scenes() -> SceneSet:
    return load_scenes(crops=6, size=SIZE)


def by_hand(size: int, *matrices: list, photograph: str | list[str] = "coffee") -> SceneSet:
    """Crops with the given maps to their photographs; what they show does not matter."""
    names = [photograph] * len(matrices) if isinstance(photograph, str) else photograph
    crops = [
        Crop(f"x/{k:02}", name.split("_")[0], name, np.array(matrix, float))
        for k, (name, matrix) in enumerate(zip(names, matrices, strict=True))
    ]
    return SceneSet(torch.zeros(len(crops), 3, size, size, dtype=torch.uint8), crops)


def shifted(x: float, y: float, step: float = 1.0) -> list:
    return [[step, 0, x], [0, step, y], [0, 0, 1]]


def grid(size: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.stack([x, y], dim=-1).float()


def step(crop: Crop) -> float:
    return float(np.hypot(*crop.to_photograph[:2, 0]))


def pairs(scenes: SceneSet, *, one_view: bool) -> list[tuple[int, int]]:
    """Pairs of one scene, from one photograph or from both of the stereo pair."""
    return [
        (a, b)
        for a, b in itertools.permutations(range(len(scenes)), 2)
        if scenes.labels[a] == scenes.labels[b]
        and (scenes.crops[a].photograph == scenes.crops[b].photograph) == one_view
    ]


def unlit(scenes: SceneSet, a: int) -> np.ndarray:
    """An image (3,H,W) with its re-lighting undone."""
    crop = scenes.crops[a]
    bright = scenes.images[a].numpy() / 255 / (crop.gain * np.array(crop.cast)[:, None, None])
    return bright ** (1 / crop.gamma)


def agreement(scenes: SceneSet, a: int, b: int, where: np.ndarray) -> float:
    """Correlation of a with b read at the places (H,W,2), over those that are not NaN."""
    known = np.isfinite(where).all(-1)
    ratio = step(scenes.crops[a]) / step(scenes.crops[b])
    # A finer image is smoothed to the detail of the coarser one.
    image = gaussian_filter(unlit(scenes, a), (0, *[max(0, (1 / ratio - 1) / 2)] * 2))
    other = gaussian_filter(unlit(scenes, b), (0, *[max(0, (ratio - 1) / 2)] * 2))
    x, y = where[known].T
    read = [map_coordinates(channel, [y, x], order=3, mode="nearest") for channel in other]
    return np.corrcoef(image[:, known].ravel(), np.ravel(read))[0, 1]


# Photographs


def test_photographs_are_real_colour_pictures(views: dict[str, np.ndarray]) -> None:
    assert len(views) >= 12 and {"motorcycle_left", "motorcycle_right"} < set(views)
    for name, pixels in views.items():
        assert pixels.dtype == np.uint8 and pixels.shape[2] == 3, name
        assert min(pixels.shape[:2]) >= 256 and max(pixels.shape[:2]) <= 1024, name
        assert np.ptp(pixels.astype(int), axis=-1).max() > 60, name  # colour
        assert pixels.std() > 10, name


def test_the_retina_has_no_black_surround(views: dict[str, np.ndarray]) -> None:
    assert views["retina"].max(-1).min() > 80


@pytest.mark.parametrize("package", ["skimage", "sklearn"])
def test_a_missing_package(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    brought_by = package.replace("sk", "scikit-")
    with pytest.raises(lfs.LFSError, match=rf"{brought_by}.*pip install 'lfs-core\[book\]'"):
        load_scenes(crops=2, size=16)


# Crops


def test_the_set(scenes: SceneSet) -> None:
    assert scenes.images.shape == (len(scenes), 3, SIZE, SIZE)
    assert scenes.images.dtype == torch.uint8 and scenes.images.is_contiguous()
    assert len(scenes) == 6 * len(set(scenes.labels)) == 6 * 11
    assert scenes.names[:2] == ["astronaut/00", "astronaut/01"]
    assert scenes.names == sorted(set(scenes.names))
    assert scenes.labels == [name.split("/")[0] for name in scenes.names]
    stereo = [c.photograph for c in scenes.crops if c.label == "motorcycle"]
    assert stereo == ["motorcycle_left", "motorcycle_right"] * 3


def test_no_crop_reaches_out_of_its_photograph(
    scenes: SceneSet, views: dict[str, np.ndarray]
) -> None:
    near, far = -0.5, SIZE - 0.5
    corners = np.array([[near, near, 1], [far, near, 1], [near, far, 1], [far, far, 1]])
    for crop in scenes.crops:
        x, y, _ = crop.to_photograph @ corners.T
        height, width = views[crop.photograph].shape[:2]
        assert min(x.min(), y.min()) > -1e-9, crop.name
        assert x.max() < width - 1 + 1e-9 and y.max() < height - 1 + 1e-9, crop.name


def test_maps_turn_and_enlarge_but_do_not_distort(scenes: SceneSet) -> None:
    angles = []
    for crop in scenes.crops:
        (a, b, _), (c, d, _), last = crop.to_photograph
        assert (a, b) == pytest.approx((d, -c)) and last.tolist() == [0, 0, 1]
        angles.append(np.degrees(np.arctan2(c, a)))
    assert -25 <= min(angles) < -15 and 15 < max(angles) <= 25


def test_images_are_what_the_map_and_the_light_say(
    scenes: SceneSet, views: dict[str, np.ndarray]
) -> None:
    """Read again from the photograph, by another way of sampling it."""
    points = np.concatenate([grid(SIZE).numpy(), np.ones((SIZE, SIZE, 1))], axis=-1)
    for k in range(0, len(scenes), 5):
        crop = scenes.crops[k]
        x, y, _ = np.moveaxis(points @ crop.to_photograph.T, -1, 0)
        sigma = max(0, (step(crop) - 1) / 2)
        photograph = gaussian_filter(views[crop.photograph] / 255, (sigma, sigma, 0))
        read = [map_coordinates(photograph[..., c], [y, x], order=1) for c in range(3)]
        lit = np.stack(read) ** crop.gamma * crop.gain * np.array(crop.cast)[:, None, None]
        assert abs(lit - scenes.images[k].numpy() / 255).mean() < 0.01, crop.name


def test_lighting_differs_and_over_exposes_nothing(scenes: SceneSet) -> None:
    assert all(crop.gain * max(crop.cast) <= 1 for crop in scenes.crops)
    assert np.ptp([crop.gain for crop in scenes.crops]) > 0.15
    gammas = [crop.gamma for crop in scenes.crops]
    assert min(gammas) < 0.9 and max(gammas) > 1.15
    assert np.mean([np.ptp(crop.cast) for crop in scenes.crops]) > 0.03


def test_each_crop_has_a_partner_and_overlaps_are_spread(scenes: SceneSet) -> None:
    shares = {}
    for a, b in pairs(scenes, one_view=True) + pairs(scenes, one_view=False):
        share = scenes.shared_region(a, b).float().mean(dim=(1, 2)).min().item()
        shares.setdefault(a, []).append(share)
    assert len(shares) == len(scenes)
    # Counted to the pixel here and on every sixth one as crops are drawn.
    assert min(max(of_one) for of_one in shares.values()) >= 0.25 - 0.02
    everything = [share for of_one in shares.values() for share in of_one]
    assert np.quantile(everything, 0.1) < 0.15 and np.quantile(everything, 0.9) > 0.5


def test_seeds_repeat_and_differ() -> None:
    first, again = (load_scenes(crops=2, size=32, seed=3) for _ in range(2))
    other = load_scenes(crops=2, size=32, seed=4)
    assert torch.equal(first.images, again.images) and first.names == again.names
    assert all(
        np.array_equal(x.to_photograph, y.to_photograph) and x.gain == y.gain
        for x, y in zip(first.crops, again.crops, strict=True)
    )
    assert (first.images != other.images).flatten(1).any(1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crops": 1}, "crops is 1; it must be at least 2"),
        ({"size": 7}, "size is 7; it must be at least 8"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
    ],
)
def test_arguments_out_of_range(options: dict[str, int], message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        load_scenes(**options)


# What two crops of one photograph share


@pytest.mark.parametrize(("x", "y"), [(0, 0), (5, 3), (-4, 9), (19, -19), (20, 0), (0, 40)])
def test_overlap_rectangle_to_the_pixel(x: int, y: int) -> None:
    hand = by_hand(20, shifted(50, 60), shifted(50 + x, 60 + y))
    expected = torch.zeros(2, 20, 20, dtype=torch.bool)
    expected[0, max(0, y) : max(0, 20 + y), max(0, x) : max(0, 20 + x)] = True
    expected[1, max(0, -y) : max(0, 20 - y), max(0, -x) : max(0, 20 - x)] = True
    assert torch.equal(hand.shared_region(0, 1), expected)
    where = hand.correspondence(0, 1)
    assert torch.equal(where[expected[0]], (grid(20) - torch.tensor([x, y]))[expected[0]])
    assert where[~expected[0]].isnan().all()


def test_a_crop_of_half_the_scale() -> None:
    """Pixel 2k and 2k+1 of the fine crop lie at k-1/4 and k+1/4 of the coarse one."""
    hand = by_hand(8, shifted(10, 10, 0.5), shifted(10.25, 10.25))
    torch.testing.assert_close(hand.correspondence(0, 1), grid(8) / 2 - 0.25)
    shared = torch.zeros(8, 8, dtype=torch.bool)
    shared[:4, :4] = True
    assert torch.equal(hand.shared_region(0, 1), torch.stack([torch.ones_like(shared), shared]))


def test_a_quarter_turn() -> None:
    hand = by_hand(9, shifted(30, 40), [[0, -1, 38], [1, 0, 40], [0, 0, 1]])
    x, y = grid(9).unbind(-1)
    torch.testing.assert_close(hand.correspondence(0, 1), torch.stack([y, 8 - x], dim=-1))


def test_a_crop_lies_on_itself(scenes: SceneSet) -> None:
    for a in range(0, len(scenes), 7):
        torch.testing.assert_close(scenes.correspondence(a, a), grid(SIZE), atol=1e-4, rtol=0)
        assert scenes.shared_region(a, a).all()


def test_the_other_crop_shows_the_same(scenes: SceneSet) -> None:
    compared = 0
    for a, b in pairs(scenes, one_view=True)[::5]:
        where = scenes.correspondence(a, b).numpy()
        if np.isfinite(where).all(-1).mean() < 0.1:
            continue
        compared += 1
        assert agreement(scenes, a, b, where) >= 0.95, (scenes.names[a], scenes.names[b])
    assert compared > 30


def test_there_and_back(scenes: SceneSet) -> None:
    """The two maps are inverse, and the two regions are one region of the photograph."""
    for a, b in pairs(scenes, one_view=True)[::9]:
        where, back = scenes.correspondence(a, b), scenes.correspondence(b, a).numpy()
        shared = scenes.shared_region(a, b)
        assert torch.equal(shared[0], where.isfinite().all(-1))
        assert torch.equal(scenes.shared_region(b, a), shared.flip(0))
        x, y = where[shared[0]].numpy().T
        again = [map_coordinates(back[..., c], [y, x], order=1, cval=np.nan) for c in range(2)]
        error = np.stack(again, axis=-1) - grid(SIZE)[shared[0]].numpy()
        assert not np.isfinite(error).any() or np.nanmax(abs(error)) < 1e-3
        areas = shared.sum(dim=(1, 2)).numpy() * [step(scenes.crops[k]) ** 2 for k in (a, b)]
        edge = 4 * SIZE * max(step(scenes.crops[k]) for k in (a, b)) ** 2
        assert abs(areas[0] - areas[1]) < edge / 4


def test_different_scenes_share_nothing(scenes: SceneSet) -> None:
    for a, b in itertools.permutations(range(0, len(scenes), 6), 2):
        assert scenes.labels[a] != scenes.labels[b]
        assert not scenes.shared_region(a, b).any()
        assert scenes.correspondence(a, b).isnan().all()


# The stereo pair


def test_the_other_view_shows_the_same(scenes: SceneSet) -> None:
    """Far better than chance, and than one shift of the whole photograph."""
    found, by_one_shift = [], []
    for a, b in pairs(scenes, one_view=False):
        where = scenes.correspondence(a, b).numpy()
        known = np.isfinite(where).all(-1)
        if known.mean() < 0.15:
            continue
        shuffled = where.copy()
        shuffled[known] = np.random.default_rng(0).permutation(where[known])
        across = np.linalg.inv(scenes.crops[b].to_photograph) @ scenes.crops[a].to_photograph
        shift = grid(SIZE).numpy() @ across[:2, :2].T
        shift += np.nanmedian(where - shift, axis=(0, 1))
        shift[~known | (shift < 0).any(-1) | (shift > SIZE - 1).any(-1)] = np.nan
        found.append(agreement(scenes, a, b, where))
        by_one_shift.append(agreement(scenes, a, b, shift))
        assert found[-1] > 0.9
        assert found[-1] > agreement(scenes, a, b, shuffled) + 0.5
    assert len(found) >= 4
    assert np.mean(found) > np.mean(by_one_shift) + 0.1


def test_views_are_symmetric(scenes: SceneSet) -> None:
    for a, b in pairs(scenes, one_view=False):
        shared = scenes.shared_region(a, b)
        assert torch.equal(scenes.shared_region(b, a), shared.flip(0))
        areas = [shared[k].sum().item() * step(scenes.crops[i]) ** 2 for k, i in enumerate((a, b))]
        assert areas[0] == pytest.approx(areas[1], rel=0.1, abs=100)


def test_whole_views_map_there_and_back() -> None:
    whole = by_hand(
        500, shifted(100, 0), shifted(100, 0), photograph=["motorcycle_left", "motorcycle_right"]
    )
    there, back = whole.correspondence(0, 1), whole.correspondence(1, 0)
    known = there.isfinite().all(-1)
    assert 0.7 < known.float().mean() < 0.9
    x, y = there[known].round().long().unbind(-1)
    error = (back[y, x] - grid(500)[known])[..., 0].abs().nan_to_num()
    assert error.quantile(0.99) < 1.01 and error.max() < 2  # whole pixels were read
    assert torch.equal(there[known][:, 1], grid(500)[known][:, 1])  # rows stay rows


def test_what_is_hidden_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A near square before a far wall hides, left of it, as much as the disparities differ."""
    disparity = np.full((40, 40), 2.0)
    disparity[10:20, 15:25] = 6.0
    disparity[30, 30] = np.nan
    monkeypatch.setattr(module, "_disparity", lambda: disparity)
    monkeypatch.setattr(module, "_shifts", module._shifts.__wrapped__)
    hand = by_hand(
        40, shifted(0, 0), shifted(0, 0), photograph=["motorcycle_left", "motorcycle_right"]
    )
    left, right = torch.ones(2, 40, 40, dtype=torch.bool)
    left[:, :2] = False  # leaves the right view
    left[10:20, 11:15] = False  # hidden there
    right[:, 38:] = False  # not in the left view
    right[10:20, 19:23] = False  # hidden in the left view
    left[30, 30] = right[30, 28] = False  # unknown
    assert torch.equal(hand.shared_region(0, 1), torch.stack([left, right]))
    moved = grid(40)[..., 0] - hand.correspondence(0, 1)[..., 0]
    assert torch.equal(moved[left].double(), torch.from_numpy(disparity)[left])


def test_mixed_disparities_count_as_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pixel on the edge of a thing holds a mean of near and far, where nothing is."""
    np.savez(tmp_path / "disparity.npz", [[2, 2.5, 4, 6, 6.5, 6, np.inf, 3, 6]])
    monkeypatch.setattr(module, "DISPARITY", ("skimage", tmp_path / "disparity.npz"))
    known = [2, 2.5, np.nan, 6, 6.5, 6, np.nan, np.nan, np.nan]
    np.testing.assert_array_equal(module._disparity.__wrapped__(), [known])


# The motorcycle


def test_only_the_motorcycle_has_a_mask(scenes: SceneSet) -> None:
    masks = {name: scenes.object_mask(k) for k, name in enumerate(scenes.names)}
    known = {name for name, mask in masks.items() if mask is not None}
    assert known == {name for name in masks if name.startswith("motorcycle")}
    assert all(masks[name].shape == (SIZE, SIZE) for name in known)
    assert {masks[name].dtype for name in known} == {torch.bool}


def test_the_mask_holds_the_motorcycle_and_not_the_floor() -> None:
    """Places in the photograph, found by eye, (x,y)."""
    mask = by_hand(500, shifted(0, 0), shifted(241, 0), photograph="motorcycle_left")
    whole = torch.cat([mask.object_mask(0), mask.object_mask(1)[:, 259:]], dim=1)
    assert whole.shape == (500, 741)
    tank, seat, engine, tyre, lamp = (430, 200), (240, 190), (370, 345), (150, 370), (535, 155)
    for x, y in (tank, seat, engine, tyre, lamp):
        assert whole[y - 2 : y + 3, x - 2 : x + 3].float().mean() > 0.9, (x, y)
    floor, corner, wall, shelf, bench = (60, 470), (725, 420), (230, 50), (640, 100), (70, 200)
    for x, y in (floor, corner, wall, shelf, bench):
        assert not whole[y - 5 : y + 6, x - 5 : x + 6].any(), (x, y)


def test_both_views_agree_about_the_motorcycle(scenes: SceneSet) -> None:
    for a, b in pairs(scenes, one_view=False):
        where = scenes.correspondence(a, b)
        known = scenes.shared_region(a, b)[0]
        if known.float().mean() < 0.1:
            continue
        x, y = where[known].round().clamp(0, SIZE - 1).long().unbind(-1)
        agree = scenes.object_mask(a)[known] == scenes.object_mask(b)[y, x]
        assert agree.float().mean() > 0.95


# Files


def test_written_as_an_image_folder(scenes: SceneSet, tmp_path: Path) -> None:
    few = SceneSet(scenes.images[3:15], scenes.crops[3:15])
    for _ in range(2):  # a second time takes the place of the first
        write_scenes(few, tmp_path / "gallery")
    found = find_photographs(tmp_path / "gallery")
    assert [label for _, label in found] == few.labels
    files = ImageFolder(str(tmp_path / "gallery"))
    assert [
        Path(path).relative_to(tmp_path / "gallery").with_suffix("").as_posix()
        for path, _ in files.samples
    ] == few.names
    read = torch.stack([torch.from_numpy(np.array(image)).movedim(-1, 0) for image, _ in files])
    assert torch.equal(read, few.images)
    assert len([p for p in (tmp_path / "gallery").rglob("*") if p.is_file()]) == len(few)


def test_a_folder_that_cannot_be_written(scenes: SceneSet, tmp_path: Path) -> None:
    (tmp_path / "gallery").write_text("a file", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match="Cannot write"):
        write_scenes(scenes, tmp_path / "gallery")
