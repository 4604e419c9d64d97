"""What a page shows where a network cannot be fetched: a sentence, and no traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from IPython.display import Markdown

from lfs_core.errors import LFSError

T = TypeVar("T")


class Attempt(Generic[T]):
    """What was made, or why it could not be.

    Args:
        make: what makes it; an `LFSError` is kept, other errors are raised.

    Attributes:
        made: what it returned; None after an error.
        why: the error in one line; empty without one.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self.made: T | None = None
        self.why = ""
        try:
            self.made = make()
        except LFSError as error:
            self.why = " ".join(str(error).split())

    def show(self, how: Callable[[T], object]) -> object:
        """How the page shows it; or the sentence that says why it is not there."""
        if self.made is None:
            return Markdown(f"*Not shown here.* {self.why}")
        return how(self.made)
