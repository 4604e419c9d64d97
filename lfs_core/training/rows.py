"""Embeddings and images, wherever they are kept, as batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lfs_core.errors import LFSError

Array = Tensor | np.ndarray
Batch = tuple[Tensor, Tensor]
"""Embeddings (B,D) and images (B,3,h,w)."""


@dataclass(frozen=True)
class Rows:
    """Embeddings and their images by position, read as they are asked for.

    rows[[0, 5, 7]] is a batch of three.

    Attributes:
        read: gives the batch at some positions of the source.
        positions: of these rows in the source.
    """

    read: Callable[[Sequence[int]], Batch]
    positions: Sequence[int]

    @classmethod
    def of(cls, embeddings: Array | Rows, images: Array | None = None) -> Rows:
        """Rows of arrays in memory, (N,D) and (N,3,h,w); rows as they are.

        Raises:
            LFSError: there is one array only, or they are not equally long.
        """
        if isinstance(embeddings, Rows):
            return embeddings
        if images is None:
            raise LFSError("Embeddings came without images: give both, or rows.")
        if len(embeddings) != len(images):
            raise LFSError(f"{len(embeddings)} embeddings and {len(images)} images do not fit.")
        h, x = torch.as_tensor(embeddings), torch.as_tensor(images)
        return cls(lambda at: (h[at], x[at]), range(len(h)))

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, chosen: Sequence[int]) -> Batch:
        return self.read([self.positions[k] for k in chosen])

    def subset(self, chosen: Sequence[int]) -> Rows:
        """Some of these rows."""
        return Rows(self.read, [self.positions[k] for k in chosen])

    def batches(self, size: int = 1024) -> Iterator[Batch]:
        """All of them, in order."""
        for start in range(0, len(self), size):
            yield self[range(start, min(start + size, len(self)))]
