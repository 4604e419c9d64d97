"""The order of places that a method means: with signs, at its own resolution."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

import lfs_core as lfs
from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.evaluation.maps import maps_of
from lfs_core.evaluation.metrics.base import SIDE
from lfs_core.evaluation.own_order import ordering_maps
from lfs_core.evaluation.partitions import partition, replaced_after
from lfs_core.mapping import difference_map, perturb
from lfs_core.relevance import relevance

SIZE = 16


def colours(images: Tensor) -> Tensor:
    """Two colours less a threshold each: (B,2)."""
    return images.mean(dim=(2, 3))[:, :2] - torch.tensor([0.45, 0.55])


class Toy(Comparator):
    """Evidence that is given."""

    method = "toy"
    title = "Toy"
    source = "a test"

    def __init__(self, values: Tensor, threshold: float = -1.0) -> None:
        super().__init__(colours, threshold)
        self.values, self.asked = values, []

    def evidence(self, pairs: Pairs) -> Evidence:
        self.asked.append(len(pairs.images))
        return Evidence(self.values.expand(len(pairs.images), 2, -1, -1))


class Unsigned(Toy):
    """The same of a method that does not tell for from against."""

    signed: ClassVar[bool] = False


class Margin(Toy):
    """The same of a method whose evidence sums to the similarity."""

    margin: ClassVar[bool] = True


def pairs(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


GIVEN = torch.tensor([[3.0, -1.0, -2.0], [0.0, 1.0, -6.0]])


@pytest.mark.parametrize("kind", [Toy, Margin])
@pytest.mark.parametrize(("threshold", "sign"), [(-1.0, 1), (1.0, -1)])
def test_signs_are_kept_and_turned_with_the_decision(
    kind: type[Toy], threshold: float, sign: int
) -> None:
    """Evidence against the decision keeps its order, too, which a map loses."""
    explain = kind(GIVEN, threshold)
    scores, problems = ordering_maps(explain, pairs(3))
    assert scores.shape == (3, 2, 2, 3) and not problems
    torch.testing.assert_close(scores, (sign * GIVEN / 6).expand(3, 2, 2, 3))
    e = explain(*pairs(1)[0])
    assert (e.maps[0] == 0).any() and (scores != 0).sum() == 3 * 2 * 5


def test_without_signs_it_is_the_evidence() -> None:
    values = torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    scores, _ = ordering_maps(Unsigned(values, 1.0), pairs(2))
    torch.testing.assert_close(scores, (values / values.max()).expand(2, 2, SIDE, SIDE))


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_no_unit_is_so_small_that_an_order_is_lost(scale: float) -> None:
    values = scale * torch.arange(-32.0, 32).reshape(8, 8)
    (scores,) = ordering_maps(Toy(values), pairs(1))[0]
    image = torch.zeros(3, 80, 80)
    large = torch.nn.functional.interpolate(scores[None, :1], (80, 80))[0, 0]
    before = replaced_after(large, partition(image, "8x8"), seed=0)
    expected = torch.arange(63, -1, -1.0).reshape(8, 8).double() / 64
    torch.testing.assert_close(before[::10, ::10], expected)


def test_equals_stay_equal() -> None:
    values = torch.tensor([[0.3, -0.7], [0.3, -0.7]])
    (scores,) = ordering_maps(Toy(values), pairs(1))[0]
    assert (scores[:, 0] == scores[:, 1]).all() and (scores[..., 0] > scores[..., 1]).all()


def test_resolutions_are_the_methods_own() -> None:
    """Occlusion's windows, and single pixels of a gradient."""
    for name, options, size in (
        ("occlusion", {"grid": 4}, 4),
        ("lime", {"grid": 3, "masks": 40}, 3),
        ("centre", {}, SIZE),
    ):
        explain = lfs.load_explainer(name, colours, **options)
        scores, problems = ordering_maps(explain, pairs(2))
        assert scores.shape == (2, 2, size, size) and not problems
        assert scores.abs().amax(dim=(2, 3)).eq(1).all()


def decoder(h: Tensor) -> Tensor:
    """(B,2) -> (B,3,5,7), not linear, below 0 and above 1 too."""
    return (h @ torch.linspace(-9, 9, 2 * 105).sin().reshape(2, 105) * 3).reshape(-1, 3, 5, 7)


def test_a_decoded_map_is_what_it_was_before_it_was_enlarged() -> None:
    images = pairs(4)
    scores, problems = ordering_maps(lfs.ExplainLFS(colours, decoder, p=0.4), images)
    assert scores.shape == (4, 2, 5, 7) and not problems
    h = colours(images.flatten(0, 1)).unflatten(0, (4, 2))
    similar = torch.cosine_similarity(h[:, 0], h[:, 1]) > 0.3
    R = relevance(h[:, 0], h[:, 1], similar)
    expected = difference_map(decoder, h, perturb(h, R[:, None], 0.4))
    expected = expected / expected.amax(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)


def test_a_decoder_of_larger_pictures_and_strangers_keep_their_maps() -> None:
    images = pairs(2)

    def large(h: Tensor) -> Tensor:
        return decoder(h).repeat(1, 1, 4, 4)

    explain = lfs.ExplainLFS(colours, large)
    assert ordering_maps(explain, images)[0].shape == (2, 2, SIZE, SIZE)

    def stranger(a: Tensor, b: Tensor) -> Tensor:
        return torch.stack([a.mean(dim=0), b.mean(dim=0)])

    torch.testing.assert_close(ordering_maps(stranger, images)[0], maps_of(stranger, images)[0])


def test_what_is_wrong_is_told_and_spares_the_others() -> None:
    class Picky(Toy):
        """Refuses dark pairs, finds nothing in bright ones, and NaN in pairs of one colour."""

        def evidence(self, pairs: Pairs) -> Evidence:
            found = super().evidence(pairs).values.clone()
            level = pairs.images.mean(dim=(1, 2, 3, 4))
            if (level < 0.1).any():
                raise lfs.LFSError("too dark")
            found[level > 0.9] = 0
            found[pairs.images.flatten(1).std(dim=1) == 0] = torch.nan
            return Evidence(found)

    images = pairs(12)
    images[1], images[3], images[11] = images[1] * 0.1, 0.95 + images[3] * 0.05, 0.5
    scores, problems = ordering_maps(Picky(GIVEN), images)
    assert problems == {
        1: "it raised LFSError: too dark",
        3: "a map of it is constant, so that its order is drawn",
        11: "its evidence holds NaN or infinity",
    }
    wrong = scores.isnan().flatten(1).any(dim=1)
    assert np.flatnonzero(wrong).tolist() == [1, 11] and (scores[3] == 0).all()
    nothing, problems = ordering_maps(Picky(GIVEN), images[1:2])
    assert nothing.isnan().all() and set(problems) == {0}


def test_pairs_come_in_batches() -> None:
    explain = Toy(GIVEN)
    ordering_maps(explain, pairs(23))
    assert explain.asked == [10, 10, 3]
