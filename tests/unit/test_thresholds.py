"""The study of thresholds: balanced accuracy by hand, and the thresholds in use."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from lfs_core.studies.thresholds import balanced_accuracy, judged


def test_by_hand() -> None:
    """Three of four pairs of one person are found at 0.5, one of two others refused."""
    values = np.array([0.9, 0.8, 0.6, 0.2, 0.7, 0.1])
    kinds = np.array([True, True, True, True, False, False])
    (found,) = balanced_accuracy(values, kinds, np.array([0.5]), np.ones((1, 6)))
    assert found == (3 / 4 + 1 / 2) / 2


@given(st.lists(st.tuples(st.floats(-1, 1), st.booleans()), min_size=4, max_size=30))
def test_counting_a_pair_twice_is_having_it_twice(pairs: list[tuple[float, bool]]) -> None:
    values = np.array([0.5, 0.5, *(value for value, _ in pairs)])
    kinds = np.array([True, False, *(kind for _, kind in pairs)])
    counts = np.ones((1, len(values)))
    counts[0, :3] = 2
    twice = np.r_[values, values[:3]], np.r_[kinds, kinds[:3]]
    thresholds = np.linspace(-1, 1, 9)
    one = balanced_accuracy(values, kinds, thresholds, counts)
    other = balanced_accuracy(*twice, thresholds, np.ones((1, len(twice[0]))))
    np.testing.assert_allclose(one, other)


def test_kinds_apart_are_told_apart_in_the_middle() -> None:
    similarity = torch.tensor([0.1, 0.2, 0.3] * 10 + [0.7, 0.8, 0.9] * 10)
    same = torch.tensor([False] * 30 + [True] * 30)
    found = judged(similarity, same, used=0.75)
    assert abs(found["best"][0] - 0.5) < 1e-3
    assert found["right at best"][0] == 1
    assert found["right in use"][0] == round((2 / 3 + 1) / 2, 4)
    assert found["less"][1] <= found["less"][0] <= found["less"][2]
