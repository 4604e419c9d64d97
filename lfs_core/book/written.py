"""What the build writes for the pages: Markdown from stored results, included by `book/*.md`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lfs_core.book.address import install_markdown
from lfs_core.book.api import api_markdown
from lfs_core.evaluation.names import reader_name
from lfs_core.findings import choice, first_page, limits
from lfs_core.viz.first_screen import first_screen
from lfs_core.viz.method_pictures import QUICK, Drawn, draw_methods

PICTURES = "images/methods"  # in `book`


def write_pages(book: Path) -> None:
    """Write into `book`/computed what pages include; `book` is in the sources of Jupyter Book."""
    for name, text in written(draw_methods(book / PICTURES)):
        path = book / "computed" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def written(drawn: dict[str, Drawn]) -> Iterator[tuple[str, str]]:
    """Name and text of every file.

    Args:
        drawn: what the picture of each method shows.
    """
    yield "verdicts", first_page.verdicts_markdown()
    yield "undecided", first_page.undecided_markdown()
    yield "marked_places", first_page.marked_places_markdown()
    yield "six_rows", f"```{{raw}} html\n{first_screen().html()}\n```\n"
    yield "instead", first_page.instead_markdown()
    yield "use", choice.use_markdown()
    yield "decision", choice.decision_markdown()
    yield "ranking", choice.ranking_markdown()
    yield "no_map", choice.no_map_markdown()
    yield "limits", limits.limits_markdown()
    yield "install", install_markdown()
    yield "api", api_markdown()
    for name, shows in drawn.items():
        yield f"methods/{name}", choice.facts_markdown(name) + figure_markdown(name, shows)


def figure_markdown(name: str, shows: Drawn) -> str:
    """The picture of a method with its caption and words for who cannot see it, in Markdown."""
    title, (first, second) = reader_name(name), shows.strongest
    less = "".join(f" Drawn with {k} = {v}, to save time." for k, v in QUICK.get(name, {}).items())
    return (
        f"\n```{{figure}} /book/{PICTURES}/{name}.jpg\n:name: fig-method-{name}\n"
        f":alt: Two maps in colour over a grey portrait and its mirrored copy; the first is "
        f"strongest in the {first} of the image, the second in the {second}.\n:width: 80%\n\n"
        f"{title}. Rank correlation of the two maps: {shows.turned:.2f} after mirroring the second "
        f"one back, {shows.unturned:.2f} as they are.{less}\n```\n"
    )
