"""A small book for electronic readers: what Sphinx would make of two pages, and its stills."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest
from electronic import assert_readable, contents
from PIL import Image

from lfs_core.book import epub
from lfs_core.book.epub_pages import HEARD
from lfs_core.book.stills import Stills

TOC = (
    "root: book/first\nparts:\n  - caption: Use & look\n    chapters: [{file: notebooks/second}]\n"
)
PAGE = """<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title>
<link rel="stylesheet" href="../_static/missing.css"/><script src="x.js"></script></head>
<body>{}</body></html>"""
FIRST = """<h1>First &amp; last<a class="headerlink" href="#x">#</a></h1>
<a href="../notebooks/second.xhtml#there">a chapter</a> <a href="../files/x.txt" download="">no</a>
<details class="lfs-chart"><summary>What &lt; shows</summary>
<div class="lfs-chart-plot" aria-label="Two dots &amp; a line"></div>
<script type="text/plain">AAAA</script></details>
<div class="math">\\(x\\)</div>"""
SECOND = """<h1 id="there">Second</h1><a href="../book/first.xhtml#nowhere">lost</a>
<details><summary><p>Show</p><p class="expanded">Hide</p></summary></details>
<table><tr valign="top"><td>1</td></tr></table>
<div class="sounds"><audio aria-label="a word" src="data:audio/wav;base64,AA"></audio>
<div class="drawn"><svg aria-label="bars" viewbox="0 0 1 1"></svg></div>
<div class="drawn"><b>0 s</b><b>1 s</b></div></div>
<div class="lfs-page"><div class="lfs-view"></div></div><div class="lfs-page"></div>"""
SECOND_PAGE = "notebooks/second"
MATHS = '<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>x</mi></math>'


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ZipFile:
    with ZipFile(tmp_path / "made.epub", "w") as made:
        made.writestr("mimetype", "application/epub+zip")
        made.writestr("META-INF/container.xml", "<container/>")
        made.writestr("nav.xhtml", "<p>of Sphinx</p>")
        made.writestr("_static/x.js", "alert(1)")
        made.writestr("_static/epub.css", "p {}")
        made.writestr("_static/pygments.css", "p {}")
        made.writestr("book/first.xhtml", PAGE.format(FIRST))
        made.writestr("notebooks/second.xhtml", PAGE.format(SECOND))
    for name, text in (("_toc.yml", TOC), ("_config.yml", "title: A < B\nauthor: C & D\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in ("book/first.html", "notebooks/second.html"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("", encoding="utf-8")

    def stills(site: Path, pages: Sequence[str]) -> dict[str, Stills]:
        still = _picture()
        return {
            "book/first": Stills([still], [], [], [MATHS]),
            "notebooks/second": Stills([], [still, b""], [still, still], []),
        }

    monkeypatch.setattr(epub, "stills", stills)
    epub.finish_epub(tmp_path / "made.epub", tmp_path, tmp_path, tmp_path / "book.epub")
    return ZipFile(tmp_path / "book.epub")


def test_a_small_book_can_be_read(book: ZipFile) -> None:
    assert_readable(book)
    assert contents(book) == ["book/first.xhtml", "notebooks/second.xhtml"]
    nav = book.read("nav.xhtml").decode()
    assert "First &amp; last</a>" in nav and "<span>Use &amp; look</span>" in nav
    listed = book.read("content.opf").decode()
    assert "<dc:title>A &lt; B</dc:title>" in listed and listed.count('properties="mathml"') == 1


def test_what_scripts_draw_is_replaced(book: ZipFile) -> None:
    first, second = (book.read(f"{name}.xhtml").decode() for name in ("book/first", SECOND_PAGE))
    assert "What &lt; shows" in first and 'alt="Two dots &amp; a line"' in first
    assert MATHS in first and "\\(" not in first and "missing.css" not in first
    assert second.count("<img") == 3 and 'alt="0 s 1 s"' in second and 'alt="bars"' in second
    assert epub.ELSEWHERE in second and epub.NOT_HERE in second
    assert f"a word: {HEARD}" in second and "<audio" not in second
    assert "<summary>Show</summary>" in second and "valign" not in second


def test_links_lead_somewhere_or_are_words(book: ZipFile) -> None:
    first, second = (book.read(f"{name}.xhtml").decode() for name in ("book/first", SECOND_PAGE))
    assert '<a href="../notebooks/second.xhtml#there">a chapter</a>' in first
    assert "<a>no</a>" in first and "<a>lost</a>" in second
