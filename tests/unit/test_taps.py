"""Maps inside a network, and its embeddings: those that a hook sees."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import lfs_core as lfs
from lfs_core.embedders.network import Network
from lfs_core.embedders.taps import Tapped, Taps, find_layers
from lfs_core.evaluation.cost import counted

SIDE = 16


class Plain(nn.Module):
    """16 -> 8 -> 4 places a side, then the mean: a network of nobody's making."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.middle = nn.Sequential(nn.Conv2d(4, 5, 1), nn.ReLU())
        self.last = nn.Conv2d(5, 6, 3, stride=2, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.middle(self.first(images))).mean(dim=(2, 3))


class Own(Network):
    """The same as one of the package's networks, on ONNX Runtime."""

    def __init__(self) -> None:
        super().__init__("taps-test", SIDE, framing="whole")
        self.layers = Plain().eval().requires_grad_(False)

    def in_torch(self, images: Tensor) -> Tensor:
        return self.layers(images)


IMAGES = torch.rand(5, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def expected() -> tuple[Tensor, Tensor, Tensor]:
    network = Plain().eval()
    with torch.no_grad():
        middle = network.middle(network.first(IMAGES))
        return network(IMAGES), middle, network.last(middle)


def test_the_coarsest_layer_that_is_fine_enough_and_the_last() -> None:
    assert find_layers(Plain(), SIDE, 8) == ["middle", "last"]
    assert find_layers(Plain(), SIDE, 4) == ["last"]
    assert find_layers(Own(), SIDE, 8) == ["layers.middle", "layers.last"]
    assert find_layers(lambda images: images.mean(dim=(2, 3)), SIDE, 8) == []


def test_looking_for_layers_leaves_random_numbers_as_they_were() -> None:
    network = Plain()
    before = torch.get_rng_state()
    find_layers(network, SIDE, 8)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("network", "layers"),
    [(Plain(), ["middle", "last"]), (Own(), ["layers.middle", "layers.last"])],
)
def test_maps_come_with_the_embeddings_from_one_pass(network: nn.Module, layers: list[str]) -> None:
    taps = Taps(network, layers)
    with counted(network) as passes:
        h, maps = taps(IMAGES)
    assert passes.forward == len(IMAGES)
    for found, wanted in zip((h, *maps), expected(), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


def test_images_stand_for_the_maps_of_a_black_box() -> None:
    h, maps = Taps(lambda images: images.mean(dim=(2, 3)), [])(IMAGES)
    torch.testing.assert_close(h, IMAGES.mean(dim=(2, 3)))
    assert len(maps) == 1 and torch.equal(maps[0], IMAGES)


def test_a_layer_that_is_not_there() -> None:
    with pytest.raises(lfs.LFSError, match="'plain' has no layer 'nowhere'"):
        named = Plain()
        named.name = "plain"
        Taps(named, ["nowhere"])


def test_other_layers_make_another_network() -> None:
    network = Own()
    prints = {
        Tapped(network, layers).fingerprint() for layers in (["layers.middle"], ["layers.last"])
    }
    assert len(prints) == 2 and network.fingerprint() not in prints
