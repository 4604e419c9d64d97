"""Views as HTML: the code and style of each, and pages that need no Python.

A view is a folder of JavaScript modules in `web`, of which `main.js` is the first, and a style
sheet; what all views use is in `web/common`.
"""

from __future__ import annotations

import base64
import os
import re
import zlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from lfs_core.viz.joined import joined
from lfs_core.viz.page import check_suffix, filled, write_page

WEB = files("lfs_core.viz.views") / "web"
USED = re.compile(r"^// (\w+)/\w+\.js$", re.MULTILINE)  # whose modules a joined one has


def render(view: str, contents: Mapping[str, Any], title: str | None = None) -> str:
    """A view as HTML that needs neither Python nor any other file.

    Args:
        view: its name.
        contents: what it shows, ready for JSON.
        title: of a document of its own; without, the HTML can be put anywhere in a page, and
            several times.
    """
    has_charts = "// common/plotly.js" in code(view)
    return filled(
        WEB / "common" / "page.html",
        scripts=[script(view)],
        unpacks=has_charts,
        title=title,
        view=view,
        contents=contents,
        css=style(view),
        plotly=plotly_text() if has_charts else "",
    )


def save(path: str | os.PathLike, view: str, contents: Mapping[str, Any], title: str) -> None:
    """Write a view as a document of its own.

    Raises:
        LFSError: the path does not end in .html or cannot be written.
    """
    check_suffix(path)  # now, not after the work
    write_page(path, render(view, contents, title))


@cache
def code(view: str) -> str:
    """A view as one JavaScript module."""
    return joined(WEB, f"{view}/main.js")


def script(view: str) -> str:
    """What shows a view wherever in a page its contents wait."""
    return f'{code(view)}\n{joined(WEB, "common/pages.js")}\neachPage("{view}", render);\n'


@cache
def style(view: str) -> str:
    """A view's style, after that of what it is made from."""
    used = dict.fromkeys(["common", *USED.findall(code(view))])
    return "\n".join((WEB / folder / "style.css").read_text("utf-8") for folder in used)


@cache
def plotly_code() -> bytes:
    """plotly.js, which draws the views' charts, packed: 1.5 MB."""
    from plotly.offline import get_plotlyjs

    return zlib.compress(get_plotlyjs().encode(), 9)


@cache
def plotly_text() -> str:
    """The same as text, as pages hold it: 2 MB."""
    return base64.b64encode(plotly_code()).decode()
