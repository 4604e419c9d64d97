"""Pairs of images of which it is known where points of the first lie in the second.

A face that is cut out of its photograph again, mirrored, moved, turned or enlarged, is the same
face by a known map. In another photograph of a person five landmarks are known: the eyes, the tip
of the nose and the corners of the mouth, as the detector finds them in both. Crops of one scene,
and the views of a stereo pair, come from `scenes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import to_tensor

from lfs_core.datasets.detecting import Face
from lfs_core.datasets.faces import FACE_SIZE, MARGIN
from lfs_core.datasets.scenes import SceneSet
from lfs_core.util.extras import needs

DENSE = 40  # points along each side, where a map is known everywhere
SHIFT = (0.12, 0.3)  # of a crop's side, down and across
ANGLE = (10.0, 25.0)  # degrees
ZOOM = (1.2, 1.5)  # or its inverse

UPRIGHT, MIRRORED = "another photograph", "another photograph, mirrored"
FACE_KINDS = ("mirrored", "moved", "turned", "zoomed", UPRIGHT, MIRRORED)


@dataclass(frozen=True, eq=False)
class KnownPair:
    """Two images, and where points of the first lie in the second.

    Attributes:
        kind: what the second image is of the first.
        images: (2,3,H,W) in [0,1].
        points: (N,2), (x,y) in shares of the first image's sides, in [0,1].
        targets: (N,2), where they lie in the second; NaN where it does not show them.
    """

    kind: str
    images: Tensor
    points: Tensor
    targets: Tensor

    def places(self, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Where the places of a grid lie in the second image.

        Args:
            grid: rows and columns.

        Returns:
            (K,2), (x,y) in shares of its sides, the mean of the place's points; NaN where less
            than half of them are shown. And (K,) bool, whether the right match of the place is
            known.
        """
        K = grid[0] * grid[1]
        at = place_of(self.points, grid)
        known = torch.bincount(at, minlength=K)
        shown = self.targets.isfinite().all(dim=1)
        count = torch.bincount(at[shown], minlength=K)
        total = torch.zeros(K, 2, dtype=self.targets.dtype)
        total.index_add_(0, at[shown], self.targets[shown])
        mean = total / count[:, None]
        mean[2 * count < known] = torch.nan
        return mean, known > 0


def place_of(points: Tensor, grid: tuple[int, int]) -> Tensor:
    """The place (...,) of a grid of rows and columns that each point (...,2) in [0,1] lies in."""
    rows, columns = grid
    x, y = points.unbind(-1)
    column, row = (x * columns).floor(), (y * rows).floor()
    return (row.clamp(0, rows - 1) * columns + column.clamp(0, columns - 1)).long()


def known_faces(
    photographs: tuple[Image.Image, Image.Image], faces: tuple[Face, Face], seed: int
) -> Iterator[KnownPair]:
    """One pair of each of `FACE_KINDS`, from two photographs of a person.

    Args:
        photographs: upright.
        faces: whose face, in each.
        seed: of how far it is moved, turned and enlarged.
    """
    random = np.random.default_rng(seed)
    to_first, to_second = (
        _from_crop(_crop_box(image, face)) for image, face in zip(photographs, faces, strict=True)
    )
    flip = np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]])
    first, second = photographs
    a = _cut(first, to_first)
    for kind, move in {"mirrored": flip, **_moves(random)}.items():
        points = _grid()
        targets = _apply(np.linalg.inv(move), points)
        targets[((targets < 0) | (targets > 1)).any(axis=1)] = np.nan
        yield _pair(kind, a, _cut(first, to_first @ move), points, targets)
    points, targets = (
        _apply(np.linalg.inv(of), face.landmarks)
        for of, face in zip((to_first, to_second), faces, strict=True)
    )
    upright = _pair(UPRIGHT, a, _cut(second, to_second), points, targets)
    yield upright
    yield _pair(MIRRORED, a, _cut(second, to_second @ flip), points, _apply(flip, targets))


def mirrored_pair(image: Tensor, light: float = 1.0) -> KnownPair:
    """An image and its mirror image.

    Args:
        image: (3,H,W) in [0,1].
        light: what the mirror image's pixels are multiplied by, in (0,1].
    """
    points = torch.from_numpy(_grid())
    targets = points * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0])
    return KnownPair("mirrored", torch.stack([image, image.flip(-1) * light]), points, targets)


def known_scenes(scenes: SceneSet, a: int, b: int, kind: str) -> KnownPair:
    """A pair of crops of one scene.

    Args:
        scenes: the crops.
        a: number of the first.
        b: number of the second.
        kind: what the second is of the first.
    """
    size = scenes.images.shape[-1]
    step = max(1, size // DENSE)
    found = scenes.correspondence(a, b)[step // 2 :: step, step // 2 :: step].flatten(0, 1)
    at = torch.arange(size)[step // 2 :: step]
    points = torch.stack(torch.meshgrid(at, at, indexing="xy"), dim=-1).flatten(0, 1)
    images = scenes.images[[a, b]].float() / 255
    return KnownPair(kind, images, (points + 0.5) / size, (found + 0.5) / size)


def backwards(pair: KnownPair) -> KnownPair:
    """The same pair from its second image to its first; points that it does not show are lost."""
    shown = pair.targets.isfinite().all(dim=1)
    return replace(
        pair, images=pair.images.flip(0), points=pair.targets[shown], targets=pair.points[shown]
    )


def _moves(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Maps from a crop that was moved, turned or enlarged to the crop as it was; sides are 1."""
    sign = random.choice([-1, 1], 2)
    dx, dy = random.uniform(*SHIFT, 2) * sign
    angle = np.radians(random.uniform(*ANGLE)) * random.choice([-1, 1])
    zoom = random.uniform(*ZOOM) ** random.choice([-1.0, 1.0])
    cos, sin = np.cos(angle), np.sin(angle)
    return {
        "moved": np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]]),
        "turned": _about_the_middle(np.array([[cos, -sin], [sin, cos]])),
        "zoomed": _about_the_middle(np.eye(2) * zoom),
    }


def _about_the_middle(matrix: np.ndarray) -> np.ndarray:
    """(3,3), a linear map (2,2) that leaves the middle of a crop where it is."""
    whole = np.eye(3)
    whole[:2, :2] = matrix
    whole[:2, 2] = 0.5 - matrix @ [0.5, 0.5]
    return whole


def _crop_box(image: Image.Image, face: Face) -> tuple[float, float, float, float]:
    """What `crop_face` cuts out: left, top, right, bottom in pixels."""
    left, top, right, bottom = face.box
    aside, above = (
        MARGIN * side / (FACE_SIZE - MARGIN) / 2 for side in (right - left, bottom - top)
    )
    return (
        int(max(left - aside, 0)),
        int(max(top - above, 0)),
        int(min(right + aside, image.width)),
        int(min(bottom + above, image.height)),
    )


def _from_crop(box: tuple[float, float, float, float]) -> np.ndarray:
    """(3,3), from shares of a crop's sides to pixels of its photograph."""
    left, top, right, bottom = box
    return np.array([[right - left, 0, left], [0, bottom - top, top], [0, 0, 1]], dtype=float)


def _cut(photograph: Image.Image, to_photograph: np.ndarray) -> Tensor:
    """A crop (3,FACE_SIZE,FACE_SIZE) in [0,1]; beyond the photograph its border goes on."""
    with needs("book", "Cutting moved faces"):
        from skimage.transform import warp
    pixel = np.array(
        [[1 / FACE_SIZE, 0, 0.5 / FACE_SIZE], [0, 1 / FACE_SIZE, 0.5 / FACE_SIZE], [0, 0, 1]]
    )
    half = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    image = to_tensor(photograph).movedim(0, -1).double().numpy()
    cut = warp(
        image, half @ to_photograph @ pixel, output_shape=(FACE_SIZE, FACE_SIZE), mode="edge"
    )
    return torch.from_numpy(cut).movedim(-1, 0).float()


def _grid() -> np.ndarray:
    """Points (N,2) all over a crop."""
    at = (np.arange(DENSE) + 0.5) / DENSE
    return np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def _pair(kind: str, a: Tensor, b: Tensor, points: np.ndarray, targets: np.ndarray) -> KnownPair:
    return KnownPair(kind, torch.stack([a, b]), torch.from_numpy(points), torch.from_numpy(targets))
