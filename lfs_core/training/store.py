"""What a network made of each image, kept on disk so that nothing is embedded twice.

The store is an LMDB database: memory-mapped, and a write appears whole or not at all, whenever the
process is killed and however many others read or write. Every record carries a checksum.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.training.rows import Rows
from lfs_core.util.extras import needs

with needs("train", "Keeping embeddings on disk"):
    import lmdb

LIMIT = 1 << 38  # bytes of address space; the file grows only as it fills
HEADER = struct.Struct("<II")  # checksum of what follows; number of latents, 0 if there is none

Record = tuple[Tensor, Tensor] | str
"""(D,) float32 and (3,h,w) uint8; or why the image cannot be used."""


class EmbeddingStore:
    """Embeddings and small images by the content of the photograph they come from.

    One store holds one network's view of images framed in one way, at one size.

    Args:
        folder: where the database lies; made if it is not there.
        image_size: (h,w) of the small images.

    Raises:
        LFSError: the folder cannot be opened as a store.
    """

    def __init__(self, folder: Path, image_size: tuple[int, int]) -> None:
        self.folder, self.image_shape = folder, (3, *image_size)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._database = _open(folder.resolve())
        except (OSError, lmdb.Error) as error:
            raise LFSError(
                f"Cannot open the embedding store {folder} ({error}). Delete that folder, or name "
                "another cache in the environment variable LFS_CACHE."
            ) from error

    def write(self, records: Mapping[bytes, Record]) -> None:
        """Add records, all or none.

        Raises:
            LFSError: the disk is full or the store cannot be written.
        """
        try:
            with self._database.begin(write=True) as transaction:
                for key, record in records.items():
                    transaction.put(key, _pack(record))
        except lmdb.Error as error:
            raise LFSError(f"Cannot write to the store {self.folder} ({error}).") from error

    def keys(self) -> Iterator[bytes]:
        """The keys of all records whose checksum is right."""
        with self._database.begin(buffers=True) as transaction:
            for key, value in transaction.cursor():
                if _is_whole(value):
                    yield bytes(key)

    def reason(self, key: bytes) -> str | None:
        """Why this image cannot be used; None if it can."""
        with self._database.begin(buffers=True) as transaction:
            value = self._value(transaction, key)
            latents = HEADER.unpack_from(value)[1]
            return None if latents else bytes(value[HEADER.size :]).decode()

    def read(self, keys: Iterable[bytes]) -> tuple[Tensor, Tensor]:
        """Embeddings (B,D) float32 and images (B,3,h,w) uint8 of usable images.

        Raises:
            LFSError: a record is missing or damaged.
        """
        embeddings, images = [], []
        with self._database.begin(buffers=True) as transaction:
            for key in keys:
                value = self._value(transaction, key)
                latents = HEADER.unpack_from(value)[1]
                embeddings.append(np.frombuffer(value, np.float32, latents, HEADER.size))
                images.append(np.frombuffer(value, np.uint8, -1, HEADER.size + 4 * latents))
            # Stacking copies, so that nothing points into the map after the transaction.
            h, x = np.stack(embeddings), np.stack(images)
        return torch.from_numpy(h), torch.from_numpy(x).unflatten(1, self.image_shape)

    def rows(self, keys: Sequence[bytes]) -> Rows:
        """These records, read as they are asked for."""
        return Rows(lambda positions: self.read(keys[k] for k in positions), range(len(keys)))

    def _value(self, transaction: lmdb.Transaction, key: bytes) -> memoryview:
        value = transaction.get(key)
        if value is None or not _is_whole(value):
            raise LFSError(
                f"A record of the embedding store {self.folder} is missing or damaged; "
                "run the same command again to repair it."
            )
        return memoryview(value)


# LMDB lets a process open a database only once.
_opened: WeakValueDictionary[Path, lmdb.Environment] = WeakValueDictionary()


def _open(folder: Path) -> lmdb.Environment:
    database = _opened.get(folder)
    if database is None:
        database = lmdb.open(str(folder), map_size=LIMIT, readahead=False)
        _opened[folder] = database
    return database


def _pack(record: Record) -> bytes:
    if isinstance(record, str):
        latents, payload = 0, record.encode()
    else:
        h, x = (np.ascontiguousarray(tensor.numpy()) for tensor in record)
        latents, payload = len(h), h.astype("<f4").tobytes() + x.astype(np.uint8).tobytes()
    return HEADER.pack(zlib.crc32(payload, latents), latents) + payload


def _is_whole(value: bytes | memoryview) -> bool:
    if len(value) < HEADER.size:
        return False
    checksum, latents = HEADER.unpack_from(value)
    return zlib.crc32(value[HEADER.size :], latents) == checksum
