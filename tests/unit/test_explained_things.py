"""Explanations of things, against closed forms, brute force and what holds for all of them."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_network import Small
from test_parts_taken_away import GRID, SIDE, Sum, mean

import lfs_core as lfs
from lfs_core.evaluation.metrics import selectivity
from lfs_core.parts import causal, left, whole
from lfs_core.things.explain import METHODS, explain_things, some_sets
from lfs_core.things.judged import area, auroc, deletion, insertion, order_of, share_found
from lfs_core.things.methods import HIDDEN, corrrise, distance_explainer, random_sets
from lfs_core.things.windows import Windows
from lfs_core.util.windows import tiles

DRAW = torch.Generator().manual_seed(0)
A, B = (Sum(torch.randn(k, 4, generator=DRAW)) for k in (6, 5))


def test_deletion_of_windows_is_pixel_flipping() -> None:
    network = Small()
    images = torch.rand(2, 3, SIDE, SIDE, generator=DRAW)
    windows = tiles((SIDE, SIDE), [GRID])
    a, b = (Windows(network, of, windows, mean(of)) for of in images)
    order = torch.randperm(GRID**2, generator=DRAW)
    ranks = order.argsort().view(1, 1, 1, GRID, GRID).expand(1, 1, 2, GRID, GRID)
    expected = selectivity.flip_curves(
        network,
        images[None],
        ranks,
        torch.tensor([False]),
        fill="mean",
        flips=range(GRID**2 + 1),
    )[0, 0]
    torch.testing.assert_close(deletion(a, b, order), expected, atol=1e-5, rtol=0)


def test_corrrise_is_the_correlation() -> None:
    found = corrrise(A, B, count=60, seed=3)[0]
    sets = random_sets(6, 60, HIDDEN, 3)
    cosines = left(A, sets) @ whole(B)
    expected = [np.corrcoef(cosines, ~sets[:, k])[0, 1] for k in range(6)]
    assert found.tolist() == pytest.approx(expected, abs=1e-5)


def test_the_distance_explainer_counts_what_the_nearest_keep() -> None:
    found = distance_explainer(A, B, count=40, seed=3)[1]
    sets = random_sets(5, 40, 0.5, 3)
    by_cosine = sorted(range(40), key=lambda s: float(left(B, sets)[s] @ whole(A)))
    for k in range(5):
        kept = [int(not sets[s, k]) for s in by_cosine]
        assert found[k] == pytest.approx(sum(kept[-4:]) / 4 - sum(kept[:4]) / 4)


def test_shared_evidence_of_independent_parts_is_what_each_does() -> None:
    """Where what sets do adds up, each part has its own share of it, but for the small ridge."""

    class Additive(Sum):
        """The last number is so large that the length hardly changes."""

        def without(self, sets: torch.Tensor) -> torch.Tensor:
            h = super().without(sets)
            return torch.cat([h, torch.full((len(h), 1), 1e3)], dim=1)

    a, b = (Additive(torch.randn(6, 3, generator=DRAW, dtype=torch.float64)) for _ in range(2))
    one, other = (explain_things(a, b, method).signed[0] for method in ("causal", "shared"))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0.1)


def test_small_things_lose_every_set() -> None:
    found = {tuple(row) for row in some_sets(3).tolist()}
    assert len(found) == 7 and (False,) * 3 not in found
    assert some_sets(40).shape == (512, 40)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_for_both(method: str) -> None:
    e = explain_things(A, B, method, threshold=-1)
    assert [len(of) for of in e.signed] == [6, 5] == [len(of) for of in e.parts]
    assert e.is_similar and all((of >= 0).all() for of in e.evidence)
    against = explain_things(A, B, method, threshold=1)
    torch.testing.assert_close(e.evidence[0] - against.evidence[0], e.signed[0])
    assert e.similarity == pytest.approx(float(whole(A) @ whole(B)))
    assert (e.likeness is not None) == (method in ("causal", "shared"))
    assert e.to_dict()["is_similar"] and len(e.to_dict()["signed"][1]) == 5


def test_matches_are_second_differences() -> None:
    e = explain_things(A, B)
    none, one = torch.zeros(1, 6, dtype=torch.bool), torch.eye(6, dtype=torch.bool)
    sets_a, sets_b = torch.cat([none, one]), torch.cat([none[:, :5], one[:5, :5]])
    cosines = left(A, sets_a) @ left(B, sets_b).T
    second = cosines[0, 0] - cosines[1:, :1] - cosines[:1, 1:] + cosines[1:, 1:]
    torch.testing.assert_close(e.matches, second, atol=1e-6, rtol=0)


def test_a_thing_and_itself_in_another_order_match() -> None:
    order = torch.tensor([3, 0, 2, 1])
    one = Sum(torch.eye(4) + 0.1)
    e = explain_things(one, Sum(one.vectors[order]))
    assert sorted((m.k, m.l) for m in e.matched) == sorted(
        (int(k), place) for place, k in enumerate(order)
    )


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(6)))
def test_the_order_of_the_parts_is_no_matter(order: list[int]) -> None:
    turned = Sum(A.vectors[order])
    torch.testing.assert_close(causal(turned), causal(A)[order], atol=1e-6, rtol=0)
    for side in (0, 1):
        expected = explain_things(A, B).signed[side]
        found = explain_things(turned, B).signed[side]
        torch.testing.assert_close(found, expected[order] if side == 0 else expected)


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(6)))
def test_curves_run_from_the_whole_to_nothing_and_back(order: list[int]) -> None:
    falling = deletion(A, B, torch.tensor(order))
    rising = insertion(A, B, torch.tensor(order[::-1]))
    torch.testing.assert_close(falling, rising.flip(0))
    assert falling[0] == pytest.approx(float(whole(A) @ whole(B)), abs=1e-6) and falling[-1] == 0


def test_no_order_deletes_faster_than_the_best_one() -> None:
    """Of parts that add up without a change of length, the strongest first is the best order."""
    vectors = torch.tensor([[3.0], [1], [2], [0.5]])

    class Fixed(Sum):
        """The cosine is the sum of the parts, divided by a number."""

        def without(self, sets: torch.Tensor) -> torch.Tensor:
            along = super().without(sets) / 10
            return torch.cat([along, (1 - along**2).sqrt()], dim=1)

    a, b = Fixed(vectors), Sum(torch.tensor([[1.0, 0], [1, 0]]))
    own = area(deletion(a, b, order_of(explain_things(a, b).signed[0])))
    areas = [area(deletion(a, b, torch.tensor(order))) for order in permutations(range(4))]
    assert own == pytest.approx(min(areas))
    assert own == pytest.approx((0.65 / 2 + 0.35 + 0.15 + 0.05) / 4)


def test_truth_is_found_by_hand() -> None:
    truth = torch.tensor([True, True, False, False])
    assert share_found(torch.tensor([4.0, 3, 2, 1]), truth) == 1
    assert share_found(torch.tensor([4.0, 1, 2, 3]), truth) == 0.5
    assert share_found(torch.zeros(4), truth) == auroc(torch.zeros(4), truth) == 0.5
    assert auroc(torch.tensor([4.0, 1, 2, 3]), truth) == 0.5
    assert auroc(torch.tensor([4.0, 2.5, 2, 3]), truth) == 0.75
    with pytest.raises(lfs.LFSError, match="some must not"):
        auroc(torch.zeros(4), torch.ones(4, dtype=torch.bool))


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 1, 2, 3, 4, 4], [0.0, 1, 2, 3, 4, 5]])
def test_an_order_names_each_part_once(order: list[float]) -> None:
    with pytest.raises(lfs.LFSError, match="each of the 6 parts once"):
        deletion(A, B, torch.tensor(order))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(lfs.LFSError, match="choose causal"):
        explain_things(A, B, "gradcam")
    with pytest.raises(lfs.LFSError, match="cosine"):
        explain_things(A, B, threshold=2)
    with pytest.raises(lfs.LFSError, match="NaN"):
        order_of(torch.tensor([0.0, torch.nan]))
    for count, hidden in ((1, 0.5), (5, 1.0)):
        with pytest.raises(lfs.LFSError, match=r"must lie between|2 sets"):
            random_sets(4, count, hidden)
