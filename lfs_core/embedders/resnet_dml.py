"""ResNet-50 for metric learning: the networks with which the paper retrieves birds and cars."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy._core.multiarray import scalar
from torch import Tensor, nn
from torchvision.models import ResNet, resnet50

from lfs_core.embedders.checkpoints import check_fit, is_state, read_weights
from lfs_core.embedders.network import Network
from lfs_core.errors import AssetError
from lfs_core.util.assets import digest

IMAGE_SIZE = 224  # px, cut from the centre of a photograph whose short side is 256
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

REPEATED = "layer_blocks."  # the four stages once more

LAYOUT = (
    "a checkpoint of Deep-Metric-Learning-Baselines with `--arch resnet50`: a dictionary of "
    "`opt`, its settings with the `loss`, and `state_dict`, with `model.conv1.weight` "
    "(64, 3, 7, 7) first and `model.last_linear.weight` (D, 2048) for embeddings of D numbers"
)

# The settings, and NumPy's numbers in the record of training under their old and new name.
ALLOWED = [
    argparse.Namespace,
    (scalar, "numpy.core.multiarray.scalar"),
    (scalar, "numpy._core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(number)) for number in (np.float32, np.float64, np.int32, np.int64, np.bool)),
]


class ResNet50DML(Network):
    """ResNet-50 with its preprocessing and an embedding layer: (B,3,H,W) in [0,1] -> (B,D).

    Attributes:
        unit_length: whether embeddings are scaled to length 1.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, layers: ResNet, name: str, unit_length: bool) -> None:
        super().__init__(name, IMAGE_SIZE, framing="centre")
        self.layers = layers.eval().requires_grad_(False)
        self.unit_length = unit_length
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1))

    def in_torch(self, images: Tensor) -> Tensor:
        """Embed images of 224x224 pixels."""
        h = self.layers((images - self.mean) / self.std)
        return nn.functional.normalize(h) if self.unit_length else h

    def project(self, pooled: Tensor) -> Tensor:
        """The embeddings (B,D), before they are scaled, of means (B,2048) of the last maps."""
        return self.layers.fc(pooled)

    def extra_repr(self) -> str:
        """What the weights do not show, for the fingerprint."""
        return f"unit_length={self.unit_length}"


def resnet50_dml(weights: str | os.PathLike | None = None) -> ResNet50DML:
    """A ResNet-50 that Deep-Metric-Learning-Baselines trained, from its checkpoint.

    Embeddings have as many numbers as the file's embedding layer, and length 1 unless the
    network was trained with the N-pair loss, which leaves their length free.

    Args:
        weights: the checkpoint, `checkpoint.pth.tar`; it cannot be downloaded.

    Raises:
        AssetError: no file is given, it is missing, or it holds something else.
    """
    if weights is None:
        raise AssetError(f"'resnet50-dml' needs a file: weights=FILE, {LAYOUT}.")
    path = Path(weights)
    state, loss = _read_checkpoint(path)
    width = state.get("model.last_linear.bias", torch.empty(1)).numel()
    layers = resnet50(num_classes=max(width, 1))
    names = {f"model.{key.replace('fc.', 'last_linear.')}": key for key in layers.state_dict()}
    own = {key: tensor for key, tensor in state.items() if not key.startswith(REPEATED)}
    check_fit(own, {name: layers.state_dict()[key] for name, key in names.items()}, path, LAYOUT)
    _check_repeated(state, path)
    layers.load_state_dict({names[name]: tensor for name, tensor in own.items()})
    return ResNet50DML(layers, f"resnet50-dml-{digest(path)[:8]}", unit_length=loss != "npair")


def _read_checkpoint(path: Path) -> tuple[Mapping[str, Tensor], str]:
    """The file's tensors by name, and the name of the loss that the network was trained with."""
    checkpoint = read_weights(path, ALLOWED)
    if is_state(checkpoint):
        first, tensor = next(iter(checkpoint.items()))
        found = f"bare tensors, its first layer is `{first}` {tuple(tensor.shape)}"
    elif not isinstance(checkpoint, Mapping):
        found = f"a {type(checkpoint).__name__}"
    else:
        state, loss = checkpoint.get("state_dict"), getattr(checkpoint.get("opt"), "loss", None)
        if is_state(state) and isinstance(loss, str):
            return state, loss
        found = f"a dictionary of {', '.join(f'`{key}`' for key in list(checkpoint)[:5])}"
    raise AssetError(f"{path} holds {found}. Expected is {LAYOUT}.")


def _check_repeated(state: Mapping[str, Tensor], path: Path) -> None:
    """The file holds the four stages twice; which of two would be the network's, if they differ?"""
    for key, tensor in state.items():
        if key.startswith(REPEATED):
            stage, _, rest = key.removeprefix(REPEATED).partition(".")
            twin = state.get(f"model.layer{int(stage) + 1}.{rest}") if stage.isdecimal() else None
            if twin is None or not torch.equal(tensor, twin):
                raise AssetError(
                    f"{path} contradicts itself: `{key}` is not the same as its twin in "
                    f"`model.layer1` to `model.layer4`. Expected is {LAYOUT}."
                )
