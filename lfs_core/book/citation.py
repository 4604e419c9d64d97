"""How to cite the book and the paper: from CITATION.cff and the list of literature."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from lfs_core.book.address import pages, repository

PAPER = "bello2024"


def citation(root: Path) -> dict[str, Any]:
    """The contents of CITATION.cff, with the version, the date and the addresses of this build.

    The date is that of the commit which is checked out, or today. Addresses are left out where
    none is known.

    Args:
        root: the project's folder.
    """
    book: dict[str, Any] = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    command = ["git", "log", "-1", "--format=%cs"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8")
        released = done.stdout.strip() if done.returncode == 0 else ""
    except OSError:  # there is no git
        released = ""
    book["version"] = version("lfs-core")
    book["date-released"] = released or f"{datetime.now(UTC):%Y-%m-%d}"
    addresses = {"repository-code": repository(), "url": pages()}
    return book | {name: of for name, of in addresses.items() if of}


def how_to_cite(root: Path) -> str:
    """What to cite and how, in Markdown, with BibTeX to copy.

    Args:
        root: the project's folder.
    """
    book = citation(root)
    authors = " and ".join(
        f"{{{author['name']}}}"
        if "name" in author
        else f"{author['family-names']}, {author['given-names']}"
        for author in book["authors"]
    )
    fields = {
        "author": authors,
        "title": book["title"],
        "year": str(book["date-released"])[:4],
        "version": book["version"],
        "license": book["license"],
        "url": book.get("url") or book.get("repository-code"),
    }
    lines = [f"  {name:<7} = {{{of}}}," for name, of in fields.items() if of]
    entry = "\n".join(["@software{lfs_core,", *lines, "}"])
    return "\n".join([book["message"], "", "```bibtex", entry, "", paper(root), "```", ""])


def paper(root: Path) -> str:
    """The paper's entry in the list of literature, as BibTeX."""
    entries = (root / "book" / "references.bib").read_text("utf-8")
    (entry,) = re.findall(rf"^@\w+{{{PAPER},.*?^}}", entries, re.MULTILINE | re.DOTALL)
    return entry
