"""What heads are trained on towards: each target by hand on a small case."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import normalize

from lfs_core.amortised import CausalHead
from lfs_core.studies.goal import best_places, wrong_way
from lfs_core.studies.head_targets import best_of, of_sets, of_size
from lfs_core.training.removals import Removals


def removals(sizes: list[int], places: int = 8) -> Removals:
    """One image, from which as many places are taken away as `sizes` says; `after` says which."""
    sets = torch.arange(places) < torch.tensor(sizes)[:, None]
    after = torch.tensor(sizes)[None, :, None].half()
    return Removals(torch.ones(1, 4), [], sets[None], after, ["somebody"], {})


@given(st.lists(st.integers(1, 7), min_size=4, max_size=20))
def test_few_and_many_are_the_ends_of_the_sizes(sizes: list[int]) -> None:
    few, many = (of_size(removals(sizes), which) for which in ("few", "many"))
    half = len(sizes) // 2
    assert few.after[0, :, 0].tolist() == sorted(sizes)[:half]
    assert many.after[0, :, 0].tolist() == [min(sizes), *sorted(sizes)[half:]]
    for of in (few, many):
        assert of.sets.sum(dim=-1)[0].tolist() == of.after[0, :, 0].tolist()


def head_that_says(C: torch.Tensor) -> CausalHead:
    return cast(Any, lambda h, maps: (C, torch.ones(C.shape[:2])))


def test_a_head_that_knows_directions_leaves_nothing() -> None:
    """The length of h without S does not matter, only its direction."""
    h = normalize(torch.tensor([[1.0, 2.0, 0.0]]))
    C = torch.tensor([[[0.2, 0.1, 0.0], [0.0, 0.5, 0.3]]])
    sets = torch.tensor([[[True, False], [False, True], [True, True]]])
    after = normalize(h[:, None] - sets.float() @ C, dim=-1)
    some = Removals(h, [], sets, after, ["somebody"], {})
    partners = normalize(torch.eye(3) + 0.1)
    assert of_sets(head_that_says(C), some, partners) == pytest.approx(0, abs=1e-6)
    assert of_sets(head_that_says(0 * C), some, partners) == pytest.approx(1, abs=1e-6)


def test_the_best_places_are_hard_and_their_gradient_is_soft() -> None:
    values = torch.tensor([0.1, 3.0, 2.0, -1.0, 1.9], requires_grad=True)
    best = best_places(values, 2)
    assert best.tolist() == pytest.approx([0, 1, 1, 0, 0])
    best[2].backward()
    assert values.grad is not None and values.grad[2] > 0 and values.grad[0] == 0


class Left(torch.nn.Module):
    """A network that reads the left half; the other half decides nothing."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[..., : images.shape[-1] // 2].mean(dim=(-1, -2)) - 0.5


class Says:
    """A head whose map is known."""

    layers, grid = (), 8

    def __init__(self, C: torch.Tensor) -> None:
        self.C = C

    def __call__(self, h: torch.Tensor, maps: object) -> tuple[torch.Tensor, None]:
        return self.C, None


def test_the_loss_is_lower_if_the_places_that_count_come_first() -> None:
    colours = torch.rand(4, 1, 3, 1, 1, generator=torch.Generator().manual_seed(0))
    images = colours.expand(4, 2, 3, 32, 32)
    network = Left()
    h = normalize(network(images.flatten(0, 1)), dim=-1)
    counts = 2.0 * (torch.arange(8) < 4).expand(8, 8).flatten() - 1

    def loss(sign: int) -> float:
        head = cast(Any, Says(sign * counts[:, None] * h[:, None]))
        generator = torch.Generator().manual_seed(1)
        return float(wrong_way(cast(Any, network), head, images, generator))

    assert loss(1) < loss(-1) - 0.1


def test_the_best_is_chosen_by_the_sum_over_tests_and_kinds() -> None:
    scores = {
        "as shipped": {"a": [9.0, 9.0, 9.0]},
        "trained on": {"a": [9.0, 9.0, 9.0]},
        "few windows": {"a": [1.0, 1.0, 0.0]},  # 1 on similar pairs, 0 on dissimilar ones
        "sets": {"a": [0.5, 0.5, 0.6]},
    }
    assert best_of({"similar": [True, True, False], "scores": scores}) == "sets"
