"""Figures with controls next to them, and without where nobody can move them."""

from __future__ import annotations

import ipywidgets
import pytest

from lfs_core.viz.adjustable import adjustable


def said(p: float, decoder: str) -> str:
    return f"{decoder} at {p:g}"


CONTROLS = {"p": (0.3, 0, 1), "decoder": ("linear", ["linear", "conv"])}


def test_without_a_reader_it_is_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The book, papermill and nbval get what the function gives, and no widget."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert adjustable(said, **CONTROLS) == "linear at 0.3"


def test_in_an_open_notebook_controls_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    drawn = []

    def draw(p: float, decoder: str) -> None:
        drawn.append(said(p, decoder))

    box = adjustable(draw, **CONTROLS)
    assert isinstance(box, ipywidgets.VBox)
    slider, menu, _ = box.children
    assert (slider.min, slider.max, slider.value) == (0, 1, 0.3)
    assert (menu.options, menu.value) == (("linear", "conv"), "linear")
    assert drawn == ["linear at 0.3"]
    slider.value = 0.8
    menu.value = "conv"
    assert drawn == ["linear at 0.3", "linear at 0.8", "conv at 0.8"]
