"""Where faces are in a photograph, by MTCNN."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from facenet_pytorch import MTCNN
from PIL import Image

from lfs_core.util.threads import one_thread

MIN_FACE = 20  # px, the smallest face looked for


@dataclass(frozen=True)
class Face:
    """One face in a photograph, in that photograph's pixels."""

    box: tuple[float, float, float, float]  # left, top, right, bottom
    probability: float
    landmarks: np.ndarray  # (5,2): eyes, nose, corners of the mouth


def detect_faces(image: Image.Image) -> list[Face]:
    """Find the faces in an upright RGB photograph, from left to right."""
    if min(image.size) < MIN_FACE:
        return []
    with one_thread():  # MTCNN's steps are small: on two it takes several times as long
        boxes, probabilities, landmarks = _detector().detect(image, landmarks=True)
    if boxes is None:
        return []
    faces = [
        Face(tuple(box), float(probability), points)
        for box, probability, points in zip(boxes, probabilities, landmarks, strict=True)
    ]
    return sorted(faces, key=lambda face: face.box[0])


@functools.cache
def _detector() -> MTCNN:
    return MTCNN(min_face_size=MIN_FACE).eval()
