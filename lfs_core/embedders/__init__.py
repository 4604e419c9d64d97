"""The networks explained, by name: to add one, add a file and a line here."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, TypeVar, overload

import torch
from torch import nn

from lfs_core.embedders.own import Own, named_network
from lfs_core.embedders.seeing import embed_all, fingerprint
from lfs_core.embedders.spreads import known_spread
from lfs_core.errors import LFSError
from lfs_core.util.confidence import Spread
from lfs_core.util.networks import (
    IMAGE_SIZE,
    Embedder,
    device_of,
    embed,
    embedder_name,
    image_sides,
    ready,
)

if TYPE_CHECKING:
    from lfs_core.embedders.network import Network

__all__ = [
    "EMBEDDERS",
    "IMAGE_SIZE",
    "ZOOS",
    "Embedder",
    "device_of",
    "embed",
    "embed_all",
    "embedder_name",
    "fingerprint",
    "image_sides",
    "load_embedder",
    "network_title",
    "threshold_of",
]


E = TypeVar("E", bound=Embedder)

EMBEDDERS = {  # each with its name for readers
    "facenet-casia": ("FaceNet (CASIA-WebFace)", "lfs_core.embedders.facenet:facenet_casia"),
    "facenet-vggface2": ("FaceNet (VGGFace2)", "lfs_core.embedders.facenet:facenet_vggface2"),
    "mobilenet-vggface2": (
        "MobileNet (VGGFace2)",
        "lfs_core.embedders.mobilenet:mobilenet_vggface2",
    ),
    "dlib-resnet": ("dlib ResNet", "lfs_core.embedders.dlib_resnet:dlib_resnet"),
    "efficientnet-lite0": (
        "EfficientNet-Lite0 (ImageNet)",
        "lfs_core.embedders.efficientnet:efficientnet_lite0",
    ),
    "efficientnet-lite0-cub": (
        "EfficientNet-Lite0 (CUB-200 birds)",
        "lfs_core.embedders.efficientnet:efficientnet_lite0_cub",
    ),
    "efficientnet-lite0-cars": (
        "EfficientNet-Lite0 (Cars-196)",
        "lfs_core.embedders.efficientnet:efficientnet_lite0_cars",
    ),
    "resnet50-dml": (
        "ResNet-50 (metric learning)",
        "lfs_core.embedders.resnet_dml:resnet50_dml",
    ),
}
ZOOS = {  # "timm:NAME" and "torchvision:NAME" are all networks of these libraries
    "timm": "lfs_core.embedders.zoo:timm_network",
    "torchvision": "lfs_core.embedders.zoo:torchvision_network",
}
XI_1 = 0.3  # the paper's, for FaceNet; for networks of which no other value is known


@overload
def load_embedder(embedder: str | os.PathLike[str], **options: object) -> Network: ...
@overload
def load_embedder(embedder: E) -> E: ...
@overload
def load_embedder(embedder: Embedder, **options: Any) -> Own: ...
def load_embedder(embedder: str | os.PathLike[str] | Embedder, **options: Any) -> Embedder:
    """A network by name or file; or any callable, which is returned ready to use.

    Args:
        embedder: a name in `EMBEDDERS`; "timm:NAME" or "torchvision:NAME" for a network of these
            libraries; or a file that `lfs train` wrote, ending in .safetensors. For your own
            network: "module:object" or "file.py:object" (see `named_network`), or a callable
            (B,3,H,W) in [0,1] -> (B,D). An `nn.Module` is switched to evaluation mode.
            "dlib-resnet" is such a callable, and no `nn.Module`.
        options: of a network that is named, passed to its loader: `weights`, a local file, for
            those that take one. For your own network, the options of `Own`: `name`,
            `image_size`, `framing`, `distance`.

    Returns:
        The network; of a callable with options, an `Own` about it.

    Raises:
        LFSError: no network has this name, it cannot be loaded, or does not take these options.
    """
    if isinstance(embedder, str | os.PathLike):
        network = _load(os.fspath(embedder), options)
        ready(network)
        _check_name(network)
        with suppress(AttributeError):  # as of a method of an object
            network.spread = known_spread(os.fspath(embedder), network)
        on_gpu = torch.cuda.is_available() and isinstance(network, nn.Module)
        return network.cuda() if on_gpu else network
    if not callable(embedder):
        raise LFSError(f"An embedder is a name or a callable, not {type(embedder).__name__}.")
    ready(embedder)
    _check_name(embedder)
    if options:
        _check_options(Own, options, embedder_name(embedder), embedder)
        return Own(embedder, **options)
    return embedder


def _check_name(network: Embedder) -> None:
    """Raise an LFSError if a network calls something of its own as its `Spread` is called here."""
    own = getattr(network, "spread", None)
    if own is not None and not isinstance(own, Spread):
        raise LFSError(
            f"The network {embedder_name(network)!r} has a part called 'spread', which is how its "
            "similarities are spread here; give the part another name."
        )


def _load(name: str, options: dict[str, object]) -> Network:
    library, colon, model = name.partition(":")
    if name in EMBEDDERS:
        loader = resolve_name(EMBEDDERS[name][1])
    elif colon and library in ZOOS:
        loader = partial(resolve_name(ZOOS[library]), model)
    elif name.endswith(".safetensors"):
        loader = partial(resolve_name("lfs_core.embedders.efficientnet:load_network"), name)
    elif colon:
        loader = partial(named_network, name)
    else:
        raise LFSError(
            f"There is no network {name!r}; choose one of {list(EMBEDDERS)}, "
            f"{' or '.join(f'{zoo}:NAME' for zoo in ZOOS)}, module:object or file.py:object for "
            "one of your own, or a file made by `lfs train`."
        )
    _check_options(loader, options, name)
    return loader(**options)


def _check_options(
    loader: Callable[..., object], options: Mapping[str, object], name: str, *given: object
) -> None:
    try:
        inspect.signature(loader).bind(*given, **options)
    except TypeError:
        raise LFSError(f"The network {name!r} takes no {' or '.join(options)}.") from None


def threshold_of(network: object) -> float:
    """The cosine xi_1 above which a network's pairs are called similar: its own, or `XI_1`."""
    return float(getattr(network, "similarity_threshold", XI_1))


def network_title(name: str) -> str:
    """The name for readers of a network, from its own or that by which it is loaded.

    Networks of libraries keep the names that these give them; files are called by theirs.
    """
    if name in EMBEDDERS:
        return EMBEDDERS[name][0]
    (library, model) = re.findall(r"\A(?:(\w+)[:-])?(.+)\Z", name, re.DOTALL)[0]
    if library in ZOOS:
        model, _, weights = re.findall(r"\A(.+?)(-([0-9a-f]{8}))?\Z", model)[0]
        return f"{model} of {library}" + (f" with weights {weights}" if weights else "")
    if name.endswith(".safetensors"):
        name = Path(name).stem
    name = name.rpartition(":")[2]
    return name.replace("_", " ")
