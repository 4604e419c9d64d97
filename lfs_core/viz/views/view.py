"""What the interactive views are: widgets that also make pages of themselves."""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from lfs_core.errors import LFSError
from lfs_core.util.extras import needs
from lfs_core.viz.rendering import plotly_code, render, save

with needs("book", "An interactive view"):
    from anywidget import AnyWidget
    from traitlets import Dict


class View(AnyWidget):
    """A widget whose charts are drawn by Plotly, which its view asks for if no other brought it."""

    contents = Dict().tag(sync=True)

    def __init__(self, **traits: object) -> None:
        super().__init__(**traits)
        self.on_msg(_hear)

    def hear(self, said: Mapping[str, Any]) -> None:
        """What the view asks, with a number that the answer has too: here, for Plotly."""
        if said["ask"] == ["plotly"]:
            self.send({"id": said["id"], "answer": {}}, [plotly_code()])


def _hear(view: View, said: Mapping[str, Any], _: list[bytes]) -> None:
    view.hear(said)


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

    def hear(self, said: Mapping[str, Any]) -> None:
        """Any other question as well."""
        if said["ask"] == ["plotly"]:
            return super().hear(said)
        try:
            answer = self.reply(*said["ask"])
        except LFSError as error:
            answer = {"problem": str(error)}
        except Exception as error:  # of the user's own network or explainer: the view shows it
            answer = {"problem": f"{type(error).__name__}: {error}"}
        self.send({"id": said["id"], "answer": answer})


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
