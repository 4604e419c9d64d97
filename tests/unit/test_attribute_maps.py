"""Where attributes are, on drawn scenes whose colours and their places are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lfs_core as lfs
from lfs_core.comparators.simexpert import SimExpert
from lfs_core.search.attribute_maps import attribute_maps, explain_by_places
from lfs_core.search.attributes import Attributes

COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}
SIDE, CELLS = 16, 4
SETS = [of for size in (1, 2, 3) for of in itertools.combinations(COLOURS, size)]


class Colours(nn.Module):
    """Maps of each colour on 4 by 4 cells, their mean, and a weight for each colour."""

    name, image_size = "colours", SIDE

    def __init__(self, **weights: float) -> None:
        super().__init__()
        self.cells = nn.AvgPool2d(SIDE // CELLS)
        self.weights = torch.tensor([weights.get(name, 1.0) for name in COLOURS])

    def forward(self, images: Tensor) -> Tensor:
        return self.project(self.cells(images).mean(dim=(2, 3)))

    def project(self, pooled: Tensor) -> Tensor:
        return pooled * self.weights


def scene(names: tuple[str, ...], random: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """(3,16,16) with a patch of each colour in a cell of its own, and where each is (16,16)."""
    image, where = torch.zeros(3, SIDE, SIDE), {}
    for name, cell in zip(names, random.permutation(CELLS**2), strict=False):
        place = torch.zeros(CELLS, CELLS).view(-1)
        place[cell] = 1
        patch = place.view(CELLS, CELLS).repeat_interleave(4, 0).repeat_interleave(4, 1)
        image += patch * torch.tensor(COLOURS[name])[:, None, None]
        where[name] = patch
    return image, where


def fitted(network: Colours) -> Attributes:
    random = np.random.default_rng(0)
    known = [(scene(of, random)[0], [name in of for name in COLOURS]) for of in SETS * 5]
    images, labels = zip(*known, strict=True)
    return Attributes.fit(network(torch.stack(images)), torch.tensor(labels), tuple(COLOURS), 1e-6)


@pytest.mark.parametrize("best", COLOURS)
def test_the_colour_of_what_explains_a_match_is_named(best: str) -> None:
    """Both images have all colours; the saliency is on one of them, and decides."""
    network, random = Colours(), np.random.default_rng(1)
    attributes = fitted(network)
    for _ in range(20):
        (a, of_a), (b, of_b) = (scene(tuple(COLOURS), random) for _ in range(2))
        saliency = torch.stack([of_a[best], of_b[best]])
        first, *others = explain_by_places(network, torch.stack([a, b]), attributes, saliency)
        assert first.name == best and first.match > max(of.match for of in others) + 0.2
        assert all(of.shared > 0.5 for of in (first, *others))


def test_the_colour_that_a_network_reads_most_is_named() -> None:
    """The saliency is that of a method here, not a known one; by chance a third would be right."""
    random, right = np.random.default_rng(2), []
    for read in COLOURS:
        network = Colours(**{read: 3.0})
        attributes, explain = fitted(network), SimExpert(network)
        for _ in range(20):
            pair = torch.stack([scene(tuple(COLOURS), random)[0] for _ in range(2)])
            saliency = explain(*pair).signed_maps
            right.append(explain_by_places(network, pair, attributes, saliency)[0].name == read)
    assert np.mean(right) > 0.8


def test_an_attribute_that_one_image_lacks_comes_last() -> None:
    network, random = Colours(), np.random.default_rng(3)
    (a, of_a), (b, _) = scene(("red", "green"), random), scene(("green", "blue"), random)
    saliency = torch.stack([of_a["red"], of_a["red"]])
    found = explain_by_places(network, torch.stack([a, b]), fitted(network), saliency)
    assert found[0].name == "green" and found[0].shared > 0.5 > found[1].shared


def test_places_add_up_to_the_score_along_the_direction() -> None:
    network = Colours(red=2.0)
    attributes, images = fitted(network), torch.rand(3, 3, SIDE, SIDE)
    unit = nn.functional.normalize(network(images).double(), dim=1)
    expected = unit @ attributes.directions.T * attributes.slopes
    found = attribute_maps(network, images, attributes)
    assert found.shape == (3, 3, CELLS, CELLS)
    torch.testing.assert_close(found.sum(dim=(2, 3)), expected, atol=1e-5, rtol=1e-5)


def test_shapes_that_are_no_pair() -> None:
    network = Colours()
    with pytest.raises(lfs.LFSError, match=r"must be \(2,3,H,W\)"):
        explain_by_places(
            network, torch.rand(3, 3, SIDE, SIDE), fitted(network), torch.rand(3, 4, 4)
        )
