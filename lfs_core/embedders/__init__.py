"""The networks explained, by name: to add one, add a file and a line here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pkgutil import resolve_name

import torch
from torch import Tensor, nn

from lfs_core.datasets.images import ImageLike, to_tensor
from lfs_core.errors import ImageError, LFSError

Embedder = Callable[[Tensor], Tensor]
"""(B,3,H,W) in [0,1] -> (B,D).

May have a `name`; an `image_size`, the side of the images it reads, in pixels; and a `framing`,
"face" if it reads aligned faces, else "whole".
"""

EMBEDDERS = {
    "facenet-casia": "lfs_core.embedders.facenet:facenet_casia",
    "facenet-vggface2": "lfs_core.embedders.facenet:facenet_vggface2",
    "efficientnet-lite0": "lfs_core.embedders.retrieval:efficientnet_lite0",
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
        network = resolve_name(EMBEDDERS[embedder])(**options)
        return network.cuda() if torch.cuda.is_available() else network
    if not callable(embedder):
        raise LFSError(f"An embedder is a name or a callable, not {type(embedder).__name__}.")
    if isinstance(embedder, nn.Module):
        embedder.eval()
    return embedder


def embedder_name(embedder: Embedder) -> str:
    """Its `name`, or that of its function or class."""
    return getattr(embedder, "name", getattr(embedder, "__name__", type(embedder).__name__))


def fingerprint(embedder: Embedder) -> str:
    """What tells this embedder's embeddings from every other's, as a hexadecimal number.

    That of its structure and weights, where it is an `nn.Module`; else that of what it makes of
    two images of noise.
    """
    if hasattr(embedder, "fingerprint"):
        return embedder.fingerprint()
    digest = hashlib.sha256(embedder_name(embedder).encode())
    if isinstance(embedder, nn.Module):
        digest.update(str(embedder).encode())
        tensors = embedder.state_dict().values()
    else:
        size = getattr(embedder, "image_size", 64)
        noise = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
        tensors = [embed(embedder, noise)]
    for tensor in tensors:
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


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
    """Embeddings (B,D) of images (B,3,H,W), checked; on the CPU, wherever the network is.

    Raises:
        LFSError: the embedder does not return (B,D), or returns NaN or infinity.
    """
    parameters = embedder.parameters() if isinstance(embedder, nn.Module) else ()
    device = next((parameter.device for parameter in parameters), images.device)
    h = embedder(images.to(device))
    if not isinstance(h, Tensor) or h.ndim != 2 or len(h) != len(images):
        shape = tuple(h.shape) if isinstance(h, Tensor) else type(h).__name__
        raise LFSError(
            f"The embedder turned {tuple(images.shape)} into {shape}; it must return (B,D)."
        )
    if not h.isfinite().all():
        raise LFSError("The embedder returned NaN or infinity; check its weights and its input.")
    return h.cpu()


def embed_all(embedder: Embedder, images: Tensor, batch_size: int = 32) -> Tensor:
    """Embeddings (N,D) of any number of images (N,3,H,W), uint8 or floats in [0,1], in batches.

    Raises:
        LFSError: as `embed`.
    """

    def pixels(x: Tensor) -> Tensor:
        return x.float().div_(255) if x.dtype == torch.uint8 else x.float()

    with torch.no_grad():
        return torch.cat([embed(embedder, pixels(x)) for x in images.split(batch_size)])
