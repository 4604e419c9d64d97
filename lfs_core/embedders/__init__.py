"""The networks explained, by name: to add one, add a file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name

import torch
from torch import Tensor, nn

from lfs_core.datasets.images import ImageLike, to_tensor
from lfs_core.errors import ImageError, LFSError

Embedder = Callable[[Tensor], Tensor]
"""(B,3,H,W) in [0,1] -> (B,D). May have a `name`, and an `image_size` in pixels a side."""

EMBEDDERS = {
    "facenet-casia": "lfs_core.embedders.facenet:facenet_casia",
    "facenet-vggface2": "lfs_core.embedders.facenet:facenet_vggface2",
}


def load_embedder(embedder: str | Embedder, **options: object) -> Embedder:
    """A network by its name in `EMBEDDERS`; or any callable, which is returned ready to use.

    Args:
        embedder: the name; or a callable (B,3,H,W) in [0,1] -> (B,D). An `nn.Module` is switched
            to evaluation mode.
        options: passed to the named network's loader.

    Raises:
        LFSError: no network has this name, or it cannot be loaded.
    """
    if isinstance(embedder, str):
        if embedder not in EMBEDDERS:
            raise LFSError(f"There is no network {embedder!r}; choose one of {list(EMBEDDERS)}.")
        return resolve_name(EMBEDDERS[embedder])(**options)
    if not callable(embedder):
        raise LFSError(f"An embedder is a name or a callable, not {type(embedder).__name__}.")
    if isinstance(embedder, nn.Module):
        embedder.eval()
    return embedder


def embedder_name(embedder: Embedder) -> str:
    """Its `name`, or that of its function or class."""
    return getattr(embedder, "name", getattr(embedder, "__name__", type(embedder).__name__))


def read_pair(embedder: Embedder, image_a: ImageLike, image_b: ImageLike) -> Tensor:
    """Two images as the embedder reads them, (2,3,H,W) in [0,1].

    Raises:
        ImageError: an image cannot be read, or the two differ in size.
    """
    size = getattr(embedder, "image_size", None)
    images = [to_tensor(image, size) for image in (image_a, image_b)]
    if images[0].shape != images[1].shape:
        sizes = " and ".join(f"{image.shape[2]}x{image.shape[1]}" for image in images)
        raise ImageError(
            f"The images are {sizes} pixels; give two of one size, or set `image_size` "
            "on the embedder."
        )
    return torch.stack(images)


def embed(embedder: Embedder, images: Tensor) -> Tensor:
    """Embeddings (B,D) of images (B,3,H,W), checked.

    Raises:
        LFSError: the embedder does not return (B,D), or returns NaN or infinity.
    """
    h = embedder(images)
    if not isinstance(h, Tensor) or h.ndim != 2 or len(h) != len(images):
        shape = tuple(h.shape) if isinstance(h, Tensor) else type(h).__name__
        raise LFSError(
            f"The embedder turned {tuple(images.shape)} into {shape}; it must return (B,D)."
        )
    if not h.isfinite().all():
        raise LFSError("The embedder returned NaN or infinity; check its weights and its input.")
    return h


def embed_all(embedder: Embedder, images: Tensor, batch_size: int = 32) -> Tensor:
    """Embeddings (N,D) of any number of images (N,3,H,W), uint8 or floats in [0,1], in batches.

    Raises:
        LFSError: as `embed`.
    """
    scale = 255 if images.dtype == torch.uint8 else 1
    with torch.no_grad():
        return torch.cat([embed(embedder, x.float() / scale) for x in images.split(batch_size)])
