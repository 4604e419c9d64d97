"""How much depends on the draw of controls: the study's form, and its table by hand."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from lfs_core.findings import draws as found
from lfs_core.findings.stored import is_stored, stored_run
from lfs_core.studies.draws import DRAW, PAPER


def a_draw(further: float, pairs: int = 50) -> dict[str, Any]:
    """A test in which ExplainLFS is ahead of both controls by about so much."""
    noise = np.random.default_rng(0).normal(0, 0.01, pairs)
    own = "explainlfs,decoder=linear,latents=raw"
    scores = {
        own: further + noise,
        f"{own},relevance=random": np.zeros(pairs),
        f"{found.CHANCE},draw=0": -noise,
    }
    return {"own": {own: {"decoder": "linear"}}, "score": scores.__getitem__, "classes": None}


def test_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    further = (0.1, -0.1, 0.0)
    monkeypatch.setattr(found, "tests_of", lambda name, kind: [a_draw(one) for one in further])
    table = found.draws_table()
    assert list(table.index) == [("linear", "random relevance"), ("linear", "a random order")]
    shift = np.random.default_rng(0).normal(0, 0.01, 50).mean()
    for times, row in zip((1, 2), table.index, strict=True):
        for cell in table.loc[row]:
            mean, low, high = (one + times * shift for one in (0.0, -0.1, 0.1))
            assert cell == f"{mean:+.3f} ({low:+.3f} to {high:+.3f}; ahead 1, behind 1)"


@pytest.mark.skipif(not is_stored("draws"), reason="the study's results are not stored")
def test_the_stored_run_draws_everything_anew() -> None:
    run = stored_run("draws")
    assert len({test[DRAW] for test in run["tests"]}) == len(run["tests"]) == 20
    for test in run["tests"]:
        assert {choice: test[choice] for choice in PAPER} == PAPER
        drawn = [name for name in test["curves"] if "random" in name]
        assert len(drawn) == 4 and all(f"seed={test['draw']}" in name for name in drawn)
    curves = [test["curves"][f"random,seed={test['draw']}"] for test in run["tests"]]
    assert all(one != other for one, other in itertools.pairwise(curves))


@pytest.mark.skipif(not is_stored("thresholds"), reason="the study's results are not stored")
def test_thresholds_in_use_cost_little() -> None:
    """They were chosen on fewer pairs of the same people; no better one is known by much."""
    for name, of in stored_run("thresholds")["networks"].items():
        assert of["judged on"]["less"][0] < 0.05, name


def test_an_interval_over_draws_and_pairs_holds_the_mean() -> None:
    """Of a known mean 0, with luck of draws, of pairs and of both: 95 % of intervals hold it."""
    held = 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        of_draws, of_pairs = random.normal(size=(20, 1)), random.normal(0, 2, size=(1, 30))
        one = found.over_both(of_draws + of_pairs + random.normal(0, 3, size=(20, 30)))
        held += one.low < 0 < one.high
    assert 0.93 <= held / 400 <= 0.985


def test_a_draw_that_is_no_luck_leaves_the_interval_of_the_pairs() -> None:
    values = np.tile(np.random.default_rng(0).normal(size=25), (40, 1))
    one = found.over_both(values)
    half = 2.064 * values[0].std(ddof=1) / 5  # Student's t with 24 degrees of freedom
    assert one.high - one.mean == pytest.approx(half, rel=1e-3)
