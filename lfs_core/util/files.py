"""Writing files so that they appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lfs_core.errors import LFSError


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give a path to write to, whose file takes the place of `path` when the block ends well.

    Raises:
        LFSError: the file or its folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
            new = Path(scratch) / path.name
            yield new
            os.replace(new, path)
    except OSError as error:
        raise LFSError(f"Cannot write {path} ({error.strerror or error}).") from error
