"""The built book in a real browser, from disk, with the network cut."""

from __future__ import annotations

import functools
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml
from opened import settle, violations
from playwright.sync_api import Browser, Locator, Page, expect
from site_files import PAGES, SITE, parse

from lfs_core.book.address import repository

SCREENSHOTS = SITE.parent / "screenshots"
NOTEBOOKS = [page for page in PAGES if page.startswith("notebooks/")]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
HEAVIEST = 3e6  # bytes that a page may have of its own
SLOWEST = 3000  # ms until a page is painted on a busy machine; an idle one takes under 1000
SOFTWARE = {"https://voila.readthedocs.io"}  # that a page recommends
# Of figures, pictures and views: which are too small to be seen?
UNSEEN = """() => [...document.querySelectorAll("article :is(img, figure, .lfs-view)")]
  .filter((e) => e.checkVisibility())
  .filter((e) => { const b = e.getBoundingClientRect(); return b.width <= 20 || b.height <= 20; })
  .map((e) => e.outerHTML.slice(0, 200))"""
# Which tables and pieces of code are wider than the column that they stand in?
WIDE = """() => [...document.querySelectorAll("article :is(table, pre)")]
  .filter((e) => e.checkVisibility())
  .filter((e) => e.scrollWidth > e.clientWidth + 2
    || e.getBoundingClientRect().right > e.closest("article").getBoundingClientRect().right + 2)
  .map((e) => e.innerText.slice(0, 100))"""
ABOUT_NAMES = ("book/api.html", "genindex.html")
# Which words of tables and captions are names for machines?
MACHINE = r"\b\w+,\w+=|\w+\.\w+:\w+|\b[a-z]+_[a-z_]+\b"
# Which pictures were not loaded, or have neither a name nor words next to them in their button?
POOR = """() => [...document.querySelectorAll("article img")]
  .filter((i) => !i.complete || !i.naturalWidth || !i.hasAttribute("alt")
    || !(i.alt || i.closest("button, figure")?.innerText.trim()))
  .map((i) => i.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """A window that records what it asks for and what goes wrong."""
    context = browser.new_context(offline=True, viewport=DESK, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.outside, page.errors = [], []
    page.on("request", lambda r: is_outside(r.url) and page.outside.append(r.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda m: m.type == "error" and page.errors.append(m.text))
    yield page
    context.close()


@pytest.fixture
def page(window: Page) -> Page:
    """The window, as it is at first."""
    window.outside.clear()
    window.errors.clear()
    window.set_viewport_size(DESK)
    window.emulate_media(color_scheme="light")
    return window


@pytest.fixture(scope="module", params=PAGES)
def path(request: pytest.FixtureRequest) -> str:
    """Each page in turn: all tests of one page come before those of the next."""
    return request.param


@pytest.fixture
def opened(path: str, page: Page) -> Page:
    """A page, opened once for all its tests."""
    if page.url.partition("#")[0] != (SITE / path).as_uri():
        page.goto((SITE / path).as_uri(), wait_until="networkidle")
        assert page.outside == [] and page.errors == []
    return page


def open_page(page: Page, path: str) -> None:
    page.goto((SITE / path).as_uri(), wait_until="networkidle")


def is_outside(url: str) -> bool:
    """Whether a request leaves the book's folder."""
    inside = (SITE.as_uri() + "/", "data:", "blob:", "about:")
    return not url.startswith(inside)


def keep_screenshot(page: Page, path: str, mode: str) -> None:
    name = path.removesuffix(".html").replace("/", "-")
    page.screenshot(path=SCREENSHOTS / mode / f"{name}.png", full_page=True)


def test_the_site_is_there_and_light() -> None:
    assert "index.html" in PAGES and "notebooks/03_face_explanations.html" in PAGES
    sizes = {f: f.stat().st_size for f in SITE.rglob("*") if f.is_file()}
    tried = sum(size for f, size in sizes.items() if f.is_relative_to(SITE / "try_it"))
    size = sum(sizes.values()) - tried
    assert size <= 55e6, f"{size / 1e6:.1f} MB"  # pictures are sharp; plotly.js is 5 of them
    assert 10e6 < tried <= 60e6, f"{tried / 1e6:.1f} MB"  # two networks and what runs them


# Every page


def test_a_page_opens_without_the_network(opened: Page) -> None:
    """The fixture holds that no request leaves and nothing goes wrong."""
    assert opened.evaluate(UNSEEN) == []
    assert opened.evaluate(POOR) == []
    assert opened.locator("article .traceback, article .stderr").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_a_page(scheme: str, path: str, opened: Page) -> None:
    """Structure is the same by day and by night; colours are not."""
    opened.emulate_media(color_scheme=scheme)
    if opened.locator("html[data-theme]").count():  # the first page only leads to the next
        expect(opened.locator("html")).to_have_attribute("data-theme", scheme)
    settle(opened)
    rules = {} if scheme == "light" else {"runOnly": ["color-contrast"]}
    assert violations(opened, **rules) == []
    keep_screenshot(opened, path, scheme)


def test_a_figure_is_a_picture(path: str) -> None:
    """And not the words for one, which a notebook shows that has no backend for pictures."""
    assert not re.search(r"&lt;Figure size \d+x\d+ with", (SITE / path).read_text("utf-8"))


def test_a_page_fits_a_telephone(path: str, opened: Page) -> None:
    opened.set_viewport_size(PHONE)
    # Charts are drawn again for the width.
    opened.wait_for_function(f"document.documentElement.scrollWidth <= {PHONE['width']}")
    assert opened.evaluate(WIDE) == []
    keep_screenshot(opened, path, "phone")


def test_tables_and_code_stay_in_their_column(opened: Page) -> None:
    opened.set_viewport_size({"width": 1300, "height": 800})
    assert opened.evaluate(WIDE) == []


def test_tables_and_captions_speak_to_readers(path: str, opened: Page) -> None:
    """No name for machines, but where a table is about them and sets them as code."""
    if path in ABOUT_NAMES or not opened.locator("article").count():
        return
    words = opened.locator("article").evaluate(
        """(a) => [...a.querySelectorAll("table :is(td, th), figcaption, caption")].map((e) => {
          const copy = e.cloneNode(true);
          copy.querySelectorAll("code, .math, mjx-container").forEach((one) => one.remove());
          return copy.textContent;
        })"""
    )
    assert [word for text in words for word in re.findall(MACHINE, text)] == []


def test_a_page_is_seen_at_once(path: str, browser: Browser) -> None:
    """From disk, in a window that has opened nothing before."""
    context = browser.new_context(offline=True, viewport=DESK)
    page = context.new_page()
    page.goto((SITE / path).as_uri(), wait_until="load")
    if re.search("http-equiv=.?refresh", (SITE / path).read_text(encoding="utf-8"), re.I):
        page.wait_for_url(lambda url: not url.endswith(path))  # it leads to another page
        page.wait_for_load_state("load")
    painted = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint').map((e) => e.startTime)"
    )
    context.close()
    assert all(time <= SLOWEST for time in painted)


def test_a_page_is_light(path: str) -> None:
    """With all that only it loads: beyond the scripts and styles that pages share."""
    users = Counter(file for page in PAGES for file in parse(page).files)
    own = [path, *(file for file in parse(path).files if users[file] == 1)]
    size = sum((SITE / file).stat().st_size for file in own)
    assert size <= HEAVIEST, f"{size / 1e6:.1f} MB"


# Links


def test_links_lead_somewhere() -> None:
    """Whatever a page links to or loads is a file, and a place in it if one is named."""
    broken = []
    for path in PAGES:
        for file, place in parse(path).targets:
            if not (SITE / file).is_file() or (
                place and file in PAGES and place not in parse(file).places
            ):
                broken.append(f"{path}: {file}#{place}")
    assert broken == []


def test_the_book_says_what_it_links_to_outside() -> None:
    """Links lead out by https only, and to nothing but data, literature and software."""
    named = parse("book/data.html").outside | parse("book/references.html").outside | SOFTWARE
    assert all(link.startswith("https://") for link in named)
    sources = repository()
    launched = (sources, "https://mybinder.org/", "https://colab.research.google.com/")
    for path in PAGES:
        links = parse(path).outside
        if sources:
            links = {link for link in links if not link.startswith(launched)}
        assert links <= named, path


# What a reader does


def test_search_finds_a_word(page: Page) -> None:
    open_page(page, "book/intro.html")
    page.get_by_role("button", name="Search").first.click()
    page.get_by_role("searchbox").and_(page.locator(":visible")).fill("relevance")
    page.keyboard.press("Enter")
    found = page.locator("#search-results li")
    found.first.wait_for()
    expect(found.filter(has_text="toy example").first).to_be_visible()
    found.filter(has_text="toy example").first.get_by_role("link").first.click()
    expect(page.locator("article h1")).to_contain_text("A toy example")
    assert page.errors == [] and page.outside == []


def test_code_can_be_copied(page: Page) -> None:
    open_page(page, "notebooks/01_toy_example.html")
    code = page.locator(".cell_input", has_text="printed = [1, 0, 0.9").first
    code.hover()
    code.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines() == code.locator("pre").inner_text().rstrip().splitlines()
    assert copied.startswith("h1 = torch.tensor(")


def test_the_keyboard_skips_the_menus(page: Page) -> None:
    open_page(page, "notebooks/01_toy_example.html")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_files_of_a_page_are_those_of_its_run(notebook: str, page: Page) -> None:
    open_page(page, notebook)
    files = {}
    for link in links_to_files(page).all():
        assert link.get_attribute("download") is not None
        file = (SITE / notebook).parent / link.get_attribute("href")
        files[file.name] = file
    name = Path(notebook).with_suffix(".ipynb").name
    assert {name, "numbers.json"} <= files.keys() <= {name, "numbers.json", "arrays.npz"}
    executed = nbformat.read(files[name], as_version=4)
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")
    numbers = json.loads(files["numbers.json"].read_text(encoding="utf-8"))
    assert numbers["tables"] or numbers["glued"]
    if "arrays.npz" in files:
        page.get_by_text("Names and shapes").click()
        said = page.locator(".lfs-downloads details").inner_text()
        with np.load(files["arrays.npz"], allow_pickle=False) as arrays:
            for name, array in arrays.items():
                assert np.isfinite(array).all()
                assert f"{name} ({','.join(map(str, array.shape))})" in said


def test_files_of_a_page_can_be_taken_along_from_a_host(browser: Browser) -> None:
    """From disk, where the reader has them already, a browser may show them instead."""
    handler = functools.partial(QuietHandler, directory=SITE)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{host.server_port}/{NOTEBOOKS[0]}")
        for link in links_to_files(page).all():
            with page.expect_download() as download:
                link.click()
            file = SITE / "notebooks" / link.get_attribute("href")
            assert download.value.suggested_filename == file.name
            assert Path(download.value.path()).read_bytes() == file.read_bytes()
        context.close()
        host.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


def links_to_files(page: Page) -> Locator:
    """The links in the box at the end of a notebook's page."""
    return page.get_by_role("complementary", name="Files of this page").get_by_role("link")


def test_the_book_says_how_to_cite_it(page: Page) -> None:
    open_page(page, "book/references.html")
    entry = page.locator("#how-to-cite pre").inner_text()
    assert "@software{lfs_core" in entry and "@article{bello2024" in entry
    assert page.locator("[role=list].citation-list > [role=listitem]").count() > 20


# What stands on single pages


def test_mathematics_is_rendered(page: Page) -> None:
    open_page(page, "notebooks/01_toy_example.html")
    page.locator("article mjx-container").first.wait_for()
    assert page.locator("article mjx-container").count() > 10
    assert page.locator("mjx-merror").count() == 0


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_page_opens_with_what_a_reader_wants_to_know(notebook: str, page: Page) -> None:
    open_page(page, notebook)
    opening = page.locator("article h1 ~ p > strong:first-child").all_inner_texts()
    assert opening[:4] == ["What this page shows.", "Before you read.", "Time.", "Remember."]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_figures_are_numbered_and_captioned(notebook: str) -> None:
    """As many as the notebook names, in one count through the whole book."""
    source = nbformat.read(SITE / "_sources" / Path(notebook).with_suffix(".ipynb"), as_version=4)
    named = [
        cell.metadata["mystnb"]["figure"]["name"]
        for cell in source.cells
        if "figure" in cell.metadata.get("mystnb", {})
    ]
    figures = [name for name in named if name.startswith("fig-")]
    assert [name for name, _ in parse(notebook).figures] == figures


def test_the_count_of_figures_has_no_gap() -> None:
    """Figures are counted in each chapter, as 5.1, 5.2, ..., and through pages without a number."""
    contents = yaml.safe_load((SITE.parents[1] / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    order = [f"{page}.html" for page in [contents["root"], *chapters]]
    captions = [caption for path in order for _, caption in parse(path).figures]
    counted: dict[str, list[int]] = {}
    for caption in captions:
        chapter, _, number = caption.removeprefix("Fig. ").split()[0].rpartition(".")
        counted.setdefault(chapter, []).append(int(number))
    for numbers in counted.values():
        assert numbers == list(range(1, len(numbers) + 1))


def test_numbers_in_prose_come_from_the_run(page: Page) -> None:
    open_page(page, "notebooks/03_face_explanations.html")
    text = page.locator("article").inner_text()
    table = page.locator("table", has_text="maps of different similar pairs").inner_text()
    number = next(line for line in table.splitlines() if "different similar" in line).split()[-1]
    assert f"have {float(number):.2f}; for dissimilar" in text


def test_the_retrieval_page_shows_what_is_stored(page: Page) -> None:
    from lfs_core.findings.retrieval_tables import recall_gain
    from lfs_core.findings.stored import stored_run

    open_page(page, "notebooks/04_retrieval_explanations.html")
    text = page.locator("article").inner_text()
    for data in ("cub", "cars"):
        gain = recall_gain(stored_run("retrieval"), data)
        assert f"{100 * gain['gain']:+.1f} [{100 * gain['low']:+.1f}" in text
        assert f"{gain['trained']:.3f}" in text and f"{gain['frozen']:.3f}" in text


def test_the_status_page_says_how_it_was_made(page: Page) -> None:
    open_page(page, "book/status.html")
    text = page.locator("article").inner_text()
    for word in ("demo", "FaceNet (CASIA-WebFace)", "seed", "torch", "03_face_explanations"):
        assert word in text or word.replace("_", " ") in text


def test_the_speed_page_shows_goals_and_measurements(page: Page) -> None:
    open_page(page, "book/speed.html")
    rows = page.locator("article table").first.locator("tbody tr").all_inner_texts()
    assert len(rows) == 7
    assert all("at least" in row or "at most" in row for row in rows)


def test_the_flip_book_turns_its_pages(page: Page) -> None:
    open_page(page, "notebooks/06_evaluation.html")
    book = page.locator(".lfs-flipbook")
    pictures = [canvas.evaluate("c => c.toDataURL()") for canvas in book.locator("canvas").all()]
    book.get_by_role("slider", name="Superpixels replaced").fill("3")
    for before, canvas in zip(pictures, book.locator("canvas").all(), strict=True):
        assert canvas.evaluate("c => c.toDataURL()") != before


def test_charts_in_views_share_one_file(page: Page) -> None:
    """Plotly is there once for all pages, and only where there is a chart."""
    users = {path for path in PAGES if "plotly.min.js" in parse(path).files}
    assert {"notebooks/03_face_explanations.html", "notebooks/06_evaluation.html"} <= users
    assert "book/intro.html" in users and "book/glossary.html" not in users
    for path in users:
        assert (SITE / path).stat().st_size < HEAVIEST
    open_page(page, "notebooks/06_evaluation.html")
    expect(page.locator(".lfs-flipbook path.js-line").first).to_be_visible()
    assert page.errors == [] and page.outside == []


def test_the_book_has_charts(page: Page) -> None:
    """Curves, intervals and rankings are drawn by Plotly, and have their numbers under them."""
    pages = {path: (SITE / path).read_text("utf-8").count('class="lfs-chart"') for path in PAGES}
    assert sum(pages.values()) >= 20 and pages["book/intro.html"] == 1
    assert pages["notebooks/06_evaluation.html"] >= 8
    open_page(page, "notebooks/07_properties.html")
    charts = page.locator(".lfs-chart")
    expect(page.locator(".lfs-chart[data-drawn]")).to_have_count(charts.count())
    expect(page.locator(".lfs-chart .lfs-chart-table")).to_have_count(charts.count())
    assert page.errors == [] and page.outside == []


def test_a_report_opens_without_the_network(page: Page, astronaut: Path, tmp_path: Path) -> None:
    from lfs_core.cli import app

    report = tmp_path / "report.html"
    app(["explain", str(astronaut), str(astronaut), "-o", str(report)], standalone_mode=False)
    page.goto(report.as_uri(), wait_until="networkidle")
    assert page.outside == [report.as_uri()] and page.errors == []
    assert page.locator("img").count() == 10  # the photographs, too, with their faces
    for image in page.locator("img").all():
        assert image.evaluate("i => i.complete && i.naturalWidth > 0")
