"""Which face of a photograph is meant if nobody says."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lfs_core.datasets.detecting import Face

SURE = 0.9  # MTCNN's probability; boxes below it are often background
REACH = 0.25  # of the diagonal: how far from the middle a face's size counts 1/e


def chosen_face(faces: Sequence[Face], size: tuple[int, int]) -> int:
    """The place of the face that is meant: the most prominent one of those that are sure.

    Args:
        faces: at least one.
        size: of the photograph, width and height in pixels.
    """
    sure = [k for k, face in enumerate(faces) if face.probability >= SURE]
    return max(sure or range(len(faces)), key=lambda k: prominence(faces[k], size))


def prominence(face: Face, size: tuple[int, int]) -> float:
    r"""How much a face stands out in a photograph by size and centrality, in square pixels.

    .. math:: A \exp(-(d / (D / 4))^2)

    A is the area of its box, d the distance of the box's middle from the photograph's, and D the
    photograph's diagonal. `lfs study face-choice` compares it with other rules.
    """
    return area(face) * math.exp(-off_centre(face, size) / (REACH * math.hypot(*size)) ** 2)


def area(face: Face) -> float:
    """Of a face's box, in square pixels."""
    left, top, right, bottom = face.box
    return (right - left) * (bottom - top)


def off_centre(face: Face, size: tuple[int, int]) -> float:
    """The squared distance of a box's middle from the photograph's, in square pixels."""
    left, top, right, bottom = face.box
    return ((left + right - size[0]) / 2) ** 2 + ((top + bottom - size[1]) / 2) ** 2
