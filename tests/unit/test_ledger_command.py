"""The ledger, repeated on another network from results that lie in a folder of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from lfs_core.cli import app
from lfs_core.findings.multiverse import moves
from lfs_core.findings.readings import over_readings
from lfs_core.findings.stored import results_in, stored_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One test of the multiverse, as if it were of another network; and no answers about maps."""
    multiverse = stored_run("multiverse")
    multiverse["tests"] = multiverse["tests"][:1]
    multiverse["manifest"]["embedder"] = "facenet-vggface2"
    (tmp_path / "multiverse.json").write_text(json.dumps(multiverse), encoding="utf-8")
    manifest = {"embedder": "facenet-vggface2", "images": [], "thresholds": []}
    maps = {"manifest": manifest, "questions": {}}
    (tmp_path / "map-readings.json").write_text(json.dumps(maps), encoding="utf-8")
    return tmp_path


def run(folder: Path, network: str) -> Result:
    command = ["ledger", "--embedder", network, "--data", str(folder), "-o", str(folder)]
    return CliRunner().invoke(app, command)


def test_only_what_the_results_decide_is_told(folder: Path) -> None:
    assert run(folder, "facenet-vggface2").exit_code == 0
    text = (folder / "ledger.md").read_text(encoding="utf-8")
    with results_in(folder):
        readings = moves("similar")
        verdict = over_readings(readings)
    assert len(readings) == 6 and f"*{verdict}*" in text
    assert "**14. Similar pairs become less similar" in text and "over 6 readings" in text
    left = text.rpartition("not repeated: ")[2]
    assert {"1", "6", "9", "21"} <= set(left.strip(" .\n").split(", "))
    assert len(moves("similar")) > 6  # the book's own results again


def test_results_of_another_network_are_not_taken(folder: Path) -> None:
    result = run(folder, "mobilenet-vggface2")
    assert result.exit_code == 1
    assert "holds results of 'facenet-vggface2'" in result.output
