"""The public names are typed as what they are, for type checkers and for editors."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import jedi
import pytest

import lfs_core as lfs

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent


@pytest.fixture(scope="module")
def complaints() -> dict[str, dict[int, str]]:
    """What mypy, strict, says of the two scripts: by file and line."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file="]
    # An installed package's own errors are no business of a user's.
    command += ["--follow-imports", "silent", "--cache-dir", str(ROOT / ".mypy_cache" / "scripts")]
    command += ["--no-error-summary", "user_script.py", "wrong_script.py"]
    done = subprocess.run(
        command,
        cwd=TESTS,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
    )
    assert not done.stderr, done.stderr
    found: dict[str, dict[int, str]] = {"user_script.py": {}, "wrong_script.py": {}}
    for file, line, text in re.findall(r"^(\S+):(\d+): error: (.*)$", done.stdout, re.MULTILINE):
        found[file][int(line)] = text
    return found


def test_nothing_is_said_against_a_script_that_is_right(
    complaints: dict[str, dict[int, str]],
) -> None:
    assert complaints["user_script.py"] == {}


def test_every_mistake_is_found(complaints: dict[str, dict[int, str]]) -> None:
    lines = (TESTS / "wrong_script.py").read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("  # wrong")}
    assert set(complaints["wrong_script.py"]) == wrong


def test_the_script_uses_everything_public() -> None:
    script = (TESTS / "user_script.py").read_text(encoding="utf-8")
    assert {*re.findall(r"\blfs\.(\w+)", script)} == {*lfs.__all__, "__version__"}
    public = {name for name in vars(lfs.PairExplanation) if not name.startswith("_")}
    public |= {field.name for field in dataclasses.fields(lfs.PairExplanation)}
    assert {*re.findall(r"\be\.(\w+)", script)} == public


def test_the_script_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import user_script

    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    user_script.own(tmp_path)


def completed(code: str) -> set[str]:
    """What an editor offers at the end of some code."""
    script = jedi.Script(code, project=jedi.Project(ROOT))
    lines = code.splitlines()
    return {found.name for found in script.complete(len(lines), len(lines[-1]))}


def test_an_editor_completes_public_names() -> None:
    assert completed("import lfs_core as lfs\nlfs.Ex") >= {"ExplainLFS", "Explainer"}
    assert completed("import lfs_core as lfs\nlfs.") >= {*lfs.__all__}


@pytest.mark.parametrize(
    ("code", "offered"),
    [
        ('lfs.ExplainLFS(network, decoder)("a.jpg", "b.jpg").', {"similarity", "maps", "plot"}),
        ('lfs.load_explainer("gradcam", network)("a", "b").', {"similarity", "masks", "save"}),
        ('lfs.load_explainer("gradcam", network).', {"batch", "settings"}),
        ('lfs.load_decoder("facenet-casia").', {"info", "image_size", "pixels"}),
        ('lfs.load_gallery("gallery").', {"labels", "nearest", "save"}),
        ("lfs.ExplainLFS(", {"similarity_threshold=", "map_threshold=", "latents="}),
    ],
)
def test_an_editor_knows_what_comes_back(code: str, offered: set[str]) -> None:
    assert completed(f"import lfs_core as lfs\n{code}") >= offered
