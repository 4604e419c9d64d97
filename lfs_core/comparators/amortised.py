"""The causal map as one pass knows it: the network's own maps say what each window does."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lfs_core.amortised import CausalHead, load_head
from lfs_core.comparators.base import Evidence, Pairs
from lfs_core.comparators.causal import CausalMethod
from lfs_core.embedders import Embedder, embedder_name
from lfs_core.embedders.taps import Taps
from lfs_core.errors import LFSError
from lfs_core.util.distances import cosines
from lfs_core.util.networks import check_fitted
from lfs_core.util.threads import one_thread


@dataclass(frozen=True, eq=False)
class PairsWithMaps(Pairs):
    """Pairs and the causal maps of their images.

    Attributes:
        C: (P,2,K,D).
        doubt: (P,2,K), the expected error of a window's evidence.
        features: (P,2,K,c), what the first layer that the head reads says of each window; None
            where it reads the image itself.
    """

    C: Tensor
    doubt: Tensor
    features: Tensor | None


class Amortised(CausalMethod):
    """One pass of each image: the embedding says what is decided, a head what each window does.

    Args:
        embedder: the network to explain.
        head: a `CausalHead`, the name of the network that it ships for, or its file; left out,
            the one that ships for this network.
        options: of `CausalMethod`.

    Raises:
        LFSError: a parameter is out of range, no head ships for the network, or the head is
            another network's.
    """

    method = "amortised"
    title = "One-pass causal map"
    needs = frozenset({"training"})

    def __init__(
        self,
        embedder: Embedder,
        head: CausalHead | str | os.PathLike | None = None,
        relevance: str = "fall",
        own: float = 1.0,
        contrast: float = 0.1,
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(
            embedder, relevance, own, contrast, seed, similarity_threshold, map_threshold
        )
        if not isinstance(head, CausalHead):
            called = embedder_name(embedder)
            head = load_head(head or called, called)
        check_fitted(head.info, embedder, "causal head")
        self.head = head
        self._taps = Taps(embedder, self.head.layers)

    def see(self, images: Tensor) -> PairsWithMaps:
        """Pairs of images (P,2,3,H,W) and their causal maps, from one pass of each image."""
        h, maps = self._taps(images.flatten(0, 1))
        found = (h.shape[1], *(of.shape[1] for of in maps))
        if found != (self.head.config["latent_dim"], *self.head.channels):
            raise LFSError(
                f"The causal head of {self.head.info.get('name', 'another network')!r} does not "
                f"fit {self.embedder_name!r}; `lfs fit-head` makes one that does."
            )
        with torch.no_grad():
            C, doubt = self.head(h, maps)
        h, C, doubt = (of.unflatten(0, (-1, 2)) for of in (h, C, doubt))
        features = self._at_windows(maps[0]) if self.head.layers else None
        is_similar = cosines(h) > self.similarity_threshold
        return PairsWithMaps(images, h, images.new_empty(0), is_similar, C, doubt, features)

    def _at_windows(self, maps: Tensor) -> Tensor:
        """Maps of a layer (2P,c,h,w) at the head's windows: (P,2,K,c)."""
        size = (self.head.grid, self.head.grid)
        at = interpolate(maps, size, mode="bilinear", align_corners=False, antialias=True)
        return at.flatten(2).mT.unflatten(0, (-1, 2))

    # It is given what its own `see` returns.
    def evidence(self, pairs: PairsWithMaps) -> Evidence:  # type: ignore[override]
        """Evidence of each window, (P,2,grid,grid)."""
        with one_thread():
            values = self.of_windows(pairs.C, pairs)
            grid = (self.head.grid, self.head.grid)
            return Evidence(
                values.unflatten(-1, grid), grid=grid, **self.matching(pairs.C, pairs.features)
            )

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"head": self.head.info.get("name")}
