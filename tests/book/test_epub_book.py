"""The book as an EPUB: opened as readers for electronic books open it."""

from __future__ import annotations

import io
from zipfile import ZipFile

import pytest
import yaml
from electronic import XHTML, Pages, assert_readable, contents, pages_of, target
from PIL import Image
from site_files import SITE

from lfs_core.book.build import write_epub

SOURCE = SITE.parent / "source"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("epub")
    write_epub(SOURCE, folder, SITE)
    return ZipFile(folder / "book.epub")


@pytest.fixture(scope="module")
def pages(book: ZipFile) -> Pages:
    return pages_of(book)


def test_it_can_be_read(book: ZipFile) -> None:
    assert_readable(book)


def test_it_lists_all_chapters(book: ZipFile) -> None:
    toc = yaml.safe_load((SOURCE / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    assert contents(book) == [f"{name}.xhtml" for name in [toc["root"], *chapters, "genindex"]]


def test_links_lead_from_chapter_to_chapter(pages: Pages) -> None:
    for name in ("notebooks/01_toy_example.xhtml", "notebooks/08_ledger.xhtml"):
        links = {target(name, e.get("href", ""))[0] for e in pages[name].iter(f"{XHTML}a")}
        assert len(links & (pages.keys() - {name})) >= 2, name


def test_charts_are_pictures_and_formulas_are_maths(book: ZipFile, pages: Pages) -> None:
    ledger = pages["notebooks/08_ledger.xhtml"]
    charts = [e for e in ledger.iter(f"{XHTML}div") if e.get("class") == "lfs-still"]
    source = (SITE / "notebooks" / "08_ledger.html").read_text(encoding="utf-8")
    assert len(charts) == source.count('class="lfs-chart"') > 0
    for chart in charts:
        (image,) = chart.iter(f"{XHTML}img")
        drawn = Image.open(io.BytesIO(book.read(target("notebooks/x", image.attrib["src"])[0])))
        assert drawn.width > 800 and len(drawn.convert("RGB").getcolors(1 << 24) or ()) > 20
    notation = pages["book/notation.xhtml"]
    maths = list(notation.iter("{http://www.w3.org/1998/Math/MathML}math"))
    assert len(maths) > 20
    assert "\\(" not in "".join(notation.itertext())
