"""Which place matches which: the algebra, by brute force and by properties."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import lfs_core as lfs
from lfs_core.causal import causal_map
from lfs_core.correspondence import answer, likeness, matched, probabilities, together
from lfs_core.util.windows import tiles

GRID = 4


class Small(nn.Module):
    """A network with a corner in it, so that nothing here is linear by chance."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.W = torch.randn(9, 3 * 8 * 8, generator=generator, dtype=torch.float64)

    def forward(self, images: Tensor) -> Tensor:
        return torch.tanh(images.double().flatten(1) @ self.W.T)


def pair() -> Tensor:
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def test_matches_are_second_differences_of_the_cosine() -> None:
    """By brute force: both places are taken away, one of them, none."""
    network, images = Small(), pair()
    windows, grey = tiles((8, 8), [GRID]), torch.full_like(images, 0.5)
    found = together(*causal_map(network, images, windows, grey))

    def units(image: Tensor, plain: Tensor) -> Tensor:
        """(K+1,D): without each place, then whole; each divided by its length."""
        without = [torch.where(window, plain, image) for window in windows]
        return nn.functional.normalize(network(torch.stack([*without, image])))

    a, b = (units(*of) for of in zip(images, grey, strict=True))
    cosines = a @ b.T
    for k in range(GRID**2):
        for l in range(GRID**2):  # noqa: E741
            second = cosines[-1, -1] - cosines[k, -1] - cosines[-1, l] + cosines[k, l]
            assert found[k, l].item() == pytest.approx(second.item(), abs=1e-12)


@pytest.mark.parametrize("options", [{}, {"scales": 1, "shifted": False}, {"sets": 40}])
def test_an_explanation_has_the_places_of_the_smallest_windows(options: dict) -> None:
    network, images = Small(), pair()
    e = lfs.load_explainer("causal", network, grid=GRID, **options)(*images)
    assert e.matches.shape == e.likeness.shape == (GRID**2, GRID**2)
    assert e.grid == (GRID, GRID)
    if not options.get("sets"):
        mean = images.mean(dim=(2, 3), keepdim=True).expand_as(images)
        C = causal_map(network, images, tiles((8, 8), [GRID]), mean)
        torch.testing.assert_close(e.matches, C[0] @ C[1].T, check_dtype=False)
        torch.testing.assert_close(
            e.matches, e.likeness * C[0].norm(dim=1)[:, None] * C[1].norm(dim=1)
        )


def test_methods_that_tell_no_matches_have_none() -> None:
    e = lfs.load_explainer("occlusion", Small())(*pair())
    assert e.matches is None and e.likeness is None and e.grid is None


def test_the_sum_of_all_matches_is_what_both_say_without_their_places() -> None:
    """A region's answer is additive, and that of all places is the sum over them."""
    matches = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    some = torch.tensor([True, False, True, False, False, True])
    torch.testing.assert_close(answer(matches, some) + answer(matches, ~some), matches.sum(0))
    torch.testing.assert_close(answer(matches, some), matches[0] + matches[2] + matches[5])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), turn=st.integers(0, 10**6), centred=st.booleans())
def test_a_permutation_of_places_is_found(seed: int, turn: int, centred: bool) -> None:
    """Places that carry the same in another order match, each with its own; the order is free."""
    places = torch.randn(12, 40, generator=torch.Generator().manual_seed(seed))
    order = torch.randperm(12, generator=torch.Generator().manual_seed(turn))
    alike = likeness(places, places[order] * 3, centred=centred)
    assert alike.abs().max() <= 1 + 1e-5
    found = matched(alike)
    assert {(m.k, m.l) for m in found} == {(k.item(), l) for l, k in enumerate(order)}  # noqa: E741
    assert all(0 <= m.confidence <= 1 for m in found)
    assert found == sorted(found, key=lambda m: -m.confidence)


def test_nothing_matches_what_has_no_counterpart() -> None:
    """Places of a carry what none of b's does: no match among them, whatever the others do."""
    places = torch.eye(8)
    assert matched(likeness(places[:4], places[4:])) == []
    assert {(m.k, m.l) for m in matched(likeness(places[:4], places[2:6]))} == {(2, 0), (3, 1)}


@given(seed=st.integers(0, 10**6), copies=st.integers(2, 5))
def test_no_place_is_matched_twice_though_several_carry_the_same(seed: int, copies: int) -> None:
    """As in a plain background: equal places choose each other equally."""
    places = torch.randn(6, 30, generator=torch.Generator().manual_seed(seed))
    places[:copies] = places[0]
    for other in (places, places[copies - 1 :]):
        found = matched(likeness(places, other), least=0.0)
        assert len({m.k for m in found}) == len({m.l for m in found}) == len(found)
        assert found
    assert len(matched(likeness(places[:2], places[:1]))) == 1


@given(seed=st.integers(0, 10**6))
def test_probabilities_leave_room_for_no_match(seed: int) -> None:
    alike = torch.rand(5, 7, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    found = probabilities(alike)
    assert (found >= 0).all()
    assert (found.sum(dim=0) < 1).all() and (found.sum(dim=1) < 1).all()
    # Either image's own choice alone, by the definition with the extra entry written out.
    t, z = 0.1, 0.5
    forth = (alike / t).exp() / ((alike / t).exp().sum(1, keepdim=True) + torch.tensor(z / t).exp())
    back = (alike / t).exp() / ((alike / t).exp().sum(0) + torch.tensor(z / t).exp())
    torch.testing.assert_close(probabilities(alike, t, z), forth * back)
