"""Progress of loops that lie deep within, shown only if a command has asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from torch import Tensor
from tqdm import tqdm

DELAY = 1.0  # s; a loop that is done sooner shows nothing

Rows = TypeVar("Rows", bound=Sequence | Tensor)

_title: ContextVar[str | None] = ContextVar("title", default=None)


@contextmanager
def progress(title: str) -> Iterator[None]:
    """Within the block, `batches` shows a bar on the standard error."""
    before = _title.set(title)
    try:
        yield
    finally:
        _title.reset(before)


def batches(rows: Rows, size: int, unit: str = "set", title: str | None = None) -> Iterator[Rows]:
    """The rows of a list or a tensor, `size` at a time.

    Args:
        rows: what is gone through.
        size: of a batch.
        unit: what a row is called in the bar.
        title: of the bar, if it is not that of `progress`.
    """
    asked = _title.get()
    hidden = asked is None or len(rows) <= size  # of one batch there is no progress
    shown = {"desc": title or asked, "unit": unit, "delay": DELAY, "disable": hidden}
    with tqdm(total=len(rows), **shown) as bar:
        for first in range(0, len(rows), size):
            some: Rows = rows[first : first + size]  # type: ignore[assignment]
            yield some
            bar.update(len(some))
