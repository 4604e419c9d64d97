"""What the interactive views share: packed numbers and maps, and pages that need no Python.

A view is a folder of JavaScript modules in `web`, of which `main.js` is the first, and a style
sheet; what all views use is in `web/common`.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import matplotlib
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lfs_core.datasets.framing import Parts
from lfs_core.errors import LFSError
from lfs_core.util.extras import needs
from lfs_core.viz.figures import MAP_COLOURS
from lfs_core.viz.page import check_suffix, filled, write_page
from lfs_core.viz.views.joined import joined

with needs("book", "An interactive view"):
    from anywidget import AnyWidget
    from traitlets import Dict, observe

__all__ = [
    "FixedView",
    "LiveView",
    "code",
    "colour_table",
    "data_url",
    "faces_to_choose",
    "packed",
    "plotly_code",
    "plotly_text",
    "question_key",
    "received",
    "reduce",
    "render",
    "save",
    "stepped",
    "style",
    "text",
]

WHOLE = 480  # px, longest side of a photograph in which a face is chosen
WEB = files("lfs_core.viz.views") / "web"


class View(AnyWidget):
    """A widget whose charts are drawn by Plotly, which its view asks for if no other brought it."""

    contents = Dict().tag(sync=True)

    def __init__(self, **traits: object) -> None:
        super().__init__(**traits)
        self.on_msg(_bring_plotly)


def _bring_plotly(view: View, content: object, _: list[bytes]) -> None:
    if content == "plotly":
        view.send("plotly", [plotly_code()])


class FixedView(View):
    """A widget that shows what it was made with, and gives the same without Python behind it.

    Attributes:
        view: its name.
        title: of a document of its own.
    """

    view: ClassVar[str]
    title: ClassVar[str]

    def page(self) -> str:
        """The view as HTML that needs neither Python nor any other file.

        It can be put anywhere in a page, and several times.
        """
        return render(self.view, self.contents)

    def save(self, path: str | os.PathLike) -> None:
        """Write `page` as a document of its own.

        Raises:
            LFSError: the path does not end in .html or cannot be written.
        """
        save(path, self.view, self.contents, self.title)


class LiveView(View):
    """A widget whose view asks questions and hears answers.

    Subclasses say in `answers` what can be asked. In a page without Python the view asks a table
    of answers made in advance, `contents["answers"]`, by `question_key`.
    """

    request = Dict().tag(sync=True, echo_update=False)
    response = Dict().tag(sync=True)

    def answers(self) -> Mapping[str, Callable[..., dict[str, Any]]]:
        """What answers each kind of question."""
        raise NotImplementedError

    def reply(self, kind: str, *arguments: object) -> dict[str, Any]:
        """What the view is told when it asks.

        Raises:
            LFSError: the view asked for something that there is not.
        """
        answers = self.answers()
        if kind not in answers:
            raise LFSError(f"The explorer cannot be asked for {kind!r}, only for {list(answers)}.")
        return answers[kind](*arguments)

    @observe("request")
    def _receive(self, change: dict[str, dict]) -> None:
        request = change["new"]
        if not request:
            return
        self.request = {}  # else the notebook would store an upload
        try:
            answer = self.reply(*request["ask"])
        except LFSError as error:
            answer = {"problem": str(error)}
        except Exception as error:  # of the user's own network or explainer: the view shows it
            answer = {"problem": f"{type(error).__name__}: {error}"}
        self.response = {"id": request["id"], "answer": answer}


def question_key(question: Iterable[object]) -> str:
    """A question as the table of a page has it: names and whole numbers, with commas."""
    return ",".join(map(str, question))


@contextmanager
def received(name: str, data: str) -> Iterator[Path]:
    """An uploaded file, as long as it is used; errors call it by its name.

    Args:
        name: what the reader calls it.
        data: its bytes, as the view sends them.

    Raises:
        LFSError: it did not arrive whole; or what is raised while it is used.
    """
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise LFSError(f"{name} did not arrive whole; upload it again.") from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        try:
            yield path
        except LFSError as error:
            raise type(error)(str(error).replace(str(path), name)) from None


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


@cache
def style(view: str) -> str:
    """A view's style, after what all views share."""
    return "\n".join((WEB / name / "style.css").read_text("utf-8") for name in ("common", view))


@cache
def plotly_code() -> bytes:
    """plotly.js, which draws the views' charts, packed: 1.5 MB."""
    from plotly.offline import get_plotlyjs

    return zlib.compress(get_plotlyjs().encode(), 9)


@cache
def plotly_text() -> str:
    """The same as text, as pages hold it: 2 MB."""
    return base64.b64encode(plotly_code()).decode()


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
        scripts=[f"{code(view)}\nshowPages();\n"],
        unpacks=has_charts,
        title=title,
        view=view,
        contents=contents,
        css=style(view),
        plotly=plotly_text() if has_charts else "",
    )


def text(values: np.ndarray) -> str:
    """The bytes of an array, as text."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def colour_table(name: str = MAP_COLOURS) -> str:
    """The colours of maps, or of another of matplotlib's scales, in 256 steps of three bytes."""
    return text(matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3])


def data_url(image: Image.Image, kind: str, quality: int) -> str:
    """A picture as a data URL, "webp" or "jpeg"."""
    buffer = io.BytesIO()
    image.save(buffer, kind.upper(), quality=quality)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def faces_to_choose(found: Parts) -> dict[str, Any]:
    """A whole photograph and where its faces are, in per cent of its sides, from left to right."""
    whole = found.photograph.copy()
    whole.thumbnail((WHOLE, WHOLE))
    boxes = [part.box for part in found.all if part.box]
    return {
        "picture": data_url(whole, "webp", 80),
        "boxes": [[round(100 * at, 2) for at in box] for box in boxes],
    }


def reduce(maps: Tensor, side: int) -> Tensor:
    """Maps (2,H,W), averaged down to at most `side` pixels a side."""
    height, width = maps.shape[1:]
    scale = min(1, side / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return torch.nn.functional.interpolate(maps[None], size, mode="area")[0]


def packed(heat: Tensor) -> str:
    """A map (h,w) in [0,1], in 256 steps: differences of neighbours, which deflate well."""
    steps = (heat * 255).round().byte().numpy().ravel()
    return base64.b64encode(
        zlib.compress(np.diff(steps, prepend=np.uint8(0)).tobytes(), 9)
    ).decode()


def stepped(maps: Tensor, side: int) -> Iterator[dict[str, Any]]:
    """Maps (2,H,W), averaged down, in 255 steps over the range that they had before."""
    for heat, reduced in zip(maps, reduce(maps, side), strict=True):
        low, high = (float(f"{value.item():.6g}") for value in (heat.min(), heat.max()))
        scaled = (reduced - low) / (high - low or 1)
        yield {"range": [low, high], "steps": packed(scaled.clamp(0, 1))}
