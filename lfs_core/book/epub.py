"""The book as an EPUB: Sphinx's, with still pictures for what scripts draw, and without scripts."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import yaml
from bs4 import BeautifulSoup, Tag

from lfs_core.book.epub_package import PAGE, package
from lfs_core.book.epub_pages import STYLES, clean, unlink
from lfs_core.book.stills import DRAWN, VIEWS, Stills, stills
from lfs_core.util.files import replacing

PICTURES = "_images/still-{}-{}.png"
ELSEWHERE = "This view is still here. In the pages of the book, in a browser, it answers."
NOT_HERE = "What stands here needs a browser: see the pages of the book."
WRAPPED = b"\npre { white-space: pre-wrap; }\n"  # nothing can be scrolled sideways
REPLACED = ("nav.xhtml", "toc.ncx", "content.opf")  # Sphinx's lack what lies in other folders


def epub_source(source: Path, folder: Path) -> Path:
    """A copy of what Jupyter Book reads, as Sphinx's builder of EPUBs needs it.

    Args:
        source: what the pages are built from.
        folder: of the copy; what is there is replaced.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("files"))
    config = yaml.safe_load((source / "_config.yml").read_text("utf-8"))
    config.pop("launch_buttons", None)  # which need the layout of pages
    del config["sphinx"]["config"]["html_extra_path"]
    config["sphinx"]["config"]["extensions"].remove("sphinx.ext.githubpages")
    number = version("lfs-core")
    config["sphinx"]["config"] |= {
        "project": config["title"],
        "version": number,
        "release": number,
        "epub_basename": "book",
        "epub_identifier": "lfs-core",
        "epub_uid": "lfs-core",
        "epub_show_urls": "no",
    }
    (folder / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return folder


def finish_epub(made: Path, source: Path, site: Path, output: Path) -> None:
    """Make Sphinx's EPUB one that needs no script, and whose links lead somewhere.

    Args:
        made: Sphinx's.
        source: what the pages are built from, with `_config.yml` and `_toc.yml`.
        site: the built pages, where scripts draw.
        output: the EPUB.

    Raises:
        LFSError: Chromium or playwright is missing, Chromium fails, or the file cannot be written.
    """
    with ZipFile(made) as book:
        files = {name: book.read(name) for name in book.namelist() if _kept(name)}
    names = [name.removesuffix(PAGE) for name in files if name.endswith(PAGE)]
    drawn = stills(site, [name for name in names if (site / f"{name}.html").is_file()])
    pages = {name: BeautifulSoup(files[name + PAGE].decode(), "html.parser") for name in names}
    for name, page in pages.items():
        up = "../" * name.count("/")
        files |= _still(page, name, up, drawn.get(name))
        clean(page, up)
    places = {
        name + PAGE: {str(tag["id"]) for tag in page.select("[id]")} for name, page in pages.items()
    }
    for name, page in pages.items():
        unlink(page, name + PAGE, places)
        files[name + PAGE] = page.decode(formatter="minimal").encode()
    files["_static/epub.css"] += WRAPPED
    files |= package(source, files, pages)
    with replacing(output) as new, ZipFile(new, "w", ZIP_DEFLATED) as book:
        for name, content in files.items():  # its type comes first, and as it is
            plain = name == "mimetype" or name.endswith((".png", ".jpg"))
            book.writestr(name, content, ZIP_STORED if plain else ZIP_DEFLATED)


def _kept(name: str) -> bool:
    """Whether a file of Sphinx's EPUB is one of this."""
    if name.startswith("_static/"):
        return name.removeprefix("_static/") in (*STYLES, "file.png")
    return name not in REPLACED


def _still(page: BeautifulSoup, name: str, up: str, found: Stills | None) -> dict[str, bytes]:
    """Put stills where scripts would draw, and formulas where they stand; the pictures by name."""
    pictures: dict[str, bytes] = {}
    if not found:
        return pictures

    def picture(content: bytes, alt: str) -> Tag:
        file = PICTURES.format(name.replace("/", "-"), len(pictures))
        pictures[file] = content
        return page.new_tag("img", src=up + file, alt=alt, style="max-width: 100%")

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
    for view, content in zip(page.select(VIEWS), found.views, strict=True):
        words = page.new_tag("p")
        words.string = ELSEWHERE if content else NOT_HERE
        still = [picture(content, "An interactive view, as it opens")] if content else []
        view.replace_with(*still, words)
    for drawing, content in zip(page.select(DRAWN), found.drawn, strict=True):
        said = drawing.select_one("[aria-label]")
        words_in = " ".join(drawing.get_text(" ").split())
        drawing.replace_with(picture(content, str(said["aria-label"]) if said else words_in))
    for place, maths in zip(page.select(".math"), found.maths, strict=True):
        place.clear()
        place.append(BeautifulSoup(maths, "html.parser"))
    return pictures
