"""Photographs of faces, found by MTCNN and cropped to the 160x160 that FaceNet reads."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from facenet_pytorch import MTCNN, extract_face
from PIL import Image

from lfs_core.datasets.images import ImageLike, load_image
from lfs_core.errors import FaceError

FACE_SIZE = 160  # px
MARGIN = 14  # px of the crop; the box is enlarged by it, since MTCNN cuts off chin and forehead
MIN_FACE = 20  # px, the smallest face looked for
SURE = 0.9  # MTCNN's probability; boxes below it are often background


@dataclass(frozen=True)
class Face:
    """One face in a photograph, in that photograph's pixels."""

    box: tuple[float, float, float, float]  # left, top, right, bottom
    probability: float
    landmarks: np.ndarray  # (5,2): eyes, nose, corners of the mouth


def detect_faces(image: Image.Image) -> list[Face]:
    """Find the faces in an upright RGB photograph: sure ones first, then by size."""
    if min(image.size) < MIN_FACE:
        return []
    boxes, probabilities, landmarks = _detector().detect(image, landmarks=True)
    if boxes is None:
        return []
    faces = [
        Face(tuple(box), float(probability), points)
        for box, probability, points in zip(boxes, probabilities, landmarks, strict=True)
    ]
    # MTCNN gives them largest first, and sorting keeps that order among equals.
    return sorted(faces, key=lambda face: face.probability < SURE)


def align_face(source: ImageLike, which: int = 0) -> Image.Image:
    """Cut a face out of a photograph, FACE_SIZE pixels square, as FaceNet reads it.

    Args:
        source: the photograph, as for `load_image`.
        which: the face to take when there are several, in the order of `detect_faces`.

    Raises:
        ImageError: the photograph cannot be read.
        FaceError: it shows no face, or fewer than `which` + 1.
    """
    image = load_image(source)
    faces = detect_faces(image)
    if which >= len(faces):
        name = source if isinstance(source, str | Path) else "the photograph"
        found = f"only {len(faces)} face(s)" if faces else "no face"
        raise FaceError(
            f"MTCNN finds {found} in {name}. Use a photograph in which the face is upright, "
            f"uncovered and at least {MIN_FACE} pixels wide."
        )
    return crop_face(image, faces[which])


def crop_face(image: Image.Image, face: Face) -> Image.Image:
    """A face's box with its margin, resized to FACE_SIZE pixels square."""
    pixels = extract_face(image, face.box, FACE_SIZE, MARGIN)  # (3,H,W) in [0,255]
    return Image.fromarray(pixels.byte().permute(1, 2, 0).numpy())


@functools.cache
def _detector() -> MTCNN:
    return MTCNN(min_face_size=MIN_FACE).eval()
