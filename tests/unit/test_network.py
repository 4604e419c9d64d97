"""The fast runtime: PyTorch's numbers, and PyTorch itself where gradients are asked for."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
import skimage.data
import torch

import lfs_core as lfs
from lfs_core.datasets.faces import FaceSet
from lfs_core.embedders import Embedder, embed_all, fingerprint
from lfs_core.embedders.network import Network


class Tiny(Network):
    """A network that is translated in a moment."""

    def __init__(self) -> None:
        super().__init__("tiny", 8, framing="whole")
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()
        )
        self.eval().requires_grad_(False)

    def in_torch(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images).mean(dim=(2, 3))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    return Tiny()


@pytest.mark.parametrize("name", ["facenet-casia", "efficientnet-lite0"])
def test_the_numbers_are_pytorchs(name: str, faces: FaceSet) -> None:
    embedder = lfs.load_embedder(name)
    side = embedder.image_size
    images = torch.nn.functional.interpolate(faces.images[::4].float() / 255, (side, side))
    with torch.no_grad():
        expected = torch.cat([embedder.in_torch(x) for x in images.split(8)])
    assert (embedder(images) - expected).abs().max() <= 1e-5
    torch.testing.assert_close(embedder(images).norm(dim=1), torch.ones(len(images)))


def test_an_embedding_depends_on_its_image_alone(facenet: Embedder, faces: FaceSet) -> None:
    """Not on the batch, nor on the number of threads: a store may mix runs bit by bit."""
    images, threads = faces.images[:9].float() / 255, torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = facenet(images)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(facenet(images), expected)
    assert torch.equal(torch.cat([facenet(x) for x in images.split(2)]), expected)


def test_gradients_reach_the_image(tiny: Tiny) -> None:
    images = torch.rand(2, 3, 8, 8, requires_grad=True)
    h = tiny(images)
    h.sum().backward()
    assert images.grad.abs().sum() > 0
    torch.testing.assert_close(h.detach(), tiny(images.detach()), atol=1e-6, rtol=0)
    with torch.no_grad():
        assert not tiny(images).requires_grad


def test_pytorch_works_with_cudnn_and_without_tf32(tiny: Tiny) -> None:
    """Without cuDNN a GPU takes many times as long; with TF32 its numbers are not a CPU's."""
    settings = []

    class Watched(Tiny):
        def in_torch(self, images: torch.Tensor) -> torch.Tensor:
            settings.append((torch.backends.cudnn.enabled, torch.backends.cudnn.allow_tf32))
            return super().in_torch(images)

    Watched()(torch.rand(2, 3, 8, 8, requires_grad=True))
    assert settings == [(True, False)]


@pytest.mark.parametrize("change", ["in place", "assigned", "loaded", "module", "buffer"])
def test_changed_weights_are_noticed(change: str, tiny: Tiny) -> None:
    images = torch.rand(2, 3, 8, 8)
    before = tiny(images)
    convolution = tiny.layers[0]
    if change == "in place":
        torch.nn.init.constant_(convolution.weight, 0.1)
    elif change == "assigned":
        convolution.weight.data = convolution.weight * 2
    elif change == "loaded":
        tiny.load_state_dict({k: v + 1 for k, v in tiny.state_dict().items()})
    elif change == "module":
        tiny.layers[0] = torch.nn.Conv2d(3, 4, 3).requires_grad_(False)
    else:
        tiny.layers[1].running_mean += 0.1
    assert not torch.equal(tiny(images), before)
    torch.testing.assert_close(tiny(images), tiny.in_torch(images))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_independent(duplicate: object, tiny: Tiny) -> None:
    images = torch.rand(2, 3, 8, 8)
    before = tiny(images)
    other = duplicate(tiny)
    assert torch.equal(other(images), before)
    torch.nn.init.zeros_(other.layers[0].weight)
    assert not torch.equal(other(images), before)
    assert torch.equal(tiny(images), before)


def test_it_is_translated_once(tiny: Tiny, tmp_path: Path) -> None:
    tiny(torch.rand(1, 3, 8, 8))
    (file,) = (tmp_path / "onnx").glob("*.kept")
    written = file.stat().st_mtime_ns
    Tiny()(torch.rand(5, 3, 8, 8))
    assert file.stat().st_mtime_ns == written


def test_a_damaged_translation_is_said_and_made_again(
    tiny: Tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = torch.rand(3, 3, 8, 8)
    expected = tiny(images)
    (file,) = (tmp_path / "onnx").glob("*.kept")
    content = file.read_bytes()
    for damaged in (content[: len(content) // 2], content[:-9] + b"\0" + content[-8:], b""):
        file.write_bytes(damaged)
        caplog.clear()
        assert torch.equal(Tiny()(images), expected)
        assert "is damaged; it is made again" in caplog.text
        assert file.read_bytes() == content


def test_translating_leaves_random_numbers_as_they_were(tiny: Tiny) -> None:
    before = torch.get_rng_state()
    tiny(torch.zeros(1, 3, 8, 8))
    assert torch.equal(torch.get_rng_state(), before)


def test_fingerprints_tell_networks_apart(tiny: Tiny) -> None:
    assert fingerprint(tiny) == fingerprint(Tiny())
    changed = copy.deepcopy(tiny)
    changed.layers[0].bias[0] += 1e-3
    assert fingerprint(changed) != fingerprint(tiny)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    before = fingerprint(module)
    torch.nn.init.zeros_(module[1].bias)
    assert fingerprint(module) != before


def test_functions_are_told_apart_by_what_they_do() -> None:
    def double(images: torch.Tensor) -> torch.Tensor:
        return 2 * images.mean(dim=(2, 3))

    first = fingerprint(double)

    def double(images: torch.Tensor) -> torch.Tensor:
        return 2.001 * images.mean(dim=(2, 3))

    assert fingerprint(double) != first
    assert fingerprint(double) == fingerprint(double)


def test_efficientnet_recognises_a_cat() -> None:
    """Its classifier, on our features before they are scaled, finds what a photograph shows."""
    embedder = lfs.load_embedder("efficientnet-lite0")
    h = embed_all(embedder, torch.from_numpy(skimage.data.chelsea().copy()).movedim(2, 0)[None])
    scores = h @ embedder.layers._fc.weight.T
    assert scores.argmax().item() in (281, 282, 283, 285)  # ImageNet's domestic cats
