"""What a network made of each image, kept on disk so that nothing is embedded twice.

The store is an SQLite database: a write appears whole or not at all, whenever the process is killed
and however many others read or write. Every record carries a checksum.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.training.rows import Rows
from lfs_core.util.files import reason

log = logging.getLogger(__name__)

FILE = "embeddings.sqlite"
WAIT = 600  # seconds for another process that is writing
HEADER = struct.Struct("<II")  # checksum of key and payload; number of latents, 0 if there is none
OF_THE_SYSTEM = {  # what keeps a good database from being read or written
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}

Record = tuple[Tensor, Tensor] | str
"""(D,) float32 and (3,h,w) uint8; or why the image cannot be used."""

Answer = TypeVar("Answer")


class EmbeddingStore:
    """Embeddings and small images by the content of the photograph they come from.

    One store holds one network's view of images framed in one way, at one size. A database that is
    damaged is made again of the records that are whole; the others are missing then.

    Args:
        folder: where the database lies; made if it is not there.
        image_size: (h,w) of the small images.

    Raises:
        LFSError: the folder cannot be opened as a store.
    """

    def __init__(self, folder: Path, image_size: tuple[int, int]) -> None:
        self.folder, self.image_shape = folder, (3, *image_size)
        self._file = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error
        self._database = self._opened(self._file)
        self._ask(_make_table)

    def write(self, records: Mapping[bytes, Record]) -> None:
        """Add records, all or none.

        Raises:
            LFSError: the disk is full or the store cannot be written.
        """
        rows = [(key, _pack(key, record)) for key, record in records.items()]
        self._ask(lambda database: _insert(database, rows))

    def keys(self) -> set[bytes]:
        """The keys of all records whose checksum is right; says how many are wrong."""
        whole = self._ask(
            lambda database: {
                key: _is_whole(key, value)
                for key, value in database.execute("SELECT key, value FROM records")
            }
        )
        if damaged := len(whole) - sum(whole.values()):
            log.warning(
                "Of the embedding store %s, %d images are damaged; they are embedded again.",
                self.folder,
                damaged,
            )
        return {key for key, is_whole in whole.items() if is_whole}

    def reason(self, key: bytes) -> str | None:
        """Why this image cannot be used; None if it can."""
        (value,) = self._values([key])
        latents = HEADER.unpack_from(value)[1]
        return None if latents else value[HEADER.size :].decode()

    def read(self, keys: Iterable[bytes]) -> tuple[Tensor, Tensor]:
        """Embeddings (B,D) float32 and images (B,3,h,w) uint8 of usable images.

        Raises:
            LFSError: a record is missing or damaged.
        """
        embeddings, images = [], []
        for value in self._values(keys):
            latents = HEADER.unpack_from(value)[1]
            embeddings.append(np.frombuffer(value, "<f4", latents, HEADER.size))
            images.append(np.frombuffer(value, np.uint8, -1, HEADER.size + 4 * latents))
        h, x = np.stack(embeddings), np.stack(images)
        return torch.from_numpy(h), torch.from_numpy(x).unflatten(1, self.image_shape)

    def rows(self, keys: Sequence[bytes]) -> Rows:
        """These records, read as they are asked for."""
        return Rows(lambda positions: self.read(keys[k] for k in positions), range(len(keys)))

    def _values(self, keys: Iterable[bytes]) -> list[bytes]:
        """The records as they are stored, each of them whole."""
        keys = list(keys)
        values = self._ask(lambda database: _find(database, keys))
        if values is None:  # the way to a record may be damaged, and the record whole
            self._make_again()
            values = self._ask(lambda database: _find(database, keys))
        if values is None:
            raise LFSError(
                f"A record of the embedding store {self.folder} is missing or damaged; "
                "run the same command again to repair it."
            )
        return values

    def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """What the database answers; if it is damaged, what it answers when it is made again."""
        for attempt in range(2):
            try:
                return question(self._database)
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
                if attempt or code & 0xFF in OF_THE_SYSTEM:
                    raise self._unusable(error) from error
            self._make_again()
        raise AssertionError

    def _make_again(self) -> None:
        """Replace this database by one with all records that are not damaged."""
        new = self._file.with_suffix(f".{os.getpid()}")
        try:
            new.unlink(missing_ok=True)
            with closing(self._opened(new)) as database:
                _make_table(database)
                _insert(database, _whole_rows(self._database))
                count = database.execute("SELECT COUNT(*) FROM records").fetchone()[0]
            log.warning(
                "The embedding store %s is damaged: %d images are kept, the others are embedded "
                "again.",
                self.folder,
                count,
            )
            self._database.close()
            self._file.with_name(f"{FILE}-journal").unlink(missing_ok=True)  # of the old one
            os.replace(new, self._file)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        self._database = self._opened(self._file)

    def _opened(self, file: Path) -> sqlite3.Connection:
        try:
            if not file.exists():
                file.touch()  # so that the umask says who may read it
            database = sqlite3.connect(file, WAIT, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        database.text_factory = bytes  # damage can make a text of a number
        return database

    def _unusable(self, error: Exception) -> LFSError:
        return LFSError(
            f"Cannot use the embedding store {self.folder} ({reason(error)}). Make room, make it "
            "writable, or name another cache in the environment variable LFS_CACHE."
        )


def _make_table(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA cell_size_check = ON")  # damage is looked for at every step
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("CREATE TABLE IF NOT EXISTS records (key BLOB PRIMARY KEY, value BLOB)")


def _insert(database: sqlite3.Connection, rows: Iterable[tuple[bytes, bytes]]) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        database.executemany("INSERT OR REPLACE INTO records VALUES (?, ?)", rows)
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _find(database: sqlite3.Connection, keys: Sequence[bytes]) -> list[bytes] | None:
    """The records of these keys; None unless all are there, and whole."""
    values = []
    for key in keys:
        row = database.execute("SELECT value FROM records WHERE key = ?", (key,)).fetchone()
        if row is None or not _is_whole(key, row[0]):
            return None
        values.append(row[0])
    return values


def _whole_rows(database: sqlite3.Connection) -> Iterator[tuple[bytes, bytes]]:
    """The records that are whole, and can be reached from either end."""
    for order in ("ASC", "DESC"):
        try:
            for row in database.execute(f"SELECT key, value FROM records ORDER BY rowid {order}"):
                if _is_whole(*row):
                    yield row
            return
        except sqlite3.Error:
            continue


def _pack(key: bytes, record: Record) -> bytes:
    if isinstance(record, str):
        latents, payload = 0, record.encode()
    else:
        h, x = (np.ascontiguousarray(tensor.numpy()) for tensor in record)
        latents, payload = len(h), h.astype("<f4").tobytes() + x.astype(np.uint8).tobytes()
    return HEADER.pack(_checksum(key, latents, payload), latents) + payload


def _is_whole(key: object, value: object) -> bool:
    if not isinstance(key, bytes) or not isinstance(value, bytes) or len(value) < HEADER.size:
        return False
    checksum, latents = HEADER.unpack_from(value)
    return _checksum(key, latents, memoryview(value)[HEADER.size :]) == checksum


def _checksum(key: bytes, latents: int, payload: bytes | memoryview) -> int:
    return zlib.crc32(payload, zlib.crc32(key, latents))
