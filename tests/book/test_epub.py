"""The book as an EPUB: opened as readers for electronic books open it."""

from __future__ import annotations

import io
import posixpath
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from PIL import Image
from site_files import SITE

from lfs_core.book.build import write_epub

XHTML = "{http://www.w3.org/1999/xhtml}"
OPF = "{http://www.idpf.org/2007/opf}"
Pages = dict[str, ElementTree.Element]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("epub")
    write_epub(SITE.parent / "source", folder, SITE)
    return ZipFile(folder / "book.epub")


@pytest.fixture(scope="module")
def pages(book: ZipFile) -> Pages:
    """Every page, which is well-formed."""
    names = [name for name in book.namelist() if name.endswith(".xhtml")]
    return {name: ElementTree.fromstring(book.read(name)) for name in names}


def target(page: str, address: str) -> tuple[str, str]:
    """The file of the book that a page's link leads to, and the place in it."""
    parts = urlsplit(address)
    path = posixpath.join(posixpath.dirname(page), unquote(parts.path))
    return posixpath.normpath(path) if parts.path else page, unquote(parts.fragment)


def test_it_is_an_epub_of_all_pages(book: ZipFile, pages: Pages) -> None:
    first = book.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", 0)
    assert book.read("mimetype") == b"application/epub+zip"
    built = {path.relative_to(SITE).with_suffix(".xhtml").as_posix() for path in written()}
    assert built <= pages.keys()
    listed = {
        item.attrib["href"]
        for item in ElementTree.fromstring(book.read("content.opf")).iter(f"{OPF}item")
    }
    unlisted = {"mimetype", "META-INF/container.xml", "content.opf"}
    assert set(book.namelist()) == listed | unlisted


def written() -> list[Path]:
    return [path for folder in ("book", "notebooks") for path in (SITE / folder).glob("*.html")]


def test_it_runs_nothing(pages: Pages) -> None:
    for name, page in pages.items():
        for element in page.iter():
            assert element.tag not in (f"{XHTML}script", f"{XHTML}style"), name
            assert not any(key.startswith("on") for key in element.attrib), name


def test_every_picture_is_inside(book: ZipFile, pages: Pages) -> None:
    seen = set()
    for name, page in pages.items():
        for image in page.iter(f"{XHTML}img"):
            assert image.get("alt"), name
            address = image.attrib["src"]
            if not address.startswith("data:"):
                seen.add(target(name, address)[0])
    assert seen <= set(book.namelist())
    for name in seen:
        if not name.endswith(".svg"):
            Image.open(io.BytesIO(book.read(name))).verify()


def test_no_link_leads_to_nowhere(book: ZipFile, pages: Pages) -> None:
    places = {name: {e.get("id") for e in page.iter()} for name, page in pages.items()}
    for name, page in pages.items():
        for element in page.iter():
            address = element.get("href", "")
            if not address or urlsplit(address).scheme:
                continue
            file, place = target(name, address)
            assert file in book.namelist(), (name, address)
            assert not place or place in places[file], (name, address)


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
