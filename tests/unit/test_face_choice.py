"""The study of which face of a photograph is chosen."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lfs_core.findings.face_choice import (
    SHIPPED,
    ahead,
    face_choice_sentence,
    face_choice_table,
    right_decisions,
)
from lfs_core.findings.stored import stored_run
from lfs_core.studies.face_choice import RULES, VERSIONS, moved, overlap


@pytest.fixture(scope="module")
def choice() -> dict[str, Any]:
    return stored_run("face-choice")


@given(st.integers(0, 10_000), st.integers(0, 40), st.integers(0, 30))
def test_a_moved_photograph_keeps_what_is_to_be_kept(seed: int, left: int, top: int) -> None:
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    image = Image.fromarray(np.stack([x, y, x * 0 + 200], axis=-1).astype(np.uint8))
    box = (left, top, left + 20, top + 15)
    other, (right, down) = moved(image, box, random.Random(seed))
    there = (left + right, top + down, left + 20 + right, top + 15 + down)
    assert min(there) >= 0 and there[2] <= other.width and there[3] <= other.height
    assert image.crop(box).tobytes() == other.crop(there).tobytes()


def test_the_overlap_of_two_boxes() -> None:
    assert overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 2, 2), (2, 2, 3, 3)) == overlap((0, 0, 1, 1), (5, 0, 6, 1)) == 0


def test_there_are_enough_pairs_of_both_kinds(choice: dict[str, Any]) -> None:
    assert min(np.bincount(choice["same"])) >= 200
    assert set(choice["versions"]) == {*VERSIONS}
    assert all(set(rules) == {*RULES} for rules in choice["versions"].values())


@pytest.mark.parametrize("version", VERSIONS)
def test_the_rule_that_ships_is_not_significantly_worse_than_any(
    version: str, choice: dict[str, Any]
) -> None:
    for rule in RULES:
        for what, margin in ahead(choice, version, rule).items():
            assert margin.high >= 0, (rule, what)


def test_no_half_of_the_rule_does_alone(choice: dict[str, Any]) -> None:
    """Size fails on photographs as they are, centrality where people are not in the middle."""
    assert ahead(choice, "as they are", "size")["own face"].low > 0
    assert ahead(choice, "as they are", "the detector's probability")["own face"].low > 0
    assert ahead(choice, "moved", "centrality")["own face"].low > 0


def test_what_is_said_of_the_rules(choice: dict[str, Any]) -> None:
    rule = choice["versions"]["moved"]["size"]
    assert f"size alone in {100 * np.mean(rule['own']):.0f}%" in face_choice_sentence(choice)
    similar = [s > 0.3 for s in rule["similarity"]]
    right = [s == bool(same) for s, same in zip(similar, choice["same"], strict=True)]
    assert right_decisions(choice, "moved", "size").tolist() == right
    table = face_choice_table(choice)
    assert set(table.index) == {*RULES} and table.index[0] == SHIPPED
