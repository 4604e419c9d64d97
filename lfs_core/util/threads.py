"""How many threads PyTorch works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch work on one thread.

    An explanation's own steps, and a face detector's, are so small that waking a second thread
    takes longer than they do, and a thread that waits for the next one keeps the network from its
    core.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
