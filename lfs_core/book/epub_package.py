"""What an EPUB says of itself: its contents, in the book's parts, and the list of its files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from mimetypes import guess_type
from pathlib import Path

import yaml
from bs4 import BeautifulSoup

PAGE = ".xhtml"
UNLISTED = ("mimetype", "META-INF/container.xml")  # and the list itself
INDEX = "genindex"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" version="3.0" xml:lang="en"
 unique-identifier="lfs-core">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="lfs-core">lfs-core</dc:identifier>
<dc:title>{title}</dc:title>
<dc:creator>{author}</dc:creator>
<dc:language>en</dc:language>
<meta property="dcterms:modified">{now:%Y-%m-%dT%H:%M:%SZ}</meta>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
{files}
</manifest>
<spine>
{pages}
</spine>
</package>
"""
CONTENTS = """<!DOCTYPE html>
<html lang="en" xml:lang="en" xmlns="http://www.w3.org/1999/xhtml"
 xmlns:epub="http://www.idpf.org/2007/ops">
<head><title>Contents</title></head>
<body><nav epub:type="toc"><h1>Contents</h1><ol>{}</ol></nav></body>
</html>
"""


def package(
    source: Path, files: Mapping[str, bytes], pages: Mapping[str, BeautifulSoup]
) -> dict[str, bytes]:
    """The two files that a reader for electronic books opens first, by name.

    Args:
        source: what the pages are built from, with `_config.yml` and `_toc.yml`.
        files: all others, by name.
        pages: those of `files` that are pages, by name without ".xhtml", with an `h1` each.
    """
    config, toc = (
        yaml.safe_load((source / name).read_text("utf-8")) for name in ("_config.yml", "_toc.yml")
    )
    parts = {
        part["caption"]: [chapter["file"] for chapter in part["chapters"]] for part in toc["parts"]
    }
    order = [toc["root"], *(name for chapters in parts.values() for name in chapters)]
    order += sorted(pages.keys() - set(order))
    contents = _link(toc["root"], pages) + "".join(
        f"<li><span>{escape(caption)}</span><ol>{_links(chapters, pages)}</ol></li>"
        for caption, chapters in parts.items()
    )
    if INDEX in pages:
        contents += _link(INDEX, pages)
    ids = {name: f"file-{k}" for k, name in enumerate(n for n in files if n not in UNLISTED)}
    items = [
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    ]
    items += [_item(name, place, pages) for name, place in ids.items()]
    listed = PACKAGE.format(
        title=escape(config["title"]),
        author=escape(config["author"]),
        now=datetime.now(UTC),
        files="\n".join(_item(name, place, pages) for name, place in ids.items()),
        pages="\n".join(f'<itemref idref="{ids[name + PAGE]}"/>' for name in order),
    )
    return {
        "content.opf": (HEAD + listed).encode(),
        "nav.xhtml": (HEAD + CONTENTS.format(contents)).encode(),
    }


def _link(name: str, pages: Mapping[str, BeautifulSoup]) -> str:
    title = pages[name].h1
    words = " ".join(title.get_text().split()) if title else name
    return f'<li><a href="{escape(name + PAGE)}">{escape(words)}</a></li>'


def _links(names: list[str], pages: Mapping[str, BeautifulSoup]) -> str:
    return "".join(_link(name, pages) for name in names)


def _item(name: str, place: str, pages: Mapping[str, BeautifulSoup]) -> str:
    """A file in the list; what is special in a page is said, too."""
    page = pages.get(name.removesuffix(PAGE))
    special = {"mathml": "math", "svg": "svg"} if page else {}
    held = " ".join(word for word, tag in special.items() if page and page.find(tag))
    properties = f' properties="{held}"' if held else ""
    kind = "application/xhtml+xml" if page else guess_type(name)[0]
    return f'<item id="{place}" href="{escape(name)}" media-type="{kind}"{properties}/>'
