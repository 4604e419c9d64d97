"""Still pictures of what scripts draw on the book's pages, and its formulas as MathML."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lfs_core.book.pdf import NO_SANDBOX, WAIT, find_chromium
from lfs_core.errors import LFSError
from lfs_core.util.extras import needs

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH = 1280  # px, of a page; pictures have two pixels for each
VIEWS = ".lfs-page"
DRAWN = ".sounds .drawn"  # what needs styles to be put together
# Plotly's own pictures need no frame of a page; these may take minutes. Of a chart with a choice it
# is the first.
PICTURES = """async () => {
  const found = [];
  for (const chart of document.querySelectorAll(".lfs-chart")) {
    const packed = chart.querySelector("[type='text/plain']").text;
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const { data, layout } = await new Response(stream).json();
    const font = { ...layout.font, color: "#000" };
    const shown = { ...layout, updatemenus: [], font, paper_bgcolor: "#fff" };
    const size = { format: "png", width: 660, height: layout.height, scale: 2 };
    found.push(await Plotly.toImage({ data, layout: shown }, size));
  }
  return found;
}"""
HELD = """() => [".lfs-chart", ".lfs-page", "article .math"].map(
  (all) => document.querySelector(all) !== null)"""
READY = """() => MathJax.startup.promise"""
# The list of a page's sections, next to it, holds formulas too.
MATHS = """() => [...document.querySelectorAll("article .math")].map((place) =>
  [...place.querySelectorAll("mjx-assistive-mml > math")].map((math) =>
    new XMLSerializer().serializeToString(math)).join(" "))"""


@dataclass(frozen=True)
class Stills:
    """What a page holds, each in the page's order.

    Attributes:
        charts: PNG of every chart.
        views: PNG of every interactive view; empty of one that paper does not show.
        drawn: PNG of every drawing that pages put together by styles.
        maths: MathML of every formula.
    """

    charts: list[bytes]
    views: list[bytes]
    drawn: list[bytes]
    maths: list[str]


def stills(site: Path, pages: Sequence[str]) -> dict[str, Stills]:
    """The stills of pages, by their names.

    Args:
        site: the folder of the built book.
        pages: of it, without ".html".

    Raises:
        LFSError: Chromium or playwright is missing, or Chromium fails.
    """
    with needs("pdf", "A book without scripts"):
        from playwright.sync_api import Error, sync_playwright
    chromium = find_chromium()
    if not chromium:
        raise LFSError("Charts are drawn by Chromium, and none was found; install it.")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=NO_SANDBOX)
            context = browser.new_context(
                offline=True,
                viewport={"width": WIDTH, "height": 1000},
                device_scale_factor=2,
                color_scheme="light",
            )
            context.set_default_timeout(WAIT)
            # Plotly is asked for pictures here; nobody looks at the charts of the page.
            context.route("**/chart.js", lambda route: route.abort())
            page = context.new_page()
            found = {name: _of(page, site / f"{name}.html") for name in pages}
            browser.close()
            return found
    except Error as error:
        raise LFSError(f"Chromium could not draw the book: {error.message}") from error


def _of(page: Page, path: Path) -> Stills:
    page.emulate_media(media="screen")
    page.goto(path.resolve().as_uri(), wait_until="load")
    charts, views, maths = page.evaluate(HELD)
    if maths:
        page.evaluate(READY)
    if views:
        page.locator(f"{VIEWS} .lfs-view").first.wait_for(state="attached")
        page.wait_for_load_state("networkidle")
    page.emulate_media(media="print")
    return Stills(
        [b64decode(url.partition(",")[2]) for url in page.evaluate(PICTURES)] if charts else [],
        [
            view.screenshot(animations="disabled") if view.is_visible() else b""
            for view in (page.locator(VIEWS).all() if views else ())
        ],
        [drawing.screenshot() for drawing in page.locator(DRAWN).all()],
        page.evaluate(MATHS) if maths else [],
    )
