"""The built book in a real browser, from disk, with the network cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

SITE = Path(__file__).parents[2] / "_build" / "html"
PAGES = sorted(
    p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html") if "_static" not in p.parts
)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that records what it asks for and what goes wrong."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.outside, opened.errors = [], []
    opened.on("request", lambda r: is_outside(r.url) and opened.outside.append(r.url))
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.on("console", lambda m: m.type == "error" and opened.errors.append(m.text))
    yield opened
    context.close()


def is_outside(url: str) -> bool:
    """Whether a request leaves the book's folder."""
    inside = (SITE.as_uri() + "/", "data:", "blob:", "about:")
    return not url.startswith(inside)


def test_the_site_is_there_and_light() -> None:
    assert "index.html" in PAGES and "notebooks/03_face_explanations.html" in PAGES
    size = sum(f.stat().st_size for f in SITE.rglob("*") if f.is_file())
    assert size <= 36e6, f"{size / 1e6:.1f} MB"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_without_the_network(path: str, page: Page) -> None:
    page.goto((SITE / path).as_uri(), wait_until="networkidle")
    assert page.outside == []
    assert page.errors == []
    for image in page.locator("article img").all():
        box = image.bounding_box()
        assert box and box["width"] > 20 and box["height"] > 20
        assert image.evaluate("i => i.complete && i.naturalWidth > 0")
        # A picture in a button that says in words what it is needs no second name.
        named = "i => Boolean(i.alt || i.closest('button')?.innerText.trim())"
        assert image.get_attribute("alt") is not None and image.evaluate(named)


def test_mathematics_is_rendered(page: Page) -> None:
    page.goto((SITE / "notebooks/01_toy_example.html").as_uri(), wait_until="networkidle")
    page.locator("article mjx-container").first.wait_for()
    assert page.locator("article mjx-container").count() > 10
    assert page.locator("mjx-merror").count() == 0


@pytest.mark.parametrize(
    ("path", "figures"),
    [
        ("notebooks/01_toy_example.html", 2),
        ("notebooks/02_decoder_training.html", 5),
        ("notebooks/03_face_explanations.html", 3),
        ("notebooks/04_retrieval_explanations.html", 4),
        ("notebooks/05_methods_side_by_side.html", 5),
        ("notebooks/06_evaluation.html", 10),
        ("notebooks/06b_properties.html", 7),
    ],
)
def test_figures_are_numbered_and_captioned(path: str, figures: int, page: Page) -> None:
    page.goto((SITE / path).as_uri())
    captions = page.locator("figure[id^='fig-'] figcaption").all_inner_texts()
    assert len(captions) == figures
    assert all(caption.startswith("Fig. ") for caption in captions)
    assert page.locator("article .traceback, article .stderr").count() == 0


def test_numbers_in_prose_come_from_the_run(page: Page) -> None:
    page.goto((SITE / "notebooks/03_face_explanations.html").as_uri())
    text = page.locator("article").inner_text()
    table = page.locator("table", has_text="maps of different similar pairs").inner_text()
    number = next(line for line in table.splitlines() if "different similar" in line).split()[-1]
    assert f"correlate at {float(number):.2f}; for dissimilar" in text


def test_the_retrieval_page_shows_what_is_stored(page: Page) -> None:
    from lfs_core.viz.results import load_results, recall_gain

    page.goto((SITE / "notebooks/04_retrieval_explanations.html").as_uri())
    text = page.locator("article").inner_text()
    for data in ("cub", "cars"):
        gain = recall_gain(load_results("retrieval"), data)
        assert f"{100 * gain['gain']:+.1f} [{100 * gain['low']:+.1f}" in text
        assert f"{gain['trained']:.3f}" in text and f"{gain['frozen']:.3f}" in text


def test_the_status_page_says_how_it_was_made(page: Page) -> None:
    page.goto((SITE / "book/status.html").as_uri())
    text = page.locator("article").inner_text()
    for word in ("demo", "facenet-casia", "seed", "torch", "03_face_explanations"):
        assert word in text or word.replace("_", " ") in text


def test_links_lead_somewhere() -> None:
    """Every link inside the book points to a file, and to a place in it."""
    from html.parser import HTMLParser

    class Links(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.links, self.places = [], set()

        def handle_starttag(self, tag: str, attributes: list) -> None:
            values = dict(attributes)
            self.places.add(values.get("id"))
            if tag == "a" and values.get("href"):
                self.links.append(values["href"])

    parsed = {}
    for path in PAGES:
        parsed[path] = Links()
        parsed[path].feed((SITE / path).read_text())
    for path, found in parsed.items():
        for link in found.links:
            if "://" in link or link.startswith("mailto:"):
                continue
            target, _, place = link.partition("#")
            file = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            assert (SITE / file).exists(), f"{path} links to {link}"
            if place and file in parsed:
                assert place in parsed[file].places, f"{path} links to {link}"


def test_search_finds_a_word(page: Page) -> None:
    page.goto((SITE / "search.html").as_uri() + "?q=relevance", wait_until="networkidle")
    page.wait_for_selector("#search-results li")
    assert "toy example" in page.locator("#search-results").inner_text().lower()


def test_a_report_opens_without_the_network(page: Page, astronaut: Path, tmp_path: Path) -> None:
    from lfs_core.cli import app

    report = tmp_path / "report.html"
    app(["explain", str(astronaut), str(astronaut), "-o", str(report)], standalone_mode=False)
    page.goto(report.as_uri(), wait_until="networkidle")
    assert page.outside == [report.as_uri()] and page.errors == []
    assert page.locator("img").count() == 8
    for image in page.locator("img").all():
        assert image.evaluate("i => i.complete && i.naturalWidth > 0")


def test_the_speed_page_shows_goals_and_measurements(page: Page) -> None:
    page.goto((SITE / "book/speed.html").as_uri())
    rows = page.locator("article table").first.locator("tbody tr").all_inner_texts()
    assert len(rows) == 7
    assert all("at least" in row or "at most" in row for row in rows)
