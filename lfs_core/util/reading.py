"""Text files that users bring, in whatever encoding."""

from __future__ import annotations

import codecs
import os
from pathlib import Path


def read_text(path: str | os.PathLike[str]) -> str:
    """A text in UTF-8 or UTF-16, with or without the mark that Excel and others put in front.

    A byte that is not UTF-8 becomes a lone surrogate, as in the names of files. So a name in the
    text finds its file, and a reader can find its line by `printable`.

    Raises:
        OSError: the file cannot be read.
    """
    content = Path(path).read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "surrogateescape")
