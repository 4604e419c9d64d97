"""A full disk: one line, before the work where it can be known, and no work is lost."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import run
from PIL import Image

import lfs_core as lfs
from lfs_core import embedders
from lfs_core.util import files


class Mixed(torch.nn.Module):
    name, image_size, framing, one_by_one = "mixed", 16, "whole", False

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(16 * 16 * 3, 12)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images.flatten(1) - 0.5)


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Noise in twelve classes; `--embedder mixed` looks at it."""
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(embedders.EMBEDDERS, "mixed", ("mixed", f"{__name__}:Mixed"))
    for k in range(24):
        pixels = np.random.default_rng(k).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        path = tmp_path / "pictures" / f"class {k % 12}" / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path / "pictures"


def refusing(function: Callable, where: Path, which: int) -> Callable:
    """A function of `os` that finds no room for what lies below a folder."""

    def refuse(*arguments: object) -> object:
        if where in Path(arguments[which]).parents:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return function(*arguments)

    return refuse


LINES = {
    "index": "index {pictures} --embedder mixed -o {full}/out.gallery",
    "fit": "fit --images {pictures} --embedder mixed --size 8 -o {full}/out.safetensors",
    "fit-deep": "fit-deep --images {pictures} --embedder mixed --size 8 --epochs 1 "
    "--kind mlp -o {full}/out.safetensors",
    "fit-head": "fit-head --images {pictures} --embedder mixed -o {full}/out.safetensors",
    "train": "train {pictures} -o {full}/out.safetensors",
    "evaluate": "evaluate --pairs {pictures} --number 4 --seeds 1 --embedder mixed "
    "--explainer edges --metric selectivity -o {full}/out.json",
    "export": "export mixed -o {full}/out.onnx",
    "explain": "explain {one} {one} --embedder mixed --method edges -o {full}/out.html",
}


@pytest.mark.parametrize("name", LINES)
def test_a_full_disk_is_said_before_the_work(
    name: str, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    temporary = files.tempfile.TemporaryFile

    def no_room(dir: Path) -> object:
        if dir == full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return temporary(dir=dir)

    monkeypatch.setattr(files.tempfile, "TemporaryFile", no_room)
    one = next(pictures.rglob("*.png"))
    line = LINES[name].format(pictures=pictures, full=full, one="ONE")
    done = run(*(str(one) if word == "ONE" else word for word in line.split()))
    assert done.returncode == 1
    assert re.fullmatch(
        r"Error: Cannot write .*out\.\w+ \(No space left on device\)\.\n", done.stderr
    )
    assert not (tmp_path / "cache").exists() and list(full.iterdir()) == []


@pytest.mark.parametrize("name", ["fit", "fit-deep"])
def test_what_was_trained_is_kept_where_there_is_room(
    name: str, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = tmp_path / "full"
    monkeypatch.setattr(files.os, "replace", refusing(os.replace, full, which=1))
    line = LINES[name].format(pictures=pictures, full=full)
    done = run(*line.split())
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()[-1]
    kept = re.fullmatch(
        r"Error: Cannot write .*out\.safetensors \(No space left on device\)\. "
        r"What was made is kept in (.*out\.safetensors)\.",
        said,
    )
    assert kept, said
    assert Path(kept[1]).parent == tmp_path / "cache" / "unsaved"
    assert lfs.load_decoder(kept[1]).info["embedder"] == "mixed"


def test_a_full_disk_loses_no_embedding(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = tmp_path / "full"
    line = LINES["index"].format(pictures=pictures, full=full).split()
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", refusing(os.replace, full, which=1))
        done = run(*line)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].endswith("(No space left on device).")

    sizes = []
    seen = torch.nn.modules.module.register_module_forward_pre_hook(
        lambda module, images: sizes.append(len(images[0])) if isinstance(module, Mixed) else None
    )
    assert run(*line).returncode == 0
    seen.remove()
    assert max(sizes, default=0) <= 2  # the noise that a network is known by, and no photograph
    assert len(lfs.load_gallery(full / "out.gallery")) == 24


def test_what_the_system_refuses_is_one_line(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody has thought of it."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), "somewhere")

    monkeypatch.setattr("lfs_core.search.gallery.index_folder", refuse)
    done = run("index", pictures, "--embedder", "mixed", "-o", tmp_path / "out.gallery")
    assert (done.returncode, done.stderr) == (1, "Error: somewhere: Input/output error.\n")
