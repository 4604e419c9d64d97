"""ResNet-50 for metric learning, against a second implementation that reads the same file."""

from __future__ import annotations

import argparse
import hashlib
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor
from torch.nn import functional

import lfs_core as lfs
from lfs_core.embedders import embed_all, fingerprint
from lfs_core.embedders.checkpoints import read_weights
from lfs_core.embedders.resnet_dml import resnet50_dml

BLOCKS, WIDTHS = (3, 4, 6, 3), (64, 128, 256, 512)


def make_state(width: int, seed: int = 0) -> OrderedDict[str, Tensor]:
    """Random weights in the file's layout, of sizes that keep activations near 1."""
    generator = torch.Generator().manual_seed(seed)
    state: OrderedDict[str, Tensor] = OrderedDict()

    def convolution(name: str, norm: str, inputs: int, outputs: int, side: int) -> None:
        weight = torch.randn(outputs, inputs, side, side, generator=generator)
        state[f"{name}.weight"] = weight * (2 / (inputs * side * side)) ** 0.5
        state[f"{norm}.weight"] = 0.5 + torch.rand(outputs, generator=generator)
        state[f"{norm}.bias"] = 0.1 * torch.randn(outputs, generator=generator)
        state[f"{norm}.running_mean"] = 0.1 * torch.randn(outputs, generator=generator)
        state[f"{norm}.running_var"] = 0.5 + torch.rand(outputs, generator=generator)
        state[f"{norm}.num_batches_tracked"] = torch.tensor(7)

    convolution("model.conv1", "model.bn1", 3, 64, 7)
    inputs = 64
    for stage, (blocks, inner) in enumerate(zip(BLOCKS, WIDTHS, strict=True), start=1):
        for number in range(blocks):
            block = f"model.layer{stage}.{number}"
            convolution(f"{block}.conv1", f"{block}.bn1", inputs, inner, 1)
            convolution(f"{block}.conv2", f"{block}.bn2", inner, inner, 3)
            convolution(f"{block}.conv3", f"{block}.bn3", inner, 4 * inner, 1)
            if number == 0:
                downsample = f"{block}.downsample"
                convolution(f"{downsample}.0", f"{downsample}.1", inputs, 4 * inner, 1)
            inputs = 4 * inner
    state["model.last_linear.weight"] = torch.randn(width, 2048, generator=generator) / 2048**0.5
    state["model.last_linear.bias"] = 0.1 * torch.randn(width, generator=generator)
    for key in [key for key in state if key.startswith("model.layer")]:
        stage, rest = key.removeprefix("model.layer").split(".", 1)
        state[f"layer_blocks.{int(stage) - 1}.{rest}"] = state[key]
    return state


def reference(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """The network's embeddings before they are scaled, in plain operations."""

    def convolve(x: Tensor, name: str, norm: str, stride: int = 1, padding: int = 0) -> Tensor:
        x = functional.conv2d(x, state[f"{name}.weight"], stride=stride, padding=padding)
        mean, variance, scale, shift = (
            state[f"{norm}.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    mean = torch.tensor([123.675, 116.28, 103.53])[:, None, None]  # of 255
    std = torch.tensor([58.395, 57.12, 57.375])[:, None, None]
    x = (255 * images - mean) / std
    x = convolve(x, "model.conv1", "model.bn1", stride=2, padding=3).relu()
    x = functional.max_pool2d(x, 3, stride=2, padding=1)
    for stage, blocks in enumerate(BLOCKS):
        for number in range(blocks):
            block, stride = f"layer_blocks.{stage}.{number}", 2 if stage and not number else 1
            y = convolve(x, f"{block}.conv1", f"{block}.bn1").relu()
            y = convolve(y, f"{block}.conv2", f"{block}.bn2", stride=stride, padding=1).relu()
            y = convolve(y, f"{block}.conv3", f"{block}.bn3")
            if number == 0:
                x = convolve(x, f"{block}.downsample.0", f"{block}.downsample.1", stride=stride)
            x = (x + y).relu()
    weight, bias = state["model.last_linear.weight"], state["model.last_linear.bias"]
    return x.mean(dim=(2, 3)) @ weight.T + bias


def save_checkpoint(path: Path, state: object, loss: str = "marginloss", **others: object) -> Path:
    """A file as training writes it: settings, and a record with numbers of Python and NumPy."""
    settings = argparse.Namespace(
        loss=loss, arch="resnet50", tau=[30, 55], lr=1e-5, device=torch.device("cuda")
    )
    train = {"Epochs": [0, 1], "Train Loss": [np.mean([1.0, 2.0]), np.float32(0.5)]}
    record = {
        "train": train,
        "val": {"Recall @ 1": [0.6, np.float64(0.7)], "Epochs": [np.int64(1)]},
    }
    checkpoint = {"epoch": 3, "state_dict": state, "opt": settings, "progress_saver": record}
    torch.save(checkpoint | others, path)
    return path


@pytest.fixture(scope="module")
def state() -> OrderedDict[str, Tensor]:
    return make_state(128)


@pytest.fixture(scope="module")
def checkpoint(state: OrderedDict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("dml") / "checkpoint.pth.tar", state)


IMAGES = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
def test_the_numbers_are_those_of_the_file(
    state: OrderedDict[str, Tensor],
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In PyTorch and on ONNX Runtime."""
    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    network = resnet50_dml(checkpoint)
    expected = reference(state, IMAGES)
    expected = expected / expected.norm(dim=1, keepdim=True)
    assert (expected[0] - expected[1]).abs().max() > 1e-3  # the images differ to the network
    with torch.no_grad():
        in_torch = network.in_torch(IMAGES)
    torch.testing.assert_close(in_torch, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(embed_all(network, IMAGES), in_torch, atol=1e-5, rtol=0)
    assert (network.image_size, network.framing) == (224, "centre")
    sha256 = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert network.name == f"resnet50-dml-{sha256[:8]}"
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_512_numbers_and_npair(tmp_path: Path) -> None:
    """Networks trained with the N-pair loss give embeddings that are not scaled."""
    state = make_state(512, seed=2)
    expected = reference(state, IMAGES)
    networks = {
        loss: resnet50_dml(save_checkpoint(tmp_path / f"{loss}.pth.tar", state, loss=loss))
        for loss in ("npair", "triplet")
    }
    with torch.no_grad():
        h = {loss: network.in_torch(IMAGES) for loss, network in networks.items()}
    assert h["npair"].shape == (2, 512)
    length = expected.norm(dim=1, keepdim=True)
    assert (length > 2).all()
    torch.testing.assert_close(h["npair"] / length, expected / length, atol=1e-5, rtol=0)
    torch.testing.assert_close(h["triplet"], expected / length, atol=1e-5, rtol=0)
    assert fingerprint(networks["npair"]) != fingerprint(networks["triplet"])


def test_a_file_that_older_numpy_and_pytorch_wrote(
    state: OrderedDict[str, Tensor], tmp_path: Path
) -> None:
    """NumPy 1 wrote another module's name, and PyTorch before 1.6 no zip archive."""
    path = tmp_path / "checkpoint.pth.tar"
    settings = argparse.Namespace(loss="triplet")
    content = {"state_dict": state, "opt": settings, "progress_saver": [np.float64(0.5)]}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    assert data.count(b"numpy._core.multiarray") == 1
    path.write_bytes(data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert resnet50_dml(path).name.startswith("resnet50-dml-")


def test_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(lfs.AssetError, match="needs a file: weights=FILE"):
        resnet50_dml()
    with pytest.raises(lfs.AssetError, match=r"no file .*nowhere\.pth"):
        resnet50_dml(tmp_path / "nowhere.pth")


class Code:
    """What a malicious file holds: something to be run as it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_code_is_not_run(state: OrderedDict[str, Tensor], tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "checkpoint.pth.tar"
    save_checkpoint(path, state, epoch=Code(mark))
    with pytest.raises(lfs.AssetError, match="nothing in it may ask for code to be run"):
        resnet50_dml(path)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Code(mark)))
    assert mark.exists()  # such a file does run its code, where one lets it


def other_layers(state: OrderedDict[str, Tensor], tmp_path: Path, kind: str) -> Path:
    """A file that is not the checkpoint of a ResNet-50."""
    path = tmp_path / "file.pth"
    if kind == "bare ResNet-18":
        torch.save(torchvision.models.resnet18().state_dict(), path)
    elif kind == "ResNet-18":
        layers = torchvision.models.resnet18().state_dict()
        save_checkpoint(path, {f"model.{key}": value for key, value in layers.items()})
    elif kind == "GoogLeNet":
        keys = ("model.conv1.conv.weight", "layer_blocks.0.branch1.conv.weight")
        save_checkpoint(path, {key: torch.zeros(64, 3, 7, 7) for key in keys})
    elif kind == "no tensors":
        save_checkpoint(path, "resnet50")
    elif kind == "no settings":
        torch.save({"state_dict": state}, path)
    elif kind == "a list":
        torch.save([1, 2], path)
    elif kind == "a photograph":
        path.write_bytes(b"\xff\xd8\xff\xe0 not weights")
    elif kind == "empty":
        path.touch()
    elif kind == "cut short":
        save_checkpoint(path, state)
        path.write_bytes(path.read_bytes()[:100_000])
    elif kind == "cut short in the old format":
        content = {"state_dict": {"model.conv1.weight": state["model.conv1.weight"]}}
        torch.save(content, path, _use_new_zipfile_serialization=False)
        path.write_bytes(path.read_bytes()[:250])
    elif kind == "a shape":
        save_checkpoint(path, state | {"model.last_linear.bias": torch.zeros(64)})
    elif kind == "left over":
        save_checkpoint(path, state | {"model.fc.weight": torch.zeros(3)})
    elif kind == "stages differ":
        key = "layer_blocks.2.5.conv3.weight"
        save_checkpoint(path, state | {key: state[key] + 1})
    elif kind == "a fifth stage":
        save_checkpoint(path, state | {"layer_blocks.4.0.conv1.weight": torch.zeros(3)})
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("bare ResNet-18", r"its first layer is `conv1.weight` \(64, 3, 7, 7\)"),
        ("ResNet-18", r"`model.layer1.0.conv1.weight` is \(64, 64, 3, 3\), not \(64, 64, 1, 1\)"),
        ("GoogLeNet", r"its first layer is `model.conv1.conv.weight` \(64, 3, 7, 7\)"),
        ("no tensors", "a dictionary of `epoch`, `state_dict`, `opt`"),
        ("no settings", "a dictionary of `state_dict`"),
        ("a list", "holds a list"),
        ("a photograph", "cannot be read as weights"),
        ("empty", "cannot be read as weights"),
        ("cut short", "cannot be read as weights"),
        ("cut short in the old format", "cannot be read as weights"),
        ("a shape", r"`model.last_linear.weight` is \(128, 2048\), not \(64, 2048\)"),
        ("left over", "`model.fc.weight` is left over"),
        ("stages differ", "`layer_blocks.2.5.conv3.weight` is not the same as its twin"),
        ("a fifth stage", "`layer_blocks.4.0.conv1.weight` is not the same"),
    ],
)
def test_another_file(
    kind: str, message: str, state: OrderedDict[str, Tensor], tmp_path: Path
) -> None:
    path = other_layers(state, tmp_path, kind)
    with pytest.raises(lfs.AssetError, match=message) as raised:
        resnet50_dml(path)
    assert str(path) in str(raised.value)
    if "read" not in message:
        assert "Deep-Metric-Learning-Baselines" in str(raised.value)


def test_what_is_allowed_in_its_files_is_not_allowed_in_others(
    checkpoint: Path, tmp_path: Path
) -> None:
    resnet50_dml(checkpoint)
    with pytest.raises(lfs.AssetError, match="cannot be read as weights"):
        read_weights(checkpoint)
