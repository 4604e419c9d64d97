"""ExplainLFS with its network or its decoder made meaningless (Adebayo et al. 2018).

A map that stays the same when the network forgets all it has learnt shows nothing of the network.
For `lfs evaluate`: `--explainer lfs_core.evaluation.controls.randomised:encoder`, and likewise.
"""

from __future__ import annotations

import copy
import os

import torch
from torch import Tensor, nn

from lfs_core.datasets.folders import find_photographs, local_folder
from lfs_core.decoder import load_decoder
from lfs_core.embedders import Embedder, embedder_name
from lfs_core.errors import LFSError
from lfs_core.explainer import ExplainLFS
from lfs_core.training.decoders import LinearDecoder
from lfs_core.training.embedding import IMAGE_SIZE, SMALL, embed_photographs


def encoder(embedder: Embedder, seed: int = 0) -> ExplainLFS:
    """A network of shuffled weights, and the decoder of the real one."""
    return ExplainLFS(_Forgetful(embedder, seed), load_decoder(embedder_name(embedder)))


def encoder_and_decoder(
    embedder: Embedder, images: str | os.PathLike = "celeba", number: int = 1000, seed: int = 0
) -> ExplainLFS:
    """A network of shuffled weights, and a linear decoder fitted to it.

    Args:
        embedder: the network.
        images: a folder of photographs to fit to, or its name in the folder of `LFS_DATA`.
        number: of how many.
        seed: of the shuffled weights.
    """
    network = _Forgetful(embedder, seed)
    photographs = find_photographs(local_folder(images))[:number]
    embedded = embed_photographs(
        network, [path for path, _ in photographs], size=SMALL, progress=False
    )
    rows = embedded.store.rows([key for key in embedded.keys if key is not None])
    return ExplainLFS(network, LinearDecoder.fit(rows.batches()))


def decoder(embedder: Embedder, seed: int = 0) -> ExplainLFS:
    """The real network, and its decoder with shuffled weights."""
    return ExplainLFS(embedder, shuffled(load_decoder(embedder_name(embedder)), seed))


class _Forgetful:
    """A network of shuffled weights. It stays in PyTorch: no translation of it is worth keeping."""

    def __init__(self, embedder: Embedder, seed: int) -> None:
        self.network = shuffled(embedder, seed)
        self.name = embedder_name(embedder)
        self.image_size = getattr(embedder, "image_size", IMAGE_SIZE)
        self.framing = getattr(embedder, "framing", "whole")

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        return getattr(self.network, "in_torch", self.network)(images)


def shuffled(module: nn.Module, seed: int = 0) -> nn.Module:
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
