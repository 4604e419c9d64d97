"""What the pages of the built book hold, read without a browser."""

from __future__ import annotations

import os
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

SITE = Path(__file__).parents[2] / "_build" / "html"
PAGES = sorted(
    p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html") if "_static" not in p.parts
)


class Contents(HTMLParser):
    """A page's links, files, places and numbered figures.

    Attributes:
        targets: files of the site, and places in them, that the page links to or loads.
        files: those that it loads.
        outside: addresses elsewhere.
        places: ids on the page.
        figures: name and beginning of the caption of every numbered figure, in order.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.targets: set[tuple[str, str]] = set()
        self.files: set[str] = set()
        self.outside: set[str] = set()
        self.places: set[str] = set()
        self.figures: list[tuple[str, str]] = []
        self._figure: str | None = None  # whose caption is awaited
        self._caption: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        values = dict(attributes)
        if values.get("id"):
            self.places.add(values["id"])
        if tag == "figure" and (values.get("id") or "").startswith("fig-"):
            self._figure = values["id"]
        if tag == "figcaption" and self._figure:
            self._caption = ""
        loads = tag in ("script", "img", "source", "video") or (
            tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload")
        )
        for name in ("href", "src"):
            if values.get(name):
                self._link(values[name], loads)

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        if self._caption is not None:
            self._caption += data

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        if tag == "figcaption" and self._caption is not None:
            self.figures.append((self._figure, " ".join(self._caption.split())))
            self._figure = self._caption = None

    def _link(self, address: str, loads: bool) -> None:
        if address.startswith(("data:", "mailto:", "javascript:")):
            return
        if "://" in address or address.startswith("//"):
            self.outside.add(address)
            return
        target, _, place = unquote(address).partition("#")
        target = target.partition("?")[0]
        folder = os.path.dirname(self.path)
        file = os.path.normpath(os.path.join(folder, target)) if target else self.path
        self.targets.add((file, place))
        if loads:
            self.files.add(file)


@cache
def parse(path: str) -> Contents:
    """The contents of a page of the site."""
    contents = Contents(path)
    contents.feed((SITE / path).read_text(encoding="utf-8"))
    return contents
