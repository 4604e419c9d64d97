"""What the stored run of sounds says is computed from its pairs."""

from __future__ import annotations

import numpy as np
import pytest

from lfs_core.findings.sounds import (
    above_chance,
    gain_of_sharing,
    sounds_sentences,
    sounds_table,
    told,
)
from lfs_core.findings.stored import stored_run
from lfs_core.studies.sounds import KINDS, METHODS, PAIRS, intervals


@pytest.fixture(scope="module")
def run() -> dict:
    return stored_run("sounds")


def test_means_and_differences_are_those_of_the_pairs(run: dict) -> None:
    assert set(run["kinds"]) == set(KINDS)
    for found in run["kinds"].values():
        for name in METHODS:
            raw = np.array(found["raw"][name])
            assert raw.shape == (PAIRS, 2) and raw.min() >= 0 and raw.max() <= 1
            assert found["methods"][name]["auroc"][0] == pytest.approx(raw[:, 0].mean(), abs=2e-4)
            assert found["methods"][name]["share"][0] == pytest.approx(raw[:, 1].mean(), abs=2e-4)
        for both, difference in found["differences"].items():
            one, other = (np.array(found["raw"][name])[:, 0].mean() for name in both.split(" - "))
            assert difference["auroc"][0] == pytest.approx(one - other, abs=4e-4)


def test_controls_are_at_chance(run: dict) -> None:
    """The shared part is as likely in any third, and as loud as the rest."""
    for found in run["kinds"].values():
        for control in ("random", "centre", "energy"):
            _, low, high = found["methods"][control]["auroc"]
            assert low - 0.03 < 0.5 < high + 0.03, control


def test_an_interval_of_equal_pairs_is_a_point() -> None:
    found = intervals(np.full((8, 2), 0.75))
    assert found == {"auroc": [0.75, 0.75, 0.75], "share": [0.75, 0.75, 0.75]}


def test_the_table_and_the_sentences_say_the_numbers(run: dict) -> None:
    table = sounds_table(run)
    assert table.shape == (len(METHODS), len(KINDS))
    for kind, found in run["kinds"].items():
        expected = told(found["methods"]["causal"]["auroc"])
        assert table.loc[METHODS["causal"], kind] == expected
        assert -1 < gain_of_sharing(run, kind) < 1
    assert set(above_chance(run, "causal")) <= set(KINDS)
    found = next(iter(run["kinds"].values()))
    found["differences"]["explainlfs - explainlfs,relevance=random"]["auroc"] = [-0.2, -0.3, -0.1]
    said = sounds_sentences(run)
    assert "in 1 kinds" not in said and "in 1 of" in said and "is 0.20." in said
