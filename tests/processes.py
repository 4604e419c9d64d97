"""Processes that a test starts, and waits for."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def started(command: Sequence[str], **options: object) -> Iterator[subprocess.Popen[str]]:
    """A process, which is gone and has left no file open when the test goes on, or fails."""
    with subprocess.Popen(command, encoding="utf-8", **options) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(happened: Callable[[], object], seconds: float = 600) -> None:
    """Wait until a function gives something true; the machine may have much to do."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
