"""Notebook parameters are checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest

import lfs_core as lfs
from lfs_core.book.parameters import Parameters, check_parameters

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"p": 1.5}, "p = 1.5"),
        ({"p": "0.3"}, "p = '0.3'"),
        ({"pairs": 0}, "pairs = 0"),
        ({"pairs": 2.5}, "pairs = 2.5"),
        ({"latents": "other"}, "'raw' or 'scaled'"),
        ({"similarity_threshold": -2}, "similarity_threshold"),
        ({"seed": -1}, "seed"),
        ({"q": 1}, "q = 1"),
        ({"p": 7, "q": 1}, "p = 7: .*; q = 1"),
    ],
)
def test_parameters_that_cannot_be_used(values: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        check_parameters(**values)


def test_a_whole_number_is_a_number() -> None:
    check_parameters(p=1, similarity_threshold=0)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_typed_parameters_with_valid_defaults(notebook: Path) -> None:
    found = papermill.inspect_notebook(notebook)
    assert found
    for name, parameter in found.items():
        assert name in Parameters.model_fields
        assert parameter["inferred_type_name"] in ("float", "int", "str")
        assert parameter["help"], name
        check_parameters(**{name: eval(parameter["default"])})  # a literal of our own file
    cells = nbformat.read(notebook, as_version=4).cells
    place = next(i for i, c in enumerate(cells) if "parameters" in c.metadata.get("tags", []))
    assert all(f"{name}={name}" in cells[place + 1].source for name in found)


def test_a_notebook_stops_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(papermill.PapermillExecutionError, match="p = 5"):
        papermill.execute_notebook(
            NOTEBOOKS[0], tmp_path / "out.ipynb", {"p": 5.0}, progress_bar=False
        )
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    failed = [c for c in cells if any(o.output_type == "error" for o in c.get("outputs", []))]
    assert len(failed) == 1 and "check_parameters" in failed[0].source


@pytest.mark.slow
def test_a_notebook_runs_from_any_folder_with_other_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    papermill.execute_notebook(NOTEBOOKS[0], "out.ipynb", {"p": 0.7}, progress_bar=False)
    assert "p = 0.7" in (tmp_path / "out.ipynb").read_text(encoding="utf-8")
