"""What needs a package that is not installed says in one line how to get it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import lfs_core as lfs
from lfs_core.embedders import network
from lfs_core.util.extras import PACKAGES, needs

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four classes of two small images."""
    folder = tmp_path_factory.mktemp("data") / "photographs"
    for k in range(8):
        path = folder / "abcd"[k // 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(k).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return folder


def run_without(module: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run `lfs` where a module is not installed."""
    code = f"import sys; sys.modules[{module!r}] = None; from lfs_core.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, cwd=ROOT)


@pytest.mark.parametrize(
    ("module", "extra", "command"),
    [
        ("timm", "retrieval", "explain {one} {one} -o {out}.html --embedder timm:resnet18"),
        ("lightning_fabric", "train", "fit-deep --images {folder} -o {out}.safetensors"),
        ("pytorch_metric_learning", "train", "train {folder} -o {out}.safetensors"),
        ("faiss", "train", "train {folder} -o {out}.safetensors"),
        ("anywidget", "book", "retrieve {one} --gallery {out}.gallery -o {out}.html"),
        (
            "scipy",
            "evaluate",
            "evaluate --explainer edges --metric road --pairs demo -o {out}.json",
        ),
        ("sklearn", "evaluate", "explain {one} {one} -o {out}.html --method lime"),
        ("scipy", "evaluate", "study heads --data {folder} -o {out}.json"),
        ("nbformat", "book", "run 01"),
        ("papermill", "book", "run 01"),
        ("nbformat", "book", "sweep 01 --grid p=0.1,0.2"),
        ("nbformat", "book", "book"),
    ],
)
def test_a_command_says_which_extra_it_needs(
    module: str, extra: str, command: str, folder: Path, tmp_path: Path
) -> None:
    names = {"folder": folder, "one": folder / "a" / "0.png", "out": tmp_path / "out"}
    done = run_without(module, *(word.format(**names) for word in command.split()))
    assert done.returncode == 1 and done.stdout == ""
    package = PACKAGES.get(module, module.replace("_", "-"))
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        rf"Error: .+ needs {package}, which is not installed: pip install 'lfs-core\[{extra}\]'",
        line,
    )
    assert list(tmp_path.iterdir()) == []


def test_every_extra_that_is_named_brings_the_package() -> None:
    """Every block of imports under `needs`, in the whole of `lfs_core`."""
    block = re.compile(r"^( *)with needs\(\"(\w+)\".*\):\n((?:\1    .*\n|\n)+)", re.MULTILINE)
    found = 0
    for file in (ROOT / "lfs_core").rglob("*.py"):
        for _, extra, imports in block.findall(file.read_text(encoding="utf-8")):
            for module in re.findall(r"^\s+(?:import|from) (\w+)", imports, re.MULTILINE):
                if module != "lfs_core":
                    assert PACKAGES.get(module, module.replace("_", "-")) in _brought_by(extra)
                    found += 1
    assert found > 20


def _brought_by(extra: str) -> set[str]:
    names = set()
    for requirement in EXTRAS[extra]:
        name, *others = re.findall(r"[\w-]+", requirement.partition(">")[0])
        names |= set().union(*map(_brought_by, others)) if name == "lfs-core" else {name}
    return names


def test_whatever_is_public_can_be_imported_without_extras() -> None:
    """What needs an extra says so when it is called."""
    names = {package: module for module, package in PACKAGES.items()}
    extras = {of for extra in EXTRAS if extra != "test" for of in _brought_by(extra)}
    modules = {names.get(name, name.replace("-", "_")) for name in extras}
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({sorted(modules)!r}))\n"
        "from lfs_core import *; print(train_network)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.returncode == 0 and "train_network" in done.stdout, done.stderr


def test_other_errors_pass_through() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"lfs_core\.no_such"), needs("book", "This"):
        import lfs_core.no_such  # noqa: F401
    with pytest.raises(ImportError, match="cannot import"), needs("book", "This"):
        from pathlib import no_such  # noqa: F401


def test_without_onnx_runtime_networks_run_in_pytorch(
    facenet: network.Network, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    images = torch.rand(3, 3, 160, 160)
    expected = facenet(images)
    monkeypatch.setattr(network, "FAST", ("no-such-package",))
    network._is_installed.cache_clear()
    try:
        with caplog.at_level("INFO", logger="lfs_core"):
            found = [facenet(images), facenet(images)]
    finally:
        network._is_installed.cache_clear()
    assert not found[0].requires_grad
    assert (found[0] - expected).abs().max() <= 1e-6
    (said,) = [record.message for record in caplog.records if record.name == network.__name__]
    assert "pip install 'lfs-core[fast]'" in said


def test_the_version() -> None:
    done = run_without("torch", "--version")
    assert done.stdout == f"lfs {lfs.__version__}\n" and done.returncode == 0
