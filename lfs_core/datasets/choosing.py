"""Which face of a photograph is meant if none is named."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lfs_core.datasets.detecting import Face

SURE = 0.9  # MTCNN's probability; boxes below it are often background


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

    .. math:: V \, \frac{V}{A} \, e^{-(2 d / D)^2}

    V is the area of the part of the face's box inside the photograph, and A that of the whole box,
    so V/A is below 1 for a face that the edge cuts off. d is the distance of the box's middle from
    the photograph's, and D the photograph's diagonal: in a corner, size counts 1/e. `lfs study
    face-choice` compares this rule with others.
    """
    left, top, right, bottom = face.box
    width = max(min(right, size[0]) - max(left, 0), 0)
    height = max(min(bottom, size[1]) - max(top, 0), 0)
    seen = width * height
    away = 4 * off_centre(face, size) / (size[0] ** 2 + size[1] ** 2)
    return seen * seen / area(face) * math.exp(-away)


def area(face: Face) -> float:
    """Of a face's box, in square pixels."""
    left, top, right, bottom = face.box
    return (right - left) * (bottom - top)


def off_centre(face: Face, size: tuple[int, int]) -> float:
    """The squared distance of a box's middle from the photograph's, in square pixels."""
    left, top, right, bottom = face.box
    return ((left + right - size[0]) / 2) ** 2 + ((top + bottom - size[1]) / 2) ** 2
