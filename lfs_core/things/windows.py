"""An image as a thing: its parts are windows."""

from __future__ import annotations

import torch
from torch import Tensor

from lfs_core.util.networks import Embedder, embed

BATCH = 64  # images of the network at a time


class Windows:
    """An image as a thing: its parts are windows, and a baseline replaces what is taken away.

    Args:
        embedder: the network.
        image: (3,H,W) in [0,1].
        windows: (K,H,W) bool.
        baseline: (3,H,W) in [0,1].
    """

    def __init__(
        self, embedder: Embedder, image: Tensor, windows: Tensor, baseline: Tensor
    ) -> None:
        self.embedder, self.image = embedder, image
        self.windows, self.baseline = windows, baseline
        self.parts = tuple(f"window {k + 1}" for k in range(len(windows)))

    def without(self, sets: Tensor) -> Tensor:
        """Embeddings (S,D) without the windows of each set (S,K) bool."""
        gone = (sets.float() @ self.windows.flatten(1).float() > 0).unflatten(1, (1, *self.size))
        changed = (torch.where(some, self.baseline, self.image) for some in gone.split(BATCH))
        return torch.cat([embed(self.embedder, some) for some in changed])

    @property
    def size(self) -> torch.Size:
        """(H,W) in pixels."""
        return self.image.shape[-2:]
