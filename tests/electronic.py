"""What holds of every book for electronic readers, whatever is in it."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree
from zipfile import ZipFile

from PIL import Image

XHTML = "{http://www.w3.org/1999/xhtml}"
OPF = "{http://www.idpf.org/2007/opf}"
Pages = Mapping[str, ElementTree.Element]


def pages_of(book: ZipFile) -> Pages:
    """Every page, which is well-formed, by name."""
    names = [name for name in book.namelist() if name.endswith(".xhtml")]
    return {name: ElementTree.fromstring(book.read(name)) for name in names}


def target(page: str, address: str) -> tuple[str, str]:
    """The file of the book that a page's link leads to, and the place in it."""
    parts = urlsplit(address)
    path = posixpath.join(posixpath.dirname(page), unquote(parts.path))
    return posixpath.normpath(path) if parts.path else page, unquote(parts.fragment)


def assert_readable(book: ZipFile) -> None:
    """It is packed and listed as readers expect, runs nothing, and holds all that it names."""
    first = book.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", 0)
    assert book.read("mimetype") == b"application/epub+zip"
    package = ElementTree.fromstring(book.read("content.opf"))
    items = {item.attrib["id"]: item.attrib["href"] for item in package.iter(f"{OPF}item")}
    unlisted = {"mimetype", "META-INF/container.xml", "content.opf"}
    assert set(book.namelist()) == set(items.values()) | unlisted
    pages = pages_of(book)
    read = [items[ref.attrib["idref"]] for ref in package.iter(f"{OPF}itemref")]
    assert sorted(read) == sorted(pages.keys() - {"nav.xhtml"})
    places = {name: {e.get("id") for e in page.iter()} for name, page in pages.items()}
    for name, page in pages.items():
        for element in page.iter():
            assert element.tag not in (f"{XHTML}script", f"{XHTML}style"), name
            assert not any(key.startswith("on") for key in element.attrib), name
            for key in ("href", "src"):
                address = element.get(key, "")
                if not address or urlsplit(address).scheme:
                    continue
                file, place = target(name, address)
                assert file in book.namelist(), (name, address)
                assert not place or place in places[file], (name, address)
        for image in page.iter(f"{XHTML}img"):
            assert image.get("alt"), name
            file = target(name, image.attrib["src"])[0]
            if file.endswith((".png", ".jpg")) and "data:" not in image.attrib["src"]:
                Image.open(io.BytesIO(book.read(file))).verify()


def contents(book: ZipFile) -> list[str]:
    """The pages that the table of contents leads to, in order."""
    nav = ElementTree.fromstring(book.read("nav.xhtml"))
    return [link.attrib["href"] for link in nav.iter(f"{XHTML}a")]
