"""Networks for retrieval: photographs of one kind of thing lie near each other."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from lfs_core.embedders.network import Network
from lfs_core.errors import LFSError
from lfs_core.util.assets import EFFICIENTNET_LITE0, fetch
from lfs_core.util.modules import save_module, stored_module

IMAGE_SIZE = 224  # px
FEATURES = 1280  # numbers that EfficientNet-Lite0 pools
EMBEDDING = 512  # numbers that metric learning reduces them to
FIRST_BLOCK = 9  # of 16, that is trained; the earlier ones are ImageNet's, and most of the work


class FrozenFeatures(Network):
    """The pooled features of an ImageNet classifier, 1,280 numbers scaled to unit length."""

    def __init__(self, layers: EfficientNet, name: str) -> None:
        super().__init__(name, IMAGE_SIZE, framing="whole")
        self.layers = layers.eval().requires_grad_(False)

    def in_torch(self, images: torch.Tensor) -> torch.Tensor:
        """The unit-length mean of the last convolutional maps."""
        maps = self.layers.extract_features(_normalized(images))
        return nn.functional.normalize(maps.mean(dim=(2, 3)))


def efficientnet_lite0() -> FrozenFeatures:
    """EfficientNet-Lite0, trained on ImageNet, from a pinned package of the index.

    Raises:
        AssetError: the file cannot be fetched.
    """
    return FrozenFeatures(_imagenet_layers(), "efficientnet-lite0")


class MetricNetwork(Network):
    """EfficientNet-Lite0 whose late blocks, and a linear head, learn which photographs are alike.

    It begins as ImageNet's network with an untrained head, which
    `lfs_core.training.metric_learning` trains. Its batch norms are merged into its convolutions:
    the same numbers from fewer steps.

    Attributes:
        info: where it comes from: data, classes, seed, settings, versions, quality.
        first_block: the first of its blocks that is trained, counted from 0.
    """

    def __init__(
        self, name: str, info: dict[str, Any] | None = None, first_block: int = FIRST_BLOCK
    ) -> None:
        super().__init__(name, IMAGE_SIZE, framing="whole")
        self.info, self.first_block = info or {}, first_block
        self.layers = _with_merged_norms(_imagenet_layers())
        self.layers._fc = nn.Identity()  # the classifier is not used
        self.head = nn.Linear(FEATURES, EMBEDDING)
        self.eval().requires_grad_(False)

    def in_torch(self, images: Tensor) -> Tensor:
        """Embed images (B,3,224,224) in [0,1]: (B,512) of length 1."""
        return self.late(self.early(images))

    def early(self, images: Tensor) -> Tensor:
        """The maps (B,c,h,w) of the blocks that are never trained."""
        maps = self.layers._swish(self.layers._conv_stem(_normalized(images)))
        for block in self.layers._blocks[: self.first_block]:
            maps = block(maps)
        return maps

    def pooled(self, maps: Tensor) -> Tensor:
        """The features (B,1280) of early maps."""
        for block in self.layers._blocks[self.first_block :]:
            maps = block(maps)
        return self.layers._swish(self.layers._conv_head(maps)).mean(dim=(2, 3))

    def late(self, maps: Tensor) -> Tensor:
        """The embeddings (B,512) of early maps."""
        return nn.functional.normalize(self.project(self.pooled(maps)))

    def project(self, pooled: Tensor) -> Tensor:
        """The embeddings (B,512), before they are scaled, of means (B,1280) of the last maps."""
        return self.head(pooled)

    def trained_layers(self) -> list[nn.Module]:
        """What metric learning changes, the head last."""
        return [*self.layers._blocks[self.first_block :], self.layers._conv_head, self.head]


def efficientnet_lite0_cub() -> MetricNetwork:
    """EfficientNet-Lite0, trained further on 37 species of Caltech-UCSD Birds.

    Raises:
        AssetError: ImageNet's weights cannot be fetched.
    """
    return _shipped("efficientnet-lite0-cub")


def efficientnet_lite0_cars() -> MetricNetwork:
    """EfficientNet-Lite0, trained further on 30 models of Stanford Cars.

    Raises:
        AssetError: ImageNet's weights cannot be fetched.
    """
    return _shipped("efficientnet-lite0-cars")


def save_network(network: MetricNetwork, path: str | os.PathLike) -> None:
    """Write a network as fp16 safetensors with a JSON header; the file appears whole or not.

    Only what differs from ImageNet's network is written.

    Raises:
        LFSError: the file cannot be written.
    """
    imagenet = MetricNetwork(network.name).state_dict()
    tensors = {
        key: tensor
        for key, tensor in network.state_dict().items()
        if key.startswith("head.") or not torch.equal(tensor, imagenet[key])
    }
    save_module(path, "network", tensors, network.info, name=network.name)


def load_network(path: str | os.PathLike) -> MetricNetwork:
    """Load a network that `save_network` wrote.

    Raises:
        LFSError: there is no such file, or it is not one.
        AssetError: ImageNet's weights cannot be fetched.
    """
    path = Path(path)
    if not path.is_file():
        raise LFSError(f"There is no network {path}; `lfs train` makes one.")
    with stored_module(path, "network") as (header, tensors):
        network = MetricNetwork(header["name"], header["info"])
        imagenet = network.state_dict()
        network.load_state_dict({**imagenet, **tensors})
        network.head.load_state_dict({k: tensors[f"head.{k}"] for k in ("weight", "bias")})
    return network


def _shipped(name: str) -> MetricNetwork:
    return load_network(str(files("lfs_core.embedders").joinpath("weights", f"{name}.safetensors")))


def _normalized(images: Tensor) -> Tensor:
    """Images in [0,1] as EfficientNet-Lite reads them."""
    return (images * 255 - 127) / 128


def _imagenet_layers() -> EfficientNet:
    layers = EfficientNet.from_name("efficientnet-lite0")
    # weights_only: a pickle from outside is read as tensors, never run as code.
    layers.load_state_dict(torch.load(fetch(EFFICIENTNET_LITE0), weights_only=True))
    return layers


def _with_merged_norms(layers: EfficientNet) -> EfficientNet:
    """The same network, in place, each batch norm merged into the convolution before it."""
    pairs = [(layers, "_conv_stem", "_bn0"), (layers, "_conv_head", "_bn1")]
    for block in layers._blocks:
        if hasattr(block, "_expand_conv"):
            pairs.append((block, "_expand_conv", "_bn0"))
        pairs += [(block, "_depthwise_conv", "_bn1"), (block, "_project_conv", "_bn2")]
    for module, convolution, norm in pairs:
        conv, bn = getattr(module, convolution), getattr(module, norm)
        conv.weight, conv.bias = fuse_conv_bn_weights(
            conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
        )
        setattr(module, norm, nn.Identity())
    return layers
