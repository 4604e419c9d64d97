"""A page without a network says why, and shows the rest."""

from __future__ import annotations

import pytest

from lfs_core.book.attempt import Attempt
from lfs_core.errors import AssetError


def test_what_was_made_is_shown() -> None:
    assert Attempt(lambda: 2).show(lambda made: made + 1) == 3


def test_what_cannot_be_fetched_is_a_sentence() -> None:
    def make() -> int:
        raise AssetError("pip could not download it.\nBring it here.")

    shown = Attempt(make).show(lambda made: made + 1)
    assert shown.data == "*Not shown here.* pip could not download it. Bring it here."


def test_a_fault_is_no_missing_network() -> None:
    with pytest.raises(ZeroDivisionError):
        Attempt(lambda: 1 // 0)
