"""Numbered captions for tables: a part of the book's Sphinx extension.

MyST-NB wraps a cell's output in a figure if the cell's metadata name one. A figure whose name
begins with `tab-` is a table: it counts as "Table 1, 2, ..." and its caption stands above it.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.writers.html5 import HTML5Translator

NAMED = "tab-"


class captioned_table(nodes.figure):
    """A table with its caption."""


class CaptionTables(SphinxTransform):
    """Turn figures that are tables into tables, before Sphinx numbers either."""

    default_priority = 400

    def apply(self, **_: object) -> None:
        """Replace them in the page that was just read."""
        for figure in list(self.document.findall(nodes.figure)):
            if not any(name.startswith(NAMED) for name in figure["names"]):
                continue
            of_caption = (nodes.caption, nodes.legend)
            parts = sorted(figure.children, key=lambda part: not isinstance(part, of_caption))
            table = captioned_table("", *parts, **figure.attributes)
            figure.replace_self(table)
            self.document.ids.update(dict.fromkeys(table["ids"], table))


def setup(app: Sphinx) -> None:
    """Register both with Sphinx."""
    html = (HTML5Translator.visit_figure, HTML5Translator.depart_figure)
    app.add_enumerable_node(captioned_table, "table", html=html)
    app.add_transform(CaptionTables)
