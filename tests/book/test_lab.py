"""The retrieval explorer live: JupyterLab, a kernel and a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from crops import write_crops
from opened import run_all_cells
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

CELL = """
import sys
sys.path.insert(0, {tests!r})
import os
os.environ["LFS_CACHE"] = {cache!r}
from crops import make_explorer
make_explorer({crops!r})
"""

# How far an element's surroundings are scrolled, from the nearest to the whole page.
SCROLLED = """element => {
  const tops = [];
  for (let at = element.parentElement; at; at = at.parentElement) tops.push(at.scrollTop);
  return tops;
}"""
# Does a list show all of what is chosen in it?
SHOWS_CHOSEN = """list => {
  const box = list.getBoundingClientRect();
  const row = list.querySelector("[aria-current]").getBoundingClientRect();
  return box.top - 1 <= row.top && row.bottom <= box.bottom + 1;
}"""


@pytest.fixture(scope="module")
def lab(
    serve: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """JupyterLab with a notebook that shows the explorer."""
    folder = tmp_path_factory.mktemp("gallery")
    write_crops(folder / "crops")
    paths = {"tests": Path(__file__).parents[1], "cache": folder / "cache"}
    cell = CELL.format(crops=str(folder / "crops"), **{k: str(v) for k, v in paths.items()})
    return serve("lab", cell), folder


@pytest.fixture
def explorer(lab: tuple[str, Path], browser: Browser) -> Iterator[Locator]:
    """The explorer as the notebook's output."""
    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    page.goto(lab[0])
    run_all_cells(page)
    shown = page.locator(".jp-OutputArea .lfs-explorer")
    shown.locator(".lfs-hit").first.wait_for(timeout=90_000)
    yield shown
    page.context.close()


def test_the_explorer_is_alive(explorer: Locator, lab: tuple[str, Path]) -> None:
    page: Page = explorer.page
    hits = explorer.locator(".lfs-panel .lfs-hit")
    expect(hits).to_have_count(20 + 5)
    expect(explorer.locator(".lfs-place")).to_have_text("1 / 25")
    expect(explorer.locator(".lfs-ap", has_text=re.compile(r"^AP \d"))).to_have_count(24)
    expect(explorer.locator(".lfs-panel img[src^='data:']")).to_have_count(25)

    explorer.locator(".lfs-list button", has_text="coffee/03.png").click()
    expect(explorer.locator(".lfs-head .lfs-title")).to_have_text("coffee/03.png")
    hits.nth(1).click()
    dialog = explorer.get_by_role("dialog")
    expect(dialog.locator("canvas")).to_have_count(2)
    expect(dialog).to_contain_text("Method: ramps.")
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("> .lfs-title")).to_contain_text("rank 3,")
    page.keyboard.press("Escape")

    expect(hits.nth(1)).to_be_focused()
    page.keyboard.press("d")
    page.keyboard.press("d")  # which in JupyterLab deletes a cell
    page.keyboard.press("ArrowRight")
    expect(hits.nth(2)).to_be_focused()
    expect(explorer).to_have_count(1)

    explorer.get_by_role("tab", name="Ranking").click()
    expect(explorer.locator(".lfs-square-hit")).to_have_count(24)
    expect(explorer.locator(".lfs-detail .scatterlayer path.js-line")).to_have_count(2)
    explorer.get_by_role("tab", name="Top 20").click()

    files = explorer.locator("input[type=file]")
    (lab[1] / "letter.png").write_text("not an image", encoding="utf-8")
    files.set_input_files([lab[1] / "letter.png"])
    expect(explorer.get_by_role("alert").first).to_have_text(
        "letter.png is not an image that can be read."
    )
    expect(explorer.locator(".lfs-head .lfs-title")).to_have_text("coffee/03.png")

    Image.open(lab[1] / "crops" / "coffee" / "03.png").rotate(5).save(lab[1] / "turned.png")
    noise = np.random.default_rng(0).integers(0, 256, (1400, 1400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(lab[1] / "noise.png")  # 5.9 MB: near what Jupyter can take
    files.set_input_files([lab[1] / "noise.png", lab[1] / "turned.png"])
    expect(explorer.locator(".lfs-place")).to_have_text("2 / 2 of your images")
    expect(explorer.locator(".lfs-head .lfs-title")).to_have_text("turned.png")
    expect(explorer.get_by_role("alert").first).to_be_empty()
    expect(hits.first).to_contain_text("coffee")
    hits.first.click()
    expect(dialog.locator("canvas")).to_have_count(2)


def test_a_large_photograph_is_made_smaller_and_may_be_chosen_again(
    explorer: Locator, lab: tuple[str, Path]
) -> None:
    """The browser sends less than Jupyter takes, and the answer is that to the photograph."""
    large = lab[1] / "large.png"
    query = Image.open(lab[1] / "crops" / "coffee" / "03.png")
    query.resize((5000, 500)).save(large, compress_level=0)
    assert large.stat().st_size > 7e6
    files = explorer.locator("input[type=file]")
    name = explorer.locator(".lfs-head .lfs-title")
    best = explorer.locator(".lfs-panel .lfs-hit").first
    for _ in range(2):
        files.set_input_files([large])
        expect(name).to_have_text("large.png")
        expect(explorer.locator(".lfs-place")).to_have_text("1 / 1 of your images")
        expect(best).to_have_attribute("title", "coffee/03.png")  # the next has 0.996
        assert float(best.locator(".lfs-line span").inner_text()) >= 0.999
        expect(explorer.get_by_role("alert").first).to_have_text(
            "large.png (7.5 MB, 5000 \u00d7 500) was reduced to 4096 \u00d7 410."
        )
        # A browser says that a file was chosen only where it takes the place of another choice.
        assert files.evaluate("input => input.value") == ""
        explorer.locator(".lfs-list button", has_text="chelsea/00.png").click()
        expect(name).to_have_text("chelsea/00.png")


def test_a_long_list_scrolls_and_the_page_stays(explorer: Locator) -> None:
    photographs = explorer.get_by_role("region", name="Photographs").locator(".lfs-list")
    assert photographs.evaluate("list => list.scrollHeight > list.clientHeight + 50")
    rows, name = photographs.get_by_role("button"), explorer.locator(".lfs-head .lfs-title")
    rows.first.click()
    before = explorer.evaluate(SCROLLED)
    for key, row in (("End", rows.last), ("Home", rows.first), ("ArrowDown", rows.nth(1))):
        explorer.page.keyboard.press(key)
        expect(row).to_have_attribute("aria-current", "true")
        expect(name).to_have_text(row.locator(".lfs-name").inner_text())
        assert photographs.evaluate(SHOWS_CHOSEN)
        assert (photographs.evaluate("list => list.scrollTop") > 0) == (key == "End")
        assert explorer.evaluate(SCROLLED) == before
    for _ in range(19):
        explorer.get_by_role("button", name="Next").click()
    expect(explorer.locator(".lfs-place")).to_have_text("21 / 25")
    assert photographs.evaluate(SHOWS_CHOSEN) and explorer.evaluate(SCROLLED) == before
