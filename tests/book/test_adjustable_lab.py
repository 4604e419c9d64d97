"""A figure with controls in JupyterLab: its sliders are moved by keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from opened import run_all_cells
from playwright.sync_api import Browser, Page, expect

import lfs_core as lfs

CELL = """
import torch
from IPython.display import HTML
import lfs_core as lfs
from lfs_core.viz.adjustable import adjustable

def draw(p, order):
    h = lfs.perturb(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.5]), p)
    shown = h if order == "as they are" else h.flip(0)
    return HTML(f"<p class='drawn'>{' '.join(f'{x:.3f}' for x in shown.tolist())}</p>")

adjustable(draw, p=(0.3, 0, 1), order=("as they are", ["as they are", "reversed"]))
"""


def drawn(p: float) -> list[str]:
    """What the figure shows."""
    h = lfs.perturb(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.5]), p)
    return [f"{x:.3f}" for x in h.tolist()]


@pytest.fixture
def page(serve: Callable[[str, str], str], browser: Browser) -> Iterator[Page]:
    page = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
    page.goto(serve("lab", CELL), wait_until="commit", timeout=180_000)
    run_all_cells(page)
    page.locator(".jp-OutputArea .drawn").wait_for(timeout=180_000)
    yield page
    page.context.close()


def test_keys_move_a_slider_and_the_numbers_follow(page: Page) -> None:
    numbers = page.locator(".jp-OutputArea .drawn")
    expect(numbers).to_have_text(" ".join(drawn(0.3)))
    slider = page.locator(".jp-OutputArea").get_by_role("slider")
    expect(slider).to_have_count(1)
    slider.focus()
    page.keyboard.press("ArrowRight")  # one of twenty steps
    expect(numbers).to_have_text(" ".join(drawn(0.35)))
    page.keyboard.press("ArrowRight")
    expect(numbers).to_have_text(" ".join(drawn(0.4)))
    page.keyboard.press("Home")
    expect(numbers).to_have_text(" ".join(drawn(0)))
    assert drawn(0) != drawn(0.3) != drawn(0.35) != drawn(0.4)

    menu = page.locator(".jp-OutputArea").get_by_role("combobox")
    menu.select_option("reversed")
    expect(numbers).to_have_text(" ".join(reversed(drawn(0))))
    expect(numbers).to_have_count(1)  # each figure takes the place of the one before
