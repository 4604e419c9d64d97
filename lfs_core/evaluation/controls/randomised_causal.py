"""The book's own one-pass map after its network or its head has forgotten all it had learnt.

As `randomised` does to ExplainLFS: a map that stays the same does not depend on what was shuffled.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from lfs_core.amortised import CausalHead, load_head
from lfs_core.comparators.amortised import Amortised
from lfs_core.embedders import Embedder, embedder_name
from lfs_core.embedders.network import Network
from lfs_core.embedders.taps import Tapped
from lfs_core.errors import LFSError
from lfs_core.evaluation.controls.randomised import with_shuffled_weights
from lfs_core.explanation import Words
from lfs_core.util.networks import check_fitted

Shuffled = Literal["network", "head"]


class RandomisedCausal(Amortised):
    """The one-pass causal map with shuffled weights.

    Args:
        embedder: the network.
        shuffled: whose weights: "network", explained with the head of the real one; or "head",
            with the real network.
        head: as of `amortised`.
        seed: of the shuffled weights.
        own: as of `amortised`.
        contrast: as of `amortised`.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: an option is wrong; the network is a black box, or no head ships for it.
    """

    method = "randomised-causal"
    title = "Randomised one-pass causal map"
    words: ClassVar[Words] = {
        "shuffled": {"network": "shuffled network", "head": "shuffled head"},
        "seed": "seed {}",
    }
    role = "control"
    source = "Adebayo et al. 2018"

    def __init__(
        self,
        embedder: Embedder,
        shuffled: Shuffled = "network",
        head: CausalHead | str | os.PathLike | None = None,
        seed: int = 0,
        own: float = 1.0,
        contrast: float = 0.1,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        if shuffled not in get_args(Shuffled):
            raise LFSError(
                f"shuffled is {shuffled!r}; it must be "
                f"{' or '.join(map(repr, get_args(Shuffled)))}."
            )
        if not isinstance(head, CausalHead):
            called = embedder_name(embedder)
            head = load_head(head or called, called)
        network = embedder
        if shuffled == "network":
            network = with_shuffled_weights(embedder, seed)
            check_fitted(head.info, embedder, "causal head")
            head = copy.copy(head)
            head.info = {key: of for key, of in head.info.items() if key != "print"}
        else:
            head = _forgetful(head, seed)
        super().__init__(
            network,
            head,
            own=own,
            contrast=contrast,
            similarity_threshold=similarity_threshold,
            map_threshold=map_threshold,
        )
        if shuffled == "network" and isinstance(network, Network) and self.head.layers:
            self._taps = _TapsInTorch(network, self.head.layers)  # type: ignore[assignment]
        self.shuffled, self.shuffled_by = shuffled, seed

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"shuffled": self.shuffled, "seed": self.shuffled_by}


def _forgetful(head: CausalHead, seed: int) -> CausalHead:
    """A copy of a head with shuffled weights."""
    other = with_shuffled_weights(head, seed)
    assert isinstance(other, CausalHead)
    return other


class _TapsInTorch:
    """`Taps` of a network that is used only once, for which no runtime's file is written."""

    def __init__(self, network: Network, layers: Sequence[str]) -> None:
        self._tapped = Tapped(network, layers)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        h, *maps = self._tapped.in_torch(self._tapped.resized(images))
        return h, maps
