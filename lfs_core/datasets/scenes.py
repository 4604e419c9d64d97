"""Overlapping crops of real photographs, with what every two of them share known exactly."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from lfs_core.datasets.images import MAX_SIDE, MIN_SIDE, load_image
from lfs_core.errors import LFSError
from lfs_core.util.extras import needs
from lfs_core.util.files import replacing

# The colour photographs that installed packages ship: package, and file in it.
SOURCES = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "coffee": ("skimage", "data/coffee.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "grace_hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    "hubble_deep_field": ("skimage", "data/hubble_deep_field.jpg"),
    "immunohistochemistry": ("skimage", "data/ihc.png"),
    "motorcycle_left": ("skimage", "data/motorcycle_left.png"),
    "motorcycle_right": ("skimage", "data/motorcycle_right.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
}
DISPARITY = ("skimage", "data/motorcycle_disp.npz")
RETINA = (156, 156, 864, 864)  # left, top, right, bottom: a square inside the round field of view

SIDES = (0.4, 0.9)  # side of a crop, of the largest that fits at its angle
MAX_ANGLE = 25.0  # degrees
GAINS = (0.75, 1.0)  # only take light away, so no pixel is over-exposed; gamma < 1 gives some
GAMMAS = (0.75, 1.3)
CASTS = (0.88, 1.0)  # by colour
MIN_OVERLAP = 0.25  # that each crop shares with some other one, of both

FLOOR_TOP = 330  # row of the left view below which only the motorcycle stands on the floor
NEAR = 35.0  # px of disparity; see `SceneSet.object_mask`
ABOVE_FLOOR = 1.5  # px of disparity
SAME_SURFACE = 1.0  # px of disparity, between neighbours


def photographs() -> dict[str, np.ndarray]:
    """The photographs by name, (H,W,3) uint8, at most 1024 pixels a side.

    "motorcycle_left" and "motorcycle_right" are a stereo pair. Of the retina only the square
    inside its round field of view is kept, since the black around it shows nothing.

    Raises:
        LFSError: a package is missing, or lacks its photographs.
    """
    found = {name: load_image(_file(*source), MAX_SIDE) for name, source in SOURCES.items()}
    found["retina"] = found["retina"].crop(RETINA)
    return {name: np.array(image) for name, image in found.items()}


@dataclass(frozen=True)
class Crop:
    """A square cut out of a photograph, turned and re-lit.

    A pixel in [0,1] is re-lit to gain * cast * pixel ** gamma.

    Attributes:
        name: label and number, as "astronaut/03".
        label: the scene; both views of the stereo pair show one.
        photograph: the key in `photographs()`.
        to_photograph: (3,3), from a pixel (x,y,1) of the crop to one of the photograph; whole
            numbers are pixel centres. A turn, an enlargement and a shift.
        gain: common factor of the three colours.
        gamma: exponent.
        cast: factors of red, green and blue.
    """

    name: str
    label: str
    photograph: str
    to_photograph: np.ndarray
    gain: float = 1.0
    gamma: float = 1.0
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class SceneSet:
    """Crops and what they share, the ground truth of instance retrieval.

    Attributes:
        images: (N,3,H,W) uint8, H = W.
        crops: how each was made.
    """

    images: Tensor
    crops: list[Crop]

    def __len__(self) -> int:
        return len(self.crops)

    @property
    def labels(self) -> list[str]:
        """The scene that each image shows."""
        return [crop.label for crop in self.crops]

    @property
    def names(self) -> list[str]:
        """Each image's name, which is its path without suffix in `write_scenes`' folder."""
        return [crop.name for crop in self.crops]

    def correspondence(self, a: int, b: int) -> Tensor:
        """Where in image b each pixel of image a lies.

        Exact for crops of one photograph. Between the two views of the stereo pair it is taken
        from the measured disparity of the left view, and approximate in three ways. A point has
        the disparity of the nearest pixel, which is wrong by less than a pixel of the photograph
        except at edges of things. A point that is hidden in the other view is found, and NaN,
        where the left view shows what hides it; where the disparity of that is unknown, the
        point is taken for visible. Where the point's own disparity is unknown (7 % of the left
        view, mostly along edges), the result is NaN.

        Returns:
            (H,W,2) float, (x,y) in pixels of b, whose whole numbers are pixel centres; NaN where
            the point is outside b, hidden or unknown.
        """
        size = self.images.shape[-1]
        return torch.from_numpy(_locate(self.crops[a], self.crops[b], _grid(size), size)).float()

    def shared_region(self, a: int, b: int) -> Tensor:
        """Which pixels of a, and which of b, show a point that the other one shows too.

        Returns:
            (2,H,W) bool: where `correspondence(a, b)`, and where `correspondence(b, a)`, is known.
        """
        both = torch.stack([self.correspondence(a, b), self.correspondence(b, a)])
        return both.isfinite().all(-1)

    def object_mask(self, a: int) -> Tensor | None:
        """Which pixels show the motorcycle; None for other scenes, where nobody has measured it.

        The motorcycle is what has more than 35 px of disparity and stands out of the floor by
        more than 1.5 px of it. In the upper half of the left view no floor is seen, and hardly any
        pixel has a disparity between 29 and 41 px. This gap, with its middle at 35, separates the
        motorcycle from the bench and the shelves. The floor in front is as near as the motorcycle,
        so it is fitted, as a quadratic surface, and left out; the tyres lose a few pixels where
        they touch it. Pixels of unknown disparity are left out too, and in the right view those
        that the left one does not show.

        Returns:
            (H,W) bool, or None.
        """
        crop = self.crops[a]
        if _other_view(crop.photograph) is None:
            return None
        points = _apply(crop.to_photograph, _grid(self.images.shape[-1]))
        if crop.photograph == "motorcycle_right":
            points = _to_other_view(points, crop.photograph)
        return torch.from_numpy(_nearest(_motorcycle().astype(float), points) == 1)


def load_scenes(crops: int = 12, size: int = 224, seed: int = 0) -> SceneSet:
    """Cut every photograph into overlapping crops, each turned and re-lit at random.

    No crop reaches out of its photograph, and each shares about a quarter of itself or more, and of
    the other, with another crop of its scene. The crops of the stereo pair come from the left and
    the right view in turn.

    Args:
        crops: how many of each scene, 2 or more.
        size: side of a crop, in pixels.
        seed: of the random draws; 0 or more.

    Returns:
        Scenes by name, each one's crops together.

    Raises:
        LFSError: an argument is out of range, or scikit-image or scikit-learn is missing.
    """
    for name, value, least in (("crops", crops, 2), ("size", size, MIN_SIDE), ("seed", seed, 0)):
        if value < least:
            raise LFSError(f"{name} is {value}; it must be at least {least}.")
    views = photographs()
    random = np.random.default_rng(seed)
    drawn = [
        crop
        for label in sorted({_label(name) for name in views})
        for crop in _draw_scene(label, views, crops, size, random)
    ]
    images = [_relight(_cut(views[crop.photograph], crop, size), crop) for crop in drawn]
    return SceneSet(torch.from_numpy(np.stack(images)).movedim(-1, 1).contiguous(), drawn)


def write_scenes(scenes: SceneSet, folder: str | os.PathLike) -> None:
    """Write each image as `folder/label/number.png`, the layout of torchvision's `ImageFolder`.

    Sorted by path, the files are in the order of the set.

    Raises:
        LFSError: a file cannot be written.
    """
    for name, image in zip(scenes.names, scenes.images, strict=True):
        with replacing(Path(folder) / f"{name}.png") as path:
            to_pil_image(image).save(path)


def _file(package: str, name: str) -> Path:
    """A file that an installed package ships."""
    with needs("book", "Cutting scenes"):
        return Path(str(files(package))) / name


def _label(photograph: str) -> str:
    return photograph.removesuffix("_left").removesuffix("_right")


def _other_view(photograph: str) -> str | None:
    """The other half of the stereo pair, of which this is one."""
    views = ["motorcycle_left", "motorcycle_right"]
    return views[1 - views.index(photograph)] if photograph in views else None


# Drawing and cutting crops


def _draw_scene(
    label: str,
    views: dict[str, np.ndarray],
    count: int,
    size: int,
    random: np.random.Generator,
) -> list[Crop]:
    """Draw a scene's crops, again until none is without a partner."""
    names = [name for name in views if _label(name) == label]
    while True:
        drawn = [
            _draw(f"{label}/{k:0{max(2, len(str(count - 1)))}}", name, views[name], size, random)
            for k, name in enumerate((names * count)[:count])
        ]
        if all(_best_overlap(crop, drawn, size) >= MIN_OVERLAP for crop in drawn):
            return drawn


def _draw(
    name: str, photograph: str, pixels: np.ndarray, size: int, random: np.random.Generator
) -> Crop:
    """Draw one crop whose turned square lies between the centres of the outermost pixels."""
    extent = np.array(pixels.shape[1::-1]) - 1  # (x,y)
    angle = np.radians(random.uniform(-MAX_ANGLE, MAX_ANGLE))
    spread = abs(np.cos(angle)) + abs(np.sin(angle))  # width of a turned square of side 1
    side = random.uniform(*SIDES) * extent.min() / spread
    reach = side * spread / 2
    centre = random.uniform(reach, extent - reach)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    to_photograph = np.eye(3)
    to_photograph[:2, :2] = turn * side / size
    to_photograph[:2, 2] = centre - to_photograph[:2, :2].sum(1) * (size - 1) / 2
    return Crop(
        name,
        _label(photograph),
        photograph,
        to_photograph,
        gain=random.uniform(*GAINS),
        gamma=random.uniform(*GAMMAS),
        cast=tuple(random.uniform(*CASTS, size=3).tolist()),
    )


def _best_overlap(crop: Crop, others: Sequence[Crop], size: int) -> float:
    """The largest share that a crop and another one have of each other, the smaller of both."""
    points = _grid(size, max(1, size // 16))

    def share(a: Crop, b: Crop) -> float:
        return np.isfinite(_locate(a, b, points, size)).all(-1).mean()

    return max(min(share(crop, b), share(b, crop)) for b in others if b is not crop)


def _cut(pixels: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """The crop before it is re-lit, (size,size,3) in [0,1]."""
    with needs("book", "Cutting scenes"):
        from skimage.filters import gaussian
        from skimage.transform import warp

    step = np.sqrt(np.linalg.det(crop.to_photograph[:2, :2]))  # pixels of the photograph
    # Finer detail than the crop can hold is smoothed away, as `skimage.transform.resize` does.
    sharp = gaussian(pixels, max(0, (step - 1) / 2), mode="nearest", channel_axis=-1)
    return warp(sharp, crop.to_photograph, output_shape=(size, size), order=3, mode="edge")


def _relight(pixels: np.ndarray, crop: Crop) -> np.ndarray:
    """Pixels (H,W,3) in [0,1], re-lit, as uint8."""
    lit = crop.gain * np.array(crop.cast) * pixels.clip(0, 1) ** crop.gamma
    return (lit * 255).round().astype(np.uint8)


# Where a point lies


def _grid(size: int, step: int = 1) -> np.ndarray:
    """Pixel centres (x,y) of a crop, every `step` pixels: (H,W,2)."""
    return np.stack(np.meshgrid(*[np.arange(0.0, size, step)] * 2), axis=-1)


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def _locate(a: Crop, b: Crop, points: np.ndarray, size: int) -> np.ndarray:
    """Where in b points (...,2) of a lie; NaN where not within b's pixels, hidden or unknown."""
    if a.label != b.label:
        return np.full_like(points, np.nan)
    points = _apply(a.to_photograph, points)
    if a.photograph != b.photograph:
        points = _to_other_view(points, a.photograph)
    points = _apply(np.linalg.inv(b.to_photograph), points)
    inside = ((points >= -0.5) & (points <= size - 0.5)).all(-1, keepdims=True)
    return np.where(inside, points, np.nan)


# The stereo pair


def _to_other_view(points: np.ndarray, photograph: str) -> np.ndarray:
    """Points (...,2) of one view, in the other; NaN where hidden or unknown."""
    moved = points.copy()
    moved[..., 0] += _nearest(_shifts()[photograph], points)
    return moved


def _nearest(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The values of a field (H,W) at the pixels nearest to points (...,2); NaN outside it."""
    height, width = field.shape
    x, y = np.rint(np.nan_to_num(points, nan=-1)).astype(int).reshape(-1, 2).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    values = np.full(x.shape, np.nan)
    values[inside] = field[y[inside], x[inside]]
    return values.reshape(points.shape[:-1])


@functools.cache
def _disparity() -> np.ndarray:
    """The measured disparity of the left view, (H,W) in pixels; NaN where unknown.

    A pixel that agrees with neither of its neighbours in its row is a mixture of two surfaces, on
    the edge of the nearer one, and counts as unknown.
    """
    with np.load(_file(*DISPARITY)) as data:
        disparity = data["arr_0"].astype(float)
    disparity[np.isinf(disparity)] = np.nan
    agree = np.pad(abs(np.diff(disparity)) < SAME_SURFACE, ((0, 0), (1, 1)))
    disparity[~(agree[:, 1:] | agree[:, :-1])] = np.nan
    return disparity


@functools.cache
def _shifts() -> dict[str, np.ndarray]:
    """How far right each pixel of a view moves in the other view, (H,W); NaN: hidden, unknown."""
    left = _disparity()
    between = (left[:, 1:] + left[:, :-1]) / 2
    between[abs(np.diff(left)) >= SAME_SURFACE] = np.nan  # two surfaces, with nothing between them
    # The left view's pixels, and points between them, land on the right one; the nearest is seen.
    right = np.full_like(left, -np.inf)
    for first, disparity in ((0.0, left), (0.5, between)):
        rows, columns = np.nonzero(np.isfinite(disparity))
        values = disparity[rows, columns]
        targets = np.rint(columns + first - values).astype(int)
        seen = targets >= 0
        np.maximum.at(right, (rows[seen], targets[seen]), values[seen])
    right[np.isinf(right)] = np.nan
    pixels = np.stack(np.meshgrid(*map(np.arange, left.shape[::-1])), axis=-1).astype(float)
    pixels[..., 0] -= left
    visible = abs(_nearest(right, pixels) - left) < SAME_SURFACE
    return {"motorcycle_left": np.where(visible, -left, np.nan), "motorcycle_right": right}


@functools.cache
def _motorcycle() -> np.ndarray:
    """Which pixels of the left view show the motorcycle, (H,W) bool."""
    with needs("book", "Finding the motorcycle"):
        from sklearn.linear_model import RANSACRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import PolynomialFeatures

    disparity = _disparity()
    places = np.indices(disparity.shape).reshape(2, -1).T / 100
    known = np.isfinite(disparity)
    sample = known.copy()
    sample[:FLOOR_TOP] = False
    floor = make_pipeline(
        PolynomialFeatures(2), RANSACRegressor(residual_threshold=0.5, random_state=0)
    ).fit(places[sample.ravel()], disparity[sample])
    height = disparity - floor.predict(places).reshape(disparity.shape)
    return (disparity > NEAR) & (height > ABOVE_FLOOR)
