"""What the command says of a sweep: how many numbers change, or that none does."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import run
from tiny import write_notebook

from lfs_core.book import sweep as module
from lfs_core.book.sweep import Point


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([{"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 3.0}], "1 of its 2 numbers change."),
        ([{"a": 1.0, "b": 2.0}] * 2, "None of its 2 numbers changes: p may show in figures only."),
    ],
)
def test_a_sweep_says_what_changes(
    numbers: list[dict[str, float]], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb", "p: float = 0.3  # size", "p")
    points = [Point({"p": k}, str(k), None, 1.0, of) for k, of in enumerate(numbers)]
    monkeypatch.setattr(module, "sweep", lambda *_: points)
    done = run("sweep", notebook, "--grid", "p=0.1,0.2", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith(said)
