"""Self-contained pages: how all are filled, kept from running or loading anything, and written."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources.abc import Traversable
from pathlib import Path

import jinja2

from lfs_core.errors import LFSError
from lfs_core.util.files import replacing

NOTHING = (  # a page loads nothing, sends nothing, and shows what it holds
    "default-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "img-src data: blob:",
    "media-src data:",
    "style-src 'unsafe-inline'",
)

# What is not seen, or turns round how all that follows is read.
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def filled(
    template: Traversable, *, scripts: Sequence[str] = (), unpacks: bool = False, **contents: object
) -> str:
    """A template's HTML. What is put in is text; `embedded` makes data for a script of it.

    Args:
        template: a file for jinja2, which puts `policy` into its head.
        scripts: all that may run in the page, to the letter.
        unpacks: whether these scripts run code that the page holds packed.
        contents: what the template shows.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters["embedded"] = embedded
    return environment.from_string(template.read_text("utf-8")).render(
        policy=policy(scripts, unpacks), scripts=scripts, **contents
    )


def policy(scripts: Sequence[str] = (), unpacks: bool = False) -> str:
    """The content security policy of a page: what a browser lets it do, whatever stands in it.

    A script is allowed by its hash, so that none that came with a name can run. See `filled`.
    """
    allowed = [
        f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts
    ]
    if unpacks:
        allowed.append("blob:")
    return "; ".join([*NOTHING, *([f"script-src {' '.join(allowed)}"] if allowed else [])])


def embedded(contents: object) -> str:
    """Data as JSON that can stand inside a script element.

    "</script", "<!--" and "<script" mean something there, so no "<" is left; nor are line
    separators, which are no part of what `json` writes.
    """
    return json.dumps(contents, separators=(",", ":")).replace("<", "\\u003c")


def _visible(said: object) -> object:
    """A text whose invisible characters show as "\N{REPLACEMENT CHARACTER}"; else what it is."""
    return INVISIBLE.sub("\ufffd", said) if type(said) is str else said


def check_suffix(path: str | os.PathLike) -> None:
    """Raise an LFSError unless the path ends in .html."""
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise LFSError(f"The report is a web page: {path} must end in .html.")


def write_page(path: str | os.PathLike, html: str) -> None:
    """Write a page; of a name that is no text, "?" stands for the bytes that are none.

    Raises:
        LFSError: the path does not end in .html or cannot be written.
    """
    check_suffix(path)
    with replacing(path) as new:
        new.write_text(html, encoding="utf-8", errors="replace")
