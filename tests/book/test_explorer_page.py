"""The retrieval explorer as a page, from disk, with the network cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from crops import explain, make_explorer, write_crops
from opened import CONTRAST, opened
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from lfs_core.explanation import PairExplanation

EVIL = "x</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>.png"
QUERIES = 4  # of the page
NUMBER = 25  # of photographs in the gallery

# Is a pixel of a canvas, at a place in [0,1] x [0,1], without colour?
IS_GREY = """(canvas, [x, y]) => {
  const [column, row] = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
  const [r, g, b] = canvas.getContext("2d").getImageData(column, row, 1, 1).data;
  return Math.max(r, g, b) - Math.min(r, g, b) < 4;
}"""
# How many different colours are on it?
COLOURS = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


# How many pixels of a canvas are white, and where the outermost of them are, in [0,1] x [0,1].
WHITE = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const places = [...new Uint32Array(data.buffer)].flatMap((c, k) => c === 0xffffffff ? [k] : []);
  const x = places.map((k) => (k % canvas.width) / canvas.width);
  const y = places.map((k) => Math.floor(k / canvas.width) / canvas.height);
  return [Math.min(...x), Math.max(...x), Math.min(...y), Math.max(...y)];
}"""


def part_of_both(a: int, b: int) -> torch.Tensor:
    """Two rectangles, one in each photograph."""
    shared = torch.zeros(2, 100, 100, dtype=torch.bool)
    shared[0, 20:60, 30:70] = shared[1, 40:80, 10:50] = True
    return shared


def between(image_a: Image.Image, image_b: Image.Image) -> PairExplanation:
    """The same maps from 0.25 to 0.75: of neither end is there a value."""
    explained = explain(image_a, image_b)
    return replace(explained, maps=0.25 + explained.maps / 2)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of three queries with a class, and of one whose name would be code."""
    folder = tmp_path_factory.mktemp("explorer")
    write_crops(folder / "crops")
    evil = folder / "crops" / EVIL
    evil.parent.mkdir(parents=True)
    (folder / "crops" / "lone.png").rename(evil)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LFS_CACHE", str(folder / "cache"))
        explorer = make_explorer(folder / "crops")
        explorer.save(folder / "page.html", [0, 9, 17, explorer.contents["names"].index(EVIL)])
        twice = explorer.page([9])
        explorer.shared = part_of_both
        explorer.save(folder / "outlined.html", [0])
        explorer.shared = None
        explorer.explain = between
        explorer.save(folder / "between.html", [0])
        explorer.explain = explain
        fragments = explorer.page([0]) + twice + twice
        (folder / "fragments.html").write_text(
            f"<!DOCTYPE html><body>{fragments}</body>", encoding="utf-8"
        )
    return folder / "page.html"


@pytest.fixture
def page(browser: Browser, saved: Path) -> Iterator[Page]:
    yield from opened(browser, saved, ".lfs-hit", viewport={"width": 1280, "height": 900})


def hits(page: Page) -> Locator:
    return page.get_by_role("tabpanel").locator(".lfs-hit")


def answered(page: Page) -> None:
    """Wait until the panel shows the answer to the last question; until then it is inert."""
    expect(page.locator("[role=tabpanel]:not([inert])")).to_be_visible()


def names(page: Page) -> list[str]:
    """The files in the list."""
    return page.get_by_role("region", name="Photographs").locator(".lfs-name").all_inner_texts()


def open_pair(page: Page, place: int = 0) -> Locator:
    """Click a result; the dialog, once it shows the maps."""
    hits(page).nth(place).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("canvas")).to_have_count(2)
    return dialog


def test_it_shows_results_and_what_they_are_worth(page: Page) -> None:
    assert hits(page).count() == 20 + 5
    expect(page.locator(".lfs-place")).to_have_text(f"1 / {QUERIES}")
    headline = page.locator(".lfs-headline").inner_text()
    right = hits(page).locator("nth=0 >> ..").locator(".lfs-hit.lfs-right").count()
    assert headline.startswith(f"{right} of 7 in the top 20, AP@20 ")
    assert "Recall@1 yes" in headline
    for text in hits(page).all_inner_texts():
        assert ("✓ right" in text and "astronaut" in text) or "✗ other class" in text
    for image in hits(page).locator("img").all():
        assert image.evaluate("i => i.complete && i.naturalWidth > 20")
    assert page.locator(".lfs-strip span.lfs-right").count() == right
    assert "make lab" in page.get_by_role("region", name="Your images").inner_text()
    assert page.locator("input[type=file]").count() == 0


def test_a_click_explains_a_pair(page: Page) -> None:
    dialog = open_pair(page, 1)
    said = "the network calls them similar (above ξ₁ = 0.5), confidence not known. Method: ramps."
    assert said in dialog.inner_text()
    query, result = dialog.locator("canvas").all()
    assert query.evaluate(COLOURS) > 100 and result.evaluate(COLOURS) > 100
    # The maps rise from left to right, and from top to bottom; above 0.5 they are in colour.
    assert query.evaluate(IS_GREY, [0.4, 0.8]) and not query.evaluate(IS_GREY, [0.6, 0.2])
    assert result.evaluate(IS_GREY, [0.8, 0.4]) and not result.evaluate(IS_GREY, [0.2, 0.6])
    assert dialog.get_by_text("50 % lies above ξ₂").count() == 2
    assert dialog.get_by_text("values go from 0.00 to 1.00").count() == 2


def test_the_threshold_and_the_opacity_change_the_picture(page: Page) -> None:
    dialog = open_pair(page)
    query = dialog.locator("canvas").first
    dialog.get_by_label("Show what is above ξ₂").fill("0.25")
    assert not query.evaluate(IS_GREY, [0.4, 0.8]) and query.evaluate(IS_GREY, [0.2, 0.8])
    assert dialog.get_by_text("74 % lies above ξ₂").count() == 2  # 1 - (0.25 * 31 + 0.5) / 32
    before = query.evaluate("c => c.toDataURL()")
    dialog.get_by_label("Opacity of the maps").fill("0.9")
    assert query.evaluate("c => c.toDataURL()") != before
    dialog.get_by_label("Opacity of the maps").fill("0")
    assert query.evaluate(IS_GREY, [0.9, 0.5])


def test_the_map_can_lie_beside_the_photograph(page: Page) -> None:
    dialog = open_pair(page)
    query = dialog.locator("canvas").first
    height, width = query.evaluate("c => [c.height, c.width]")
    assert width / height == pytest.approx(180 / 150, abs=0.01)  # the photograph's proportions
    dialog.get_by_label("Maps next to the photographs").check()
    assert query.evaluate("c => [c.height, c.width]") == [height, 2 * width]
    assert not query.evaluate(IS_GREY, [0.99, 0.5])
    page.keyboard.press("Escape")
    page.get_by_label("Keep proportions").uncheck()
    open_pair(page)
    assert query.evaluate("c => c.width / c.height") == 2


def test_a_pair_leads_to_the_next_and_back(page: Page) -> None:
    dialog = open_pair(page)
    assert "rank 1," in dialog.inner_text()
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("> .lfs-title")).to_contain_text("rank 2,")
    dialog.get_by_role("button", name="Previous result").click()
    expect(dialog.locator("> .lfs-title")).to_contain_text("rank 1,")
    assert dialog.get_by_role("button", name="Previous result").is_disabled()
    page.keyboard.press("ArrowRight")  # the disabled button has not kept the keyboard
    expect(dialog.locator("> .lfs-title")).to_contain_text("rank 2,")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(hits(page).first).to_be_focused()


def test_tabs_and_results_work_by_keyboard(page: Page) -> None:
    page.get_by_role("tab", name="Top 20").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Answers")).to_have_attribute("aria-selected", "true")
    expect(hits(page)).to_have_count(7)
    page.keyboard.press("End")
    expect(page.get_by_role("tabpanel").locator(".lfs-square-hit")).to_have_count(NUMBER - 1)
    page.keyboard.press("Home")
    expect(hits(page)).to_have_count(25)
    page.keyboard.press("Tab")  # to the panel
    page.keyboard.press("Tab")  # to its first result
    expect(hits(page).first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(hits(page).nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").locator("canvas")).to_have_count(2)


def test_the_ranking_shows_every_photograph(page: Page) -> None:
    page.get_by_role("tab", name="Ranking").click()
    squares = page.get_by_role("tabpanel").locator(".lfs-square-hit")
    expect(squares).to_have_count(NUMBER - 1)
    assert page.locator(".lfs-square-hit.lfs-right").count() == 7
    assert squares.filter(has_text="✓").count() == 7
    squares.nth(3).focus()
    detail = page.locator(".lfs-detail")
    expect(detail).to_contain_text("Rank 4, similarity")
    expect(detail.locator(".scatterlayer path.js-line")).to_have_count(2)
    lines = detail.locator(".js-plotly-plot").evaluate("plot => plot.data.map((line) => line.y)")
    assert [len(line) for line in lines] == [48, 48]  # one a latent
    assert all(sum(value**2 for value in line) == pytest.approx(1, abs=0.02) for line in lines)
    expect(detail.get_by_role("img", name="The 48 latents of both photographs")).to_be_visible()
    squares.nth(5).hover()
    expect(detail).to_contain_text("Rank 6, similarity")
    detail.get_by_role("button", name="Explain this pair").click()
    expect(page.get_by_role("dialog").locator("canvas")).to_have_count(2)


def test_the_filter_finds_and_leaves_out(page: Page) -> None:
    everything = names(page)
    assert len(everything) == QUERIES
    box = page.get_by_label("Filter by name")
    box.fill("COFFEE")
    assert names(page) == [name for name in everything if "coffee" in name]
    assert page.locator(".lfs-count").inner_text() == f"1 of {QUERIES}"
    box.fill("!coffee")
    assert names(page) == [name for name in everything if "coffee" not in name]
    box.fill("nothing is named so")
    assert names(page) == []
    box.fill("")
    assert names(page) == everything


def test_another_query_has_other_results(page: Page) -> None:
    before = hits(page).all_inner_texts()
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".lfs-place")).to_have_text(f"2 / {QUERIES}")
    expect(page.locator(".lfs-head .lfs-title")).to_have_text("chelsea/01.png")
    answered(page)
    assert hits(page).all_inner_texts() != before
    page.locator(".lfs-list [aria-current]").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".lfs-place")).to_have_text(f"3 / {QUERIES}")
    expect(page.locator(".lfs-list [aria-current]")).to_be_focused()
    page.get_by_role("button", name="Previous").click()
    page.get_by_role("button", name="Previous").click()
    expect(page.locator(".lfs-place")).to_have_text(f"1 / {QUERIES}")
    answered(page)
    assert hits(page).all_inner_texts() == before


def test_a_name_is_never_code(page: Page) -> None:
    page.locator(".lfs-list button", has_text="hacked").click()
    expect(page.locator(".lfs-head .lfs-title")).to_have_text(EVIL)
    expect(page.locator(".lfs-headline")).to_contain_text("No other photograph of its class")
    assert page.locator(".lfs-hit.lfs-right, .lfs-hit.lfs-wrong").count() == 0
    assert "hacked=1" in open_pair(page).inner_text()
    assert page.evaluate("window.hacked") is None


def test_several_explorers_share_a_page(browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved.with_name("fragments.html"), ".lfs-hit"):
        explorers = page.locator(".lfs-explorer")
        expect(explorers).to_have_count(3)
        titles = explorers.locator(".lfs-head .lfs-title").all_inner_texts()
        assert titles == ["astronaut/00.png", "chelsea/01.png", "chelsea/01.png"]
        ids = page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
        assert len(ids) == len(set(ids))
        explorers.nth(1).get_by_role("tab", name="Ranking").click()
        expect(explorers.nth(1).locator(".lfs-square-hit")).to_have_count(NUMBER - 1)
        expect(explorers.nth(2).locator(".lfs-hit")).to_have_count(25)


@pytest.mark.parametrize("tab", ["Top 20", "Answers", "Ranking"])
def test_it_fits_a_telephone(tab: str, browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved, ".lfs-hit", viewport={"width": 360, "height": 740}):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        if tab == "Top 20":
            dialog = open_pair(page)
            assert dialog.evaluate("d => d.scrollWidth <= d.clientWidth")
            assert dialog.bounding_box()["width"] <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(scheme: str, browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved, ".lfs-hit", color_scheme=scheme):
        for text in (".lfs-title", ".lfs-hint", ".lfs-count", ".lfs-ap", ".lfs-mark", ".lfs-class"):
            assert page.locator(text).first.evaluate(CONTRAST) >= 4.5, text


def test_every_control_has_a_name(page: Page) -> None:
    open_pair(page)
    nameless = page.locator("button, input, canvas, img, [role=img]").evaluate_all(
        """all => all.filter((e) => !(e.textContent.trim() || e.ariaLabel || e.hasAttribute("alt")
            || e.closest("label"))).map((e) => e.outerHTML)"""
    )
    assert nameless == []
    pictures = page.locator("img").evaluate_all("all => all.map((image) => image.alt)")
    assert len(pictures) > 25 and all(pictures)


def test_what_both_photographs_show_is_outlined(browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved.with_name("outlined.html"), ".lfs-hit"):
        dialog = open_pair(page)
        expect(dialog).to_contain_text("The white line surrounds what both photographs show.")
        query, result = dialog.locator("canvas").all()
        assert query.evaluate(WHITE) == pytest.approx([0.3, 0.7, 0.2, 0.6], abs=0.03)
        assert result.evaluate(WHITE) == pytest.approx([0.1, 0.5, 0.4, 0.8], abs=0.03)
        dialog.get_by_label("Maps next to the photographs").check()  # then it is in both
        left, right, *_ = query.evaluate(WHITE)
        assert [left, right] == pytest.approx([0.15, 0.85], abs=0.02)


# What the maps say at 0.8 from the left and 0.5 from the top: a ramp to the right, one downwards.
@pytest.mark.parametrize(
    ("name", "values"), [("page.html", [0.8, 0.5]), ("between.html", [0.65, 0.5])]
)
def test_values_of_a_pair_are_read_by_pointer_and_by_keys(
    name: str, values: list[float], browser: Browser, saved: Path
) -> None:
    """They are the map's own, whatever its lowest and its highest value."""
    for page in opened(browser, saved.with_name(name), ".lfs-hit"):
        dialog = open_pair(page)
        query = dialog.locator("canvas").first
        box = query.bounding_box()
        query.hover(position={"x": 0.8 * box["width"], "y": 0.5 * box["height"]})
        said = dialog.locator(".lfs-values span")
        expect(said).to_have_count(2)
        read = [float(text.split()[-1]) for text in said.all_inner_texts()]
        assert read == pytest.approx(values, abs=0.03)
        query.focus()
        page.keyboard.press("ArrowRight")  # moves the place, and not to another pair
        expect(dialog.locator("> .lfs-title")).to_contain_text("rank 1,")
        expect(said).to_have_count(2)
