"""ExplainLFS with the weights of its network or its decoder shuffled (Adebayo et al. 2018).

A map that stays the same when the network loses all it has learnt does not depend on the network.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from lfs_core.datasets.folders import find_photographs, local_folder
from lfs_core.datasets.framing import framing_of
from lfs_core.decoder import load_decoder
from lfs_core.embedders import Embedder, embedder_name, image_sides
from lfs_core.errors import LFSError
from lfs_core.explainer import ExplainLFS
from lfs_core.explanation import Words
from lfs_core.training.decoders import LinearDecoder
from lfs_core.training.embedding import SMALL, embed_photographs

Shuffled = Literal["network", "decoder"]


class Randomised(ExplainLFS):
    """ExplainLFS with shuffled weights.

    Args:
        embedder: the network.
        shuffled: whose weights: "network", explained with the decoder of the real one; or
            "decoder", with the real network.
        refitted: fit a linear decoder to the shuffled network.
        images: a folder of photographs to fit to, or its name in the folder of `LFS_DATA`.
        number: of how many.
        seed: of the shuffled weights.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: an option is wrong; the network is a black box, or no decoder ships for it.
    """

    method = "randomised"
    title = "Randomised ExplainLFS"
    words: ClassVar[Words] = {
        "shuffled": {"network": "shuffled network", "decoder": "shuffled decoder"},
        "refitted": {True: "refitted decoder", False: "decoder of the real network"},
    }
    role = "control"
    source = "Adebayo et al. 2018"

    def __init__(
        self,
        embedder: Embedder,
        shuffled: Shuffled = "network",
        refitted: bool = False,
        images: str | os.PathLike = "celeba",
        number: int = 1000,
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        if shuffled not in get_args(Shuffled) or (refitted and shuffled != "network"):
            raise LFSError(
                f"shuffled is {shuffled!r} and refitted is {refitted}; shuffle 'network' or "
                "'decoder', and refit a decoder to a shuffled network only."
            )
        network = _Forgetful(embedder, seed) if shuffled == "network" else embedder
        own = embedder_name(embedder)
        decoder: Callable[[Tensor], Tensor] = (
            _fitted(network, images, number) if refitted else load_decoder(own, own)
        )
        if shuffled == "decoder":
            decoder = with_shuffled_weights(decoder, seed)
        super().__init__(
            network,
            decoder,
            similarity_threshold=similarity_threshold,
            map_threshold=map_threshold,
        )
        self.shuffled, self.refitted = shuffled, refitted
        self.shuffled_by = seed

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        own = {"shuffled": self.shuffled, "refitted": self.refitted, "seed": self.shuffled_by}
        return super().settings() | own


def _fitted(network: Embedder, images: str | os.PathLike, number: int) -> LinearDecoder:
    """A linear decoder of a network, fitted to this many photographs."""
    photographs = find_photographs(local_folder(images))[:number]
    embedded = embed_photographs(
        network, [path for path, _ in photographs], size=SMALL, progress=False
    )
    rows = embedded.store.rows([key for key in embedded.keys if key is not None])
    return LinearDecoder.fit(rows.batches())


class _Forgetful:
    """A network with shuffled weights. It runs in PyTorch, since it is used only once."""

    def __init__(self, embedder: Embedder, seed: int) -> None:
        self.network = with_shuffled_weights(embedder, seed)
        self.name = embedder_name(embedder)
        self.image_size = image_sides(embedder)
        self.framing = framing_of(embedder)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        return getattr(self.network, "in_torch", self.network)(images)


def with_shuffled_weights(module: Embedder, seed: int = 0) -> nn.Module:
    """A copy whose weights are shuffled within each tensor, so that their sizes stay.

    Raises:
        LFSError: it is not an `nn.Module`, so that its weights cannot be reached.
    """
    if not isinstance(module, nn.Module):
        raise LFSError("Only the weights of an nn.Module can be shuffled; this is a black box.")
    module = copy.deepcopy(module)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            order = torch.randperm(tensor.numel(), generator=generator)
            tensor.copy_(tensor.flatten()[order].view_as(tensor))
    return module
