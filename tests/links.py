"""Links, where the system lets one make them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def link(path: Path, target: str | os.PathLike[str]) -> Path:
    """Make a link; without the right to it, as on Windows, the test is skipped."""
    try:
        path.symlink_to(target)
    except OSError as error:
        pytest.skip(f"no links can be made here ({error.strerror})")
    return path


def pipe(path: Path) -> Path:
    """Make a named pipe; where there are none, as on Windows, the test is skipped."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes here")
    os.mkfifo(path)
    return path
