"""The last maps of real and tiny networks, and how evidence on them comes to image size."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import lfs_core as lfs
from lfs_core.comparators import explainers_without
from lfs_core.comparators.base import spread
from lfs_core.comparators.gradcam import GradCAM
from lfs_core.embedders import Embedder
from lfs_core.embedders.last_maps import LastMaps, pooled_head

CLOSE = {"atol": 1e-5, "rtol": 0}
sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))


class Average(nn.Module):
    """Layers, and the average of what they return."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).mean(dim=(2, 3))


class Tokens(Average):
    """Maps read as a row of tokens, and the first token."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 3))
        self.last = nn.Linear(4, 5)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.layers(images).flatten(2).mT)[:, 0]


class InPlace(Average):
    """A last step that is no module, and writes into its input."""

    def forward(self, images: Tensor) -> Tensor:
        return functional.relu(self.layers(images), inplace=True).mean(dim=(2, 3))


class Twice(Average):
    """One activation for two layers; the maps are what its second call returns."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 2))
        self.activation = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        for layer in self.layers:
            images = self.activation(layer(images))
        return images.mean(dim=(2, 3))


def noise(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def test_facenets_last_maps_are_block8s(facenet: Embedder) -> None:
    images = noise(2, 2, 3, 160, 160)
    seen: list[Tensor] = []
    hook = facenet.network.block8.register_forward_hook(lambda *args: seen.append(args[2]))
    facenet.in_torch(images.flatten(0, 1))
    hook.remove()
    maps, h = LastMaps(facenet)(images)
    assert maps.shape == (2, 2, 1792, 3, 3) and h.shape == (2, 2, 512)
    torch.testing.assert_close(maps.flatten(0, 1), seen[0], atol=1e-5, rtol=0)
    with torch.no_grad():  # on ONNX Runtime
        torch.testing.assert_close(h.flatten(0, 1), facenet(images.flatten(0, 1)), **CLOSE)
    e = pooled_head(facenet)(maps.mean(dim=(-2, -1)).flatten(0, 1))
    torch.testing.assert_close(functional.normalize(e), h.flatten(0, 1), **CLOSE)


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite0-cub"])
def test_efficientnets_last_maps_are_a_second_call_of_its_activation(name: str) -> None:
    network = lfs.load_embedder(name)
    calls: list[int] = []
    hook = network.layers._swish.register_forward_hook(lambda *args: calls.append(1))
    images = noise(2, 3, 224, 224)
    maps, h = LastMaps(network)(images)
    hook.remove()
    assert len(calls) == 2 * 2  # to find the layer, and to embed
    assert maps.shape == (2, 1280, 7, 7)
    assert maps.min() == 0 and maps.max() <= 6  # of its activation
    with torch.no_grad():
        torch.testing.assert_close(h, network(images), **CLOSE)
    e = pooled_head(network)(maps.mean(dim=(-2, -1)))
    torch.testing.assert_close(functional.normalize(e), h, **CLOSE)


@pytest.mark.parametrize(
    ("network", "places"),
    [
        (Average(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)), (6, 8)),
        (Average(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1)), (6, 8)),
        (Average(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2)), (3, 4)),
        (InPlace(nn.Conv2d(3, 4, 3)), (6, 8)),
        (Twice(), (5, 7)),
    ],
)
@pytest.mark.parametrize("batch", [(1,), (3,), (2, 2), (2, 1, 3)])
def test_any_network_and_batch(network: nn.Module, places: tuple, batch: tuple) -> None:
    images = noise(*batch, 3, 8, 10)
    maps, h = LastMaps(network)(images)
    assert maps.shape[: len(batch)] == h.shape[: len(batch)] == batch
    assert maps.shape[-2:] == places and maps.is_leaf
    torch.testing.assert_close(h.flatten(0, -2), network(images.flatten(0, -4)))
    (gradient,) = torch.autograd.grad(h.sum(), maps)
    # That of an average; only what is above 0 passes the last step of one of them.
    counts = maps > 0 if isinstance(network, InPlace) else torch.ones_like(maps)
    torch.testing.assert_close(gradient, counts / (places[0] * places[1]))


def test_maps_are_those_that_the_last_layer_returns() -> None:
    """Its layers in their order, without hooks; also when called again with other images."""
    network = Twice()
    last = LastMaps(network)
    for seed_shape in ((2, 3, 8, 10), (4, 3, 9, 9)):
        images = noise(*seed_shape)
        first, second = network.layers
        expected = second(first(images).relu()).relu()
        torch.testing.assert_close(last(images)[0], expected)


def test_no_hook_stays_and_nothing_reaches_the_images() -> None:
    network, images = Twice(), noise(2, 3, 8, 8).requires_grad_()
    before = network(images).detach()
    _, h = LastMaps(network)(images)
    h.sum().backward()
    assert images.grad is None
    assert all(not module._forward_hooks for module in network.modules())
    torch.testing.assert_close(network(images), before)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4)), r"no layer .* returns maps"),
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), r"no layer .* returns maps"),
        (Tokens(), 5),
        (Average(nn.Conv2d(3, 4, 3), nn.Flatten(2), nn.Unflatten(2, (6, 6))), 4),
    ],
)
def test_networks_without_maps(network: nn.Module, message: str | int) -> None:
    """Tokens are no obstacle."""
    images = noise(2, 3, 8, 8)
    if isinstance(message, int):
        assert LastMaps(network)(images)[0].shape == (2, message, 6, 6)
        return
    with pytest.raises(lfs.LFSError, match=message):
        LastMaps(network)(images)
    with pytest.raises(lfs.LFSError, match=message) as refusal:
        GradCAM(network)(*images)
    assert type(network).__name__ in str(refusal.value)
    assert all(name in str(refusal.value) for name in explainers_without("gradients", "layers"))


def test_a_black_box_has_no_layers() -> None:
    def box(images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))

    with pytest.raises(lfs.LFSError, match=r"gradcam cannot explain 'box'.*black box"):
        GradCAM(box)


def test_networks_that_misbehave_are_told_so() -> None:
    network = Average(nn.Conv2d(3, 4, 3))
    network.layers[0].bias.data.fill_(torch.nan)
    with pytest.raises(lfs.LFSError, match="NaN"):
        LastMaps(network)(noise(2, 3, 8, 8))


def test_a_network_without_a_head_embeds_the_average() -> None:
    pooled = noise(2, 4)
    assert pooled_head(Average(nn.Conv2d(3, 4, 3)))(pooled) is pooled


@settings(max_examples=60, deadline=None)
@given(cells=sizes, more=st.tuples(st.integers(0, 40), st.integers(0, 40)), seed=st.integers(0, 99))
def test_spreading_keeps_the_sum_of_every_cell(cells: tuple, more: tuple, seed: int) -> None:
    size = (cells[0] + more[0], cells[1] + more[1])
    evidence = torch.randn(2, 3, *cells, generator=torch.Generator().manual_seed(seed)).double()
    image = spread(evidence, size)
    assert image.shape == (2, 3, *size) and image.dtype == torch.float64
    scale = evidence.abs().sum(dim=(2, 3))
    assert ((image.sum(dim=(2, 3)) - evidence.sum(dim=(2, 3))).abs() <= 1e-12 * scale).all()
    one = torch.zeros(cells)
    one[-1, 0] = 1
    assert spread(one, size).sum().item() == pytest.approx(1, abs=1e-12)
    assert spread(one, size).min() >= 0


@settings(max_examples=30, deadline=None)
@given(cells=sizes, factors=st.tuples(st.integers(1, 8), st.integers(1, 8)))
def test_whole_factors_interpolate(cells: tuple, factors: tuple) -> None:
    """NumPy's linear interpolation between the cells' centres, shared out over their pixels."""
    evidence = noise(*cells).double()
    size = tuple(n * factor for n, factor in zip(cells, factors, strict=True))
    expected = evidence.numpy()
    for axis, (n, factor) in enumerate(zip(cells, factors, strict=True)):
        at = (np.arange(n * factor) + 0.5) / factor - 0.5
        between = partial(np.interp, at, range(n))
        expected = np.apply_along_axis(between, axis, expected)
    expected = expected / (factors[0] * factors[1])
    np.testing.assert_allclose(spread(evidence, size), expected, atol=1e-12)


@pytest.mark.parametrize("cells", [3, 7])
@pytest.mark.parametrize("pixels", [160, 224])
def test_even_evidence_stays_nearly_even(cells: int, pixels: int) -> None:
    """As many pixels as no whole factor gives: within as much as a pixel more or less makes."""
    image = spread(torch.ones(cells, cells), (pixels, pixels)) * (pixels / cells) ** 2
    assert (image - 1).abs().max() < 2 * cells / pixels


def test_evidence_of_the_images_size_is_left_alone() -> None:
    evidence = noise(2, 5, 7)
    assert torch.equal(spread(evidence, (5, 7)), evidence.double())
    # Also in one direction alone.
    torch.testing.assert_close(spread(evidence, (5, 14)).sum(dim=-1), evidence.double().sum(dim=-1))
