"""Networks of timm and torchvision: what an ImageNet classifier sees, without its classes."""

from __future__ import annotations

import os
import re
import sys
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from lfs_core.embedders.checkpoints import check_fit, read_state
from lfs_core.embedders.network import Network
from lfs_core.errors import AssetError, LFSError
from lfs_core.util.assets import digest
from lfs_core.util.extras import needs

# The files of these two are of networks that take ImageNet's normalisation back at their input.
BUILT_AS_TRAINED = {
    name: {"transform_input": True, "aux_logits": False, "init_weights": False}
    for name in ("googlenet", "inception_v3")
}
LAST = (nn.Linear, nn.Conv2d)  # what the layer with the classes is, in every one of them
SIDE_CLASSIFIERS = ("aux1.", "aux2.", "AuxLogits.")  # theirs, which only training uses


class Pooled(Network):
    """The pooled features of a classifier, with its preprocessing, scaled to unit length."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        layers: nn.Module,
        name: str,
        image_size: int,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__(name, image_size, framing="centre")
        self.layers = layers.eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))

    def in_torch(self, images: Tensor) -> Tensor:
        """The unit-length features of images of the network's own size."""
        return nn.functional.normalize(self.layers((images - self.mean) / self.std))


def timm_network(name: str, weights: str | os.PathLike | None = None) -> Pooled:
    """The pooled features of a network of timm.

    Args:
        name: as `timm.list_models()` or `timm.list_pretrained()` gives it.
        weights: its state dict in a file of safetensors or PyTorch, with or without the
            classifier; left out, timm downloads its own.

    Raises:
        LFSError: timm is not installed, has no such network, or the network does not read square
            RGB images.
        AssetError: the weights cannot be downloaded, or the file holds something else.
    """
    with needs("retrieval", f"'timm:{name}'"):
        import timm
    _check_name("timm", name, {*timm.list_models(), *timm.list_pretrained()})
    command = f"torch.save(timm.create_model({name!r}, pretrained=True).state_dict(), FILE)"
    with _downloading(f"timm:{name}", command):
        layers = timm.create_model(name, pretrained=weights is None, num_classes=0)
    config = timm.data.resolve_model_data_config(layers)
    channels, height, width = config["input_size"]
    if channels != 3 or height != width:
        raise LFSError(
            f"'timm:{name}' reads images of {channels} channels and {width}x{height} pixels; "
            "choose a network that reads square RGB images."
        )
    if weights is not None:
        with torch.device("meta"):  # names only
            whole = timm.create_model(name).state_dict()
        classifier = tuple(whole.keys() - layers.state_dict().keys())
        _load(layers, read_state(weights), classifier, weights, command)
    return Pooled(layers, _name("timm", name, weights), height, config["mean"], config["std"])


def torchvision_network(name: str, weights: str | os.PathLike | None = None) -> Pooled:
    """The features that the last layer of a classifier of torchvision reads, pooled.

    Args:
        name: as `torchvision.models.list_models(torchvision.models)` gives it.
        weights: its state dict in a file of PyTorch or safetensors, with or without the
            classifier; left out, torchvision downloads its own.

    Raises:
        LFSError: torchvision has no such classifier.
        AssetError: the weights cannot be downloaded, or the file holds something else.
    """
    models = torchvision.models
    _check_name("torchvision", name, models.list_models(models))
    trained = models.get_model_weights(name).DEFAULT
    network = f"torchvision.models.get_model({name!r}, weights='DEFAULT')"
    command = f"torch.save({network}.state_dict(), FILE)"
    if weights is None:
        with _downloading(f"torchvision:{name}", command):
            state = trained.get_state_dict(
                progress=sys.stderr.isatty(), check_hash=True, weights_only=True
            )
    else:
        state = read_state(weights)
    layers = models.get_model(name, weights=None, **BUILT_AS_TRAINED.get(name, {}))
    last = [key for key, layer in layers.named_modules() if isinstance(layer, LAST)][-1]
    layers.set_submodule(last, nn.Identity())
    _load(layers, state, (f"{last}.", *SIDE_CLASSIFIERS), weights or trained.url, command)
    preset = trained.transforms()
    name = _name("torchvision", name, weights)
    return Pooled(layers, name, preset.crop_size[0], preset.mean, preset.std)


def _check_name(library: str, name: str, names: Collection[str]) -> None:
    if name not in names:
        close = ", ".join(get_close_matches(name, sorted(names))) or "none is near"
        raise LFSError(f"{library} has no network {name!r} for images; the nearest: {close}.")


def _name(library: str, name: str, weights: str | os.PathLike | None) -> str:
    """The network's name, fit for a file's, with the start of its weights' hash."""
    return f"{library}-{name}" + (f"-{digest(Path(weights))[:8]}" if weights is not None else "")


@contextmanager
def _downloading(name: str, command: str) -> Iterator[None]:
    """Say of a failed download how to do without."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = str(error).split("\n")[0]
        raise AssetError(
            f"The weights of {name!r} cannot be downloaded ({reason}). On a machine with network, "
            f"run `{command}`, bring FILE here and give it with weights=FILE."
        ) from error


def _load(
    layers: nn.Module,
    state: Mapping[str, Tensor],
    classifier: tuple[str, ...],
    path: str | os.PathLike,
    command: str,
) -> None:
    """Copy a file's tensors, those of its classifier excepted."""
    # DenseNets were written with dots in names that today have none.
    names = {key: re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)", r"\1\2", key) for key in state}
    kept: Any = OrderedDict((names[k], v) for k, v in state.items() if not k.startswith(classifier))
    own: Any = layers.state_dict()
    check_fit(kept, own, path, f"what `{command}` writes")
    # Some networks read the version of their layout, which files of safetensors do not hold.
    kept._metadata = getattr(state, "_metadata", own._metadata)
    layers.load_state_dict(kept, strict=False)  # counters may be missing, nothing else
