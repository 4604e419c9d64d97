"""Where a result comes from: commit, versions, time."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "book" / "results"  # stored runs, which the book shows
PACKAGES = (
    "lfs-core",
    "torch",
    "torchvision",
    "facenet-pytorch",
    "onnxruntime",
    "numpy",
    "papermill",
)


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide the numbers."""
    return {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}


def commit(folder: Path) -> str:
    """The commit that is checked out, with `+` when files differ from it; else "unknown"."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=7", "--exclude=*"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else "unknown"
