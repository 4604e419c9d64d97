"""Networks of timm and torchvision: their own features, from local files and without a network."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

import lfs_core as lfs
from lfs_core.embedders import fingerprint
from lfs_core.embedders.zoo import Pooled, timm_network, torchvision_network

IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
IMAGENET_STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def noise(side: int) -> Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1))


def randomised(network: nn.Module) -> nn.Module:
    """With statistics of batch norms that are not those of a fresh network."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.eval().requires_grad_(False)


def save(network: nn.Module, path: Path) -> Path:
    write = save_file if path.suffix == ".safetensors" else torch.save
    write(network.state_dict(), path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_timms_features(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    classifier = randomised(timm.create_model("test_resnet"))
    path = save(classifier, tmp_path / f"weights{suffix}")
    network = timm_network("test_resnet", path)
    images = noise(160)
    maps = classifier.forward_features((images - 0.5) / 0.5)  # this one's mean and deviation
    expected = functional.normalize(maps.mean(dim=(2, 3)))
    torch.testing.assert_close(network.in_torch(images), expected, atol=1e-6, rtol=0)
    if suffix == ".pth":
        torch.testing.assert_close(network(images), expected, atol=1e-5, rtol=0)  # ONNX Runtime
    assert (network.image_size, network.framing) == (160, "centre")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert network.name == f"timm-test_resnet-{sha256[:8]}"


@pytest.mark.parametrize("name", ["test_vit", "test_convnext", "test_efficientnet", "resnet10t"])
def test_timms_features_of_other_kinds(name: str, tmp_path: Path) -> None:
    """What timm's own head makes of its own features, short of the classes."""
    classifier = randomised(timm.create_model(name))
    network = timm_network(name, save(classifier, tmp_path / "weights.pth"))
    config = timm.data.resolve_model_data_config(classifier)
    images = noise(network.image_size)
    mean, std = (torch.tensor(config[key])[:, None, None] for key in ("mean", "std"))
    features = classifier.forward_features((images - mean) / std)
    expected = functional.normalize(classifier.forward_head(features, pre_logits=True))
    torch.testing.assert_close(network.in_torch(images), expected, atol=1e-6, rtol=0)
    assert config["input_size"][1] == network.image_size


@pytest.mark.parametrize("classes", [0, 7])
def test_a_classifier_of_other_classes_is_left_out(classes: int, tmp_path: Path) -> None:
    """Of a linear layer, and of one with a batch norm that timm's description does not name."""
    for name in ("test_resnet", "efficientvit_m0"):
        classifier = randomised(timm.create_model(name, num_classes=classes))
        network = timm_network(name, save(classifier, tmp_path / f"{name}.pth"))
        images = noise(network.image_size)
        config = timm.data.resolve_model_data_config(classifier)
        mean, std = (torch.tensor(config[key])[:, None, None] for key in ("mean", "std"))
        features = classifier.forward_features((images - mean) / std)
        expected = functional.normalize(features.mean(dim=(2, 3)))
        torch.testing.assert_close(network.in_torch(images), expected, atol=1e-6, rtol=0)


def normalised(images: Tensor) -> Tensor:
    return (images - IMAGENET_MEAN) / IMAGENET_STD


def resnet(network: nn.Module, images: Tensor) -> Tensor:
    x = network.maxpool(network.relu(network.bn1(network.conv1(normalised(images)))))
    for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
        x = layer(x)
    return x.mean(dim=(2, 3))


def squeezenet(network: nn.Module, images: Tensor) -> Tensor:
    return network.features(normalised(images)).mean(dim=(2, 3))


def mobilenet(network: nn.Module, images: Tensor) -> Tensor:
    x = network.features(normalised(images)).mean(dim=(2, 3))
    return functional.hardswish(functional.linear(x, *network.classifier[0].parameters()))


def densenet(network: nn.Module, images: Tensor) -> Tensor:
    return network.features(normalised(images)).relu().mean(dim=(2, 3))


def mnasnet(network: nn.Module, images: Tensor) -> Tensor:
    return network.layers(normalised(images)).mean(dim=(2, 3))


FEATURES = {
    "resnet18": (resnet, 512),
    "squeezenet1_1": (squeezenet, 512),
    "mobilenet_v3_small": (mobilenet, 1024),
    "densenet121": (densenet, 1024),
    "mnasnet0_5": (mnasnet, 1280),
}


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        *((name, ".pth") for name in FEATURES),
        *((n, ".safetensors") for n in ("resnet18", "mnasnet0_5")),
    ],
)
def test_torchvisions_features(name: str, suffix: str, tmp_path: Path) -> None:
    features: Callable[[nn.Module, Tensor], Tensor]
    features, width = FEATURES[name]
    classifier = randomised(torchvision.models.get_model(name))
    path = save(classifier, tmp_path / f"weights{suffix}")
    network = torchvision_network(name, path)
    images = noise(224)
    expected = functional.normalize(features(classifier, images))
    assert expected.shape == (2, width)
    torch.testing.assert_close(network.in_torch(images), expected, atol=1e-6, rtol=0)
    assert (network.image_size, network.framing) == (224, "centre")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert network.name == f"torchvision-{name}-{sha256[:8]}"


def test_googlenet_as_it_was_trained(tmp_path: Path) -> None:
    """It takes ImageNet's normalisation back to x in [-1, 1]; its side classifiers are left out."""
    classifier = randomised(torchvision.models.googlenet(init_weights=False))
    network = torchvision_network("googlenet", save(classifier, tmp_path / "weights.pth"))
    read: list[Tensor] = []
    classifier.fc.register_forward_pre_hook(lambda _, inputs: read.extend(inputs))
    images = noise(224)
    classifier(2 * images - 1)
    expected = functional.normalize(read[0])
    torch.testing.assert_close(network.in_torch(images), expected, atol=1e-5, rtol=0)
    assert not any("aux" in key for key in network.state_dict())


def test_files_of_old_layouts(tmp_path: Path) -> None:
    """Dots in the names of DenseNet's layers, and no counters of batches."""
    classifier = randomised(torchvision.models.densenet121())
    old = {
        key.replace("norm1", "norm.1").replace("conv2", "conv.2"): tensor
        for key, tensor in classifier.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    torch.save(old, tmp_path / "old.pth")
    network = torchvision_network("densenet121", tmp_path / "old.pth")
    images = noise(224)
    expected = functional.normalize(densenet(classifier, images))
    torch.testing.assert_close(network.in_torch(images), expected, atol=1e-6, rtol=0)


def test_every_classifier_of_torchvision_ends_in_its_classes() -> None:
    """The layer that is taken off is the one that gives ImageNet's 1,000 classes."""
    from lfs_core.embedders.zoo import LAST

    for name in ("alexnet", "shufflenet_v2_x0_5", "regnet_y_400mf", "efficientnet_b0", "swin_t"):
        layers = torchvision.models.get_model(name).modules()
        last = [layer for layer in layers if isinstance(layer, LAST)][-1]
        assert last.weight.shape[0] == 1000


def test_downloaded_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries' own downloads, of which none reaches a network here."""
    classifier = randomised(torchvision.models.resnet18())
    asked: list[dict] = []

    def download(url: str, **options: object) -> dict[str, Tensor]:
        asked.append({"url": url} | options)
        return classifier.state_dict()

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", download)
    network = torchvision_network("resnet18")
    assert network.name == "torchvision-resnet18"
    assert asked[0]["url"].endswith("resnet18-f37072fd.pth")
    assert asked[0]["check_hash"] and asked[0]["weights_only"]
    images = noise(224)
    expected = functional.normalize(resnet(classifier, images))
    torch.testing.assert_close(network.in_torch(images), expected, atol=1e-6, rtol=0)


def refuse(*_: object, **__: object) -> None:
    raise URLError("no route to host")


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_without_network(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", refuse)
    load = {"timm": timm_network, "torchvision": torchvision_network}[library]
    name = {"timm": "resnet10t", "torchvision": "resnet18"}[library]
    with pytest.raises(lfs.AssetError, match=r"no route to host.*weights=FILE") as raised:
        load(name)
    assert f"torch.save({library}" in str(raised.value)


def test_a_network_of_which_timm_has_no_weights() -> None:
    with pytest.raises(lfs.AssetError, match=r"'timm:seresnet18'.*No pretrained weights exist"):
        timm_network("seresnet18")


@pytest.mark.parametrize(
    ("load", "name", "near"),
    [
        (timm_network, "resnet81", "resnet18"),
        (timm_network, "resnet18.a1_in2k", "resnet18.a1_in1k"),
        (timm_network, "hf-hub:timm/resnet18", "nearest"),
        (torchvision_network, "resnet19", "resnet18"),
        (torchvision_network, "raft_large", "none is near"),  # not a classifier
    ],
)
def test_unknown_names(load: Callable[[str], Pooled], name: str, near: str) -> None:
    with pytest.raises(lfs.LFSError, match=f"no network '{name}'.*{near}"):
        load(name)


def test_timm_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(lfs.LFSError, match=r"pip install 'lfs-core\[retrieval\]'"):
        timm_network("resnet18")


def test_images_that_are_not_square(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(timm.create_model("test_resnet"), tmp_path / "weights.pth")
    config = {"input_size": (3, 64, 32), "mean": (0.5,) * 3, "std": (0.5,) * 3}
    monkeypatch.setattr("timm.data.resolve_model_data_config", lambda _: config)
    with pytest.raises(lfs.LFSError, match="3 channels and 32x64 pixels"):
        timm_network("test_resnet", path)


@pytest.mark.parametrize("library", ["timm", "torchvision"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "There is no file"),
        ("nothing", "cannot be read as weights"),
        ("text.safetensors", "cannot be read as weights"),
        ("checkpoint", "does not hold a network's tensors by name"),
        ("other network", r"first layer is `0.weight` \(3, 3\)"),
        ("incomplete", "`layer2.0.conv1.weight` is missing"),
        ("left over", "`more.weight` is left over"),
    ],
)
def test_files_of_something_else(library: str, kind: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    state = (
        timm.create_model("resnet18") if library == "timm" else torchvision.models.resnet18()
    ).state_dict()
    if kind == "nothing":
        path.touch()
    elif kind == "text.safetensors":
        path.write_text("weights", encoding="utf-8")
    elif kind == "checkpoint":
        torch.save({"epoch": 3, "state_dict": state}, path)
    elif kind == "other network":
        torch.save(nn.Sequential(nn.Linear(3, 3)).state_dict(), path)
    elif kind == "incomplete":
        torch.save({k: v for k, v in state.items() if not k.startswith("layer2")}, path)
    elif kind == "left over":
        torch.save(state | {"more.weight": torch.zeros(1)}, path)
    load = {"timm": timm_network, "torchvision": torchvision_network}[library]
    with pytest.raises(lfs.AssetError, match=message) as raised:
        load("resnet18", path)
    assert str(path) in str(raised.value)


def test_the_preprocessing_is_part_of_the_fingerprint() -> None:
    layers = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    networks = [Pooled(layers, "same", 2, (mean,) * 3, (0.5,) * 3) for mean in (0.5, 0.4)]
    assert fingerprint(networks[0]) != fingerprint(networks[1])
