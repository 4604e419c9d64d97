"""Metric learning: training, its files, and the networks that ship with the package."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

import lfs_core as lfs
from lfs_core.datasets.folders import find_photographs
from lfs_core.embedders import embed_all
from lfs_core.embedders.efficientnet import (
    FIRST_BLOCK,
    MetricNetwork,
    efficientnet_lite0,
    efficientnet_lite0_cars,
    efficientnet_lite0_cub,
    load_network,
    save_network,
)
from lfs_core.training import metric_learning
from lfs_core.training.metric_learning import train_network
from lfs_core.training.recall import retrieval_quality
from lfs_core.util.tensors import CHECKSUM

SHIPPED = {"cub": efficientnet_lite0_cub, "cars": efficientnet_lite0_cars}
COLOURS = {  # so near each other that there is something to learn
    "blue": (120, 120, 123),
    "green": (120, 123, 120),
    "red": (123, 120, 120),
    "sand": (123, 123, 120),
}


@pytest.fixture(scope="session")
def images() -> torch.Tensor:
    """Photographs that scikit-image ships, (3,3,224,224) in [0,1]."""
    photographs = [skimage.data.chelsea(), skimage.data.astronaut(), skimage.data.coffee()]
    pixels = [Image.fromarray(x).resize((224, 224)) for x in photographs]
    return torch.stack([torch.tensor(np.asarray(x)).movedim(2, 0) / 255 for x in pixels])


@pytest.fixture(scope="session")
def untrained() -> MetricNetwork:
    torch.manual_seed(0)
    return MetricNetwork("untrained", {"seed": 0})


@pytest.fixture(scope="session")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four classes of noise about a colour, five pictures each."""
    folder = tmp_path_factory.mktemp("coloured")
    generator = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir()
        for k in range(5):
            noise = generator.normal(0, 40, (40, 60, 3))
            pixels = (np.array(colour) + noise).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{k}.png")
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer views."""
    monkeypatch.setattr(metric_learning, "VIEWS", 1)


@pytest.fixture(scope="session")
def trained(coloured: Path) -> MetricNetwork:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metric_learning, "VIEWS", 1)
        return train_network(coloured, name="colours", epochs=2, progress=False)


def test_merging_batch_norms_changes_nothing(
    untrained: MetricNetwork, images: torch.Tensor
) -> None:
    with torch.no_grad():
        pooled = untrained.pooled(untrained.early(images))
        expected = efficientnet_lite0().in_torch(images)
    torch.testing.assert_close(
        torch.nn.functional.normalize(pooled), expected, atol=2e-6, rtol=1e-4
    )


def test_a_saved_network_is_the_same(
    trained: MetricNetwork, images: torch.Tensor, tmp_path: Path
) -> None:
    save_network(trained, tmp_path / "other.safetensors")
    loaded = load_network(tmp_path / "other.safetensors")
    assert loaded.name == "colours"
    for key, tensor in trained.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[key]), key
    assert torch.equal(loaded(images), trained(images))
    assert loaded.info == trained.info


def test_a_file_holds_only_what_was_trained(trained: MetricNetwork, tmp_path: Path) -> None:
    save_network(trained, tmp_path / "x.safetensors")
    with safe_open(tmp_path / "x.safetensors", "pt") as file:
        keys = set(file.keys()) - {CHECKSUM}
        assert all(file.get_tensor(key).dtype == torch.float16 for key in keys)
    late = {
        f"layers.{key}"
        for key, _ in trained.layers.named_parameters()
        if key.startswith("_conv_head")
        or (key.startswith("_blocks") and int(key.split(".")[1]) >= FIRST_BLOCK)
    }
    assert keys == late | {"head.weight", "head.bias"}


@pytest.mark.parametrize("kind", ["no file", "text", "decoder", "damaged", "short"])
def test_other_files_are_refused(kind: str, untrained: MetricNetwork, tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    if kind == "text":
        path.write_text("no tensors", encoding="utf-8")
    elif kind == "decoder":
        path = Path(
            str(files("lfs_core").joinpath("weights", "decoders", "facenet-casia.safetensors"))
        )
    elif kind != "no file":
        save_network(untrained, path)
        if kind == "damaged":
            path.write_bytes(path.read_bytes()[:-9])
        else:
            header = {"lfs_network": json.dumps({"name": "x", "info": {}})}
            save_file({"head.weight": torch.zeros(512, 1280)}, path, header)
    with pytest.raises(
        lfs.LFSError, match="There is no network" if kind == "no file" else "is not"
    ):
        load_network(path)


def test_what_was_trained_is_told(trained: MetricNetwork, coloured: Path) -> None:
    info = trained.info
    assert info["classes"] == {"learnt": 2, "held out": 2}
    assert info["images"] == {"learnt": 10, "held out": 10}
    assert info["data"] == coloured.name
    assert info["seed"] == 0 and info["skipped"] == {} and len(info["losses"]) == 2
    held_out = [(p, c) for p, c in find_photographs(coloured) if c in ("red", "sand")]
    pixels = [Image.open(p).resize((224, 224), Image.Resampling.BILINEAR) for p, _ in held_out]
    x = torch.stack([torch.tensor(np.asarray(image)).movedim(2, 0) for image in pixels])
    labels = [label for _, label in held_out]
    assert info["quality"]["trained"] == retrieval_quality(embed_all(trained, x), labels)
    assert info["quality"]["frozen"] == retrieval_quality(
        embed_all(efficientnet_lite0(), x), labels
    )
    json.dumps(info)


def test_early_blocks_stay_imagenets_and_late_ones_change(
    trained: MetricNetwork, untrained: MetricNetwork, images: torch.Tensor
) -> None:
    with torch.no_grad():
        maps = trained.early(images)
        assert torch.equal(maps, untrained.early(images))
        assert not torch.equal(trained.pooled(maps), untrained.pooled(maps))
    assert min(trained.info["losses"]) > 0  # else only the decay of weights changed them
    assert not any(parameter.requires_grad for parameter in trained.parameters())


@pytest.mark.slow
def test_the_seed_decides(trained: MetricNetwork, coloured: Path, quick: None) -> None:
    """Whatever the state of the global generators, which are left as they were."""
    torch.manual_seed(5)
    np.random.seed(5)
    again = train_network(coloured, name="colours", epochs=2, progress=False)
    assert np.random.randint(10**6) == np.random.RandomState(5).randint(10**6)
    assert again.fingerprint() == trained.fingerprint()
    assert again.info == trained.info
    other = train_network(coloured, name="colours", epochs=2, seed=1, progress=False)
    assert other.fingerprint() != trained.fingerprint()


def test_the_head_starts_by_whitening() -> None:
    """In 512 directions of 1,280 and with a ridge, it shrinks directions by their spread."""
    network = MetricNetwork("x")
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(24, 112, 14, 14, generator=generator)
    y = torch.arange(24) % 3
    metric_learning._start_head(network, maps, y)
    weight = network.head.weight.double()
    with torch.no_grad():
        h = network.pooled(maps).double()
    assert torch.allclose(
        h.mean(0) @ weight.T + network.head.bias, torch.zeros(1).double(), atol=1e-4
    )
    within = h - torch.stack([h[y == k].mean(0) for k in range(3)])[y]
    covariance = within.T @ within / 24
    ridge = metric_learning.RIDGE * covariance.trace() / 1280
    inverse = torch.linalg.inv(covariance + ridge * torch.eye(1280).double())
    # All that varies is kept, so that products of embeddings are those of Mahalanobis' metric.
    centred = h - h.mean(0)
    products = (centred @ weight.T) @ (centred @ weight.T).T
    expected = centred @ inverse @ centred.T
    scale = products.trace() / expected.trace()
    torch.testing.assert_close(
        products, scale * expected, atol=1e-3 * products.max().item(), rtol=0
    )
    assert weight.square().mean().sqrt() == pytest.approx(1 / math.sqrt(1280), rel=1e-4)


@pytest.mark.slow
def test_unreadable_files_are_left_out(coloured: Path, tmp_path: Path, quick: None) -> None:
    for path, label in find_photographs(coloured):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / path.name).write_bytes(path.read_bytes())
    (tmp_path / "blue" / "bad.png").write_text("no image", encoding="utf-8")
    (tmp_path / "sand" / "cut.png").write_bytes((tmp_path / "sand" / "0.png").read_bytes()[:900])
    info = train_network(tmp_path, name="x", epochs=1, progress=False).info
    assert list(info["skipped"]) == ["sand/cut.png", "blue/bad.png"]
    assert all(str(tmp_path) not in reason for reason in info["skipped"].values())
    assert info["images"] == {"learnt": 10, "held out": 10}


@pytest.mark.slow
def test_nothing_is_held_out_if_nothing_is_to_be_measured(coloured: Path, quick: None) -> None:
    info = train_network(coloured, name="x", hold_out=0, epochs=1, progress=False).info
    assert info["classes"] == {"learnt": 4, "held out": 0} and info["quality"] == {}


@pytest.mark.parametrize(
    "layout, hold_out, message",
    [
        ({"a": 4}, 0, "4 photographs of 1 classes to learn from"),
        ({"a": 1, "b": 1, "c": 1}, 0, "3 photographs of 3 classes to learn from"),
        ({"a": 2, "b": 2, "c": 2}, 0.5, "of 1 classes to measure on|1 classes to learn from"),
        ({"a": 2, "b": 2, "c": 1, "d": 1}, 0.5, "2 photographs of 2 classes to measure on"),
        ({"a": 2, "b": 2}, 1, "hold_out is 1"),
        ({"a": 2, "b": 2}, -0.1, "hold_out is -0.1"),
        ({"bad": 3, "b": 2}, 0, "2 photographs of 1 classes to learn from"),
    ],
)
def test_folders_that_teach_nothing(
    layout: dict[str, int],
    hold_out: float,
    message: str,
    save_image: Callable[..., Path],
    tmp_path: Path,
    quick: None,
) -> None:
    for name, count in layout.items():
        (tmp_path / name).mkdir()
        for k in range(count):
            path = save_image(np.full((9, 9, 3), 40 * k, np.uint8), f"{name}/{k}.png")
            if name == "bad":
                path.write_text("no image", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match=message):
        train_network(tmp_path, name="x", hold_out=hold_out, epochs=1, progress=False)


def test_no_folder_and_no_epochs(coloured: Path, tmp_path: Path) -> None:
    with pytest.raises(lfs.ImageError, match="is not a folder"):
        train_network(tmp_path / "none", name="x")
    with pytest.raises(lfs.LFSError, match="epochs is 0"):
        train_network(coloured, name="x", epochs=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks(name: str, images: torch.Tensor) -> None:
    network = SHIPPED[name]()
    assert network.name == f"efficientnet-lite0-{name}"
    path = files("lfs_core.embedders").joinpath("weights", f"{network.name}.safetensors")
    assert Path(str(path)).stat().st_size <= 10e6
    h = network(images)
    assert h.shape == (3, 512)
    torch.testing.assert_close(h.norm(dim=1), torch.ones(3))
    with torch.no_grad():
        assert (h - network.in_torch(images)).abs().max() <= 1e-5
    quality = network.info["quality"]
    assert quality["trained"]["recall@1"] > quality["frozen"]["recall@1"]


@pytest.mark.data
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_measure_what_their_files_say(name: str, data_folder: Path) -> None:
    network = SHIPPED[name]()
    photographs = find_photographs(data_folder / name)
    classes = sorted({label for _, label in photographs})
    unseen = [x for x in photographs if x[1] in classes[len(classes) // 2 :]]
    quality = metric_learning._quality(network, unseen, {})
    assert quality["recall@1"] == pytest.approx(
        network.info["quality"]["trained"]["recall@1"], abs=0.002
    )
