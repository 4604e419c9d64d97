"""`--executed-once`: nbval compares the run that is kept, and tells every difference."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output
from tiny import write_notebook

from lfs_core.book import run

ROOT = Path(__file__).parents[2]
SOURCES = ("open('runs', 'a').write('x');", "print('shown')", "print('ignored')")
KEPT = {  # what the run that is kept gives for the last cells, and which cells fail
    "01_same": (["", "shown", "ignored"], []),
    "02_changed": (["", "another", "ignored"], [2]),
    "03_ignored": (["", "shown", "another"], []),
    "04_missing": (["", "shown"], [3]),
    "05_more": (["more", "shown", "ignored"], [1]),
}


def written(path: Path, sources: tuple[str, ...], texts: list[str]) -> nbformat.NotebookNode:
    """A notebook whose cells print these texts; the output of a fourth cell is not compared."""
    notebook = nbformat.read(write_notebook(path, "p: float = 0.3", *sources), as_version=4)
    for count, (cell, text) in enumerate(zip(notebook.cells, ["", *texts], strict=True), 1):
        cell.execution_count = count
        cell.outputs = [new_output("stream", text=f"{text}\n")] if text else []
        if "ignored" in cell.source:
            cell.metadata["tags"] = ["nbval-ignore-output"]
    nbformat.write(notebook, path)
    return notebook


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notebooks, and the runs of them that are kept; the last has none."""
    root = tmp_path_factory.mktemp("project")
    notebooks = root / "notebooks"
    for name in [*KEPT, "06_no_run"]:
        written(notebooks / f"{name}.ipynb", SOURCES, ["", "shown", "ignored"])
    for name, (texts, _) in KEPT.items():
        executed = written(root / f"{name}.ipynb", SOURCES[: len(texts)], texts)
        for cell in executed.cells:  # what our kernel gives in addition to others
            data = {"text/plain": "1", "application/vnd.lfs.table+json": {}}
            if name == "01_same" and "shown" in cell.source:
                cell.outputs.append(new_output("display_data", data))
        outcome = run.Outcome(json.dumps(executed), None, 1.0, {})
        origin = run.origin(notebooks / f"{name}.ipynb", {})
        run.write_run(root / "_build" / "executed" / name, origin, outcome)
    same = nbformat.read(notebooks / "01_same.ipynb", as_version=4)
    same.cells[2].outputs.append(new_output("display_data", {"text/plain": "1"}))
    nbformat.write(same, notebooks / "01_same.ipynb")
    shutil.copy(ROOT / "notebooks" / "conftest.py", notebooks)
    return root


def compared(root: Path, *arguments: str) -> dict[str, dict[int, str]]:
    """What pytest says of each cell of each notebook."""
    command = [sys.executable, "-m", "pytest", "--executed-once", "-q", "-rA", "--color=no"]
    command += ["-p", "no:cacheprovider", "--nbval", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8")
    lines = re.findall(r"^(PASSED|FAILED) \S*?(\w+)\.ipynb::Cell (\d+)", done.stdout, re.MULTILINE)
    found: dict[str, dict[int, str]] = {}
    for outcome, name, cell in lines:
        found.setdefault(name, {})[int(cell)] = outcome
    runs = root / "runs"
    found["runs"] = {
        0: runs.read_text(encoding="utf-8") if runs.is_file() else done.stdout + done.stderr
    }
    return found


@pytest.fixture(scope="module")
def told(project: Path) -> dict[str, dict[int, str]]:
    """Of all notebooks."""
    return compared(project, str(project / "notebooks"))


@pytest.mark.slow
@pytest.mark.parametrize("name", KEPT)
def test_a_run_that_is_kept_is_compared_cell_by_cell(
    name: str, told: dict[str, dict[int, str]]
) -> None:
    _, failing = KEPT[name]
    assert sorted(told[name]) == [0, 1, 2, 3], told["runs"][0]
    assert [cell for cell, outcome in told[name].items() if outcome == "FAILED"] == failing


@pytest.mark.slow
def test_only_what_has_no_run_is_run(told: dict[str, dict[int, str]]) -> None:
    assert told["06_no_run"] == dict.fromkeys(range(4), "PASSED")
    assert told["runs"][0] == "x"


@pytest.mark.slow
def test_a_process_may_begin_with_any_cell(project: Path) -> None:
    """As one does that takes over the rest of another's tests."""
    found = compared(project, "notebooks/01_same.ipynb::Cell 2", "notebooks/03_ignored.ipynb")
    assert found["01_same"] == {2: "PASSED"}, found["runs"][0]
    assert found["03_ignored"] == dict.fromkeys(range(4), "PASSED")
