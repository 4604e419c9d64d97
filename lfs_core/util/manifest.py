"""Where a result comes from: commit, versions, processor."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lfs_core.errors import LFSError
from lfs_core.util.code import CORE, Code, code_of

RESULTS = Path(__file__).parents[2] / "book" / "results"  # stored runs, which the book shows
WEIGHTS = "**/weights/**/*.safetensors"  # that ship with the package
ALL_NUMBERS = "all numbers"  # the part of a result that every other rests on
# Modules that write down what was run, and decide no number.
BOOKKEEPING = {"lfs_core.util.code", "lfs_core.util.manifest"}
# Changes of modules that change no number of a stored result, from one digest to the next.
SAME_NUMBERS = {
    # Only weights that half precision cannot hold, which became infinite, are stored otherwise.
    ("lfs_core.util.modules", "add405765510"): "56a307c2bd3b",
}
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


def processor() -> str:
    """What the numbers are computed on, as "x86_64, 2 threads"."""
    import torch  # takes a second, which who only reads manifests need not wait

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"{platform.machine()}, {threads} thread{'s' * (threads != 1)}"


def commit(folder: Path) -> str:
    """The commit that is checked out, with `+` when files differ from it; else "unknown"."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=7", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError:  # there is no git
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def made_by(codes: Mapping[str, Code]) -> dict[str, dict[str, Any]]:
    """What a manifest says of the code that made its numbers, and of the weights that ship.

    Args:
        codes: of each part of the result, as an explainer's numbers or a metric's, by its name.
    """
    modules = {name: said[:12] for code in codes.values() for name, said in code.modules.items()}
    return {
        "of": {
            part: {"digest": code.digest[:16], "modules": sorted(code.modules)}
            for part, code in codes.items()
        },
        "modules": dict(sorted(modules.items())),
        "weights": dict(shipped_weights()),
    }


@functools.cache
def shipped_weights() -> dict[str, str]:
    """A digest of each file of weights that ships with the package, by its path there."""
    return {
        path.relative_to(CORE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted(CORE.glob(WEIGHTS))
    }


def changed_since(manifest: Mapping[str, Any]) -> list[str] | None:
    """What has changed since a result was made: modules, and weights that ship, by name.

    Args:
        manifest: the result's, with what `made_by` gave under "code".

    Returns:
        Their names; none if the same code would make the result again, None if the manifest does
        not say which code made it.
    """
    recorded = manifest.get("code")
    if recorded is None:
        return None
    modules = [
        name
        for name, said in recorded["modules"].items()
        if name not in BOOKKEEPING
        and _says_now(name) not in (said, SAME_NUMBERS.get((name, said), said))
    ]
    ships = shipped_weights()
    weights = [name for name, said in recorded["weights"].items() if ships.get(name) != said]
    return [*modules, *(name for name in weights if _may_use(manifest, name))]


def parts_changed(manifest: Mapping[str, Any], changed: Collection[str]) -> list[str]:
    """The parts of a result whose numbers may be others now; none, if it is all of them.

    Args:
        manifest: the result's, with what `made_by` gave under "code".
        changed: what `changed_since` gave.
    """
    parts = manifest["code"]["of"]
    if any(name in shipped_weights() for name in changed):
        return []  # which of the parts use them is not recorded
    found = [part for part, of in parts.items() if {*of["modules"]} & {*changed}]
    return [] if ALL_NUMBERS in found or len(found) == len(parts) else found


def _may_use(manifest: Mapping[str, Any], weights: str) -> bool:
    """Whether weights that ship are of a network of the result, where it says which it had."""
    named = manifest.get("embedder", "").split(", ") + list(manifest.get("networks", ()))
    named = [name for name in named if name]
    return not named or any(Path(weights).stem.startswith(name) for name in named)


@functools.cache
def _says_now(module: str) -> str | None:
    """The start of a module's digest, as `made_by` records it; None if it is gone."""
    try:
        return code_of(module).modules.get(module, "")[:12] or None
    except LFSError:
        return None
