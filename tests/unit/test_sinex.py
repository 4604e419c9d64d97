"""SINEX, as reconstructed, on things whose parts add up and on one where they do not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.parts import occlusion
from lfs_core.things.sinex import charged, lead, sinex


class Given:
    """A thing whose embedding is the sum of what its parts bring."""

    def __init__(self, vectors: Tensor) -> None:
        self.vectors = vectors
        self.parts = tuple(str(k) for k in range(len(vectors)))

    def without(self, sets: Tensor) -> Tensor:
        return (~sets).float() @ self.vectors


class Straight(Given):
    """One whose cosine with the first axis falls by exactly what the parts taken away are worth."""

    def __init__(self, worth: Tensor) -> None:
        self.worth, self.parts = worth, tuple(str(k) for k in range(len(worth)))

    def without(self, sets: Tensor) -> Tensor:
        x = 0.9 - sets.float() @ self.worth
        return torch.stack([x, (1 - x.square()).sqrt()], dim=1)


AXIS = torch.tensor([1.0, 0.0])


def test_one_part_at_a_time_it_is_occlusion() -> None:
    drawn = torch.Generator().manual_seed(0)
    a, b = (Given(torch.randn(5, 8, generator=drawn) + 1) for _ in range(2))
    of_a, _ = occlusion(a, b)
    whole_b = torch.nn.functional.normalize(b.vectors.sum(0), dim=0)
    assert torch.allclose(charged(a, whole_b, torch.eye(5).bool()), of_a, atol=1e-6)


def test_all_sets_of_two_share_the_fall_evenly() -> None:
    """In pairs, part k is charged (v_k + v_j) / 2 on average over j: its own half and a common."""
    worth = torch.tensor([0.3, 0.1, 0.0, -0.1])
    pairs = torch.combinations(torch.arange(4), 2)
    sets = torch.zeros(6, 4).bool().scatter(1, pairs, True)
    others = (worth.sum() - worth) / 3  # the mean of the other three
    found = charged(Straight(worth), AXIS, sets)
    assert torch.allclose(found, worth + others, atol=1e-6)


def test_a_small_set_counts_more_than_a_large_one() -> None:
    worth = torch.tensor([0.2, 0.1, 0.05])
    sets = torch.tensor([[1, 0, 0], [1, 1, 1]]).bool()
    found = charged(Straight(worth), AXIS, sets)
    assert found[0].item() == pytest.approx((0.2 + 0.35 / 3) / (1 + 1 / 3), abs=1e-6)
    assert found[1].item() == pytest.approx(0.35, abs=1e-6)


def test_a_part_in_no_set_and_empty_sets_say_nothing() -> None:
    worth = torch.tensor([0.2, 0.1, 0.05])
    sets = torch.tensor([[1, 0, 0], [0, 0, 0]]).bool()
    assert charged(Straight(worth), AXIS, sets).tolist() == pytest.approx([0.2, 0, 0], abs=1e-6)


def test_the_lead_is_over_the_mean_of_the_other_classes() -> None:
    others = torch.tensor([[0.0, 2.0], [-1.0, 0.0]])
    assert torch.allclose(lead(AXIS, others), AXIS - torch.tensor([-0.5, 0.5]))
    assert lead(AXIS, None) is AXIS
    with pytest.raises(LFSError, match="one network"):
        lead(AXIS, torch.ones(2, 3))


def test_the_strongest_part_is_found_in_both_things() -> None:
    """Each thing is noise around one vector that both share."""
    drawn = torch.Generator().manual_seed(1)
    noise = torch.randn(2, 8, 64, generator=drawn) / 8
    noise[0, 2] = noise[1, 5] = torch.randn(64, generator=drawn)
    of_a, of_b = sinex(Given(noise[0]), Given(noise[1]), seed=1)
    assert (of_a.argmax(), of_b.argmax()) == (2, 5)
    again = sinex(Given(noise[0]), Given(noise[1]), seed=1)
    assert torch.equal(of_a, again[0])
