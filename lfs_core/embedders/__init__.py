"""The networks explained, by name: to add one, add a file and a line here."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable
from functools import partial
from pkgutil import resolve_name

import torch
from torch import Tensor, nn

from lfs_core.datasets.images import ImageLike, to_tensor
from lfs_core.errors import ImageError, LFSError

Embedder = Callable[[Tensor], Tensor]
"""(B,3,H,W) in [0,1] -> (B,D).

May have a `name`; an `image_size`, the side of the images it reads, in pixels; and a `framing`,
"face" if it reads aligned faces, "centre" if the square in the middle, else "whole".
"""

EMBEDDERS = {
    "facenet-casia": "lfs_core.embedders.facenet:facenet_casia",
    "facenet-vggface2": "lfs_core.embedders.facenet:facenet_vggface2",
    "efficientnet-lite0": "lfs_core.embedders.efficientnet:efficientnet_lite0",
    "efficientnet-lite0-cub": "lfs_core.embedders.efficientnet:efficientnet_lite0_cub",
    "efficientnet-lite0-cars": "lfs_core.embedders.efficientnet:efficientnet_lite0_cars",
    "resnet50-dml": "lfs_core.embedders.resnet_dml:resnet50_dml",
}
ZOOS = {  # "timm:NAME" and "torchvision:NAME" are all networks of these libraries
    "timm": "lfs_core.embedders.zoo:timm_network",
    "torchvision": "lfs_core.embedders.zoo:torchvision_network",
}


def load_embedder(embedder: str | os.PathLike | Embedder, **options: object) -> Embedder:
    """A network by name or file; or any callable, which is returned ready to use.

    Args:
        embedder: a name in `EMBEDDERS`; "timm:NAME" or "torchvision:NAME" for a network of these
            libraries; a file that `lfs train` wrote, ending in .safetensors; or a callable
            (B,3,H,W) in [0,1] -> (B,D). An `nn.Module` is switched to evaluation mode.
        options: passed to the named network's loader: `weights`, a local file, for those that take
            one.

    Raises:
        LFSError: no network has this name, it cannot be loaded, or does not take these options.
    """
    if isinstance(embedder, str | os.PathLike):
        network = _load(os.fspath(embedder), options)
        return network.cuda() if torch.cuda.is_available() else network
    if not callable(embedder):
        raise LFSError(f"An embedder is a name or a callable, not {type(embedder).__name__}.")
    if isinstance(embedder, nn.Module):
        embedder.eval()
    return embedder


def _load(name: str, options: dict[str, object]) -> nn.Module:
    library, colon, model = name.partition(":")
    if name in EMBEDDERS:
        loader = resolve_name(EMBEDDERS[name])
    elif colon and library in ZOOS:
        loader = partial(resolve_name(ZOOS[library]), model)
    elif name.endswith(".safetensors"):
        loader = partial(resolve_name("lfs_core.embedders.efficientnet:load_network"), name)
    else:
        raise LFSError(
            f"There is no network {name!r}; choose one of {list(EMBEDDERS)}, "
            f"{' or '.join(f'{zoo}:NAME' for zoo in ZOOS)}, or a file made by `lfs train`."
        )
    try:
        inspect.signature(loader).bind(**options)
    except TypeError:
        raise LFSError(f"The network {name!r} takes no {' or '.join(options)}.") from None
    return loader(**options)


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


def device_of(embedder: Embedder) -> torch.device | None:
    """Where a network's weights are; None for what has none, which takes images where they are."""
    parameters = embedder.parameters() if isinstance(embedder, nn.Module) else ()
    return next((parameter.device for parameter in parameters), None)


def embed(embedder: Embedder, images: Tensor) -> Tensor:
    """Embeddings (B,D) of images (B,3,H,W), checked; on the CPU, wherever the network is.

    Raises:
        LFSError: the embedder does not return (B,D), or returns NaN or infinity.
    """
    h = embedder(images.to(device_of(embedder)))
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
