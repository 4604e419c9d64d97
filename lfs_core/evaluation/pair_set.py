"""Pairs to evaluate explanations on: drawn from a folder, read from a table, or of the demo."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from lfs_core.datasets.faces import load_faces
from lfs_core.datasets.folders import find_photographs, folder_name, split_classes
from lfs_core.datasets.framing import frame
from lfs_core.datasets.images import to_tensor
from lfs_core.embedders import Embedder, image_sides
from lfs_core.errors import ImageError, LFSError, printable
from lfs_core.util.reading import read_text

COLUMNS = ("image_a", "image_b", "same")
SAME = {"1": True, "true": True, "1.0": True, "0": False, "false": False, "0.0": False}


@dataclass(frozen=True, eq=False)
class PairSet:
    """Pairs of images as a network reads them, and whether they show the same.

    Attributes:
        images: (P,2,3,H,W) uint8.
        same: (P,) bool, whether both show one person or class.
        names: of both images of each pair.
        description: where they come from.
        skipped: what could not be used, and why, by name.
        several: names of photographs with several faces, of which one was taken.
    """

    images: Tensor
    same: Tensor
    names: Sequence[tuple[str, str]]
    description: str
    skipped: dict[str, str]
    several: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of pixels and labels, as a hexadecimal number."""
        content = self.images.numpy().tobytes() + self.same.numpy().tobytes()
        return hashlib.sha256(content).hexdigest()


def load_pairs(
    source: str | os.PathLike,
    embedder: Embedder,
    number: int | None = None,
    *,
    hold_out: float = 1.0,
    seed: int = 0,
    framing: str | None = None,
    progress: bool = True,
) -> PairSet:
    """Pairs by the name of their source.

    Args:
        source: "demo", for the photographs of the demo tier; a folder, laid out as
            `find_photographs` reads it; or a table (.csv). The table has the columns image_a,
            image_b and same (1 or 0, true or false); its paths are relative to it.
        embedder: the network, whose `framing` and `image_size` say what it reads.
        number: how many pairs; needed for a folder, all for a table.
        hold_out: of a folder, only this share of its classes, the last by name, in (0,1].
        seed: of the draw.
        framing: of a folder's and a table's images, one of `FRAMINGS`; left out, the network's.
        progress: show a progress bar.

    Raises:
        ImageError: the folder or the table is missing, or holds no image.
        LFSError: the table lacks a column, or there are fewer pairs. A row that cannot be used is
            left out and named in `skipped`.
    """
    if source == "demo":
        faces = load_faces("demo", progress=progress)
        read = dict(zip(faces.names, faces.images, strict=True)).__getitem__
        classes = dict(zip(faces.names, faces.identities, strict=True))
        return _gather(draw_pairs(classes, seed), read, number or 30, "demo", progress)
    path = Path(source)
    if path.suffix == ".csv":
        rows, wrong = _read_table(path)
        reader = _Reader(path.parent, embedder, framing)
        return _gather(iter(rows), reader, number, path.name, progress, wrong)
    photographs = find_photographs(path)
    if number is None:
        raise LFSError(f"Say how many pairs are to be drawn from {path}.")
    if not 0 < hold_out <= 1:
        raise LFSError(f"hold_out is {hold_out}; it is a share of the classes, in (0, 1].")
    _, kept = split_classes((of for _, of in photographs), hold_out)
    classes = {file.relative_to(path).as_posix(): of for file, of in photographs if of in kept}
    return load_drawn(path, classes, embedder, number, seed, framing, progress)


def load_drawn(
    folder: Path,
    classes: Mapping[str, str],
    embedder: Embedder,
    number: int,
    seed: int = 0,
    framing: str | None = None,
    progress: bool = True,
) -> PairSet:
    """Pairs drawn from some photographs of a folder.

    Args:
        folder: where they lie.
        classes: of each photograph, by its path below the folder.
        embedder: the network, whose `framing` and `image_size` say what it reads.
        number: how many pairs.
        seed: of the draw.
        framing: one of `FRAMINGS`; left out, the network's.
        progress: show a progress bar.

    Raises:
        LFSError: there are fewer pairs.
    """
    reader = _Reader(folder, embedder, framing)
    return _gather(draw_pairs(classes, seed), reader, number, folder_name(folder), progress)


def draw_pairs(classes: Mapping[str, str], seed: int) -> Iterator[tuple[str, str, bool]]:
    """Pairs in random order, in turn of one class and of two, as long as there are both.

    No image is in two pairs of one kind. Every class gives its first pair before any gives its
    second.

    Args:
        classes: of each image, by its name.
        seed: of the draw.

    Yields:
        Both names, and whether they are of one class.
    """
    names = sorted(classes)
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))
    names = [names[k] for k in order.tolist()]
    members: dict[str, list[str]] = {}
    for name in names:
        members.setdefault(classes[name], []).append(name)
    pairs_of_class = [zip(of[::2], of[1::2], strict=False) for of in members.values()]
    same = (pair for turn in zip_longest(*pairs_of_class) for pair in turn if pair)
    different = (
        (a, b) for a, b in zip(names[::2], names[1::2], strict=False) if classes[a] != classes[b]
    )
    for one, two in zip(same, different, strict=False):
        yield *one, True
        yield *two, False


def _gather(
    drawn: Iterator[tuple[str, str, bool]],
    read: Callable[[str], Tensor],
    number: int | None,
    description: str,
    progress: bool,
    wrong: Mapping[str, str] | None = None,
) -> PairSet:
    """The first pairs whose images can be read; of a table, all, and its wrong rows left out."""
    images, same, names, skipped = [], [], [], dict(wrong or {})
    with tqdm(total=number, desc="Reading pairs", disable=not progress, unit="pair") as bar:
        for a, b, alike in drawn:
            try:
                images.append(torch.stack([read(a), read(b)]))
            except ImageError as error:
                skipped[f"{a}, {b}"] = _why(error, a, b)
                continue
            same.append(alike)
            names.append((a, b))
            bar.update()
            if len(names) == number:
                break
    if not names or (number and len(names) < number):
        first = "; the first, ".join(["", *(f"{of}: {why}" for of, why in skipped.items())][:2])
        raise LFSError(
            f"{description} gives only {len(names)} pairs{f', not {number}' if number else ''}; "
            f"{len(skipped)} could not be read{first.rstrip('.')}."
        )
    several = frozenset(getattr(read, "several", ()))
    return PairSet(torch.stack(images), torch.tensor(same), names, description, skipped, several)


def _why(error: ImageError, *names: str) -> str:
    """What is wrong with a pair, whose names may be in another encoding than their files'."""
    if any(name != printable(name) for name in names):
        return f"{error} Its line in the table is not UTF-8; save the table as UTF-8."
    return str(error)


class _Reader:
    """From a path below a folder to what the network reads of it, (3,H,W) uint8."""

    def __init__(self, folder: Path, embedder: Embedder, framing: str | None) -> None:
        self._folder, self._embedder, self._framing = folder, embedder, framing
        self.several: set[str] = set()

    def __call__(self, name: str) -> Tensor:
        image = frame(_spelt(self._folder, name), self._embedder, self._framing)
        if image.info.get("faces", 1) > 1:
            self.several.add(name)
        return (to_tensor(image, image_sides(self._embedder)) * 255).round().byte()


def _spelt(folder: Path, name: str) -> Path:
    """A file below a folder, whose name may be written with other accents or as on Windows."""
    forms = (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
    spellings = [folder / of for form in forms for of in (form, form.replace("\\", "/"))]
    return next((path for path in spellings if path.exists()), spellings[0])


def _read_table(path: Path) -> tuple[list[tuple[str, str, bool]], dict[str, str]]:
    """The pairs that a table names, and what is wrong with the rows that name none."""
    if not path.is_file():
        raise ImageError(f"{path} does not exist.")
    try:
        text = read_text(path)
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror}).") from error
    header = text.partition("\n")[0]
    # Excel separates by semicolons where the comma is the decimal point.
    separator = max(",;\t", key=header.count)
    table = csv.DictReader(io.StringIO(text, ""), delimiter=separator, skipinitialspace=True)
    rows, wrong = [], {}
    try:
        table.fieldnames = [name.strip().lower() for name in table.fieldnames or ()]
        if missing := [column for column in COLUMNS if column not in table.fieldnames]:
            raise LFSError(f"{path} has no column {' or '.join(missing)}; it needs {COLUMNS}.")
        for row in table:
            a, b, same = ((row[column] or "").strip() for column in COLUMNS)
            if not (a or b or same):  # Excel's empty rows
                continue
            if not (a and b) or same.lower() not in SAME:
                reason = (
                    f"same is {same!r}; it must be 1 or 0" if a and b else "an image is missing"
                )
                wrong[f"line {table.line_num}"] = f"{reason}."
            else:
                rows.append((a, b, SAME[same.lower()]))
    except csv.Error as error:
        raise LFSError(f"{path}, line {table.line_num} cannot be read ({error}).") from error
    if not rows and not wrong:
        raise LFSError(f"{path} names no pair.")
    return rows, wrong
