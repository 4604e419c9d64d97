"""What any network makes of images, and what tells it from every other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lfs_core.explanation import Embedder, embed, embedder_name
from lfs_core.util.code import code_of
from lfs_core.util.digests import fingerprint as fingerprint_of

IMAGE_SIZE = 160  # px, for networks that do not say what they read


def image_size(embedder: Embedder) -> int:
    """The side of the images that a network reads, in pixels; `IMAGE_SIZE`, if it does not say."""
    return getattr(embedder, "image_size", IMAGE_SIZE)


def fingerprint(embedder: Embedder) -> str:
    """What tells this embedder's embeddings from every other's, as a hexadecimal number.

    Its own, where it has one; else that of its name, code and weights, or, where it is no
    `nn.Module`, of its name, code and what it makes of two images of noise.
    """
    if hasattr(embedder, "fingerprint"):
        return embedder.fingerprint()
    name = embedder_name(embedder)
    if isinstance(embedder, nn.Module):
        return fingerprint_of([name, embedder])
    size = image_size(embedder)
    noise = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    return fingerprint_of([name, code_of(embedder).digest, embed(embedder, noise)])


def embed_all(embedder: Embedder, images: Tensor, batch_size: int = 32) -> Tensor:
    """Embeddings (N,D) of any number of images (N,3,H,W), uint8 or floats in [0,1], in batches.

    Raises:
        LFSError: as `embed`.
    """

    def pixels(x: Tensor) -> Tensor:
        return x.float().div_(255) if x.dtype == torch.uint8 else x.float()

    with torch.no_grad():
        return torch.cat([embed(embedder, pixels(x)) for x in images.split(batch_size)])
