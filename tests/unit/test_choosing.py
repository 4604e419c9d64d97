"""Which face of a photograph is meant."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfs_core.datasets.choosing import SURE, area, chosen_face, off_centre, prominence
from lfs_core.datasets.detecting import Face

SIZE = (400, 300)  # whose diagonal is 500


def face(x: float, y: float, side: float, probability: float = 1.0) -> Face:
    """A square face about a middle."""
    half = side / 2
    return Face((x - half, y - half, x + half, y + half), probability, np.zeros((5, 2)))


def test_the_formula() -> None:
    assert prominence(face(200, 150, 10), SIZE) == pytest.approx(100)  # in the middle, its area
    # Half of the diagonal is 250: half of that away, e to the minus a quarter of it.
    assert prominence(face(200 + 125, 150, 10), SIZE) == pytest.approx(100 * math.exp(-0.25))
    assert prominence(face(200 - 75, 150 + 100, 10), SIZE) == pytest.approx(100 * math.exp(-0.25))
    half = face(0, 150, 10)  # of which half lies outside
    assert prominence(half, SIZE) == pytest.approx(50 * 0.5 * math.exp(-((200 / 250) ** 2)))
    assert prominence(face(-50, 150, 10), SIZE) == 0
    assert area(face(5, 6, 7)) == 49 and off_centre(face(203, 146, 9), SIZE) == 25


def test_neither_size_nor_centrality_decides_alone() -> None:
    passer_by = face(205, 290, 12)  # small
    central, stranger = face(210, 140, 60), face(10, 60, 90)  # larger, cut off by the edge
    assert chosen_face([stranger, central, passer_by], SIZE) == 1
    person, dot = face(150, 150, 90), face(200, 150, 20)  # a poster in the very middle
    assert chosen_face([person, dot], SIZE) == 0


def test_what_may_be_no_face_is_chosen_only_if_nothing_else_is_there() -> None:
    unsure = face(200, 150, 200, SURE - 0.01)
    assert chosen_face([unsure, face(100, 100, 20, SURE)], SIZE) == 1
    assert chosen_face([unsure], SIZE) == 0


places = st.floats(60, 240)
faces = st.builds(face, places, places, st.floats(5, 50))  # whole in 300 by 300, twice as large


@given(st.lists(faces, min_size=1, max_size=5), st.floats(0.5, 3))
def test_the_scale_of_a_photograph_does_not_matter(found: list[Face], scale: float) -> None:
    larger = [Face(tuple(scale * at for at in one.box), 1.0, one.landmarks) for one in found]
    size = (300, 300)
    best = max(prominence(one, size) for one in found)
    chosen = chosen_face(larger, (300 * scale, 300 * scale))  # type: ignore[arg-type]
    assert prominence(found[chosen], size) == pytest.approx(best)


@given(faces, st.floats(1.01, 2))
def test_larger_is_better_and_nearer_is_better(one: Face, times: float) -> None:
    left, top, right, bottom = one.box
    x, y, side = (left + right) / 2, (top + bottom) / 2, right - left
    size = (300, 300)
    assert prominence(face(x, y, side * times), size) > prominence(one, size)
    away = face(150 + (x - 150) * times, 150 + (y - 150) * times, side)
    assert prominence(away, size) <= prominence(one, size)
