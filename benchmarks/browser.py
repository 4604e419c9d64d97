"""How long the page *Try it* takes, and how much memory: in headless Chromium, from the built book.

    python benchmarks/browser.py OUTPUT.json [ROUNDS]

Each round starts a new browser without a network. Times are in milliseconds, memory in megabytes of
all its processes above those of the page before a network was loaded.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright
from speed import store

from lfs_core.book.pdf import find_chromium

PAGE = Path("_build/html/book/try_it.html")
NETWORKS = {"facenet-casia": "Faces", "efficientnet-lite0": "Scenes"}
SLOW = ("occlusion", "causal")  # 128 passes, once; both take the same windows away
# Each waits for what the reader sees, and answers with the time since the press.
BEGIN = """async (title) => {
  const began = performance.now();
  const all = [...document.querySelectorAll(".lfs-try-it button")];
  all.find((one) => one.textContent.startsWith(title)).click();
  let loaded = null;
  while (!document.querySelector(".lfs-headline strong")) {
    const status = document.querySelector(".lfs-try-loading p").textContent;
    if (loaded === null && status.startsWith("Setting")) loaded = performance.now() - began;
    await new Promise((go) => setTimeout(go, 4));
  }
  return [loaded, performance.now() - began];
}"""
METHOD = """async (method) => {
  const chooser = document.querySelector(".lfs-controls select");
  const canvas = document.querySelector(".lfs-both canvas");
  const title = [...chooser.options].find((one) => one.value === method).textContent;
  const began = performance.now();
  chooser.value = method;
  chooser.dispatchEvent(new Event("change"));
  while (!canvas.getAttribute("aria-label").includes(title)) {
    await new Promise((go) => setTimeout(go, 4));
  }
  return performance.now() - began;
}"""
PHOTOGRAPH = """async () => {
  const caption = document.querySelector(".lfs-both figcaption");
  const one = document.querySelector(".lfs-photographs").children[2];
  const began = performance.now();
  one.click();
  while (!caption.textContent.includes(one.getAttribute("aria-label"))) {
    await new Promise((go) => setTimeout(go, 4));
  }
  return performance.now() - began;
}"""


def main(output: str, rounds: int = 9) -> None:
    """Measure and write it down."""
    start = time.monotonic()
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in NETWORKS}
    with sync_playwright() as playwright:
        for _ in range(rounds):
            for name, title in NETWORKS.items():
                for method in ("amortised" if name == "facenet-casia" else "simexpert", "centre"):
                    browser = playwright.chromium.launch(
                        executable_path=find_chromium(), args=["--no-sandbox"]
                    )
                    visit(browser, title, method, found[name])
                    browser.close()
    medians = {
        name: {what: round(statistics.median(each), 1) for what, each in of.items()}
        for name, of in found.items()
    }
    store({"rounds": rounds, "medians": medians, "all": found}, output, start)


def visit(browser: Browser, title: str, method: str, found: dict[str, list[float]]) -> None:
    """What a reader does, and how long it takes; a method is asked for a new photograph."""
    page = browser.new_context(offline=True).new_page()
    page.goto(PAGE.resolve().as_uri())
    before = memory()
    with peak() as most:
        loaded, shown = page.evaluate(BEGIN, title)
        found["files loaded"].append(loaded)
        found["network set up, first result"].append(shown)
        if method == "centre":
            for other in offered(page):
                what = f"the same pair by {other}"
                if what not in found or other not in SLOW:
                    found[what].append(page.evaluate(METHOD, other))
        if page.locator(".lfs-controls select").first.input_value() != method:
            page.evaluate(METHOD, method)
        found[f"a new photograph, explained by {method}"].append(page.evaluate(PHOTOGRAPH))
    found["peak memory"].append(most[0] - before)


def offered(page: Page) -> list[str]:
    """The methods, without that which is chosen."""
    chooser = page.locator(".lfs-controls select").first
    methods = chooser.locator("option").evaluate_all("all => all.map((one) => one.value)")
    chosen = chooser.input_value()
    return [method for method in methods if method != chosen]


def memory() -> float:
    """Of all processes of the browser, in megabytes."""
    sizes = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "chrom" in process.name():
                sizes.append(process.memory_info().rss)
    return sum(sizes) / 1e6


@contextmanager
def peak() -> Iterator[list[float]]:
    """The most memory while it is entered, looked at ten times a second."""
    most, over = [memory()], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            most[0] = max(most[0], memory())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        over.set()
        looking.join()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
