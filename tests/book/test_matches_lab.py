"""The view of matches in JupyterLab, with a kernel behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opened import run_all_cells
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "_build" / "screenshots"
CELL = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests")!r})
from close_up import *
make_pair_explorer(methods=("causal", "occlusion"))
"""


@pytest.fixture
def page(serve: Callable[[str, str], str], browser: Browser) -> Iterator[Page]:
    address = serve("lab", CELL)
    context = browser.new_context(viewport={"width": 1400, "height": 1300}, has_touch=True)
    page = context.new_page()
    page.goto(address, wait_until="commit", timeout=180_000)
    run_all_cells(page)
    page.locator(".lfs-headline strong").wait_for(timeout=180_000)
    yield page
    context.close()


def test_it_follows_the_pair_and_the_method(page: Page) -> None:
    page.get_by_label("Method").select_option("causal")
    said, rows = page.locator(".lfs-match-answer"), page.locator(".lfs-match-list")
    expect(said).to_contain_text("of 64 places have a match")
    first = rows.inner_text()
    second = page.get_by_role("group", name="Second image", exact=True)
    second.get_by_role("button", name="coffee").click()
    expect(page.locator(".lfs-match-names")).to_contain_text("coffee")
    expect(rows).not_to_have_text(first)

    # Keys are the view's, not JupyterLab's: "d d" would delete the cell
    places = page.locator(".lfs-match-picture svg")
    places.first.focus()
    for key in ("ArrowDown", "ArrowDown", "Shift+ArrowRight", "d", "d"):
        page.keyboard.press(key)
    expect(said).to_contain_text("2 places of the first image")
    page.keyboard.press("Escape")
    expect(said).to_contain_text("of 64 places")

    places.nth(1).scroll_into_view_if_needed()
    places.nth(1).tap()
    expect(said).to_contain_text("of the second image")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "matches-lab.png")

    page.get_by_label("Method").select_option("occlusion")
    expect(page.locator(".lfs-matching")).to_contain_text("Causal map does")
    expect(page.locator(".lfs-match-stage")).to_have_count(0)
    page.get_by_label("Method").select_option("causal")
    expect(page.locator(".lfs-match-stage")).to_be_visible()
