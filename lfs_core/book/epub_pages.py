"""What a page of an EPUB may not hold, and what leads nowhere in it, taken away."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

STYLES = ("pygments.css", "epub.css")
# What a book without scripts has no use for.
DROPPED = (
    "script, style, noscript, meta[property], link, .lfs-downloads, .lfs-chart-table, .headerlink, "
    ".sd-octicon, summary .expanded"
)
HEARD = "it can be heard in the pages of the book."


def clean(page: BeautifulSoup, up: str) -> None:
    """Drop what is of no use, and what the rules for EPUBs forbid."""
    for tag in page.select(DROPPED):
        tag.decompose()
    for style in STYLES if page.head else ():
        link = page.new_tag("link", rel="stylesheet", type="text/css", href=f"{up}_static/{style}")
        page.head.append(link)  # type: ignore[union-attr]
    for words in page.select("summary p"):
        words.unwrap()
    for tag in page.select("[valign], [halign], [download]"):
        for key in ("valign", "halign", "download"):
            tag.attrs.pop(key, None)
    for recording in page.select("audio"):
        words = page.new_tag("p")
        words.string = f"{recording.get('aria-label', 'This recording')}: {HEARD}"
        recording.replace_with(words)


def unlink(page: BeautifulSoup, name: str, places: dict[str, set[str]]) -> None:
    """Take away links that lead nowhere in this book."""
    for link in page.select("a[href]"):
        address = urlsplit(str(link["href"]))
        if address.scheme:
            continue
        path = posixpath.join(posixpath.dirname(name), unquote(address.path))
        file = posixpath.normpath(path) if address.path else name
        if file not in places or (
            address.fragment and unquote(address.fragment) not in places[file]
        ):
            del link["href"]
