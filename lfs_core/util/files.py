"""Writing files so that they appear whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from lfs_core.errors import LFSError

ROOM = 1 << 16  # bytes that must be free before long work begins


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give a path to write to, whose file takes the place of `path` when the block ends well.

    Everyone may read and write it whom the umask lets.

    Raises:
        LFSError: the file or its folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
            new = Path(scratch) / path.name
            new.touch()
            mode = new.stat().st_mode
            yield new
            new.chmod(mode)  # safetensors makes files that only their owner may read
            with new.open("r+b") as file:
                os.fsync(file.fileno())  # a full disk may show only now
            os.replace(new, path)
    except (OSError, SafetensorError) as error:
        raise LFSError(f"Cannot write {path} ({reason(error)}).") from error


def check_outputs(
    outputs: Iterable[str | os.PathLike[str]], inputs: Iterable[str | os.PathLike[str] | None]
) -> None:
    """Check, before the work, that outputs can be written, and that none overwrites an input.

    Args:
        outputs: the files that will be written, the one that the user named first; the others are
            written next to it.
        inputs: the files and folders that are read; names that are no file do no harm.

    Raises:
        LFSError: an output is an input, or nothing can be written there. Or an output that the user
            did not name exists already and the named one does not, so it is not our result.
    """
    named, *beside = outputs
    given = [path for path in inputs if path is not None]
    for output in (named, *beside):
        for path in given:
            if _same_file(output, path):
                raise LFSError(
                    f"The output {os.fspath(output)} would overwrite {os.fspath(path)}, which is "
                    "an input. Name another output."
                )
    if not os.path.lexists(named):
        for output in beside:
            if os.path.lexists(output):
                raise LFSError(
                    f"{os.fspath(output)} exists already, and would be overwritten together with "
                    f"{os.fspath(named)}. Name another output, or move it away."
                )
    _check_writable(Path(named))


def file_name(text: str) -> str:
    """A text as a name that every system takes for a file or folder; two texts may share one."""
    return re.sub(r"[^\w.,=+-]", "_", text)[:100].rstrip(".")


def reason(error: Exception) -> str:
    """What the system says was wrong, in one line."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return said.splitlines()[0]


def _check_writable(path: Path) -> None:
    """Raise an LFSError unless there is room for a file; no folder is made, and nothing is left."""
    path = path.absolute()
    try:
        folder = path if path.is_dir() else next(of for of in path.parents if of.exists())
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise LFSError(f"Cannot write {path} ({reason(error)}).") from error


def _same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether two paths name one file: by links, hard links, or in other letters."""
    # "new/../file" is that file once `new` has been made, which writing does.
    for path in (one, os.path.abspath(one)):
        with suppress(OSError, ValueError):  # one of them is not there
            if os.path.samefile(path, other):
                return True
    return False
