"""Framings: what of a photograph a network reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PIL import Image

from lfs_core.datasets.choosing import SURE, area, chosen_face
from lfs_core.datasets.detecting import Face, detect_faces
from lfs_core.datasets.faces import align_face, crop_face, find_faces, no_face
from lfs_core.datasets.images import ImageLike, load_image
from lfs_core.errors import FaceError, LFSError
from lfs_core.util.networks import image_sides

FILLED = 0.5  # of a crop, by the face in it; crops of `align_face` are filled by 0.69 and more
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
    """What a network can read of a photograph.

    Attributes:
        image: what the network reads.
        sure: False where it may be no face.
        number: of a face, from left to right, from 1.
        box: of a face: left, top, right, bottom, in shares of the photograph's sides; else None.
    """

    image: Image.Image
    sure: bool = True
    number: int = 1
    box: tuple[float, float, float, float] | None = None


class Parts(NamedTuple):
    """A photograph and what a network can read of it.

    Attributes:
        photograph: the whole of it, upright.
        all: each face, from left to right, or the one part that is framed.
        chosen: the place among the parts of the one that is read if nobody says.
    """

    photograph: Image.Image
    all: list[Part]
    chosen: int = 0

    def part(self, face: int | None = None, name: str = "the photograph") -> Part:
        """The part that is read: the face of this number, or the one that is meant.

        Args:
            face: from left to right, from 1.
            name: of the photograph, for errors.

        Raises:
            FaceError: there is no face of this number.
        """
        if face is None:
            return self.all[self.chosen]
        if not 1 <= face <= len(self.all) or self.all[0].box is None:
            raise FaceError(no_face(face, [part for part in self.all if part.box], name))
        return self.all[face - 1]


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


def parts(source: ImageLike, embedder: object, framing: str | None = None) -> Parts:
    """A photograph and all that a network can read of it; the photograph is read once.

    Args:
        source: the photograph.
        embedder: the network.
        framing: one of `FRAMINGS`; left out, the network's.

    Raises:
        LFSError: there is no such framing.
        ImageError: the photograph cannot be read, or shows no face where one is wanted.
    """
    framing = check_framing(framing) if framing else framing_of(embedder)
    if framing != "face":
        image = load_image(source)
        return Parts(image, [Part(FRAMINGS[framing](image))])
    image, faces = find_faces(source)
    found = [
        Part(crop_face(image, face), face.probability >= SURE, number, _shares(face, image))
        for number, face in enumerate(faces, 1)
    ]
    return Parts(image, found, chosen_face(faces, image.size))


def _shares(face: Face, image: Image.Image) -> tuple[float, float, float, float]:
    """A face's box in shares of the photograph's sides, the part within the photograph."""

    def share(at: float, length: int) -> float:
        return min(max(at / length, 0.0), 1.0)

    left, top, right, bottom = face.box
    width, height = image.size
    return share(left, width), share(top, height), share(right, width), share(bottom, height)


def frame(source: ImageLike, embedder: object, framing: str | None = None) -> Image.Image:
    """What a network reads of a photograph if nobody says which face.

    Args:
        source: the photograph.
        embedder: the network.
        framing: one of `FRAMINGS`; left out, the network's.

    Raises:
        LFSError, ImageError: as `parts`.
    """
    return FRAMINGS[check_framing(framing) if framing else framing_of(embedder)](source)


def doubt_about_crop(image: Image.Image, embedder: object, name: str) -> str | None:
    """Why an image that is said to be a face crop may be none; None if it looks like one.

    A network of faces reads crops of its own size, which MTCNN's box of the face fills.
    """
    if framing_of(embedder) != "face":
        return None
    height, width = image_sides(embedder)
    share = max(map(area, detect_faces(image)), default=0.0)
    share = min(share / (image.width * image.height), 1.0)
    if image.size == (width, height) and share >= FILLED:
        return None
    fills = f"the face fills {share:.0%} of it" if share else "no face is found in it"
    return (
        f"{name} is taken for a face crop, as it is: it has {image.width}x{image.height} pixels, "
        f"the network reads {width}x{height}, and {fills}. The decision means something only for "
        "crops that a face fills; of a whole photograph the face is cut out without --aligned."
    )
