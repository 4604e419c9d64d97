"""From folders of photographs to embeddings and small images, nothing embedded twice."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from lfs_core.datasets.folders import Views, find_photographs, folder_names, stream_views
from lfs_core.datasets.framing import FRAMINGS, check_framing, framing_of
from lfs_core.embedders import Embedder, embed_all, embedder_name, fingerprint, image_sides
from lfs_core.errors import LFSError
from lfs_core.training.enough import check_enough, why_left_out
from lfs_core.training.rows import Rows
from lfs_core.util.assets import cache_folder
from lfs_core.util.digests import key
from lfs_core.util.files import file_name

if TYPE_CHECKING:
    from lfs_core.training.store import EmbeddingStore, Record

log = logging.getLogger(__name__)

BATCH = 32  # photographs that are embedded, and written to the store, at once
SMALL = 40  # px, side of the decoder's images in the paper


@dataclass(frozen=True)
class TrainingSet:
    """What a decoder learns from: embeddings, the images they come from, and whose they are.

    Attributes:
        rows: embeddings (N,D) and images (N,3,h,w) uint8, in memory or in a store.
        identities: N names of people or classes.
        mirrored: positions of mirror images.
        skipped: what could not be used, and why, by path.
        several: how many photographs show several faces, of which one was taken.
    """

    rows: Rows
    identities: Sequence[str]
    mirrored: frozenset[int] = frozenset()
    skipped: dict[str, str] = field(default_factory=dict)
    several: int = 0

    def __len__(self) -> int:
        return len(self.identities)

    def digest(self) -> str:
        """What tells this training set from every other, by content."""
        rows = [key(h=h, x=x) for h, x in self.rows.batches()]
        return key(rows=rows, identities=list(self.identities), mirrored=self.mirrored)

    def subset(self, positions: Sequence[int]) -> TrainingSet:
        """The images at these positions only."""
        return TrainingSet(
            self.rows.subset(positions),
            [self.identities[k] for k in positions],
            frozenset(new for new, k in enumerate(positions) if k in self.mirrored),
            self.skipped,
        )

    def of(self, identities: set[str], mirrored: bool = True) -> TrainingSet:
        """The images of these identities only, with or without mirror images."""
        return self.subset(
            [
                k
                for k, identity in enumerate(self.identities)
                if identity in identities and (mirrored or k not in self.mirrored)
            ]
        )

    def split(self, shares: Sequence[float], seed: int) -> list[TrainingSet]:
        """Parts that share no identity, of about these shares of the identities.

        Mirror images serve to learn from: they are left in the first part only.
        """
        names = sorted(set(self.identities))
        generator = torch.Generator().manual_seed(seed)
        order = iter(torch.randperm(len(names), generator=generator).tolist())
        counts = [round(share * len(names)) for share in shares[:-1]]
        counts.append(len(names) - sum(counts))
        parts = [{names[k] for k in islice(order, count)} for count in counts]
        return [self.of(part, mirrored=number == 0) for number, part in enumerate(parts)]


def embed_folders(
    embedder: Embedder,
    folders: Sequence[str | os.PathLike[str]],
    *,
    size: int = SMALL,
    framing: str | None = None,
    mirror: bool = False,
    enough: bool = False,
    workers: int = os.cpu_count() or 1,
    progress: bool = True,
) -> TrainingSet:
    """Frame, embed and shrink every photograph below some folders.

    Args:
        embedder: the network.
        folders: laid out as `find_photographs` reads them.
        size: side of the decoder's images, in pixels.
        framing: one of `FRAMINGS`; left out, what the network reads.
        mirror: add the mirror image of every photograph.
        enough: check before the work that there are enough people or classes to fit a decoder to.
        workers: threads that read photographs while the network works.
        progress: show a progress bar.

    Raises:
        ImageError: a folder is missing or holds no image.
        LFSError: there is no such framing, no photograph can be used, or there are not enough
            people or classes.
    """
    photographs = [
        (path, f"{name}/{identity}")
        for folder, name in zip(folders, folder_names(folders), strict=True)
        for path, identity in find_photographs(folder)
    ]
    if enough:
        check_enough(identity for _, identity in photographs)
    embedded = embed_photographs(
        embedder,
        [path for path, _ in photographs],
        size=size,
        framing=framing,
        mirror=mirror,
        workers=workers,
        progress=progress,
    )
    # Every photograph gives one key, or two with its mirror image.
    sides = 1 + mirror
    usable = {place: key for place, key in enumerate(embedded.keys) if key is not None}
    if not usable:
        why = why_left_out(embedded.skipped, len(photographs), embedder)
        raise LFSError(f"None of the photographs can be used. {why}".rstrip())
    return TrainingSet(
        embedded.store.rows(list(usable.values())),
        [photographs[place // sides][1] for place in usable],
        frozenset(row for row, place in enumerate(usable) if place % sides),
        embedded.skipped,
        len(embedded.several),
    )


@dataclass(frozen=True)
class Embedded:
    """Photographs that are in a store.

    Attributes:
        store: where their embeddings and small images are.
        keys: of each photograph, and after it of its mirror image where that was asked for; None
            for one that cannot be used.
        skipped: what cannot be used, and why, by path.
        several: the photographs with several faces, of which one was taken.
    """

    store: EmbeddingStore
    keys: list[bytes | None]
    skipped: dict[str, str]
    several: list[Path]


def embed_photographs(
    embedder: Embedder,
    paths: Sequence[Path],
    *,
    size: int = SMALL,
    framing: str | None = None,
    mirror: bool = False,
    workers: int = os.cpu_count() or 1,
    progress: bool = True,
) -> Embedded:
    """Frame, embed and shrink photographs; see `embed_folders`.

    What is in the store already is not done again: an interrupted run goes on where it stopped.

    Raises:
        LFSError: there is no such framing or size, or the store cannot be written.
    """
    from lfs_core.training.store import EmbeddingStore

    framing = check_framing(framing) if framing else framing_of(embedder)
    if size < 1:
        raise LFSError(f"The decoder's images cannot have {size} pixels a side.")
    read = image_sides(embedder)
    folder = store_folder(embedder, framing, read, size)
    store = EmbeddingStore(folder, (size, size))
    keys: list[bytes | None] = []
    skipped: dict[str, str] = {}
    with _alone(folder), tqdm(total=len(paths), unit="img", disable=not progress) as bar:
        bar.set_description("Embedding")
        known = store.keys() if paths else set()  # which reads all of it
        shown = _Several(folder)
        batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
        views_of_batches = stream_views(
            batches,
            FRAMINGS[framing],
            read,
            size,
            mirror=mirror,
            known=frozenset(known),
            workers=workers,
        )
        for batch, views in zip(batches, views_of_batches, strict=True):
            records = _records(embedder, views, known)
            store.write(records)
            known |= records.keys()
            shown.add(views.several)
            for position, image in enumerate(views.keys):
                reason = views.problems.get(position)
                if reason is None and image is not None and image not in records:
                    reason = store.reason(image)
                if reason:
                    skipped[str(batch[position // (1 + mirror)])] = reason
                keys.append(None if reason else image)
            bar.update(len(batch))
    several = [path for path, key in zip(paths, keys[:: 1 + mirror], strict=True) if key in shown]
    return Embedded(store, keys, skipped, several)


class _Several:
    """Which photographs of a store show several faces, kept next to it as a line for each."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "several.txt"
        self._keys: set[str] = set()
        with suppress(OSError):
            self._keys = set(self._path.read_text("ascii", "replace").split())

    def __contains__(self, key: bytes | None) -> bool:
        return key is not None and key.hex() in self._keys

    def add(self, keys: set[bytes]) -> None:
        """Keep some more; if they cannot be, they are counted in this run only."""
        new = {key.hex() for key in keys} - self._keys
        self._keys |= new
        with suppress(OSError), self._path.open("a", encoding="ascii") as file:
            file.writelines(f"{key}\n" for key in sorted(new))


def store_folder(embedder: Embedder, framing: str, image_size: Sequence[int], size: int) -> Path:
    """Where embeddings by this network, of images framed like this, are kept."""
    name = key(
        code=[FRAMINGS[framing], stream_views, embed_all, embedder],
        network=fingerprint(embedder),
        image_size=image_size,
        size=size,
    )
    called = file_name(embedder_name(embedder))
    return cache_folder() / "embeddings" / f"{called}-{framing}-{name[:16]}"


def _records(embedder: Embedder, views: Views, known: set[bytes]) -> dict[bytes, Record]:
    """What to store of a batch: embeddings of the images not known yet, and problems."""
    named = [(views.keys[position], reason) for position, reason in views.problems.items()]
    records: dict[bytes, Record] = {key: reason for key, reason in named if key is not None}
    # A file may lie twice among the photographs, even within a batch.
    fresh = {key: place for place, key in enumerate(views.fresh_keys)}
    new = {key: place for key, place in fresh.items() if key not in known}
    if new and views.images is not None and views.small is not None:
        places = list(new.values())
        embeddings = embed_all(embedder, views.images[places], BATCH)
        for (key, place), h in zip(new.items(), embeddings, strict=True):
            records[key] = (h.float(), views.small[place])
    return records


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Embed for this store alone; a second process waits, and then finds everything done."""
    lock = FileLock(folder / "embedding.lock")
    try:
        lock.acquire(timeout=1)
    except Timeout:
        log.info("Another process is embedding with this network; waiting for it ...")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
