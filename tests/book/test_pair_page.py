"""The pair explorer as a page, from disk, with the network cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from close_up import NAMES, PAIRS, make_pair_explorer
from opened import CONTRAST, PIXELS, opened, pair_button
from PIL import Image
from playwright.sync_api import Browser, Page, expect

SCREENSHOTS = Path(__file__).parents[2] / "_build" / "screenshots"
EVIL = "x</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of its own, and one that holds the explorer twice."""
    folder = tmp_path_factory.mktemp("pairs")
    explorer = make_pair_explorer()
    explorer.save(folder / "page.html", PAIRS, first=1)
    linked = f'<a href="../book/try_it.html">Try it</a>{explorer.page(PAIRS)}'
    (folder / "linked.html").write_text(f"<!DOCTYPE html><body>{linked}</body>", encoding="utf-8")
    evil = make_pair_explorer(names=[EVIL, *NAMES[1:]]).page(PAIRS)
    (folder / "twice.html").write_text(
        f"<!DOCTYPE html><body>{explorer.page(PAIRS)}{evil}</body>", encoding="utf-8"
    )
    return folder / "page.html"


@pytest.fixture
def page(browser: Browser, saved: Path) -> Iterator[Page]:
    yield from opened(browser, saved, viewport={"width": 1100, "height": 1400})


def canvases(page: Page) -> list[str]:
    return [canvas.evaluate(PIXELS) for canvas in page.locator(".lfs-picture canvas").all()]


def expect_change(page: Page, before: list[str]) -> list[str]:
    """Wait until both pictures are drawn again; how they look then."""
    for canvas, old in zip(page.locator(".lfs-picture canvas").all(), before, strict=True):
        canvas.evaluate(
            """(canvas, old) => new Promise((done) => {
              const look = () => canvas.toDataURL() === old ? requestAnimationFrame(look) : done();
              look();
            })""",
            old,
        )
    return canvases(page)


def numbers(text: str) -> list[float]:
    """The numbers in a text, powers of ten included."""
    found = re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text.replace("\u2212", "-"))
    return [float(number) for number in found]


def highest(page: Page) -> list[float]:
    """The upper ends of both colour bars."""
    ends = page.locator(".lfs-both .lfs-scale span:last-child").all_inner_texts()
    return [numbers(end)[0] for end in ends]


def move(page: Page, label: str, place: float) -> None:
    page.get_by_label(label, exact=True).fill(str(place))


def test_pairs_are_there_and_the_first_is_the_one_asked_for(page: Page) -> None:
    texts = page.get_by_role("group", name="Pair").get_by_role("button").all_inner_texts()
    assert [text.split()[-1] for text in texts] == ["similar", "dissimilar", "similar"]
    expect(pair_button(page, 1)).to_have_attribute("aria-current", "true")
    headline = page.locator(".lfs-headline")
    expect(headline).to_contain_text("colours calls them dissimilar (not above ξ₁ = 0.50)")
    before = canvases(page)
    assert before[0] != before[1]
    pair_button(page, 0).click()
    expect(headline).to_contain_text("colours calls them similar (above ξ₁ = 0.50)")
    expect_change(page, before)
    assert NAMES[1] in page.locator(".lfs-both").inner_text()


def test_p_changes_the_range_and_with_deep_decoders_the_picture(page: Page) -> None:
    before, linear = canvases(page), highest(page)
    move(page, "p", 6)  # the seventh of eleven: 0.6 in place of 0.3
    bar = page.locator(".lfs-both .lfs-scale span:last-child").first
    expect(bar).not_to_have_text(f"{linear[0]}")
    assert highest(page) == pytest.approx([2 * value for value in linear], rel=0.01)
    assert canvases(page) == before
    page.get_by_label("Decoder").select_option("conv")
    at_06 = expect_change(page, before)
    move(page, "p", 10)
    expect_change(page, at_06)
    move(page, "p", 0)
    expect(page.get_by_text("the map is zero everywhere")).to_have_count(2)
    assert highest(page) == [0, 0]


def test_p_says_that_with_a_linear_decoder_it_changes_no_picture(page: Page) -> None:
    hint = page.get_by_text(
        "With a linear decoder p changes how high the maps go, not how they look"
    )
    expect(hint).to_be_visible()
    page.get_by_label("Decoder").select_option("conv")
    expect(hint).to_be_hidden()
    page.get_by_label("Decoder").select_option("linear")
    expect(hint).to_be_visible()
    page.get_by_label("Method").select_option("occlusion")
    expect(hint).to_be_hidden()


def test_warnings_move_nothing_below_them(page: Page) -> None:
    doubts = page.get_by_label("Doubts")
    height = doubts.bounding_box()["height"]
    said = set()
    for method in ("occlusion", "centre", "explainlfs"):
        page.get_by_label("Method").select_option(method)
        expect(page.get_by_label("Doubts")).to_contain_text("trust")
        said.add(doubts.inner_text())
        assert doubts.bounding_box()["height"] == height
    doubts.locator("ul").evaluate("list => list.append(...Array(40).fill('more to be said '))")
    assert doubts.bounding_box()["height"] == height
    doubts.focus()
    page.keyboard.press("End")  # all of it can be read by keys
    page.wait_for_timeout(1000)  # it scrolls smoothly
    assert doubts.evaluate("box => box.scrollTop") > 0


def test_the_threshold_the_opacity_and_the_colours_change_the_pictures(page: Page) -> None:
    before = canvases(page)
    move(page, "Show what is above ξ₂", 0.2)
    lower = expect_change(page, before)
    shares = page.locator(".lfs-both figcaption").all_inner_texts()
    assert all(numbers(share)[-1] > 21 for share in shares)
    page.get_by_label("Colours").select_option("viridis")
    other = expect_change(page, lower)
    move(page, "Opacity of the maps", 0.2)
    expect_change(page, other)


def test_maps_lie_over_the_photographs_or_beside_them(page: Page) -> None:
    canvas = page.locator(".lfs-picture canvas").first
    size = "c => [c.width, c.height]"
    assert canvas.evaluate(size) == [320, 320]
    page.get_by_label("Maps next to the photographs").check()
    assert canvas.evaluate(size) == [640, 320]
    expect(page.get_by_label("Opacity of the maps")).to_be_hidden()
    page.get_by_label("Maps next to the photographs").uncheck()
    assert canvas.evaluate(size) == [320, 320]


def test_a_place_in_one_picture_is_read_in_both(page: Page) -> None:
    canvas = page.locator(".lfs-picture canvas").nth(1)
    box = canvas.bounding_box()
    canvas.hover(position={"x": 0.8 * box["width"], "y": 0.6 * box["height"]})
    readout = page.locator(".lfs-values")
    expect(readout).to_contain_text("% from the left, 58 % from the top:")
    values = [numbers(line) for line in readout.locator("span").all_inner_texts()]
    assert len(values) == 2
    for (value, percent), top in zip(values, highest(page), strict=True):
        assert 0 < value <= top
        assert percent == pytest.approx(100 * value / top, abs=0.7)
    assert page.locator(".lfs-marks span").count() == 2
    page.mouse.move(5, 5)
    expect(readout).to_contain_text("Point at a picture")
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text("48 % from the left")
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text("43 % from the left")


def test_another_method_has_other_maps_and_no_p(page: Page) -> None:
    before = canvases(page)
    expect(page.get_by_label("Decoder")).to_be_visible()
    page.get_by_label("Method").select_option("occlusion")
    expect_change(page, before)
    expect(page.get_by_label("Decoder")).to_be_hidden()
    expect(page.get_by_label("p", exact=True)).to_be_hidden()
    assert highest(page) == [1, 1]
    expect(page.locator(".lfs-both")).to_contain_text("signed values go from")
    expect(page.get_by_label("Doubts")).to_contain_text("Occlusion has not been tested")
    page.get_by_label("Method").select_option("centre")
    expect(page.get_by_label("Doubts")).to_contain_text("Centre map is a control")


def test_one_latent_has_a_map_of_its_own(page: Page) -> None:
    """Chosen by a click, by keys and by number; with a deep decoder this page does not hold it."""
    all_latents = canvases(page)
    chart = page.get_by_role("slider", name="Latent whose map is shown")
    bars = page.locator(".lfs-latent-bars .point path")
    bars.nth(3 * 32 + 15).click(force=True)  # the 16th bar of R, which is near 1
    expect(page.get_by_text("alone:")).to_have_count(2)
    first = expect_change(page, all_latents)
    expect(page.locator(".lfs-latent-bars .shapelayer path")).to_have_count(1)
    said = chart.get_attribute("aria-valuetext").replace("\u2212", "-")
    assert re.fullmatch(r"Latent \d+: h¹ -?[\d.]+, h² -?[\d.]+, d [\d.]+, R [\d.]+", said)
    assert chart.input_value() == "16"
    chart.focus()
    page.keyboard.press("ArrowRight")
    second = expect_change(page, first)
    number = page.get_by_label("Latent number")
    number.fill("48")
    number.press("Enter")
    expect(page.get_by_text("latent 48 alone:")).to_have_count(2)
    expect_change(page, second)
    relevances = []
    page.get_by_label("Show all").check()
    chart.focus()
    for key in ("Home", "ArrowRight", "End"):
        page.keyboard.press(key)
        if key == "Home":  # none
            expect(page.get_by_text("alone:")).to_have_count(0)
            continue
        relevances.append(numbers(chart.get_attribute("aria-valuetext"))[-1])
    assert relevances == [1, 0]
    page.get_by_label("Decoder").select_option("conv")
    expect(page.get_by_role("alert")).to_contain_text("does not hold this")
    page.get_by_label("Decoder").select_option("linear")
    chart.fill("0")
    expect(page.get_by_text("alone:")).to_have_count(0)
    assert canvases(page) == all_latents


def test_the_latents_are_those_of_the_pair(page: Page) -> None:
    """h, d and R as read in the view follow Eqs. 2 and 3."""
    chart = page.get_by_role("slider", name="Latent whose map is shown")
    page.get_by_label("Show all").check()
    page.get_by_label("Order by").select_option("number")
    chart.focus()
    read = []
    for _ in range(48):
        page.keyboard.press("ArrowRight")
        read.append(
            numbers(chart.get_attribute("aria-valuetext").replace("¹", "").replace("²", ""))
        )
    assert [row[0] for row in read] == list(range(1, 49))
    gaps = [abs(one - other) for _, one, other, _, _ in read]
    low, high = min(gaps), max(gaps)
    for gap, (_, _, _, d, R) in zip(gaps, read, strict=True):
        assert d == pytest.approx((gap - low) / (high - low), abs=0.02)
        assert d == R  # the pair is dissimilar


def test_everything_is_reached_by_keys(page: Page) -> None:
    pair_button(page, 1).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".lfs-headline")).to_contain_text("similar (above")
    reached = set()
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 40)"))
    text = " ".join(reached)
    for part in (
        "<select",
        'type="range"',
        "<canvas",
        'type="number"',
        "<button",
    ):
        assert part in text, part


def test_every_control_has_a_name(page: Page) -> None:
    nameless = page.locator("button, input, select, canvas, img, [role]").evaluate_all(
        """all => all.filter((e) => !(e.textContent.trim() || e.ariaLabel || e.hasAttribute("alt")
            || e.closest("label") || ["alert", "status"].includes(e.role))
        ).map((e) => e.outerHTML)"""
    )
    assert nameless == []
    assert all(page.locator("img").evaluate_all("all => all.map((image) => image.alt)"))


def test_it_is_saved_as_a_picture(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    assert download.value.suggested_filename == "pair-explainlfs.png"
    download.value.save_as(tmp_path / "pair.png")
    with Image.open(tmp_path / "pair.png") as saved:
        picture = saved.convert("RGB")
    width, height = picture.size
    assert width > 640 and height > 640
    assert len(picture.getcolors(width * height)) > 2000
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    picture.save(SCREENSHOTS / "pair-saved.png")
    page.screenshot(path=SCREENSHOTS / "pair-page.png", full_page=True)


def test_several_explorers_share_a_page_and_names_are_never_code(
    browser: Browser, saved: Path
) -> None:
    for page in opened(browser, saved.with_name("twice.html")):
        explorers = page.locator(".lfs-pair-explorer")
        expect(explorers).to_have_count(2)
        expect(explorers.nth(1).locator(".lfs-both")).to_contain_text("hacked=1")
        explorers.nth(0).get_by_label("Method").select_option("centre")
        expect(explorers.nth(0).get_by_label("Doubts")).to_contain_text("control")
        expect(explorers.nth(1).get_by_label("Doubts")).not_to_contain_text("Not to be trusted")
        assert page.evaluate("window.hacked") is None


def test_it_fits_a_telephone(browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved, viewport={"width": 360, "height": 740}):
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_label("Maps next to the photographs").check()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_in_the_book_it_leads_to_the_page_for_photographs_of_ones_own(
    browser: Browser, saved: Path
) -> None:
    for page in opened(browser, saved.with_name("linked.html")):
        hint = page.locator(".lfs-hint", has_text="With your own photographs: Try it or make lab")
        expect(hint.get_by_role("link")).to_have_attribute("href", "../book/try_it.html")
    for page in opened(browser, saved):
        hint = page.locator(".lfs-hint", has_text="With your own photographs: make lab")
        expect(hint.get_by_role("link")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(scheme: str, browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved, color_scheme=scheme):
        for text in (
            ".lfs-headline",
            ".lfs-hint",
            ".lfs-doubts li",
            ".lfs-values",
            ".lfs-latent-bars text",
        ):
            assert page.locator(text).first.evaluate(CONTRAST) >= 4.5, text
