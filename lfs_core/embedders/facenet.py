"""FaceNet (Inception-ResNet v1, 512-d): the network that the paper explains."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import torch
from facenet_pytorch import InceptionResnetV1
from torch import nn

from lfs_core.datasets.faces import FACE_SIZE
from lfs_core.embedders.frozen_graph import read_weights
from lfs_core.embedders.network import Network
from lfs_core.errors import AssetError
from lfs_core.util.assets import FACENET_CASIA, FACENET_VGGFACE2, digest, fetch


class FaceNet(Network):
    """FaceNet with its preprocessing: aligned faces (B,3,H,W) in [0,1] -> (B,512) of length 1."""

    def __init__(self, network: InceptionResnetV1, name: str) -> None:
        super().__init__(name, FACE_SIZE, framing="face")
        self.network = network.eval().requires_grad_(False)

    def in_torch(self, images: torch.Tensor) -> torch.Tensor:
        """Embed aligned faces of 160x160 pixels."""
        return self.network((images * 255 - 127.5) / 128)

    def project(self, pooled: torch.Tensor) -> torch.Tensor:
        """The embeddings (B,512), before they are scaled, of means (B,1792) of the last maps."""
        return self.network.last_bn(self.network.last_linear(pooled))


def facenet_casia() -> FaceNet:
    """FaceNet 20180408-102900, trained on CASIA-WebFace, from a pinned package of the index.

    Raises:
        AssetError: the file cannot be fetched.
    """
    return FaceNet(_read_frozen_graph(fetch(FACENET_CASIA)), "facenet-casia")


def facenet_vggface2(weights: str | os.PathLike | None = None) -> FaceNet:
    """FaceNet 20180402-114759, trained on VGGFace2: the paper's network.

    Args:
        weights: facenet-pytorch's file `20180402-114759-vggface2.pt`; downloaded if left out. A
            file with other content than that is loaded under a name that says so.

    Raises:
        AssetError: the weights are not available, or are another network's.
    """
    path = Path(weights) if weights else fetch(FACENET_VGGFACE2)
    network = InceptionResnetV1()
    try:
        # weights_only: a pickle from outside is read as tensors, never run as code.
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict({k: v for k, v in state.items() if not k.startswith("logits.")})
    except (OSError, RuntimeError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        raise AssetError(
            f"{path} does not hold FaceNet's weights ({str(error).splitlines()[0]}). Give "
            f"facenet-pytorch's `{FACENET_VGGFACE2.name}`, or explain 'facenet-casia', whose "
            "weights come from the package index."
        ) from error
    sha256 = digest(path)
    pinned = sha256 == FACENET_VGGFACE2.sha256
    return FaceNet(network, "facenet-vggface2" if pinned else f"facenet-{sha256[:8]}")


def _read_frozen_graph(path: Path) -> InceptionResnetV1:
    """Load a frozen TensorFlow graph of Inception-ResNet v1 into PyTorch.

    Graph and module hold the same 133 layers in the same order. The graph's convolutions are
    already multiplied with their batch norm, which leaves an offset; the bottleneck's are not.
    """
    values = {
        name.removeprefix("InceptionResnetV1/"): tensor
        for name, tensor in read_weights(path).items()
    }
    network = InceptionResnetV1()
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    names = [name.removesuffix("/weights") for name in values if name.endswith("/weights")]
    for layer, name in zip(layers, names, strict=True):
        weight = values[f"{name}/weights"]
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = weight.permute(3, 2, 0, 1).contiguous()  # HWIO -> OIHW
            offset = "biases" if f"{name}/biases" in values else "Conv2D_bn_offset"
            layer.bias = nn.Parameter(values[f"{name}/{offset}"])
        else:
            layer.weight.data = weight.T.contiguous()
    for module in network.modules():
        if hasattr(module, "bn"):
            module.bn = nn.Identity()
    bottleneck = network.last_bn
    bottleneck.bias.data = values["Bottleneck/BatchNorm/beta"]
    bottleneck.running_mean = values["Bottleneck/BatchNorm/moving_mean"]
    bottleneck.running_var = values["Bottleneck/BatchNorm/moving_variance"]
    return network
