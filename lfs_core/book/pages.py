"""What the book adds to the pages that Sphinx makes: a Sphinx extension.

A notebook's page ends with the files that belong to it. A page with charts loads plotly.js and what
draws them. Tables fit narrow screens and have numbered captions. To screen readers the list of
literature is a list.
"""

from __future__ import annotations

import re
from functools import partial
from html import escape, unescape
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import numpy as np
from sphinx.application import Sphinx

from lfs_core.book import captions
from lfs_core.book.tables import labelled

# Where they lie in the site and, before it is built, in its sources; what a reader is told.
FILES = (
    (
        "_sources/notebooks/{}.ipynb",
        "notebooks/{}.ipynb",
        "the notebook as it was run, with its outputs",
    ),
    (
        "downloads/{}/numbers.json",
        "files/downloads/{}/numbers.json",
        "its numbers: tables in full precision, and what the text quotes",
    ),
    (
        "downloads/{}/arrays.npz",
        "files/downloads/{}/arrays.npz",
        "its arrays, for <code>numpy.load</code>",
    ),
)
# What is on pages that need a script, and the scripts that these load.
SCRIPTS = {
    "lfs-plotly": ["plotly.min.js"],
    "lfs-chart": ["plotly.min.js", "chart.js"],
    "lfs-enlarge": ["enlarge.js"],
}
# A notebook's picture, which has two pixels for each of the page.
PICTURE = re.compile(r'<img (?=[^>]*src="([^"]*_images/[0-9a-f]{32,}\.\w+)")[^>]*>')
# Font Awesome would search all that a chart adds, mark by mark, for icons; none comes later.
ICONS = "globalThis.FontAwesomeConfig = { observeMutations: false };"
PREVIEW = "preview.png"  # the picture that others show with a link to the book
TAG = re.compile(r"<[^>]+>")
# Docutils calls entries of a list by a deprecated role that is none of a list's entries.
ROLES = {'role="doc-biblioentry"': 'role="listitem"', ' role="doc-backlink"': ""}


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    captions.setup(app)
    app.connect("html-page-context", finish)
    app.add_js_file(None, body=ICONS, priority=0)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def finish(
    app: Sphinx, page: str, template: str, context: dict[str, Any], document: object
) -> None:
    """Finish a page's HTML before it is laid out."""
    if "body" not in context:  # the search page
        return
    for role, better in ROLES.items():
        context["body"] = context["body"].replace(role, better)
    context["body"] = labelled(context["body"])
    links = app.builder.name == "html"  # nothing can be clicked on paper
    context["body"] = PICTURE.sub(partial(_sharp, links=links), context["body"])
    scripts = dict.fromkeys(
        file for mark, files in SCRIPTS.items() if mark in context["body"] for file in files
    )
    # A book that is one page is next to the files.
    up = "" if app.builder.name == "singlehtml" else "../" * page.count("/")
    for file in scripts:
        context["body"] += f'<script defer src="{up}{file}"></script>'
    context["metatags"] = context.get("metatags", "") + preview(
        context.get("title", ""), app.config.html_baseurl or up
    )
    if page.startswith("notebooks/"):
        context["body"] += files_of(page.removeprefix("notebooks/"), Path(app.srcdir))


def _sharp(found: re.Match[str], links: bool) -> str:
    """A picture in half its size, which can lead to its full size."""
    picture = found[0].replace("<img ", f'<img srcset="{found[1]} 2x" ', 1)
    if not links:
        return picture
    return f'<a class="lfs-enlarge" href="{found[1]}" title="Enlarge">{picture}</a>'


def preview(title: str, base: str) -> str:
    """What a page tells those who show a preview of a link to it, in HTML.

    Args:
        title: the page's, in HTML.
        base: the site's address, which most of them need for the picture; else the way to its top.
    """
    facts = {
        "og:type": "article",
        "og:title": unescape(TAG.sub("", title)),
        "og:description": metadata("lfs-core")["Summary"],
        "og:image": f"{base}{PREVIEW}",
        "og:image:alt": "Two portraits of one face, joined by lines between the places that match.",
        "twitter:card": "summary_large_image",
    }
    return "".join(
        f'\n<meta property="{name}" content="{escape(of)}" />' for name, of in facts.items()
    )


def files_of(notebook: str, sources: Path) -> str:
    """The box of a notebook's files, in HTML; of those that there are."""
    lines = []
    for target, source, meaning in FILES:
        file = sources / source.format(notebook)
        if file.is_file():
            lines.append(
                f'<li><a href="../{target.format(notebook)}" download>{file.name}</a> '
                f"({size(file.stat().st_size)}), {meaning}{arrays_of(file)}</li>"
            )
    return (
        '<aside class="lfs-downloads" aria-label="Files of this page">'
        f"<p>Files of this page</p><ul>{''.join(lines)}</ul></aside>"
    )


def arrays_of(file: Path) -> str:
    """The names and shapes of the arrays in a file, folded, in HTML; of another file, nothing."""
    if file.suffix != ".npz":
        return ""
    with np.load(file, allow_pickle=False) as arrays:
        shapes = {name: ",".join(map(str, array.shape)) for name, array in arrays.items()}
    told = "; ".join(f"{escape(name)} ({shape})" for name, shape in shapes.items())
    return f"<details><summary>Names and shapes</summary>{told}</details>"


def size(count: int) -> str:
    """Bytes, as a reader wants to know them."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(round(count / 1e3), 1)} kB"
