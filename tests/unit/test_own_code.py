"""The user's own files: what they are called is the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lfs_core.util.own_code import load_object


def called(folder: Path, name: str, seed: str) -> str:
    """What the module of an object is called in a new process that starts in a folder."""
    code = (
        "from lfs_core.util.own_code import load_object; "
        f"print(load_object({name!r}, 'network').__module__)"
    )
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_file_is_called_the_same_in_every_process(tmp_path: Path) -> None:
    """A gallery finds its network again, though another module has the name of its file."""
    for name in ("mine", "colorsys"):
        (tmp_path / f"{name}.py").write_text("def embed(images): ...\n", encoding="utf-8")
    # A command that Python starts in the file's folder finds the file itself, and no other.
    assert called(tmp_path, "mine.py:embed", "1") == "mine"
    elsewhere = f"{tmp_path / 'colorsys.py'}:embed"
    names = {called(Path.cwd(), elsewhere, seed) for seed in ("1", "2")}
    assert len(names) == 1 and names != {"colorsys"}


def test_a_file_with_the_name_of_a_module_is_loaded_once(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text("def embed(images): ...\n", encoding="utf-8")
    name = f"{tmp_path / 'colorsys.py'}:embed"
    assert load_object(name, "network") is load_object(name, "network")
