"""The view of matches as a page, from disk, with the network cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from close_up import make_pair_explorer
from crops import Colours, make_explorer, write_crops
from joined_places import COLUMNS, GRID, LONELY, LOSER, ROWS, K, matching_pair, mirrored
from opened import CONTRAST, opened, pair_button
from playwright.sync_api import Browser, Locator, Page, expect

import lfs_core as lfs
from lfs_core.correspondence import answer
from lfs_core.viz.matches import place_words
from lfs_core.viz.report import write_report
from lfs_core.viz.views.matches import MatchesFigure

SCREENSHOTS = Path(__file__).parents[2] / "_build" / "screenshots"
WORDS = place_words(GRID)
STAGE = ".lfs-match-stage"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("matches")
    MatchesFigure(matching_pair(), ["mine.jpg", "yours.jpg"]).save(folder / "page.html")
    none = matching_pair(likeness=torch.zeros(K, K))
    MatchesFigure(none).save(folder / "none.html")
    write_report(matching_pair(), folder / "report.html", ("mine.jpg", "yours.jpg"))
    explorer = make_pair_explorer(methods=("occlusion", "causal"))
    explorer.save(folder / "pairs.html", [(0, 1), (0, 2)])
    write_crops(folder / "crops", per_scene=2)
    retrieval = make_explorer(folder / "crops", top=3, bottom=1)
    retrieval.explain = lfs.load_explainer("causal", Colours(), grid=4)
    retrieval.save(folder / "retrieval.html", [0])
    return folder / "page.html"


@pytest.fixture
def page(browser: Browser, saved: Path) -> Iterator[Page]:
    yield from opened(browser, saved, STAGE, viewport={"width": 1100, "height": 1000})


def picture(page: Page, side: int) -> Locator:
    """What is pointed at and has the focus."""
    return page.locator(".lfs-match-picture").nth(side).get_by_role("application")


def spot(page: Page, side: int, place: int) -> tuple[float, float]:
    """Where on the screen the centre of a place is."""
    box = picture(page, side).bounding_box()
    row, column = divmod(place, COLUMNS)
    x = box["x"] + box["width"] * (column + 0.5) / COLUMNS
    return x, box["y"] + box["height"] * (row + 0.5) / ROWS


def heat(page: Page, side: int) -> np.ndarray:
    """Values relative to the strongest, as the colours show them; empty where there are none."""
    rects = picture(page, side).locator("g").first.locator("rect").all()
    found = []
    for rect in rects:
        sign = 1 if "--for" in rect.get_attribute("style") else -1
        found.append(sign * float(rect.get_attribute("opacity")))
    return np.array(found) / max(map(abs, found), default=1)


def relative(values: torch.Tensor) -> list[float]:
    return (values / values.abs().max()).tolist()


def said(page: Page) -> Locator:
    return page.locator(".lfs-match-answer")


def framed(page: Page, side: int) -> list[int]:
    """The places that are framed one by one."""
    rects = picture(page, side).locator("g").nth(1).locator("rect").all()[::2]
    at = [[int(rect.get_attribute(name)) for name in ("y", "x")] for rect in rects]
    return sorted(row * COLUMNS + column for row, column in at)


def drag(page: Page, side: int, first: int, last: int) -> None:
    page.mouse.move(*spot(page, side, first))
    page.mouse.down()
    page.mouse.move(*spot(page, side, last), steps=5)
    page.mouse.up()


def test_the_most_confident_matches_are_joined_and_said(page: Page) -> None:
    expect(said(page)).to_contain_text("10 of 12 places have a match")
    lines = page.locator(".lfs-match-lines path")
    expect(lines).to_have_count(20)  # each on a dark edge
    numbers = page.locator(".lfs-match-lines .lfs-match-number")
    assert sorted(map(int, numbers.all_inner_texts())) == [k for k in range(1, 11) for _ in "ab"]
    rows = page.get_by_label("Most confident matches").get_by_role("button").all_inner_texts()
    assert len(rows) == 10
    assert WORDS[K - 1] in rows[0] and WORDS[mirrored(K - 1)] in rows[0]
    # The first match's number stands on both of its places.
    centres = [
        (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for one in numbers.all()
        if one.inner_text() == "1" and (box := one.bounding_box())
    ]
    assert centres[0] == pytest.approx(spot(page, 0, K - 1), abs=1)
    assert centres[1] == pytest.approx(spot(page, 1, mirrored(K - 1)), abs=1)
    widths = [float(line.get_attribute("stroke-width")) for line in lines.all()[1::2]]
    assert widths == sorted(widths)  # the most confident is drawn last, over all others
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "matches.png", full_page=True)


@pytest.mark.parametrize("side", [0, 1])
def test_pointing_at_a_place_shows_what_answers_it(page: Page, side: int) -> None:
    e = matching_pair()
    place = 7 if side == 0 else mirrored(7)
    page.mouse.move(*spot(page, side, place))
    expect(said(page)).to_contain_text(f"matches {WORDS[mirrored(place)]} of the")
    row = e.matches[place] if side == 0 else e.matches[:, place]
    assert heat(page, 1 - side) == pytest.approx(relative(row), abs=1e-3)
    assert len(heat(page, side)) == 0
    assert framed(page, side) == [place] and framed(page, 1 - side) == [mirrored(place)]
    expect(page.locator(".lfs-match-lines path")).to_have_count(2)
    expect(page.locator(".lfs-match-scale")).to_contain_text("for a match")
    page.get_by_label("Colours show").select_option("likeness")
    page.mouse.move(*spot(page, side, place))
    row = e.likeness[place] if side == 0 else e.likeness[:, place]
    assert heat(page, 1 - side) == pytest.approx(relative(row), abs=1e-3)
    page.mouse.move(1, 1)  # the lines are back
    expect(said(page)).to_contain_text("10 of 12")
    assert len(heat(page, 0)) == len(heat(page, 1)) == 0


def test_a_place_without_a_match_says_so(page: Page) -> None:
    page.mouse.move(*spot(page, 0, LONELY))
    expect(said(page)).to_contain_text(
        "Upper left, row 1, column 1 of the first image has no match"
    )
    assert framed(page, 1) == []
    page.mouse.move(*spot(page, 0, LOSER))
    expect(said(page)).to_contain_text("has no match of its own")
    expect(said(page)).to_contain_text(f"goes better with {WORDS[4]}")


@pytest.mark.parametrize("side", [0, 1])
def test_a_region_is_answered_by_the_sum_over_its_places(page: Page, side: int) -> None:
    drag(page, side, 1, 6)  # two rows, two columns
    region = torch.zeros(K, dtype=torch.bool)
    region[[1, 2, 5, 6]] = True
    matches = matching_pair().matches
    expected = answer(matches if side == 0 else matches.mT, region)
    expect(said(page)).to_contain_text("4 places of the")
    assert heat(page, 1 - side) == pytest.approx(relative(expected), abs=1e-3)
    partners = [mirrored(k) for k in (1, 2, 5, 6)]
    found = {0: sorted(set(partners) - {mirrored(LOSER)}), 1: sorted(set(partners) - {LOSER})}
    assert framed(page, 1 - side) == found[side]
    # It stays while the pointer goes elsewhere, until it is let go.
    page.mouse.move(*spot(page, 1 - side, 0))
    page.mouse.move(1, 1)
    expect(said(page)).to_contain_text("4 places of the")
    page.get_by_role("button", name="Show the lines again").click()
    expect(said(page)).to_contain_text("10 of 12")
    expect(page.get_by_role("button", name="Show the lines again")).to_be_disabled()
    expect(picture(page, 0)).to_be_focused()


def test_a_drag_beyond_the_edge_ends_at_it(page: Page) -> None:
    page.mouse.move(*spot(page, 0, 5))
    page.mouse.down()
    page.mouse.move(2, 2, steps=4)
    page.mouse.up()
    expect(said(page)).to_contain_text(f"4 places of the first image, from {WORDS[0]}")


def test_keys_do_all_that_the_pointer_does(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(picture(page, 0)).to_be_focused()
    ring = picture(page, 0).evaluate("e => getComputedStyle(e).outlineStyle")
    assert ring == "solid"
    page.keyboard.press("ArrowDown")  # the first key shows the middle
    expect(said(page)).to_contain_text(WORDS[6].capitalize().replace("Row", "row"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    expect(said(page)).to_contain_text(f"matches {WORDS[mirrored(3)]}")
    assert framed(page, 0) == [3]
    page.keyboard.press("ArrowUp")  # at the edge it stays
    assert framed(page, 0) == [3]
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    expect(said(page)).to_contain_text("4 places of the first image")
    region = torch.zeros(K, dtype=torch.bool)
    region[[2, 3, 6, 7]] = True
    expected = answer(matching_pair().matches, region)
    assert heat(page, 1) == pytest.approx(relative(expected), abs=1e-3)
    page.keyboard.press("Escape")
    expect(said(page)).to_contain_text("10 of 12")
    page.keyboard.press("Tab")
    expect(picture(page, 1)).to_be_focused()
    rows = page.get_by_label("Most confident matches").get_by_role("button")
    rows.first.focus()
    page.keyboard.press("End")
    expect(rows.last).to_be_focused()
    page.keyboard.press("Enter")
    assert len(framed(page, 0)) == len(framed(page, 1)) == 1


def test_fingers_point_and_drag(browser: Browser, saved: Path) -> None:
    size = {"width": 390, "height": 800}
    for page in opened(browser, saved, STAGE, viewport=size, has_touch=True, is_mobile=True):
        page.touchscreen.tap(*spot(page, 1, mirrored(7)))
        expect(said(page)).to_contain_text(f"matches {WORDS[7]}")  # and it stays
        assert framed(page, 0) == [7]
        touch = page.context.new_cdp_session(page)

        def send(kind: str, *places: int, page: Page = page, touch: object = touch) -> None:
            points = [dict(zip("xy", spot(page, 0, place), strict=True)) for place in places]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        send("touchStart", 1)
        send("touchMove", 2)
        send("touchMove", 6)
        send("touchEnd")
        expect(said(page)).to_contain_text("4 places of the first image")
        assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize("width", [320, 390, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen(browser: Browser, saved: Path, width: int, scheme: str) -> None:
    size = {"width": width, "height": 900}
    for page in opened(browser, saved, STAGE, viewport=size, color_scheme=scheme):
        a, b = (picture(page, side).bounding_box() for side in (0, 1))
        assert a["y"] == b["y"] and a["x"] + a["width"] < b["x"]  # side by side
        assert a["width"] / a["height"] == pytest.approx(45 / 30, rel=0.01)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.mouse.move(*spot(page, 0, 7))
        texts = page.locator(
            ".lfs-match-answer, .lfs-match-names p, .lfs-match-scale span, .lfs-hint, "
            ".lfs-match-list button > span:last-child, .lfs-matches select"
        )
        assert texts.count() > 15
        for text in texts.all():
            assert text.evaluate(CONTRAST) >= 4.5, text.inner_text()


def test_without_matches_it_says_so(browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved.with_name("none.html"), STAGE):
        expect(said(page)).to_contain_text("No place of either photograph has a match")
        expect(page.get_by_label("Most confident matches")).to_be_hidden()
        page.mouse.move(*spot(page, 0, 3))
        expect(said(page)).to_contain_text("has no match")


def test_reports_show_it(browser: Browser, saved: Path) -> None:
    """By their own policy: its script runs, and nothing else."""
    for page in opened(browser, saved.with_name("report.html"), STAGE):
        expect(page.get_by_role("heading", name="Which place matches which")).to_be_visible()
        expect(page.locator(".lfs-match-names")).to_contain_text("yours.jpg")
        page.locator(STAGE).scroll_into_view_if_needed()
        page.mouse.move(*spot(page, 0, 7))
        expect(said(page)).to_contain_text(f"matches {WORDS[mirrored(7)]}")


def test_the_pair_explorer_shows_it_for_methods_that_tell(browser: Browser, saved: Path) -> None:
    for page in opened(browser, saved.with_name("pairs.html")):
        section = page.get_by_label("Which place matches which")
        expect(section).to_have_text(
            "Occlusion does not tell which place matches which; Causal map does."
        )
        page.get_by_label("Method").select_option("causal")
        expect(said(page)).to_contain_text("of 64 places have a match")
        before = page.locator(".lfs-match-list").inner_text()
        pair_button(page, 1).click()
        expect(page.locator(".lfs-match-names")).to_contain_text("coffee")
        assert page.locator(".lfs-match-list").inner_text() != before
        picture(page, 0).focus()
        page.keyboard.press("ArrowUp")
        expect(said(page)).to_contain_text("Centre, row 5, column 5 of the first image")
        page.get_by_label("Method").select_option("occlusion")
        expect(page.locator(STAGE)).to_have_count(0)


# Mean brightness of the parts of a canvas, row by row.
BRIGHTNESS = """(canvas, count) => {
  const [w, h] = [canvas.width / count, canvas.height / count];
  const context = canvas.getContext("2d");
  return Array.from({ length: count * count }, (_, k) => {
    const [x, y] = [(k % count) * w, Math.floor(k / count) * h];
    const { data } = context.getImageData(x + w / 4, y + h / 4, w / 2, h / 2);
    return data.reduce((sum, value) => sum + value, 0) / data.length;
  });
}"""


def test_the_retrieval_explorer_shows_which_part_of_the_query_matched(
    browser: Browser, saved: Path
) -> None:
    for page in opened(browser, saved.with_name("retrieval.html"), ".lfs-hit"):
        page.locator(".lfs-hit").first.click()
        section = page.get_by_label("Which parts match")
        expect(section).to_contain_text("Which part of the query matched")
        images = section.get_by_role("img")
        expect(images).to_have_count(2)
        assert images.first.get_attribute("aria-label").startswith("Query: places")
        for canvas in images.all():
            bright = canvas.evaluate(BRIGHTNESS, 4)
            assert max(bright) > 1.2 * min(bright)
        for text in section.locator("p, figcaption").all():
            assert text.evaluate(CONTRAST) >= 4.5
