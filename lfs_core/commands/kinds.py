"""What two files are for `lfs explain`, by what their names end in."""

from __future__ import annotations

from pathlib import Path

from lfs_core.commands.sounds import SUFFIXES
from lfs_core.errors import ImageError, LFSError

RECORDING, PHOTOGRAPH = "recording", "photograph"


def one_kind(*paths: Path) -> str:
    """What all files are: a recording, one of the kinds of things, or else a photograph.

    A name that says nothing, as that of a pipe, may be a photograph's.

    Raises:
        LFSError: they are of two kinds; or one is no photograph, and its name says nothing else.
    """
    kinds = [_kind(path) for path in paths]
    if len({*kinds}) > 1:
        said = " and ".join(map(_said, paths, kinds))
        raise LFSError(f"{said}; give two of one kind: {readable()}.")
    if kinds[0] == PHOTOGRAPH:
        for path in paths:
            _check_photograph(path)
    return kinds[0]


def readable() -> str:
    """All that can be explained, with its suffixes."""
    from lfs_core.things.files import readable_things

    others = f"recordings ({' '.join(SUFFIXES)}) or photographs (.jpg, .png and others)"
    return f"{', '.join(readable_things())}, {others}"


def _kind(path: Path) -> str:
    from lfs_core.things.files import kind_of

    if path.suffix.lower() in SUFFIXES:
        return RECORDING
    kind = kind_of(path)
    return kind.name if kind else PHOTOGRAPH


def _said(path: Path, kind: str) -> str:
    if kind == PHOTOGRAPH and not _named_as_photograph(path):
        return f"{path.name} has {_suffix(path)}"
    return f"{path.name} is a {kind}"


def _suffix(path: Path) -> str:
    return f"the unknown suffix {path.suffix}" if path.suffix else "no suffix"


def _named_as_photograph(path: Path) -> bool:
    from lfs_core.datasets.below import photograph_suffixes

    return path.suffix.lower() in photograph_suffixes()


def _check_photograph(path: Path) -> None:
    """Raise an LFSError if a file of an unknown suffix is no photograph by its content either."""
    from lfs_core.datasets.images import load_image

    if not path.is_file() or _named_as_photograph(path):  # what is wrong with it is said later
        return
    try:
        load_image(path)
    except ImageError:
        raise ImageError(
            f"{path.name} has {_suffix(path)} and is no photograph that can be read; give two of "
            f"one kind: {readable()}."
        ) from None
