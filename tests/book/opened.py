"""Views opened in a browser, and what may be asked of any of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

# Contrast of an element's text with its ground, its button's or its view's (WCAG 2).
CONTRAST = """element => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((value) => {
      const c = value / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(element);
  const button = element.closest("button") ?? element.closest(".lfs-view");
  const ground = getComputedStyle(button).backgroundColor;
  const text = element instanceof SVGElement ? style.fill : style.color;
  const [a, b] = [light(text), light(ground)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
PIXELS = "canvas => canvas.toDataURL()"


def opened(
    browser: Browser, path: Path, ready: str = ".lfs-headline strong", **options: object
) -> Iterator[Page]:
    """A page that recorded what it asked for and what went wrong; both are nothing.

    Args:
        browser: to open it.
        path: of the page, which is all that may be asked for.
        ready: what is there when it is ready.
        options: of the browser's context.
    """
    context = browser.new_context(offline=True, **options)
    page = context.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: m.type == "error" and errors.append(m.text))
    page.goto(path.as_uri(), wait_until="networkidle")
    page.locator(ready).first.wait_for()
    yield page
    outside = [url for url in asked if not url.startswith(("data:", "blob:"))]
    assert outside == [path.as_uri()]
    assert errors == []
    context.close()


def pair_button(page: Page, place: int) -> Locator:
    """The button that chooses a pair."""
    return page.get_by_role("group", name="Pair").get_by_role("button").nth(place)


def run_all_cells(page: Page) -> None:
    """In JupyterLab or plain Jupyter, as soon as the kernel is there to do it."""
    prompt = page.locator(".jp-Notebook .jp-InputPrompt").first
    prompt.wait_for(timeout=120_000)
    dialog = page.locator("dialog.jp-Dialog")
    asked = []
    # JupyterLab may ask something at the start of a busy machine, over everything else.
    page.add_locator_handler(dialog, lambda: _answer(dialog, asked), no_wait_after=True)
    for _ in range(40):  # before the kernel is there, nothing happens
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        with suppress(AssertionError):
            expect(prompt).not_to_have_text("[ ]:", timeout=5000)
            page.remove_locator_handler(dialog)  # what a test asks for, it answers itself
            return
    raise AssertionError(f"The kernel did not start; JupyterLab asked {asked}.")


def _answer(dialog: Locator, asked: list[str]) -> None:
    """What JupyterLab proposes."""
    asked.append(dialog.first.inner_text())
    dialog.first.locator(".jp-mod-accept").click()


def settle(page: Page) -> None:
    """Wait until no colour changes; the promises of changes that are taken back are never kept."""
    page.wait_for_function("() => document.getAnimations().every((a) => a.playState !== 'running')")


def violations(page: Page, **options: object) -> list[str]:
    """What axe calls serious or critical."""
    settle(page)
    # Style sheets would be fetched, which a page from disk may not.
    found = Axe().run(page, options={"preload": False, "resultTypes": ["violations"], **options})
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found.response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
