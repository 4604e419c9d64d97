"""Charts on a page: by day and by night, on a telephone, on paper, and from disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from lfs_core.book import pages
from lfs_core.book.plotly_script import plotly_script
from lfs_core.findings.intervals import Interval
from lfs_core.viz.chart import SCRIPT, Chart, dots, lines, matrix

PHONE = {"width": 390, "height": 844}
DRAWN = """() => [...document.querySelectorAll(".lfs-chart")].every(
  (chart) => chart.open === false || "drawn" in chart.dataset)"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll(".lfs-chart text")]
  .filter((text) => text.getBoundingClientRect().width)
  .map((text) => parseFloat(getComputedStyle(text).fontSize)))"""
TYPES = """() => [...document.querySelectorAll(".lfs-chart .js-plotly-plot")].flatMap(
  (plot) => plot.data.map((asked, k) => [asked.type ?? "scatter", plot._fullData[k].type]))"""
OUT = """() => [...document.querySelectorAll(".lfs-chart text")].filter((text) => {
  const { left, right } = text.getBoundingClientRect();
  const chart = text.closest(".lfs-chart-plot").getBoundingClientRect();
  return right > left && (left < chart.left - 1 || right > chart.right + 1);
}).map((text) => text.textContent)"""
SITE = """<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Charts</title><style>
body {{ margin: 0; padding: 8px; background: #fff; color: #222 }}
[data-theme="dark"] body {{ background: #121212; color: #ced6dd }}
{css}</style></head><body>{body}{scripts}</body></html>"""


def some_charts() -> list[Chart]:
    def rows(at: float) -> dict[str, Interval]:
        names = ("one with a rather long name of many words", "two", "three")
        return {name: Interval(at + k, at + k - 1, at + k + 1, 7) for k, name in enumerate(names)}

    moves = "how far the similarity moves against the decision (higher is better)"
    far = np.array([[np.nan, 0.5], [-0.5, np.nan]])
    curve = {"a curve": ([1, 10, 100], list(rows(0).values()))}
    folded = dots("Folded", {"": {"": rows(5)}}, "score")
    return [
        dots("Rows", {"birds": {"a": rows(0), "b": rows(1)}, "cars": {"a": rows(2)}}, moves),
        lines("Curves", {"": curve}, moves, "error", log=True, mark=("chosen", 10)),
        matrix("Matrix", {"": far}, ["one", "two"], "by"),
        Chart(folded.figure, folded.title, folded.alt, folded.table, folded=True),
    ]


def wordy_charts() -> list[Chart]:
    """Rows, axes and legends with as many words as any page has."""
    names = ("ExplainLFS, p = 0.3, mean pooled maps of a decoder network", "two")
    rows = {name: Interval(k, k - 1, k + 1, 7) for k, name in enumerate(names)}
    far = "ExplainLFS, p = 0.3, linear decoder, random relevance of the second image"
    moves = "mean movement of the cosine against what the network decides (higher is better)"
    curves = {name: ([1, 10], list(rows.values())) for name in (far, "b")}
    chosen = "the number that was chosen on other photographs", 10
    return [
        dots("Rows", {"": {far: rows, "b": rows}}, moves),
        lines("Curves", {"": curves}, moves, "error", mark=chosen),
    ]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with charts, which loads the scripts that pages of the book load."""
    folder = tmp_path_factory.mktemp("charts")
    (folder / "plotly.min.js").write_text(plotly_script(), encoding="utf-8")
    (folder / "chart.js").write_text(SCRIPT.read_text("utf-8"), encoding="utf-8")
    loaded = pages.SCRIPTS["lfs-chart"]
    css = Path(__file__).parents[2] / "book" / "_static" / "book.css"
    for name, charts in (("page", some_charts()), ("wordy", wordy_charts())):
        html = SITE.format(
            css=css.read_text("utf-8"),
            body="".join(chart.html() for chart in charts),
            scripts="".join(f'<script defer src="{script}"></script>' for script in loaded),
        )
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return folder / "page.html"


@pytest.fixture(params=["wide", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, path: Path) -> Iterator[Page]:
    size = PHONE if request.param == "phone" else {"width": 1300, "height": 800}
    context = browser.new_context(offline=True, viewport=size)
    opened, asked, errors = context.new_page(), [], []
    opened.on("request", lambda request: asked.append(Path(request.url).name))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda said: said.type == "error" and errors.append(said.text))
    opened.goto(path.as_uri(), wait_until="networkidle")
    opened.wait_for_function(DRAWN)
    yield opened
    assert asked == ["page.html", "plotly.min.js", "chart.js"] and errors == []
    context.close()


def test_charts_fit_and_can_be_read(page: Page) -> None:
    assert page.locator(".lfs-chart .cartesianlayer").count() == 3  # the folded one waits
    page.locator("details.lfs-chart > summary").click()
    expect(page.locator("details.lfs-chart .cartesianlayer")).to_have_count(1)
    width = page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(SMALLEST) >= 9
    assert page.evaluate(OUT) == []


def test_each_series_is_drawn_as_what_it_is(page: Page) -> None:
    """What the part of plotly.js in pages does not know, it would draw as a line."""
    page.locator("details.lfs-chart > summary").click()
    expect(page.locator("details.lfs-chart .cartesianlayer")).to_have_count(1)
    drawn = page.evaluate(TYPES)
    assert {asked for asked, _ in drawn} == {"scatter", "bar"}
    assert all(asked == shown for asked, shown in drawn)
    assert page.locator(".lfs-chart .bars .point").count() == 2  # cells of the matrix


def test_many_words_fit_a_telephone(browser: Browser, path: Path) -> None:
    """Titles stand below their axes, right of the rows' names; legends right of their marks."""
    page = browser.new_page(viewport=PHONE)
    page.goto(path.with_name("wordy.html").as_uri(), wait_until="networkidle")
    page.wait_for_function(DRAWN)
    assert page.locator(".lfs-chart .xtitle").count() == page.locator(".legend").count() == 2
    assert page.evaluate(OUT) == []
    page.close()


def test_charts_follow_the_window(page: Page) -> None:
    """Narrower and wider again, as a telephone that is turned round; labels wrap otherwise then."""
    for width in (390, 900, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(
            """() => [...document.querySelectorAll("[data-drawn] .lfs-chart-plot")].every(
              (one) => one.querySelector(".main-svg").getBoundingClientRect().width
                === one.clientWidth && one.clientWidth > 0.7 * innerWidth)"""
        )


def test_a_menu_chooses_what_is_shown(page: Page) -> None:
    menu = page.get_by_label("What is shown")
    menu.focus()
    page.keyboard.press("c")  # "cars", from the keyboard
    expect(menu).to_have_value("cars")
    chart = page.locator(".lfs-chart").first
    seen = "chart => chart.querySelector('.lfs-chart-plot').data.map((of) => of.visible)"
    assert chart.evaluate(seen) == [False, False, True]


def test_a_click_in_the_legend_hides_a_series(page: Page) -> None:
    chart = page.locator(".lfs-chart").first
    chart.locator(".legendtoggle").first.click()
    seen = "() => document.querySelector('.lfs-chart-plot').data[0].visible === 'legendonly'"
    page.wait_for_function(seen)


def test_numbers_can_be_read_without_seeing_them(page: Page) -> None:
    chart = page.locator(".lfs-chart").first
    chart.get_by_text("The numbers of this figure").click()
    expect(chart.get_by_role("row", name="two").first).to_contain_text(
        "1.000 [0.000, 2.000] (n = 7)"
    )
    expect(page.get_by_role("img", name="Rows. 3 rows")).to_be_visible()


def test_charts_follow_the_night(page: Page) -> None:
    words = page.locator(".lfs-chart .ytitle").first
    colour = "text => getComputedStyle(text).fill"
    assert words.evaluate(colour) == "rgb(34, 34, 34)"
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(words).to_have_css("fill", "rgb(206, 214, 221)")


def test_on_paper_each_choice_has_a_picture(page: Page) -> None:
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    paper = page.locator(".lfs-chart-paper")
    expect(paper).to_have_count(3)
    expect(paper.first).to_contain_text("birds")
    assert paper.first.locator(".cartesianlayer").count() == 2
    expect(page.locator(".lfs-chart-plot").first).to_be_hidden()
    black = paper.first.locator(".xtitle").first
    expect(black).to_have_css("fill", "rgb(0, 0, 0)")
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(paper).to_have_count(0)
