"""The book as one PDF: all pages in one, printed by Chromium."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lfs_core.errors import LFSError
from lfs_core.util.extras import needs
from lfs_core.util.files import replacing

if TYPE_CHECKING:
    from playwright.sync_api import Page

NO_SANDBOX = ["--no-sandbox"]  # which a root user has to do without
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Of every entry of the printed table of contents: its words, its target and its part.
CONTENTS = """() => [...document.querySelectorAll("#jb-print-toc a")].map((a) => [
  a.textContent.trim(),
  decodeURIComponent(a.hash.slice(1)),
  a.closest("ul").previousElementSibling.textContent.trim(),
])"""

# Charts that are folded away are drawn when they are opened.
OPEN = """() => document.querySelectorAll(".lfs-chart").forEach((chart) => (chart.open = true))"""
DRAWN = """() => [...document.querySelectorAll(".lfs-chart")].every(
  (chart) => "drawn" in chart.dataset
)"""
WAIT = 600_000  # ms for all figures to be drawn, on a busy machine, too


def print_book(page: Path, output: Path) -> None:
    """Print the book that is one page, with an outline of its parts and chapters.

    Args:
        page: what Sphinx's builder `singlehtml` wrote.
        output: the PDF.

    Raises:
        LFSError: Chromium, playwright or pypdf is missing, Chromium fails, or the file cannot be
            written.
    """
    with needs("pdf", "Printing the book"):
        from playwright.sync_api import Error, sync_playwright
        from pypdf import PdfWriter
    chromium = find_chromium()
    if not chromium:
        raise LFSError("Printing needs Chromium, and none was found; install it.")
    with replacing(output) as new:
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=NO_SANDBOX)
                contents = _printed(browser.new_context(offline=True).new_page(), page, new)
                browser.close()
        except Error as error:
            raise LFSError(f"Chromium could not print the book: {error.message}") from error
        book = PdfWriter(clone_from=new)
        places = {
            name.removeprefix("/"): book.get_destination_page_number(place)
            for name, place in book.named_destinations.items()
        }
        parts = {}
        for words, target, part in contents:
            if part not in parts:
                parts[part] = book.add_outline_item(title=part, page_number=places[target])
            book.add_outline_item(title=words, page_number=places[target], parent=parts[part])
        book.write(new)


def _printed(opened: Page, page: Path, output: Path) -> list[tuple[str, str, str]]:
    """Print a page once all its figures are drawn; words, target and part of its contents."""
    opened.goto(page.resolve().as_uri(), wait_until="networkidle")
    contents: list[tuple[str, str, str]] = opened.evaluate(CONTENTS)
    opened.evaluate(OPEN)
    opened.wait_for_function(DRAWN, timeout=WAIT)
    opened.pdf(
        path=output,
        format="A4",
        margin={"top": "16mm", "bottom": "16mm", "left": "14mm", "right": "14mm"},
        scale=0.8,
        tagged=True,
    )
    return contents


def find_chromium() -> str | None:
    """The path of a Chromium on this machine, if there is one."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def one_page(site: Path) -> Path:
    """Make the page that `singlehtml` wrote stand alone, and return it.

    Sphinx takes it to lie at the top of the site, and its links to lead to itself; neither is so
    for a book whose first page lies in a folder.
    """
    (first,) = site.glob("book/*.html")
    html = first.read_text(encoding="utf-8")
    html = re.sub(rf'href="[^"#]*{first.name}#', 'href="#', html)
    # On paper nothing lies next to it: pictures to enlarge, files to download.
    html = re.sub(r'(<a\b[^>]*) href="(?!#|https?://|mailto:)[^"]*"', r"\1", html)
    page = site / "book.html"
    page.write_text(html, encoding="utf-8")
    return page
