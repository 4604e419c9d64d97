"""What any network makes of many images, and what tells it from every other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lfs_core.errors import LFSError
from lfs_core.util.code import code_of
from lfs_core.util.digests import fingerprint as fingerprint_of
from lfs_core.util.networks import Embedder, embed, embedder_name, print_of, ready, try_out


def fingerprint(embedder: Embedder) -> str:
    """What tells this embedder's embeddings from every other's, as a hexadecimal number.

    Its own, where it has one; else that of its name, its code, its weights where it is an
    `nn.Module`, and what it makes of two images of noise.
    """
    if hasattr(embedder, "fingerprint"):
        return embedder.fingerprint()
    ready(embedder)
    parts = embedder if isinstance(embedder, nn.Module) else code_of(embedder).digest
    does: list[float] = []
    try:
        does = print_of(embedder)
    except LFSError:
        if not isinstance(embedder, nn.Module):
            raise
        # One that does not say what size it reads is told by its code and weights.
    return fingerprint_of([embedder_name(embedder), parts, does])


def embed_all(embedder: Embedder, images: Tensor, batch_size: int = 32) -> Tensor:
    """Embeddings (N,D), float32, of any number of images (N,3,H,W), in batches.

    Args:
        embedder: the network.
        images: uint8, or floats in [0,1].
        batch_size: images at a time.

    Raises:
        LFSError: as `embed`.
    """

    def pixels(x: Tensor) -> Tensor:
        return x.float().div_(255) if x.dtype == torch.uint8 else x.float()

    with torch.no_grad():
        try_out(embedder, pixels(images[:2]))
        return torch.cat([embed(embedder, pixels(x)).float() for x in images.split(batch_size)])
