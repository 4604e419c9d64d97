"""Orders compared with the one-pass map's, by hand and as stored."""

from __future__ import annotations

import numpy as np
import pytest

from lfs_core.findings import orders


def test_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two fills are averaged, kinds of pairs kept apart, and the map's own score taken away."""
    similar = [True, False] * 3
    ours = {f"{of},fill={fill}": [0.0] * 6 for of in orders.TESTS for fill in ("noise", "blur")}
    other = {
        "selectivity,fill=noise": [0.1, -0.2] * 3,
        "selectivity,fill=blur": [0.3, -0.4] * 3,
        "insertion,fill=noise": [0.0] * 6,
        "insertion,fill=blur": [0.0] * 6,
    }
    scores = {orders.ORDERS.control: ours, "mine": other}
    people = {key: {"similar": similar, "scores": scores} for key in orders.PEOPLE}
    monkeypatch.setattr(orders, "stored_run", lambda name: {"people": people})
    table = orders.orders_table()
    assert list(table.index) == [(one, "mine") for one in orders.PEOPLE.values()]
    (row, _) = table.to_numpy().tolist()
    assert row[0].startswith("+0.200 [") and row[0].endswith("* (n = 3)")
    assert row[1].startswith("-0.300 [") and row[1].endswith("* (n = 3)")
    assert row[2].startswith("+0.000 [") and "*" not in row[2]
    assert "significantly better in 1 of 4 tests and worse in 1" in orders.tried_in_words()


@pytest.mark.parametrize("trial", [orders.ORDERS, orders.TARGETS], ids=lambda trial: trial.study)
def test_the_winner_is_tested_on_others(trial: orders.Trial) -> None:
    """The order that fresh people judge is the best of those tried, by the sum of four tests."""
    tried = orders._scores(trial, "weights")
    sums = {name: sum(map(np.mean, of.values())) for name, of in tried.items()}
    for name in (trial.control, *trial.apart):
        del sums[name]
    best = max(sums, key=lambda name: sums[name])
    assert set(orders._scores(trial, "fresh")) == {trial.control, best}
