"""Folders of photographs, however they are laid out, and a stream of what is in them."""

from __future__ import annotations

import hashlib
import logging
import os
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.datasets import CelebA
from torchvision.transforms.functional import pil_to_tensor

from lfs_core.datasets.below import photographs_below
from lfs_core.datasets.images import shrink
from lfs_core.errors import ImageError, LFSError, printable
from lfs_core.util.reading import read_text

log = logging.getLogger(__name__)


def local_folder(name: str | os.PathLike) -> Path:
    """A folder by its path, or by its name in the folder that `LFS_DATA` names.

    Raises:
        ImageError: there is no such folder.
    """
    places = [Path(name)]
    if os.environ.get("LFS_DATA"):
        places.append(Path(os.environ["LFS_DATA"]) / name)
    for place in places:
        if place.is_dir():
            return place
    raise ImageError(
        f"{name} is not a folder. Give its path, or name the folder that holds it in the "
        "environment variable LFS_DATA."
    )


def split_classes(classes: Iterable[str], hold_out: float) -> tuple[set[str], set[str]]:
    """Classes to learn from and classes to measure on, which nothing has learnt from.

    Args:
        classes: names, each as often as it comes.
        hold_out: share of the classes to measure on, the last by name, in [0,1].
    """
    names = sorted(set(classes))
    first = len(names) - round(hold_out * len(names))
    return set(names[:first]), set(names[first:])


def find_photographs(folder: str | os.PathLike) -> list[tuple[Path, str]]:
    """Every photograph below a folder, with whose it is, sorted by path.

    A photograph below a sub-folder, at whatever depth, belongs to the person, or class, that the
    sub-folder is named after (the layout of `torchvision.datasets.ImageFolder`). A photograph in
    the folder itself belongs to the person that a list as CelebA's, `<folder>_identity.txt` next to
    the folder, names. Without such a list it is a class of its own. A folder that
    `torchvision.datasets.CelebA` filled is read by it.

    Names of classes that differ only in how Unicode writes their accents are one (NFC). Which
    files are photographs, `photographs_below` says.

    Raises:
        ImageError: there is no folder, no image in it, some of CelebA's files are missing, or the
            list of identities cannot be read or names none of the photographs.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ImageError(f"{folder} is not a folder.")
    if (folder / "celeba" / "identity_CelebA.txt").is_file():
        return _find_celeba(folder)
    found = photographs_below(folder)
    if not found:
        raise ImageError(f"{folder} holds no image that can be read, as .jpg or .png.")
    people = _listed_people(folder, {path.name for path in found if path.parent == folder})
    return [(path, _class_of(path.relative_to(folder).parts, people)) for path in found]


def folder_name(folder: str | os.PathLike[str]) -> str:
    """What a folder is called, also where it is given as "." or ".."."""
    return folder_names([folder])[0]


def folder_names(folders: Sequence[str | os.PathLike[str]]) -> list[str]:
    """What folders are called; two of one name are told apart by the folders that they lie in."""
    paths = [Path(os.path.abspath(folder)).parts for folder in folders]
    for depth in range(1, max(map(len, paths), default=0) + 1):
        names = [Path(*parts[-depth:]).as_posix() for parts in paths]
        if len(set(names)) == len(set(paths)):
            return names
    return []


def _class_of(parts: Sequence[str], people: dict[str, str]) -> str:
    """The class of a photograph, from the parts of its path below the folder."""
    first = _composed(parts[0])
    return first if len(parts) > 1 else people.get(first, first)


def _composed(name: str) -> str:
    """A name with its accents as one character each; macOS may give them as two."""
    return unicodedata.normalize("NFC", name)


def _listed_people(folder: Path, names: set[str]) -> dict[str, str]:
    """Whose the photographs of these names, which lie in a folder itself, are by CelebA's list."""
    beside = Path(os.path.abspath(folder))
    listed = beside.with_name(f"{beside.name}_identity.txt")
    if not names or not listed.is_file():
        return {}
    known = {_composed(name) for name in names}
    people = {}
    for number, line in enumerate(read_text(listed).split("\n"), 1):
        if not line.strip():
            continue
        name, *who = line.strip().rsplit(maxsplit=1)
        if not who:
            raise ImageError(f"{listed}, line {number}: {line!r} is no name of a file and of who.")
        if line != printable(line) and name not in names:
            raise ImageError(f"{listed}, line {number} is not UTF-8; save the list as UTF-8.")
        people[_composed(name)] = who[0]
    if not known & people.keys():
        raise ImageError(
            f"{listed} names none of the {len(names)} photographs in {folder}, as {min(names)!r}. "
            "Correct the list, or move it away."
        )
    if missing := known - people.keys():
        log.warning(
            "%s does not name %d of the photographs, as %s; each counts as a class of its own.",
            printable(listed),
            len(missing),
            printable(min(missing)),
        )
    return people


def _find_celeba(folder: Path) -> list[tuple[Path, str]]:
    try:
        celeba = CelebA(str(folder), split="all", target_type="identity")
    except (RuntimeError, OSError) as error:
        raise ImageError(f"{folder} is not a complete CelebA of torchvision ({error}).") from error
    images = folder / "celeba" / "img_align_celeba"
    people = celeba.identity[:, 0].tolist()
    return [(images / name, str(who)) for name, who in zip(celeba.filename, people, strict=True)]


@dataclass(frozen=True)
class Views:
    """What a network and a decoder see of a batch of photographs, and of their mirror images.

    Attributes:
        keys: of each view, SHA-256 of the file's content and one byte, 1 if mirrored; None for a
            file that cannot be opened. A mirror image follows its photograph.
        problems: why a view cannot be used, by position.
        fresh: positions of the views whose images follow; the others are known or unusable.
        images: (B,3,S,S) uint8, what the network reads.
        small: (B,3,s,s) uint8, what the decoder learns.
        several: keys of views of photographs with several faces, of which one is taken.
    """

    keys: list[bytes | None] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)
    fresh: list[int] = field(default_factory=list)
    images: Tensor | None = None
    small: Tensor | None = None
    several: set[bytes] = field(default_factory=set)

    @property
    def fresh_keys(self) -> list[bytes]:
        """The key of each of the images."""
        keys = (self.keys[position] for position in self.fresh)
        return [key for key in keys if key is not None]


def stream_views(
    batches: Sequence[Sequence[Path]],
    frame: Callable[[Path], Image.Image],
    image_size: tuple[int, int],
    small_size: int,
    *,
    mirror: bool = False,
    known: frozenset[bytes] = frozenset(),
    workers: int = 1,
) -> Iterator[Views]:
    """Read, frame and shrink photographs, batch by batch, while the network works.

    Args:
        batches: paths.
        frame: what to take of a photograph; an `ImageError` says why nothing can be taken.
        image_size: (H,W) of the network's images, in pixels.
        small_size: s, side of the decoder's images, in pixels.
        mirror: give each photograph's mirror image too.
        known: keys of views that are not made again.
        workers: threads that do this in addition to the present one.
    """
    make = partial(
        _views,
        frame=frame,
        image_size=image_size,
        small_size=small_size,
        mirror=mirror,
        known=known,
    )
    ahead: deque[Future[Views]] = deque()
    pool = ThreadPoolExecutor(max(1, workers))
    try:
        for batch in batches:
            ahead.append(pool.submit(make, batch))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def of_this_file(error: LFSError, path: Path) -> str:
    """What an error says of a file, without its name: it is kept by content, which others share."""
    return str(error).replace(printable(path), "this file")


def _views(
    paths: Sequence[Path],
    frame: Callable[[Path], Image.Image],
    image_size: tuple[int, int],
    small_size: int,
    mirror: bool,
    known: frozenset[bytes],
) -> Views:
    """The views of one batch."""
    views = Views()
    images: list[Tensor] = []
    for path in paths:
        start, sides = len(views.keys), range(1 + mirror)
        try:
            digest = hashlib.sha256(path.read_bytes()).digest()
        except OSError as error:
            reason = f"this file cannot be opened ({error.strerror})."
            views.problems.update((start + side, reason) for side in sides)
            views.keys.extend(None for _ in sides)
            continue
        keys = [digest + bytes([side]) for side in sides]
        views.keys.extend(keys)
        new = [side for side, key in enumerate(keys) if key not in known]
        if not new:
            continue
        try:
            framed = frame(path)
            image = framed.resize(image_size[::-1], Image.Resampling.BILINEAR)
        except ImageError as error:
            reason = of_this_file(error, path)
            views.problems.update((start + side, reason) for side in new)
            continue
        if framed.info.get("faces", 1) > 1:
            views.several.add(keys[0])
        pixels = pil_to_tensor(image)
        views.fresh.extend(start + side for side in new)
        images.extend(pixels.flip(2) if side else pixels for side in new)
    if not images:
        return views
    stacked = torch.stack(images)
    return replace(views, images=stacked, small=shrink(stacked, small_size))
