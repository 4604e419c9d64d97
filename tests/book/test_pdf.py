"""The book as a PDF."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest
import yaml
from pypdf import PdfReader
from site_files import SITE

import lfs_core as lfs
from lfs_core.book import pdf
from lfs_core.book.build import print_pages


def test_the_book_can_be_printed(tmp_path: Path) -> None:
    """One entry of its outline for each of the contents, in parts; no link into this machine."""
    parts = yaml.safe_load((SITE.parent / "source" / "_toc.yml").read_text(encoding="utf-8"))[
        "parts"
    ]
    print_pages(SITE.parent / "source", tmp_path)
    book = PdfReader(tmp_path / "book.pdf")
    outline = book.outline
    assert [entry.title for entry in outline[::2]] == [part["caption"] for part in parts]
    assert [len(chapters) for chapters in outline[1::2]] == [
        len(part["chapters"]) for part in parts
    ]
    entries = [entry for chapters in outline[1::2] for entry in chapters]
    pages = [book.get_destination_page_number(entry) for entry in entries]
    assert pages == sorted(set(pages))  # each chapter begins a page
    for entry, page in zip(entries, pages, strict=True):
        # Letters that are printed as one, as in "first", are taken apart.
        words = "".join(normalize("NFKC", book.pages[page].extract_text()).split())
        assert "".join(entry.title.split()) in words
    actions = [
        annotation.get_object().get("/A", {})
        for page in book.pages
        for annotation in page.get("/Annots", ())
    ]
    assert all(a["/URI"].startswith("https://") for a in actions if "/URI" in a)


def test_without_chromium_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(lfs.LFSError, match="needs Chromium"):
        pdf.print_book(tmp_path / "book.html", tmp_path / "book.pdf")
    assert not (tmp_path / "book.pdf").exists()
