"""Numbers in files."""

from __future__ import annotations

import json

import torch
from hypothesis import given
from hypothesis import strategies as st

from lfs_core.util.rounding import rounded


def test_nested_numbers_and_what_json_does_not_know() -> None:
    assert rounded(torch.tensor([[0.123449, torch.nan], [1.0, -2.0]])) == [[0.1234, None], [1, -2]]
    assert rounded([0.1, float("nan")]) == [0.1, None]
    assert rounded(torch.tensor(0.30000001)) == 0.3 and rounded(None) is None


@given(st.floats(-1, 1, width=32))
def test_no_more_than_four_decimals_are_written(value: float) -> None:
    found = rounded(torch.tensor(value))
    assert abs(found - value) <= 0.5e-4 + 1e-9
    assert len(json.dumps(found).partition(".")[2]) <= 4 or abs(found) < 1e-3
