"""A few of the trials of `benchmarks/faults.py`, which says what they are."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "faults.py"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the script needs Linux or macOS")


@pytest.fixture(scope="module")
def faults() -> ModuleType:
    spec = spec_from_file_location("faults", SCRIPT)
    sys.modules["faults"] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_damage_is_noticed_or_no_harm(faults: ModuleType, tmp_path: Path) -> None:
    told = faults.damage(tmp_path, 4, but=("networks in ONNX",))
    assert re.match(r"28 damaged files .*; 0 wrong$", told)


def test_many_images_and_a_large_gallery(faults: ModuleType, tmp_path: Path) -> None:
    assert "60 images" in faults.index_many(tmp_path / "images", 60)
    assert "all of them right" in faults.search_many(tmp_path, 3000, queries=2)


@pytest.mark.slow
def test_commands_that_are_killed_go_on(tmp_path: Path) -> None:
    line = [sys.executable, str(SCRIPT), "kill", "--trials", "2", "--commands", "index", "evaluate"]
    done = subprocess.run(line, capture_output=True, encoding="utf-8", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "index 2 times" in done.stdout and "evaluate 2 times" in done.stdout
