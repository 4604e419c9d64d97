"""A gallery: a folder of photographs that is searched by similarity.

It is one file. It holds an embedding of every photograph, and what tells whether a photograph has
changed since: name, size, time and content.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, TypeAdapter, ValidationError
from torch import Tensor

from lfs_core.datasets.folders import find_photographs
from lfs_core.embedders import Embedder, embedder_name, fingerprint
from lfs_core.errors import ImageError, LFSError
from lfs_core.training.embedding import embed_photographs
from lfs_core.util.distances import needs_cosine
from lfs_core.util.tensors import read_tensors, write_tensors

BATCH = 1024  # embeddings read from the store at once


class Photograph(BaseModel):
    """A file of a gallery.

    Attributes:
        name: its path below the gallery's folder.
        label: the class that its sub-folder names; without one, as `find_photographs` says.
        size: in bytes.
        modified: nanoseconds since 1970.
        key: SHA-256 of the content, in hexadecimal; "" if it cannot be used.
        problem: why it is left out of the gallery; "" if it is not.
        several: whether it shows several faces, of which one was taken.
    """

    name: str
    label: str
    size: int
    modified: int
    key: str = ""
    problem: str = ""
    several: bool = False


@dataclass(frozen=True)
class Gallery:
    """Photographs and their embeddings, sorted by name.

    Attributes:
        folder: where the photographs lie.
        embedder: name of the network that embedded them.
        fingerprint: of that network.
        photographs: N files.
        embeddings: (N,D) float32 of length 1.
        left_out: files that cannot be used, or repeat another.
        load_with: arguments of `load_embedder` that give the network again.
        framing: how photographs were framed; None, as the network says.
    """

    folder: Path
    embedder: str
    fingerprint: str
    photographs: list[Photograph]
    embeddings: Tensor
    left_out: list[Photograph] = field(default_factory=list)
    load_with: dict[str, str] = field(default_factory=dict)
    framing: str | None = None

    def __len__(self) -> int:
        return len(self.photographs)

    @property
    def labels(self) -> list[str]:
        """The class of each photograph."""
        return [photograph.label for photograph in self.photographs]

    def path(self, position: int) -> Path:
        """Where a photograph lies."""
        return self.folder / self.photographs[position].name

    def problem(self, position: int) -> str:
        """Why a photograph's file is no longer what was embedded; "" if it is."""
        path, known = self.path(position), self.photographs[position]
        try:
            state = path.stat()
            if (state.st_size, state.st_mtime_ns) == (known.size, known.modified):
                return ""
            # A copy, or a file that was touched, is the same.
            same = hashlib.sha256(path.read_bytes()).hexdigest() == known.key
        except OSError as error:
            return f"{known.name} cannot be read ({error.strerror}); run `lfs index` again."
        return "" if same else f"{known.name} has changed since; run `lfs index` again."

    def unchanged(self, position: int) -> Path:
        """Where a photograph lies that is still what was embedded.

        Raises:
            ImageError: its file has been replaced, or is gone.
        """
        if problem := self.problem(position):
            raise ImageError(problem)
        return self.path(position)

    def similarities(self, h: Tensor) -> Tensor:
        """(N,) cosines, in [-1,1], of an embedding (D,) with all photographs."""
        return (self.embeddings @ torch.nn.functional.normalize(h, dim=0)).clamp(-1, 1)

    def nearest(self, h: Tensor, k: int) -> tuple[list[int], list[float]]:
        """Positions and cosines of the k photographs most similar to an embedding (D,)."""
        return _largest(self.similarities(h), min(k, len(self)))

    def farthest(self, h: Tensor, k: int) -> tuple[list[int], list[float]]:
        """Positions and cosines of the k least similar photographs, least first."""
        positions, opposite = _largest(-self.similarities(h), min(k, len(self)))
        return positions, [-cosine for cosine in opposite]

    def check(self, embedder: Embedder) -> None:
        """Raise an LFSError unless this network embedded the gallery."""
        if fingerprint(embedder) != self.fingerprint:
            raise LFSError(
                f"This gallery was made with {self.embedder!r}, and the network given is another "
                f"({embedder_name(embedder)!r}, or other weights). Use that network, or index the "
                "folder again with this one."
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the gallery as safetensors; the file appears whole or not at all."""
        table = {
            "folder": str(self.folder),
            "embedder": self.embedder,
            "fingerprint": self.fingerprint,
            "photographs": [p.model_dump() for p in self.photographs],
            "left_out": [p.model_dump() for p in self.left_out],
            "load_with": self.load_with,
            "framing": self.framing,
        }
        # Not in the header, whose length is limited.
        text = np.frombuffer(json.dumps(table).encode(), np.uint8).copy()
        tensors = {"embeddings": self.embeddings.contiguous(), "table": torch.from_numpy(text)}
        write_tensors(path, tensors, {"lfs_gallery": "1"})


def load_gallery(path: str | os.PathLike[str]) -> Gallery:
    """Read a gallery from its file.

    Raises:
        LFSError: there is no such file, or it is not a gallery.
    """
    if Path(path).is_dir():
        raise LFSError(f"{path} is a folder; make a gallery of it first: lfs index {path}")
    if not Path(path).is_file():
        raise LFSError(f"There is no gallery {path}; `lfs index FOLDER` makes one.")
    tensors, _ = read_tensors(path, "a gallery made by `lfs index`")
    try:
        table = json.loads(tensors["table"].numpy().tobytes())
        files = TypeAdapter(list[Photograph])
        gallery = Gallery(
            Path(table["folder"]),
            table["embedder"],
            table["fingerprint"],
            files.validate_python(table["photographs"]),
            tensors["embeddings"],
            files.validate_python(table["left_out"]),
            table["load_with"],
            table.get("framing"),
        )
    except (KeyError, ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise LFSError(f"{path} is not a gallery made by `lfs index` ({reason}).") from error
    if len(gallery.photographs) != len(gallery.embeddings):
        raise LFSError(f"{path} is damaged: it names more photographs than it holds embeddings.")
    return gallery


def index_folder(
    folder: str | os.PathLike[str],
    embedder: Embedder,
    previous: Gallery | None = None,
    framing: str | None = None,
    progress: bool = True,
) -> Gallery:
    """A gallery of every photograph below a folder, or a gallery brought up to date.

    Files of the previous gallery whose size and time are the same are not read again, and content
    that the network has seen anywhere is not embedded again. Of several files with the same
    content the first one is kept.

    Args:
        folder: laid out as `find_photographs` reads it.
        embedder: the network.
        previous: the gallery of this folder as it was; of another folder, network or framing it is
            no help.
        framing: one of `FRAMINGS`; left out, what the network reads.
        progress: show a progress bar.

    Raises:
        ImageError: there is no folder, no image in it, or none that can be used.
        LFSError: the network compares by another distance than the cosine.
    """
    needs_cosine(embedder, "A gallery")
    folder, mark = Path(folder).resolve(), fingerprint(embedder)
    known: dict[str, Photograph] = {}
    vectors: dict[str, Tensor] = {}
    made = previous and (previous.folder, previous.fingerprint, previous.framing)
    if previous is not None and made == (folder, mark, framing):
        files = [*previous.photographs, *previous.left_out]
        known = {file.name: file for file in files if file.key}
        keys = [photograph.key for photograph in previous.photographs]
        vectors = dict(zip(keys, previous.embeddings, strict=True))

    files = list(_files(folder, known))
    new = [file for file in files if not file.key]
    paths = [folder / file.name for file in new]
    show = progress and bool(paths)
    embedded = embed_photographs(embedder, paths, framing=framing, progress=show)
    several = set(embedded.several)
    for file, key in zip(new, embedded.keys, strict=True):
        if key is None:
            file.problem = embedded.skipped[str(folder / file.name)]
        else:
            file.key = key[:32].hex()
            file.several = folder / file.name in several
    fresh = {file.key: key for file, key in zip(new, embedded.keys, strict=True) if key}
    for start in range(0, len(fresh), BATCH):
        batch = dict(islice(fresh.items(), start, start + BATCH))
        h, _ = embedded.store.read(batch.values())
        vectors |= zip(batch, torch.nn.functional.normalize(h), strict=True)

    kept: dict[str, Photograph] = {}
    left_out = []
    for file in files:
        if file.key and file.key in kept:
            file.problem = f"has the same content as {kept[file.key].name}"
        if file.problem:
            left_out.append(file)
        else:
            kept[file.key] = file
    if not kept:
        raise ImageError(
            f"None of the {len(files)} images in {folder} can be used; the first: "
            f"{left_out[0].name} {left_out[0].problem}"
        )
    embeddings = torch.stack([vectors[key] for key in kept])
    return Gallery(
        folder,
        embedder_name(embedder),
        mark,
        list(kept.values()),
        embeddings,
        left_out,
        framing=framing,
    )


def changes(before: Gallery | None, after: Gallery) -> dict[str, int]:
    """How many files were added, changed, removed and left as they were."""
    old = {p.name: p.key for p in [*before.photographs, *before.left_out]} if before else {}
    new = {p.name: p.key for p in [*after.photographs, *after.left_out]}
    both = old.keys() & new.keys()
    same = sum(old[name] == new[name] for name in both)
    return {
        "added": len(new) - len(both),
        "changed": len(both) - same,
        "removed": len(old) - len(both),
        "unchanged": same,
    }


def _files(folder: Path, known: dict[str, Photograph]) -> Iterator[Photograph]:
    """The files below a folder, with the content of those that are as they were."""
    for path, label in find_photographs(folder):
        name = path.relative_to(folder).as_posix()
        file = Photograph(name=name, label=label, size=0, modified=0)
        with suppress(OSError):  # removed since it was listed, or a link to nothing
            state = path.stat()
            file.size, file.modified = state.st_size, state.st_mtime_ns
        old = known.get(name)
        if old and (old.size, old.modified) == (file.size, file.modified):
            file.key, file.several = old.key, old.several
        yield file


def _largest(values: Tensor, k: int) -> tuple[list[int], list[float]]:
    top = values.topk(k)
    return top.indices.tolist(), top.values.tolist()
