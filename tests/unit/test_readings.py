"""Verdicts over readings: by hand, by properties, and with an independent analysis of variance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import f_oneway

from lfs_core.findings.intervals import Interval
from lfs_core.findings.readings import (
    Reading,
    deciding,
    in_words,
    over_readings,
    verdicts,
    verdicts_by,
)
from lfs_core.viz.specification import plot_specification

HOLDS, FAILS, OPEN = Interval(0.2, 0.1, 0.3), Interval(-0.2, -0.3, -0.1), Interval(0.1, -0.1, 0.3)


def readings(*found: Interval, **choices: list[str]) -> list[Reading]:
    return [
        Reading({name: of[k] for name, of in choices.items()}, one) for k, one in enumerate(found)
    ]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((HOLDS, HOLDS), "holds"),
        ((FAILS, FAILS, FAILS), "fails"),
        ((OPEN,), "not shown"),
        ((HOLDS, FAILS), "depends"),
        ((HOLDS, OPEN), "depends"),
        ((FAILS, OPEN), "not shown"),
    ],
)
def test_the_verdict_looks_at_all_readings(found: tuple[Interval, ...], verdict: str) -> None:
    assert over_readings(readings(*found)) == verdict
    assert over_readings(readings(*reversed(found))) == verdict


@given(st.lists(st.sampled_from([HOLDS, FAILS, OPEN]), min_size=1), st.randoms())
def test_more_readings_never_make_a_claim_surer(found: list[Interval], random: object) -> None:
    """A verdict on all says the same of every part, or it depends or is not shown."""
    verdict = over_readings(readings(*found))
    if verdict in ("holds", "fails"):
        assert all(over_readings([one]) == verdict for one in readings(*found))
    assert over_readings(readings(*found, HOLDS, FAILS)) == "depends"


def test_one_reading_in_twenty_by_chance_is_not_what_a_claim_depends_on() -> None:
    """Readings of a mean of 0: some intervals lie outside, and none does after correction."""
    random = np.random.default_rng(0)
    means = random.normal(0, 1, size=100)
    found = readings(*(Interval(mean, mean - 1.96, mean + 1.96) for mean in means))
    assert sum(reading.verdict != "not shown" for reading in found) > 0
    assert set(verdicts(found)) == {"not shown"}
    assert over_readings(found) == "not shown"
    assert "holds in 0, fails in 0 and is not shown in 100" in in_words(found)


def test_the_deciding_choice() -> None:
    """A choice that is all there is explains all; one that is unrelated explains nothing."""
    found = readings(
        HOLDS, HOLDS, FAILS, FAILS, decoder=list("aabb"), fill=list("xyxy"), one=list("zzzz")
    )
    assert deciding(found) == {"decoder": 1.0, "fill": 0.0}
    assert "decoder 100 %" in in_words(found) and "holds in 2, fails in 2" in in_words(found)
    assert deciding(readings(HOLDS, HOLDS, decoder=list("ab"))) == {}


def test_verdicts_are_counted_for_each_value_of_a_choice() -> None:
    table = verdicts_by(readings(HOLDS, OPEN, HOLDS, decoder=list("aab")), "decoder")
    assert table.columns.tolist() == ["holds", "fails", "not shown"]
    assert table.loc["a"].tolist() == [1, 0, 1] and table.loc["b"].tolist() == [1, 0, 0]


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6).filter(lambda x: np.ptp(x) > 1e-3))
def test_eta_squared_is_that_of_scipys_analysis_of_variance(means: list[float]) -> None:
    values = [Interval(mean, mean, mean) for mean in means]
    (share,) = deciding(readings(*values, choice=list("aabbcc"))).values()
    groups = [means[:2], means[2:4], means[4:]]
    if share < 1 - 1e-9:
        f = f_oneway(*groups).statistic
        assert share == pytest.approx(2 * f / (2 * f + 3), abs=1e-6)  # 2 and 3 degrees of freedom


def test_the_specification_curve_shows_every_reading_and_its_choices() -> None:
    found = readings(FAILS, HOLDS, OPEN, HOLDS, decoder=list("abab"), same=list("xxxx"))
    top, bottom = plot_specification(found, "advantage").axes
    drawn = {
        line.get_label(): line.lines[0].get_ydata().tolist()
        for line in top.containers  # one for each verdict
    }
    assert drawn == {
        "holds (2 of 4 readings)": [0.2, 0.2],
        "fails (1 of 4 readings)": [-0.2],
        "not shown (1 of 4 readings)": [0.1],
    }
    # Sorted, readings 0, 2, 1, 3 come first to last; "same" has one value and no row.
    assert [label.get_text() for label in bottom.get_yticklabels()] == ["decoder: a", "decoder: b"]
    marks = [line.get_xdata().tolist() for line in bottom.lines if line.get_marker() == "|"]
    assert marks == [[0, 1], [2, 3]]
