"""The interactive figure of several methods as a page, from disk, with the network cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from compared import PAIRS, compare
from opened import CONTRAST, PIXELS, opened, pair_button
from playwright.sync_api import Browser, Locator, Page, expect

from lfs_core.viz.views.methods import MethodsFigure

METHODS = ["ramps", "signed", "zero", "noise"]
EVIL = "x</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
# The colour of a canvas at a place in [0,1] x [0,1].
COLOUR = """(canvas, [x, y]) => {
  const [column, row] = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
  return [...canvas.getContext("2d").getImageData(column, row, 1, 1).data].slice(0, 3);
}"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of its own, and one that holds the figure twice."""
    folder = tmp_path_factory.mktemp("methods")
    figure = MethodsFigure(compare())
    figure.save(folder / "page.html")
    evil = MethodsFigure({EVIL: compare()["ramps"]}).page()
    (folder / "twice.html").write_text(
        f"<!DOCTYPE html><body>{figure.page()}{evil}</body>", encoding="utf-8"
    )
    return folder / "page.html"


@pytest.fixture
def page(browser: Browser, saved: Path) -> Iterator[Page]:
    yield from opened(browser, saved, viewport={"width": 1280, "height": 1300})


def tile(page: Page, method: str) -> Locator:
    return page.get_by_role("group", name="All methods").get_by_role("button", name=method)


def choose_pair(page: Page, place: int) -> None:
    """Choose a pair and wait until it is shown."""
    pair_button(page, place).click()
    expect(page.locator(".lfs-headline")).to_contain_text(f"{abs(PAIRS[place][2]):.2f}")


def large(page: Page) -> list[Locator]:
    return page.locator(".lfs-picture canvas").all()


def values(page: Page) -> list[list[float]]:
    """The numbers that both images show: the map's value, and the signed one if any."""
    lines = page.locator(".lfs-values span").all_inner_texts()
    numbers = [
        re.findall(r"[+-]?[\d.]+(?:e[+-]\d+)?", line.replace("\u2212", "-")) for line in lines
    ]
    return [[float(number) for number in line] for line in numbers]


def hover(canvas: Locator, x: float, y: float) -> None:
    """Point at a place in [0,1] x [0,1]."""
    box = canvas.bounding_box()
    canvas.hover(position={"x": x * box["width"], "y": y * box["height"]})


def test_all_pairs_and_methods_are_there(page: Page) -> None:
    buttons = page.get_by_role("group", name="Pair").get_by_role("button")
    assert buttons.all_inner_texts() == [
        "1: 0.80 similar",
        "2: \u22120.25 dissimilar",
        "3: 0.50 similar",
    ]
    tiles = page.get_by_role("group", name="All methods").get_by_role("button")
    assert tiles.all_inner_texts() == METHODS
    assert (
        page.get_by_role("combobox", name="Method").locator("option").all_inner_texts() == METHODS
    )
    expect(page.locator(".lfs-headline")).to_have_text(
        "Cosine 0.80: the network calls them similar (above ξ₁ = 0.3)."
    )
    # Each method looks different, and so do the images of a pair.
    pictures = [canvas.evaluate(PIXELS) for canvas in tiles.locator("canvas").all()]
    assert len(set(pictures)) == len(pictures) == 2 * len(METHODS)


def test_colours_are_those_of_the_values(page: Page) -> None:
    """Whole maps next to the photographs: the ramps run through the colour scale."""
    page.get_by_label("Maps next to the photographs").check()
    across, down = large(page)
    for canvas, at in ((across, lambda t: (0.5 + t / 2, 0.5)), (down, lambda t: (0.75, t))):
        assert sum(canvas.evaluate(COLOUR, at(0.99))) > 500  # pale yellow
        assert sum(canvas.evaluate(COLOUR, at(0.01))) < 30  # black
        red, _, blue = canvas.evaluate(COLOUR, at(0.5))
        assert red > 150 and blue < 120  # the middle of inferno
    assert across.evaluate("c => c.width / c.height") == 2


def test_a_method_can_be_chosen_in_two_ways(page: Page) -> None:
    before = [canvas.evaluate(PIXELS) for canvas in large(page)]
    page.get_by_role("combobox", name="Method").select_option("noise")
    chosen = [canvas.evaluate(PIXELS) for canvas in large(page)]
    assert not set(before) & set(chosen)
    expect(tile(page, "noise")).to_have_attribute("aria-current", "true")
    tile(page, "ramps").click()
    assert [canvas.evaluate(PIXELS) for canvas in large(page)] == before
    expect(page.get_by_role("combobox", name="Method")).to_have_value("0")
    assert page.locator(".lfs-tiles [aria-current=true]").count() == 1


def test_another_pair_has_other_pictures(page: Page) -> None:
    before = [canvas.evaluate(PIXELS) for canvas in page.locator("canvas").all()]
    choose_pair(page, 1)
    expect(page.locator(".lfs-headline")).to_have_text(
        "Cosine \u22120.25: the network calls them dissimilar (not above ξ₁ = 0.3)."
    )
    expect(page.locator(".lfs-scale")).to_contain_text("evidence for “dissimilar”")
    after = [canvas.evaluate(PIXELS) for canvas in page.locator("canvas").all()]
    assert not set(before) & set(after)
    choose_pair(page, 2)
    for canvas in page.locator("canvas").all():
        assert canvas.evaluate("c => c.width / c.height") == pytest.approx(1.5, abs=0.01)


def test_the_sliders_change_what_is_shown(page: Page) -> None:
    def grey(x: float) -> bool:
        colour = large(page)[0].evaluate(COLOUR, [x, 0.5])
        return max(colour) - min(colour) < 4

    assert not grey(0.05) and not grey(0.5)
    small = tile(page, "noise").locator("canvas").first
    before = small.evaluate(PIXELS)
    page.get_by_label("Show what is above").fill("0.75")
    assert grey(0.05) and grey(0.7) and not grey(0.8)
    expect(page.locator("figcaption").first).to_contain_text(
        "26 % lies above ξ₂"
    )  # 1 - (0.75 * 39 + 0.5) / 40
    after = small.evaluate(PIXELS)
    assert after != before
    page.get_by_label("Opacity of the maps").fill("0")
    assert grey(0.95) and small.evaluate(PIXELS) != after
    expect(page.get_by_text("explanations themselves have ξ₂ = 0.6")).to_be_visible()


def test_maps_can_lie_beside_the_photographs(page: Page) -> None:
    over = tile(page, "ramps").locator("canvas").first.evaluate(PIXELS)
    page.get_by_label("Maps next to the photographs").check()
    expect(page.get_by_label("Opacity of the maps")).to_be_hidden()
    first = large(page)[0]
    colours = [first.evaluate(COLOUR, [x / 40, 0.3]) for x in range(20)]
    assert any(max(colour) - min(colour) > 40 for colour in colours)  # the photograph, not grey
    assert tile(page, "ramps").locator("canvas").first.evaluate(PIXELS) != over


def test_pointing_reads_the_values_of_both_images(page: Page) -> None:
    explained = compare()
    for pair in (0, 2):
        choose_pair(page, pair)
        for method in METHODS:
            tile(page, method).click()
            e = explained[method][pair]
            height, width = e.maps.shape[1:]
            for x, y, side in ((0.33, 0.81, 0), (0.96, 0.12, 1)):
                hover(large(page)[side], x, y)
                row, column = int(y * height), int(x * width)
                found = values(page)
                assert len(found) == 2
                for image, numbers in enumerate(found):
                    assert numbers[0] == pytest.approx(
                        e.maps[image, row, column].item(), abs=0.0025
                    )
                    if e.signed_maps is None:
                        assert len(numbers) == 1
                        continue
                    signed = e.signed_maps[image]
                    step = (signed.max() - signed.min()).item() / 255
                    assert numbers[1] == pytest.approx(
                        signed[row, column].item(), abs=0.51 * step, rel=0.005
                    )
    page.get_by_role("group", name="Pair").hover()
    expect(page.locator(".lfs-values")).to_contain_text("Point at a picture")


def test_the_place_is_marked_in_both_images(page: Page) -> None:
    def places() -> list[tuple[float, float]]:
        """Of all marks, in parts of their canvases' width and height."""
        found = []
        for picture in page.locator(".lfs-picture").all():
            outer = picture.locator("canvas").bounding_box()
            for mark in picture.locator(".lfs-marks span").all():
                box = mark.bounding_box()
                x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
                found += [(x - outer["x"]) / outer["width"], (y - outer["y"]) / outer["height"]]
        return found

    hover(large(page)[1], 0.25, 0.6)
    assert places() == pytest.approx([0.25, 0.6] * 2, abs=0.02)
    page.get_by_label("Maps next to the photographs").check()
    for x in (0.125, 0.625):  # of the photograph, and of the map next to it
        hover(large(page)[0], x, 0.6)
        assert places() == pytest.approx([0.125, 0.6, 0.625, 0.6] * 2, abs=0.02)


def test_captions_say_the_true_range(page: Page) -> None:
    captions = page.locator("figcaption")
    expect(captions.first).to_contain_text("values go from 0.00 to 1.00.")
    tile(page, "signed").click()
    expect(captions.nth(1)).to_contain_text("signed ones from \u22123.00e\u22125 to +1.00e\u22125.")
    tile(page, "zero").click()
    expect(captions.nth(1)).to_contain_text("The map is zero everywhere, signed ones from 0 to 0.")


def test_it_works_by_keyboard(page: Page) -> None:
    pair_button(page, 0).focus()
    page.keyboard.press("ArrowRight")
    expect(pair_button(page, 1)).to_be_focused()
    expect(page.locator(".lfs-headline")).to_contain_text("dissimilar")
    for name in ("Maps next to", "Show what is above", "Opacity of the maps"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(name)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="Method")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(tile(page, "signed")).to_have_attribute("aria-current", "true")
    page.keyboard.press("Tab")
    expect(large(page)[0]).to_be_focused()
    e = compare()["signed"][1]
    for key, (row, column) in (("ArrowRight", (20, 21)), ("ArrowUp", (19, 21))):
        page.keyboard.press(key)
        expect(page.locator(".lfs-marks span")).to_have_count(2)
        expected = [
            [m[row, column].item(), s[row, column].item()]
            for m, s in zip(e.maps, e.signed_maps, strict=True)
        ]
        for found, true in zip(values(page), expected, strict=True):
            assert found == pytest.approx(true, abs=0.0025)
            assert found[1] == pytest.approx(true[1], abs=1e-7)
    for _ in range(50):
        page.keyboard.press("ArrowLeft")  # stops at the border
    assert values(page)[0][1] == pytest.approx(-3e-5)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(tile(page, "signed")).to_be_focused()
    expect(page.locator(".lfs-marks span")).to_have_count(0)
    page.keyboard.press("End")
    expect(tile(page, "noise")).to_be_focused()
    expect(page.get_by_role("combobox", name="Method")).to_have_value("3")


def test_what_is_chosen_on_a_telephone_is_seen(browser: Browser, saved: Path) -> None:
    size = {"width": 360, "height": 420}
    for page in opened(browser, saved, viewport=size, has_touch=True):
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_label("Maps next to the photographs").check()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_label("Maps next to the photographs").uncheck()
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(page.locator(".lfs-picture canvas").first).not_to_be_in_viewport()
        tile(page, "signed").tap()
        for canvas in large(page):
            expect(canvas).to_be_in_viewport(ratio=0.9)
            assert canvas.bounding_box()["width"] > 140
        large(page)[0].tap()
        assert len(values(page)) == 2  # the values stay when the finger is gone


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(scheme: str, browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved, color_scheme=scheme):
        ground = page.locator(".lfs-methods").evaluate("e => getComputedStyle(e).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 384) == (scheme == "dark")
        texts = (".lfs-headline", ".lfs-hint", ".lfs-values", "figcaption", "label", "select")
        for text in (*texts, ".lfs-pairs span", ".lfs-tiles span", ".lfs-scale span", "output"):
            for element in page.locator(f".lfs-methods {text}").all():
                assert element.evaluate(CONTRAST) >= 4.5, text


def test_every_control_has_a_name(page: Page) -> None:
    nameless = page.locator("button, input, select, canvas, img, [role=img]").evaluate_all(
        """all => all.filter((e) => !(e.textContent.trim() || e.ariaLabel || e.hasAttribute("alt")
            || e.closest("label") || e.ariaHidden)).map((e) => e.outerHTML)"""
    )
    assert nameless == []
    assert page.locator("[aria-hidden=true] :is(button, input, [tabindex])").count() == 0
    expect(large(page)[0]).to_have_accessible_name(re.compile("First image with the map of ramps"))


def test_several_figures_share_a_page(browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved.with_name("twice.html")):
        first, second = page.locator(".lfs-methods").all()
        expect(second.locator(".lfs-tiles button")).to_have_text([EVIL])
        assert page.evaluate("window.hacked") is None
        before = second.locator(".lfs-picture canvas").first.evaluate(PIXELS)
        first.get_by_label("Show what is above").fill("0.9")
        first.locator(".lfs-pairs button").nth(1).click()
        expect(first.locator(".lfs-headline")).to_contain_text("dissimilar")
        expect(second.locator(".lfs-headline")).to_contain_text("Cosine 0.80")
        assert second.locator(".lfs-picture canvas").first.evaluate(PIXELS) == before
