"""From folders of photographs to embeddings and small images, nothing embedded twice."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from lfs_core.assets import cache_folder
from lfs_core.datasets.faces import MARGIN, MIN_FACE, SURE, align_face
from lfs_core.datasets.folders import Views, find_photographs, stream_views
from lfs_core.datasets.images import load_image
from lfs_core.embedders import Embedder, embed_all, embedder_name, fingerprint
from lfs_core.errors import LFSError
from lfs_core.rows import Rows
from lfs_core.store import EmbeddingStore, Record

log = logging.getLogger(__name__)

BATCH = 32  # photographs that are embedded, and written to the store, at once
IMAGE_SIZE = 160  # px, for networks that do not say what they read
FRAMINGS = {"face": align_face, "whole": load_image}


@dataclass(frozen=True)
class TrainingSet:
    """What a decoder learns from: embeddings, the images they come from, and whose they are.

    Attributes:
        rows: embeddings (N,D) and images (N,3,h,w) uint8, in memory or in a store.
        identities: N names of people or classes.
        mirrored: positions of mirror images.
        skipped: what could not be used, and why, by path.
    """

    rows: Rows
    identities: Sequence[str]
    mirrored: frozenset[int] = frozenset()
    skipped: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.identities)

    def subset(self, positions: Sequence[int]) -> TrainingSet:
        """The images at these positions only."""
        return TrainingSet(
            self.rows.subset(positions),
            [self.identities[k] for k in positions],
            frozenset(new for new, k in enumerate(positions) if k in self.mirrored),
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
    folders: Iterable[str | os.PathLike],
    *,
    size: int = 40,
    framing: str | None = None,
    mirror: bool = False,
    workers: int = os.cpu_count() or 1,
    progress: bool = True,
) -> TrainingSet:
    """Frame, embed and shrink every photograph below some folders.

    What is in the store already is not done again: an interrupted run goes on where it stopped.

    Args:
        embedder: the network.
        folders: laid out as `find_photographs` reads them.
        size: side of the decoder's images, in pixels.
        framing: "face" or "whole"; left out, what the network reads.
        mirror: add the mirror image of every photograph.
        workers: threads that read photographs while the network works.
        progress: show a progress bar.

    Raises:
        ImageError: a folder is missing or holds no image.
        LFSError: there is no such framing, or no photograph can be used.
    """
    framing = framing or getattr(embedder, "framing", "whole")
    if framing not in FRAMINGS:
        raise LFSError(f"There is no framing {framing!r}; choose one of {list(FRAMINGS)}.")
    if size < 1:
        raise LFSError(f"The decoder's images cannot have {size} pixels a side.")
    photographs = [
        (path, f"{Path(folder).name}/{identity}")
        for folder in folders
        for path, identity in find_photographs(folder)
    ]
    paths = [path for path, _ in photographs]
    image_size = getattr(embedder, "image_size", IMAGE_SIZE)
    folder = store_folder(embedder, framing, image_size, size)
    store = EmbeddingStore(folder, (size, size))
    keys, identities, mirrored, skipped = [], [], set(), {}
    with _alone(folder), tqdm(total=len(paths), unit="img", disable=not progress) as bar:
        bar.set_description("Embedding")
        known = set(store.keys())
        batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
        views_of_batches = stream_views(
            batches,
            FRAMINGS[framing],
            image_size,
            size,
            mirror=mirror,
            known=frozenset(known),
            workers=workers,
        )
        for number, views in enumerate(views_of_batches):
            records = _records(embedder, views, known)
            store.write(records)
            known |= records.keys()
            for position, key in enumerate(views.keys):
                photograph, side = divmod(position, 1 + mirror)
                path, identity = photographs[number * BATCH + photograph]
                reason = views.problems.get(position)
                if reason is None and key not in records:
                    reason = store.reason(key)
                if reason:
                    skipped[str(path)] = reason
                    continue
                if side:
                    mirrored.add(len(keys))
                keys.append(key)
                identities.append(identity)
            bar.update(len(batches[number]))
    if not keys:
        reason = next(iter(skipped.values()))
        raise LFSError(f"None of the {len(paths)} images can be used; the first: {reason}")
    return TrainingSet(store.rows(keys), identities, frozenset(mirrored), skipped)


def store_folder(embedder: Embedder, framing: str, image_size: int, size: int) -> Path:
    """Where embeddings by this network, of images framed like this, are kept."""
    settings = [framing, image_size, size, fingerprint(embedder), version("pillow")]
    if framing == "face":
        settings += [MARGIN, MIN_FACE, SURE, version("facenet-pytorch")]
    digest = hashlib.sha256(repr(settings).encode()).hexdigest()
    return cache_folder() / "embeddings" / f"{embedder_name(embedder)}-{framing}-{digest[:16]}"


def _records(embedder: Embedder, views: Views, known: set[bytes]) -> dict[bytes, Record]:
    """What to store of a batch: embeddings of the images not known yet, and problems."""
    records: dict[bytes, Record] = {
        views.keys[position]: reason
        for position, reason in views.problems.items()
        if views.keys[position] is not None
    }
    # A file may lie twice among the photographs, even within a batch.
    new = {views.keys[position]: place for place, position in enumerate(views.fresh)}
    places = [place for key, place in new.items() if key not in known]
    if places:
        embeddings = embed_all(embedder, views.images[places], BATCH)
        for place, h in zip(places, embeddings, strict=True):
            records[views.keys[views.fresh[place]]] = (h.float(), views.small[place])
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
