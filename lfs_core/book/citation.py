"""How to cite the book and the paper: from CITATION.cff and the list of literature."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

PAPER = "bello2024"


def how_to_cite(root: Path) -> str:
    """What to cite and how, in Markdown, with BibTeX to copy.

    Args:
        root: the project's folder.
    """
    book = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    authors = " and ".join(
        f"{{{author['name']}}}"
        if "name" in author
        else f"{author['family-names']}, {author['given-names']}"
        for author in book["authors"]
    )
    entry = "\n".join(
        [
            "@software{lfs_core,",
            f"  author  = {{{authors}}},",
            f"  title   = {{{book['title']}}},",
            f"  version = {{{book['version']}}},",
            f"  license = {{{book['license']}}},",
            "}",
        ]
    )
    return "\n".join([book["message"], "", "```bibtex", entry, "", paper(root), "```", ""])


def paper(root: Path) -> str:
    """The paper's entry in the list of literature, as BibTeX."""
    entries = (root / "book" / "references.bib").read_text("utf-8")
    (entry,) = re.findall(rf"^@\w+{{{PAPER},.*?^}}", entries, re.MULTILINE | re.DOTALL)
    return entry
