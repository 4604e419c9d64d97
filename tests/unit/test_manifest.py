"""Whether a stored result says which code made it, and whether that code is still the same."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from lfs_core.book.build import code_since, stored_table
from lfs_core.evaluation.spec import code_of_explainer
from lfs_core.util import manifest
from lfs_core.util.code import CORE, code_of
from lfs_core.util.manifest import (
    ALL_NUMBERS,
    BOOKKEEPING,
    changed_since,
    commit,
    made_by,
    processor,
)
from lfs_core.util.modules import _compact

STUDY = "lfs_core.explainer:ExplainLFS"


@pytest.fixture
def stored() -> dict[str, object]:
    """The manifest of a result that the code of today has made."""
    return {"code": made_by({"ours": code_of(STUDY)})}


def test_the_same_code_is_said_to_be_unchanged(stored: dict[str, object]) -> None:
    assert changed_since(stored) == []
    assert code_since(stored) == "unchanged"


def test_a_result_from_before_code_was_recorded_says_so() -> None:
    assert changed_since({}) is None
    assert code_since({}) == "not recorded"


@pytest.mark.parametrize("module", ["lfs_core.explainer", "lfs_core.relevance", "lfs_core.mapping"])
def test_an_edit_of_any_module_that_it_imports_is_named(
    stored: dict[str, object], module: str
) -> None:
    then = copy.deepcopy(stored)
    then["code"]["modules"][module] = "0" * 12
    assert changed_since(then) == [module]
    assert code_since(then) == f"**changed**: `{module}`"


def test_a_module_that_is_gone_has_changed(stored: dict[str, object]) -> None:
    stored["code"]["modules"]["lfs_core.no_such_module"] = "0" * 12
    assert changed_since(stored) == ["lfs_core.no_such_module"]


def test_other_weights_under_the_same_name_have_changed(stored: dict[str, object]) -> None:
    head = next(name for name in stored["code"]["weights"] if "heads" in name)
    assert (CORE / head).is_file()
    stored["code"]["weights"][head] = "0" * 12
    assert changed_since(stored) == [head]


def test_weights_of_other_networks_do_not_count(stored: dict[str, object]) -> None:
    head = "weights/heads/efficientnet-lite0-cub.safetensors"
    stored["code"]["weights"][head] = "0" * 12
    assert changed_since(stored | {"embedder": "facenet-casia"}) == []
    assert changed_since(stored | {"embedder": "facenet-casia, efficientnet-lite0-cub"}) == [head]
    assert changed_since(stored | {"networks": ["efficientnet-lite0-cub"]}) == [head]


def test_only_the_numbers_that_the_code_made_are_named() -> None:
    codes = {spec: code_of_explainer(spec) for spec in ("explainlfs", "tummala,variant=gradient")}
    stored = {"code": made_by(codes)}
    stored["code"]["modules"]["lfs_core.comparators.tummala"] = "0" * 12
    assert code_since(stored) == (
        "**changed**: `lfs_core.comparators.tummala` (numbers of `tummala,variant=gradient`)"
    )
    stored["code"]["modules"]["lfs_core.mapping"] = "0" * 12
    assert "numbers of" not in code_since(stored)  # all of them
    codes = {"tummala": codes["tummala,variant=gradient"], ALL_NUMBERS: code_of("lfs_core.errors")}
    stored = {"code": made_by(codes)}
    stored["code"]["modules"]["lfs_core.comparators.tummala"] = "0" * 12
    assert "(numbers of `tummala`)" in code_since(stored)
    stored["code"]["modules"]["lfs_core.errors"] = "0" * 12
    assert "numbers of" not in code_since(stored)


def test_many_changes_are_counted(stored: dict[str, object]) -> None:
    modules = stored["code"]["modules"]
    assert len(modules) > 3
    stored["code"]["modules"] = dict.fromkeys(modules, "0" * 12)
    assert code_since(stored).endswith(f"and {len(modules) - 3} more")


def test_code_that_only_writes_down_what_was_run_makes_no_number_old() -> None:
    stored = {"code": made_by({ALL_NUMBERS: code_of("lfs_core.util.manifest")})}
    assert set(stored["code"]["modules"]) >= BOOKKEEPING
    for module in BOOKKEEPING:
        stored["code"]["modules"][module] = "0" * 12
    assert changed_since(stored) == []
    stored["code"]["modules"]["lfs_core.errors"] = "0" * 12
    assert changed_since(stored) == ["lfs_core.errors"]


def test_a_change_that_changes_no_number_makes_no_result_old(
    stored: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, old = "lfs_core.relevance", "0123456789ab"
    now = stored["code"]["modules"][module]
    stored["code"]["modules"][module] = old
    assert changed_since(stored) == [module]
    monkeypatch.setitem(manifest.SAME_NUMBERS, (module, old), now)
    assert changed_since(stored) == []
    monkeypatch.setitem(manifest.SAME_NUMBERS, (module, old), "another one")
    assert changed_since(stored) == [module]


def test_the_weights_that_ship_are_stored_as_before() -> None:
    """Each holds finite numbers of half precision only, of which `save_module` makes the same."""
    shipped = list(manifest.CORE.glob(manifest.WEIGHTS))
    assert len(shipped) > 15
    for path in shipped:
        for tensor in load_file(path).values():
            if tensor.is_floating_point():
                assert tensor.isfinite().all()
                assert _compact(tensor.float()).dtype == torch.float16


@given(st.lists(st.floats(-65504, 65504, width=32)))
def test_numbers_that_half_precision_holds_are_stored_in_it(numbers: list[float]) -> None:
    tensor = torch.tensor(numbers)
    assert torch.equal(_compact(tensor), tensor.half())


def test_the_status_page_shows_it(stored: dict[str, object]) -> None:
    about = {"command": "lfs study x", "commit": "abc", "finished": "today", "seconds": 1}
    resumed = about | {"records": 5, "records_from_before": 2}
    table = stored_table({"new": about | stored, "old": about, "resumed": resumed})
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    assert rows["new.json"].endswith("| unchanged |")
    assert rows["old.json"].endswith("| 1 | not recorded |")
    assert "| 1, 2 of 5 parts kept from before |" in rows["resumed.json"]


def test_each_module_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    manifest._says_now.cache_clear()
    monkeypatch.setattr(manifest, "code_of", lambda name: calls.append(name) or code_of(name))
    recorded = {"code": {"modules": {"lfs_core.errors": "0" * 12}, "weights": {}}}
    for _ in range(3):
        changed_since(recorded)
    assert calls == ["lfs_core.errors"]
    manifest._says_now.cache_clear()


def test_the_commit_is_unknown_outside_a_repository_and_without_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (CORE.parent / ".git").exists():
        assert re.fullmatch(r"[0-9a-f]{7,}\+?|unknown", commit(CORE))
    assert commit(tmp_path) == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit(CORE) == "unknown"


def test_the_processor_is_named_with_its_threads() -> None:
    threads = torch.get_num_threads()
    ends = ", 1 thread" if threads == 1 else f", {threads} threads"
    assert torch.cuda.is_available() or processor().endswith(ends)
