"""Where a result comes from: commit, versions, time."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lfs_core.util.code import CORE, Code

RESULTS = Path(__file__).parents[2] / "book" / "results"  # stored runs, which the book shows
WEIGHTS = "**/weights/**/*.safetensors"  # that ship with the package
PACKAGES = (  # decide the numbers
    "lfs-core",
    "torch",
    "torchvision",
    "facenet-pytorch",
    "onnxruntime",
    "numpy",
    "papermill",
)


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Of Python and of those of the packages that are installed."""
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found | {"python": platform.python_version()}


def commit(folder: Path) -> str:
    """The commit that is checked out, with `+` when files differ from it; else "unknown"."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=7", "--exclude=*"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def made_by(codes: Mapping[str, Code]) -> dict[str, dict[str, str]]:
    """What a manifest says of the code that made its numbers, and of the weights that ship.

    Args:
        codes: of each part of the result, by its name.
    """
    modules = {name: said[:12] for code in codes.values() for name, said in code.modules.items()}
    return {
        "of": {part: code.digest[:16] for part, code in codes.items()},
        "modules": dict(sorted(modules.items())),
        "weights": shipped_weights(),
    }


@functools.cache
def shipped_weights() -> dict[str, str]:
    """A digest of each file of weights that ships with the package, by its path there."""
    return {
        path.relative_to(CORE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted(CORE.glob(WEIGHTS))
    }
