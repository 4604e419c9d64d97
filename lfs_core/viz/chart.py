"""A Plotly figure in a page: folded away until it is asked for, and drawn only then.

JupyterLab draws the figure itself. A page has one plotly.js for all its charts, which may come
after them, so each waits for it; no request leaves the page's folder.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

SCRIPT = Path(__file__).parent / "chart.js"


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure that a notebook shows as its cell's value.

    Attributes:
        figure: what is drawn.
        title: what a reader opens, in plain text.
        alt: what the figure shows, for who cannot see it.
        shown: whether it is open from the start.
    """

    figure: go.Figure
    title: str
    alt: str
    shown: bool = False

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """What a notebook shows: the figure for JupyterLab, HTML for the book, words for both."""
        return {
            "application/vnd.plotly.v1+json": json.loads(self.figure.to_json()),
            "text/html": self.html(),
            "text/plain": f"{self.title}: {self.alt}",
        }

    def html(self) -> str:
        """HTML that can be put anywhere in a page that loads plotly.js."""
        # Thousands of readings say nearly the same: deflated they weigh a tenth.
        data = b64encode(zlib.compress(self.figure.to_json().encode(), 9)).decode()
        height = int(self.figure.layout.height or 450)
        return (
            f'<details class="lfs-chart"{" open" if self.shown else ""}>'
            f"<summary>{escape(self.title)}</summary>"
            f'<div role="img" aria-label="{escape(self.alt)}" style="min-height:{height}px"></div>'
            f'<script type="text/plain">{data}</script>'
            f"<script>{SCRIPT.read_text('utf-8')}</script></details>"
        )
