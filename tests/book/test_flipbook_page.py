"""The flip-book as a page, from disk, with the network cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flipped import EVERY, FLIPS, corners, explained_by, flip_book
from opened import CONTRAST, PIXELS, opened, pair_button
from playwright.sync_api import Browser, Locator, Page, expect
from plotly.offline import get_plotlyjs

from lfs_core.viz.rendering import plotly_text
from lfs_core.viz.views.flipbook import FlipBook

STEPS = FLIPS // EVERY
# Which of the 8x8 superpixels of a canvas are black? By row.
BLACK = """canvas => {
  const context = canvas.getContext("2d");
  return Array.from({ length: 64 }, (_, k) => {
    const x = ((k % 8) + 0.5) / 8 * canvas.width, y = (Math.floor(k / 8) + 0.5) / 8 * canvas.height;
    const [r, g, b] = context.getImageData(Math.floor(x), Math.floor(y), 1, 1).data;
    return r + g + b < 12;
  });
}"""

# The values of the curves as far as superpixels are replaced; and the heights of the dots there.
DRAWN = "plot => plot.data.filter(({ mode }) => mode.includes('markers')).map(({ y }) => y)"
DOTS = """all => all.filter((dot) => dot.getBoundingClientRect().width > 2)
  .map((dot) => { const box = dot.getBoundingClientRect(); return box.top + box.height / 2; })"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of a similar pair, of a dissimilar pair, and of both."""
    folder = tmp_path_factory.mktemp("flipbook")
    books = {name: flip_book(name == "similar") for name in ("similar", "dissimilar")}
    for name, book in books.items():
        book.save(folder / f"{name}.html")
    both = "".join(book.page() for book in books.values())
    (folder / "both.html").write_text(f"<!DOCTYPE html><body>{both}</body>", encoding="utf-8")
    return folder / "similar.html"


@pytest.fixture
def page(browser: Browser, saved: Path) -> Iterator[Page]:
    yield from opened(browser, saved)


def slider(page: Page | Locator) -> Locator:
    return page.get_by_role("slider", name="Superpixels replaced")


def expect_step(page: Page, step: int, book: FlipBook) -> None:
    """All that moves shows this step: slider, pictures, numbers and curves."""
    flips = step * EVERY
    expect(page.locator("output")).to_have_text(f"{flips} of 64")
    for canvas in page.locator(".lfs-frames canvas").all():
        assert sum(canvas.evaluate(BLACK)) == flips
    for caption, method in zip(
        page.locator("figcaption", has_text="cosine").all(),
        book.contents["pairs"][0]["methods"],
        strict=True,
    ):
        expect(caption).to_contain_text(f"cosine {method['curve'][step]:.2f}")
    drawn = page.locator(".lfs-curves .js-plotly-plot").evaluate(DRAWN)
    assert drawn == [method["curve"][: step + 1] for method in book.contents["pairs"][0]["methods"]]


def test_slider_moves_all_methods_in_step(page: Page) -> None:
    book = flip_book(True)
    expect_step(page, STEPS, book)  # it opens with the outcome
    for step in (0, 2, 1):
        slider(page).fill(str(step))
        expect_step(page, step, book)


@pytest.mark.parametrize("kind", ["similar", "dissimilar"])
def test_pictures_lack_the_superpixels_that_were_flipped(
    kind: str, browser: Browser, saved: Path
) -> None:
    book = flip_book(kind == "similar")
    for page in opened(browser, saved.with_name(f"{kind}.html")):
        slider(page).fill("1")
        canvases = page.locator(".lfs-frames canvas").all()
        changed = 1 if kind == "similar" else 2
        assert len(canvases) == 2 * changed
        for k, canvas in enumerate(canvases):
            ranks = book.contents["pairs"][0]["methods"][k // changed]["ranks"][k % changed]
            assert canvas.evaluate(BLACK) == [rank < EVERY for rank in ranks]
        partner = page.get_by_text("The second image, which stays as it is.")
        expect(partner).to_have_count(2 - changed)


def test_curves_are_drawn_to_scale(page: Page) -> None:
    """Heights of the dots fall linearly with the cosines, on one scale for all methods."""
    curves = [method["curve"] for method in flip_book(True).contents["pairs"][0]["methods"]]
    heights = []
    for step in range(STEPS + 1):
        slider(page).fill(str(step))
        points = "[...document.querySelectorAll('.lfs-curves .point')]"
        # Plotly draws a moment later. Only a function may be asked again on a page with a policy.
        page.wait_for_function(f"() => ({DOTS})({points}).length === {len(curves)}")
        heights += page.locator(".lfs-curves .point").evaluate_all(DOTS)
    values = [curve[step] for step in range(STEPS + 1) for curve in curves]
    (low, high), (bottom, top) = (f(zip(values, heights, strict=True)) for f in (min, max))
    for value, height in zip(values, heights, strict=True):
        expected = high + (value - low) / (bottom - low) * (top - high)
        assert height == pytest.approx(expected, abs=0.2)
    chart = page.get_by_role("img", name=re.compile("The cosine as superpixels are replaced"))
    for name, curve in zip(explained_by(True), curves, strict=True):
        words = f"{name} from {curve[0]:.2f} to {curve[-1]:.2f}"
        expect(chart).to_have_accessible_name(re.compile(re.escape(words)))


def test_it_plays_from_the_beginning_to_the_end_and_pauses(browser: Browser, saved: Path) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.clock.install(time=datetime(2026, 1, 1, tzinfo=UTC))
    page.goto(saved.as_uri())
    count = page.locator("output")
    play = page.locator(".lfs-play")
    expect(play).to_have_text("Play")
    page.clock.pause_at(datetime(2026, 1, 2, tzinfo=UTC))  # else it goes on by itself
    play.click()
    expect(play).to_have_text("Pause")
    expect(count).to_have_text("0 of 64")
    page.clock.run_for(500)
    expect(count).to_have_text("5 of 64")
    play.click()
    page.clock.run_for(5000)
    expect(count).to_have_text("5 of 64")
    play.click()
    page.clock.run_for(5000)
    expect(count).to_have_text("20 of 64")
    expect(play).to_have_text("Play")
    context.close()


def test_nothing_moves_by_itself_for_who_wants_less_motion(browser: Browser, saved: Path) -> None:
    context = browser.new_context(offline=True, reduced_motion="reduce")
    page = context.new_page()
    page.clock.install()
    page.goto(saved.as_uri())
    step = page.get_by_role("button", name="Next step")
    for flips in (0, 5, 10):
        step.click()
        page.clock.run_for(5000)
        expect(page.locator("output")).to_have_text(f"{flips} of 64")
    context.close()


def test_it_works_by_keyboard(page: Page) -> None:
    for name in explained_by(True):
        page.keyboard.press("Tab")
        expect(page.get_by_role("checkbox", name=name)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Play")).to_be_focused()
    page.keyboard.press("Tab")
    expect(slider(page)).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect_step(page, 1, flip_book(True))
    expect(slider(page)).to_have_attribute("aria-valuetext", "5 of 64 superpixels replaced")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_a_telephone(scheme: str, browser: Browser, saved: Path) -> None:
    size = {"width": 360, "height": 700}
    for page in opened(browser, saved, color_scheme=scheme, viewport=size):
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        ground = page.locator(".lfs-view").evaluate("e => getComputedStyle(e).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 384) == (scheme == "dark")
        for text in (".lfs-headline", "figcaption", "label", "output", ".lfs-play"):
            for element in page.locator(f".lfs-view {text}").all():
                assert element.evaluate(CONTRAST) >= 4.5, text
        labels = page.locator(".lfs-curves svg text:not(:empty)")
        labels.first.wait_for()
        for label in labels.all():
            assert label.evaluate(CONTRAST) >= 4.5
            assert label.bounding_box()["height"] > 10


def test_a_page_may_have_plotly_in_a_file_that_pages_share(
    browser: Browser, saved: Path, tmp_path: Path
) -> None:
    """As in the book: without the packed copy, and before or after the view."""
    link = '<script defer src="plotly.min.js"></script>'
    light = flip_book(True).page().replace(plotly_text(), "")
    assert len(light) < 1e5
    (tmp_path / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    for html in (link + light, light + link):
        (tmp_path / "page.html").write_text(f"<!DOCTYPE html><body>{html}</body>", encoding="utf-8")
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        expect(page.locator(".lfs-curves .scatterlayer path.js-line")).to_have_count(4)
        page.close()


def test_without_plotly_a_page_says_so(browser: Browser, tmp_path: Path) -> None:
    light = flip_book(True).page().replace(plotly_text(), "")
    (tmp_path / "page.html").write_text(f"<!DOCTYPE html><body>{light}</body>", encoding="utf-8")
    for page in opened(browser, tmp_path / "page.html"):
        expect(page.locator(".lfs-curves")).to_contain_text("where plotly.js is available")
        slider(page).fill("1")  # what needs no chart still works
        expect(page.locator("output")).to_have_text("5 of 64")


def test_two_share_a_page(browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved.with_name("both.html")):
        first, second = page.locator(".lfs-flipbook").all()
        before = [canvas.evaluate(PIXELS) for canvas in second.locator("canvas").all()]
        slider(first).fill("0")
        expect(first.locator("output")).to_have_text("0 of 64")
        expect(second.locator("output")).to_have_text("20 of 64")
        assert [canvas.evaluate(PIXELS) for canvas in second.locator("canvas").all()] == before


def test_pairs_and_methods_can_be_chosen(browser: Browser, tmp_path: Path) -> None:
    """By pointer and by keys; pictures, curves, words and numbers follow."""
    both = [explained_by(similar) for similar in (True, False)]
    explained = {name: [of[name] for of in both] for name in ("left", "top")}
    book = FlipBook(corners, explained, fill="black", every=EVERY, shown=1)
    book.save(tmp_path / "book.html")
    for page in opened(browser, tmp_path / "book.html"):
        chart = page.locator(".lfs-curves .js-plotly-plot")
        curves = [[m["curve"] for m in pair["methods"]] for pair in book.contents["pairs"]]
        expect(page.locator(".lfs-frames canvas")).to_have_count(1)
        expect(page.get_by_role("checkbox", name="left")).to_be_checked()
        page.get_by_role("checkbox", name="top").check()
        expect(page.locator(".lfs-frames canvas")).to_have_count(2)
        assert chart.evaluate(DRAWN) == curves[0]
        expect(page.locator(".lfs-curves .legendtext")).to_have_text(["left", "top"])
        pair_button(page, 0).focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator(".lfs-headline strong")).to_have_text("dissimilar")
        expect(page.locator(".lfs-frames canvas")).to_have_count(4)
        assert chart.evaluate(DRAWN) == curves[1]
        page.get_by_role("checkbox", name="left").uncheck()
        expect(page.locator(".lfs-frames canvas")).to_have_count(2)
        assert chart.evaluate(DRAWN) == curves[1][1:]
        slider(page).fill("1")
        expect(page.locator("output")).to_have_text("5 of 64")
        for canvas, ranks in zip(
            page.locator(".lfs-frames canvas").all(),
            book.contents["pairs"][1]["methods"][1]["ranks"],
            strict=True,
        ):
            assert canvas.evaluate(BLACK) == [rank < EVERY for rank in ranks]
        names = page.locator("img").evaluate_all("all => all.map((image) => image.alt)")
        assert all(names) and len(set(names)) == len(names) == 4
