"""Orders found greedily in the causal map's model: as a loop over recomputed cosines finds them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from lfs_core.studies.one_pass_orders import PLAYS, Play, greedy_order, ranked


def by_a_loop(h: Tensor, C: Tensor, similar: bool, empty: Tensor, play: Play) -> list[list[int]]:
    """The order of one pair's places, every set summed again and every cosine computed again."""
    places, sign = len(C[0]), 1 if similar else -1
    orders: list[list[int]] = [[], []]

    def left(side: int, gone: list[int]) -> Tensor:
        return h[side] - sum((C[side][k] for k in gone), torch.zeros_like(empty))

    def shown(side: int, back: list[int]) -> Tensor:
        missing = h[side] - empty - C[side].sum(0)
        return empty + sum((C[side][k] + missing / places for k in back), torch.zeros_like(empty))

    for _ in range(places):
        chosen = []
        for side in (0, 1):
            costs = {}
            for k in set(range(places)) - set(orders[side]):
                costs[k] = 0.0
                for weight, state in ((play.away, left), (-play.back, shown)):
                    mine = state(side, [*orders[side], k])
                    other = h[1 - side] if similar else state(1 - side, orders[1 - side])
                    decided = sign * cosine_similarity(mine, other, dim=0)
                    itself = cosine_similarity(mine, h[side], dim=0)
                    costs[k] += weight * float(decided + play.own * itself)
            chosen.append(min(sorted(costs), key=costs.__getitem__))
        for side, k in enumerate(chosen):
            orders[side].append(k)
    return orders


@pytest.mark.parametrize("play", PLAYS.values(), ids=list(PLAYS))
@pytest.mark.parametrize("places", [1, 2, 6])
def test_the_order_is_that_of_a_loop(play: Play, places: int) -> None:
    generator = torch.Generator().manual_seed(places)
    h = normalize(torch.randn(8, 2, 12, generator=generator).double(), dim=-1)
    C = 0.4 * torch.randn(8, 2, places, 12, generator=generator).double()
    empty = normalize(torch.randn(12, generator=generator).double(), dim=-1)
    similar = torch.arange(8) % 2 == 0
    when = greedy_order(h, C, similar, empty, play)
    for k in range(8):
        expected = by_a_loop(h[k], C[k], bool(similar[k]), empty, play)
        assert when[k].argsort(dim=-1).tolist() == expected


def test_equal_places_are_taken_in_their_order() -> None:
    h = normalize(torch.ones(1, 2, 4), dim=-1)
    C = torch.zeros(1, 2, 5, 4)
    when = greedy_order(h, C, torch.tensor([True]), normalize(torch.ones(4), dim=0), Play(away=1))
    assert when[0].tolist() == [list(range(5))] * 2
    assert ranked(torch.tensor([1.0, 3.0, 1.0, 3.0])).tolist() == [2, 0, 3, 1]


def test_without_change_of_length_the_first_place_falls_most() -> None:
    """The first step of greedy deletion of a similar pair, by hand: turned by 90, 30 and 60."""
    h = torch.tensor([[1.0, 0.0], [1.0, 0.0]])[None]
    turned = torch.tensor([[0.0, 1.0], [3**0.5 / 2, 0.5], [0.5, 3**0.5 / 2]])
    C = (h[0, :1] - turned)[None, None].expand(1, 2, -1, -1)
    when = greedy_order(h, C, torch.tensor([True]), torch.tensor([0.0, 1.0]), Play(away=1))
    assert when[0, 0, 0] == 0
