"""Framings: what of a photograph a network reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PIL import Image

from lfs_core.datasets.faces import SURE, align_face, crop_face, find_faces
from lfs_core.datasets.images import ImageLike, load_image
from lfs_core.errors import LFSError

CENTRE = 224 / 256  # of the short side; ImageNet's networks resize it to 256 and cut out 224


def centre_square(source: ImageLike) -> Image.Image:
    """The square in the middle of a photograph, with sides of 7/8 of the photograph's short side.

    Resized to 224x224 pixels, it shows what resizing the photograph's short side to 256 pixels and
    cutting 224x224 out of the middle leaves.

    Raises:
        ImageError: the photograph cannot be read.
    """
    image = load_image(source)
    side = round(CENTRE * min(image.size))
    left, top = ((length - side) // 2 for length in image.size)
    return image.crop((left, top, left + side, top + side))


FRAMINGS: dict[str, Callable[[ImageLike], Image.Image]] = {
    "face": align_face,
    "whole": load_image,
    "centre": centre_square,
}


class Part(NamedTuple):
    """What a network can read of a photograph; `sure` unless it may be no face."""

    image: Image.Image
    sure: bool = True


def framing_of(embedder: object) -> str:
    """The name of a network's framing; "whole", if it has none.

    Raises:
        LFSError: there is no such framing.
    """
    return check_framing(getattr(embedder, "framing", "whole"))


def check_framing(framing: str) -> str:
    """The name of a framing as it is.

    Raises:
        LFSError: there is no such framing.
    """
    if framing not in FRAMINGS:
        raise LFSError(f"There is no framing {framing!r}; choose one of {list(FRAMINGS)}.")
    return framing


def parts(source: ImageLike, embedder: object) -> list[Part]:
    """All that a network can read of a photograph: each face, or the one part that is framed.

    Raises:
        LFSError: there is no such framing.
        ImageError: the photograph cannot be read, or shows no face where one is wanted.
    """
    framing = framing_of(embedder)
    if framing != "face":
        return [Part(FRAMINGS[framing](source))]
    image, faces = find_faces(source)
    return [Part(crop_face(image, face), face.probability >= SURE) for face in faces]


def frame(source: ImageLike, embedder: object) -> Image.Image:
    """What a network reads of a photograph, the first of `parts`.

    Raises:
        LFSError, ImageError: as `parts`.
    """
    return FRAMINGS[framing_of(embedder)](source)
