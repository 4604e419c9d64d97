"""Results that are computed once and kept in the cache; damaged ones are computed again.

The first line of such a file is the checksum of the rest.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.util.assets import cache_folder
from lfs_core.util.files import replacing
from lfs_core.util.tensors import read_tensors, write_tensors

log = logging.getLogger(__name__)


def keep(path: Path, content: bytes) -> None:
    """Keep a file's content.

    Raises:
        LFSError: the file cannot be written.
    """
    with replacing(path) as new, new.open("wb") as file:
        file.write(_line(content))
        file.write(content)


def kept(path: Path) -> bytes | None:
    """What `keep` was given; None if nothing can be read, or it is damaged, which is said."""
    try:
        with path.open("rb") as file:
            line, content = file.readline(), file.read()
    except OSError:
        return None
    if line != _line(content):
        _tell_damaged(path)
        return None
    return content


def keep_json(path: Path, value: object) -> Any:  # noqa: ANN401, it is what JSON holds
    """`keep` what can be written as JSON; the value as it will be found again."""
    content = json.dumps(value).encode()
    keep(path, content)
    return json.loads(content)


def kept_json(path: Path) -> Any | None:  # noqa: ANN401
    """What `keep_json` was given; None as for `kept`."""
    content = kept(path)
    return None if content is None else json.loads(content)


def keep_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Keep tensors and texts about them, in a file of safetensors, which holds the checksum."""
    write_tensors(path, tensors, about)


def kept_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]] | None:
    """What `keep_tensors` was given; None as for `kept`."""
    if not path.exists():
        return None
    try:
        return read_tensors(path)
    except LFSError:
        _tell_damaged(path)
        return None


def save_somewhere(save: Callable[[Path], None], output: Path) -> None:
    """Write what took long to make; where that is impossible, elsewhere.

    Raises:
        LFSError: it could not be written to `output`; it says where it is.
    """
    try:
        save(output)
    except LFSError as error:
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{output.name}"
        for folder in (cache_folder() / "unsaved", Path.cwd(), Path(tempfile.gettempdir())):
            try:
                save(folder / name)
            except LFSError:
                continue
            raise LFSError(f"{error} What was made is kept in {folder / name}.") from error
        raise


def _line(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).hexdigest().encode() + b"\n"


def _tell_damaged(path: Path) -> None:
    log.warning("%s in the cache is damaged; it is made again.", path)
    with suppress(OSError):
        path.unlink()
