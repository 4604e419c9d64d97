"""A control: relevance drawn at random."""

from __future__ import annotations

import zlib

import numpy as np
import torch
from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError


class Random(Comparator):
    """Uniform noise on a coarse grid: a map that ignores the network.

    An image's noise is drawn from the seed and its own pixels, so an image has one map in every
    pair, and two images have two.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        grid: numbers along each side of the image, 1 or more.
        seed: 0 or more.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "random"
    title = "Random map"
    role = "control"
    source = "a control"
    signed = False

    def __init__(
        self,
        embedder: Embedder,
        grid: int = 8,
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        for name, value, least in (("grid", grid, 1), ("seed", seed, 0)):
            if value < least:
                raise LFSError(f"{name} is {value}; it must be at least {least}.")
        self.grid, self.seed = grid, seed

    def evidence(self, pairs: Pairs) -> Evidence:
        """Noise (P,2,grid,grid), uniform in [0,1)."""
        noise = torch.stack([self._draw(image) for image in pairs.images.flatten(0, 1)])
        return Evidence(noise.unflatten(0, (-1, 2)))

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"grid": self.grid, "seed": self.seed}

    def _draw(self, image: Tensor) -> Tensor:
        generator = np.random.default_rng([self.seed, zlib.crc32(pixel_bytes(image))])
        return torch.from_numpy(generator.random((self.grid, self.grid)))


def pixel_bytes(image: Tensor) -> bytes:
    """An image (3,H,W) in [0,1] as bytes, the same for pictures that look the same."""
    return (image * 255).round().byte().numpy().tobytes()
