"""The book as an EPUB: Sphinx's, with still pictures for what scripts draw, and without scripts."""

from __future__ import annotations

import posixpath
import shutil
from html import escape
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import yaml
from bs4 import BeautifulSoup, Tag

from lfs_core.book.stills import Stills, stills
from lfs_core.util.files import replacing

PAGE = ".xhtml"
PICTURES = "_images/still-{}-{}.png"
# What a book without scripts has no use for.
DROPPED = "script, style, noscript, .lfs-downloads, .lfs-chart-table, .headerlink, link[rel=search]"
ELSEWHERE = "This view is still here. In the pages of the book, in a browser, it answers."


def epub_source(source: Path, folder: Path) -> Path:
    """A copy of what Jupyter Book reads, as Sphinx's builder of EPUBs needs it.

    Args:
        source: what the pages are built from.
        folder: of the copy; what is there is replaced.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("files"))
    config = yaml.safe_load((source / "_config.yml").read_text("utf-8"))
    del config["launch_buttons"]  # which need the layout of pages
    del config["sphinx"]["config"]["html_extra_path"]
    config["sphinx"]["config"]["extensions"].remove("sphinx.ext.githubpages")
    number = version("lfs-core")
    config["sphinx"]["config"] |= {
        "project": config["title"],
        "version": number,
        "release": number,
        "epub_basename": "book",
        "epub_title": config["title"],
        "epub_description": "Explanations of similarity networks, and how far they can be trusted.",
        "epub_identifier": "lfs-core",
        "epub_uid": "lfs-core",
        "epub_show_urls": "no",
    }
    (folder / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return folder


def finish_epub(made: Path, site: Path, output: Path) -> None:
    """Make Sphinx's EPUB one that needs no script, and whose links lead somewhere.

    Args:
        made: Sphinx's.
        site: the built pages, where scripts draw.
        output: the EPUB.

    Raises:
        LFSError: Chromium or playwright is missing, Chromium fails, or the file cannot be written.
    """
    with ZipFile(made) as book:
        files = {name: book.read(name) for name in book.namelist()}
    names = [name.removesuffix(PAGE) for name in files if name.endswith(PAGE)]
    drawn = stills(site, [name for name in names if (site / f"{name}.html").is_file()])
    pages = {name: BeautifulSoup(files[name + PAGE].decode(), "html.parser") for name in names}
    pictures: dict[str, bytes] = {}
    for name, page in pages.items():
        _still(page, name, drawn.get(name), pictures)
    places = {
        name + PAGE: {str(tag["id"]) for tag in page.select("[id]")} for name, page in pages.items()
    }
    for name, page in pages.items():
        _unlink(page, name + PAGE, places)
        files[name + PAGE] = page.decode(formatter="minimal").encode()
    with_maths = {name + PAGE for name, page in pages.items() if page.find("math")}
    files["content.opf"] = _listed(files["content.opf"], pictures, with_maths)
    with replacing(output) as new, ZipFile(new, "w", ZIP_DEFLATED) as book:
        for name, content in (files | pictures).items():  # its type comes first, and as it is
            plain = name == "mimetype" or name.endswith((".png", ".jpg"))
            book.writestr(name, content, ZIP_STORED if plain else ZIP_DEFLATED)


def _still(
    page: BeautifulSoup, name: str, found: Stills | None, pictures: dict[str, bytes]
) -> None:
    """Put stills where scripts would draw, drop the rest, and add the pictures to the others."""
    up = "../" * name.count("/")

    def picture(content: bytes, alt: str) -> Tag:
        file = PICTURES.format(name.replace("/", "-"), len(pictures))
        pictures[file] = content
        return page.new_tag("img", src=up + file, alt=alt, style="max-width: 100%")

    if found:
        for chart, content in zip(page.select(".lfs-chart"), found.charts, strict=True):
            plot = chart.select_one(".lfs-chart-plot")
            summary = chart.select_one(":scope > summary")
            new = page.new_tag("div", attrs={"class": "lfs-still"})
            if summary:
                title = page.new_tag("p")
                title.string = summary.get_text()
                new.append(title)
            new.append(picture(content, str(plot["aria-label"]) if plot else ""))
            chart.replace_with(new)
        for view, content in zip(page.select(".lfs-page"), found.views, strict=True):
            words = page.new_tag("p")
            words.string = ELSEWHERE
            still = [picture(content, "An interactive view, as it opens")] if content else []
            view.replace_with(*still, words)
        for place, maths in zip(page.select(".math"), found.maths, strict=True):
            place.clear()
            place.append(BeautifulSoup(maths, "html.parser"))
    for tag in page.select(DROPPED):
        tag.decompose()


def _unlink(page: BeautifulSoup, name: str, places: dict[str, set[str]]) -> None:
    """Take away links that lead nowhere in this book."""
    for link in page.select("[href]"):
        address = urlsplit(str(link["href"]))
        if address.scheme:
            continue
        path = posixpath.join(posixpath.dirname(name), unquote(address.path))
        file = posixpath.normpath(path) if address.path else name
        there = file in places and (
            not address.fragment or unquote(address.fragment) in places[file]
        )
        if link.name == "a" and not there:
            del link["href"]


def _listed(package: bytes, pictures: dict[str, bytes], with_maths: set[str]) -> bytes:
    """The list of all files, with the new pictures, and pages that hold formulas marked."""
    text = package.decode()
    for page in with_maths:
        text = text.replace(f'href="{page}" ', f'href="{page}" properties="mathml" ')
    items = "".join(
        f'<item id="still-{k}" href="{escape(name)}" media-type="image/png" />'
        for k, name in enumerate(pictures)
    )
    return text.replace("</manifest>", f"{items}</manifest>").encode()
