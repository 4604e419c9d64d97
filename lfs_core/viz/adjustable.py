"""A figure with controls of what it depends on, next to it where somebody can move them."""

from __future__ import annotations

import os
from collections.abc import Callable

from IPython.display import display

from lfs_core.util.extras import needs

with needs("book", "A figure with controls"):
    import ipywidgets

Control = tuple[float, float, float] | tuple[str, list[str]]


def adjustable(draw: Callable[..., object], **controls: Control) -> object:
    """Show what `draw` gives, in an open notebook below controls of its arguments.

    Where a notebook is run without a reader, as for the book, it is what `draw` gives for the
    first value of each: a book has no Python that could draw another one.

    Args:
        draw: takes the arguments by name and gives what a notebook can show.
        controls: of each argument its value, and where that can be moved to: two numbers, the
            lowest and the highest, for a slider of 20 steps; a list of words for a menu.

    Returns:
        What to write as the last expression of a cell.
    """
    if not is_open():
        return draw(**{name: value for name, (value, *_) in controls.items()})
    widgets = {name: _widget(name, control) for name, control in controls.items()}
    output = ipywidgets.interactive_output(lambda **given: display(draw(**given)), widgets)
    return ipywidgets.VBox([*widgets.values(), output])


def is_open() -> bool:
    """Whether somebody has the notebook open: Jupyter tells its kernel the session's name."""
    return "JPY_SESSION_NAME" in os.environ


def _widget(name: str, control: Control) -> ipywidgets.ValueWidget:
    if len(control) == 2:
        word, words = control
        return ipywidgets.Dropdown(value=word, options=words, description=name)
    value, low, high = control
    return ipywidgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=(high - low) / 20,
        description=name,
        continuous_update=False,
    )
