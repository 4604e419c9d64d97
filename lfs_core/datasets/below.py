"""Which files below a folder are photographs, and what lies there that is not read."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from lfs_core.errors import printable

log = logging.getLogger(__name__)

# Files that systems and programs keep next to photographs; names with a full stop at the start
# are skipped too.
SYSTEM = {
    "$recycle.bin", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini",
    "__macosx", "lost+found",
    "@eadir", "#recycle", "#snapshot", "@recycle", "@__thumb",
}  # fmt: skip
# Pillow names them, but needs another program, or reads no pixels.
NO_PHOTOGRAPHS = {"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"}
TO_CONVERT = {".heic", ".heif", ".jxl", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2"}
KNOWN_BY_CONTENT = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "MPO")
NAMED = 5  # of what is passed over


def photograph_suffixes() -> set[str]:
    """Of the files that Pillow, with the plugins that are registered now, reads as photographs."""
    Image.init()
    formats = Image.OPEN.keys() - NO_PHOTOGRAPHS | {"MPO"}  # which is opened as JPEG
    return {suffix for suffix, of in Image.registered_extensions().items() if of in formats}


def photographs_below(folder: Path) -> list[Path]:
    """Every photograph below a folder, sorted; what is not read is counted, in one line of the log.

    Links are followed. Within each first level below the folder no folder is read twice, so that
    links in a circle do no harm. What is hidden, or a system's own, is passed over.
    """
    found = _Found(folder, photograph_suffixes())
    above = os.path.realpath(folder)
    for entry in found.entries(folder):
        if found.is_folder(entry):
            found.walk(Path(entry.path), above, set())
        else:
            found.take(entry)
    if told := found.told():
        log.warning("%s: %s.", printable(folder), "; ".join(told))
    return sorted(found.photographs)


@dataclass
class _Found:
    """What has been found so far below a folder."""

    folder: Path
    suffixes: set[str]
    photographs: list[Path] = field(default_factory=list)
    hidden: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    closed: list[str] = field(default_factory=list)
    circles: int = 0

    def entries(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        """What lies in a folder and is not hidden; links last, so that things come first."""
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda of: (of.is_symlink(), of.name))
        except OSError:
            self.closed.append(str(folder.relative_to(self.folder)))
            return
        for entry in inside:
            if entry.name.startswith(".") or entry.name.casefold() in SYSTEM:
                self.hidden[entry.name] += 1
            else:
                yield entry

    def is_folder(self, entry: os.DirEntry[str]) -> bool:
        with suppress(OSError):  # a link that leads to itself
            return entry.is_dir()
        return False

    def walk(self, folder: Path, above: str, seen: set[str]) -> None:
        """Take what lies below a folder.

        Args:
            folder: in which to look.
            above: the real path of the folder below which everything lies.
            seen: real paths of the folders that were looked into.
        """
        real = os.path.realpath(folder)
        if real in seen or Path(above).is_relative_to(real):
            self.circles += 1
            return
        seen.add(real)
        for entry in self.entries(folder):
            if self.is_folder(entry):
                self.walk(Path(entry.path), above, seen)
            else:
                self.take(entry)

    def take(self, entry: os.DirEntry[str]) -> None:
        """Take a file, if it is a photograph; a link to a missing one is reported when read."""
        path, suffix = Path(entry.path), Path(entry.name).suffix.lower()
        gone = entry.is_symlink() and not path.exists()
        if not gone and not path.is_file():  # a pipe, a socket, a device
            self.others["that are no files"] += 1
        elif suffix in self.suffixes or (not suffix and _is_image(path)):
            self.photographs.append(path)
        else:
            self.others[suffix or "without a suffix"] += 1

    def told(self) -> list[str]:
        """A message about the files that were not read."""
        said = []
        if self.hidden:
            names = [printable(name) for name, _ in self.hidden.most_common(NAMED)]
            more = ", ..." if len(self.hidden) > NAMED else ""
            said.append(
                f"{_were(self.hidden.total(), 'hidden or system item')} passed over "
                f"({', '.join(names)}{more})"
            )
        if self.others:
            counts = [f"{n} {printable(kind)}" for kind, n in self.others.most_common()]
            foreign = ", ".join(sorted(TO_CONVERT & self.others.keys()))
            advice = f": convert {foreign} to JPEG or PNG" if foreign else ""
            said.append(
                f"{_were(self.others.total(), 'file')} not read ({', '.join(counts)}){advice}"
            )
        if self.circles:
            said.append(f"{_were(self.circles, 'link')} not followed, to folders read already")
        if self.closed:
            first = printable(self.closed[0])
            said.append(f"{_were(len(self.closed), 'folder')} closed to this user (as {first})")
        return said


def _were(count: int, thing: str) -> str:
    """How many things something happened to."""
    return f"{count} {thing}{'s were' if count > 1 else ' was'}"


def _is_image(path: Path) -> bool:
    """Whether a file without a suffix begins as an image does."""
    with suppress(Exception), Image.open(path, formats=KNOWN_BY_CONTENT):  # Pillow raises many
        return True
    return False
