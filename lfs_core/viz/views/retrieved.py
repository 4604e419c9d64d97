"""What a gallery answers to a query, as the HTML that the explorer's view shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from lfs_core.viz.page import filled

TEMPLATES = files("lfs_core.viz.views") / "web" / "explorer"


@dataclass(frozen=True)
class Result:
    """A photograph that was retrieved.

    Attributes:
        item: how the explorer knows it.
        name: of the photograph.
        rank: from 1.
        similarity: with the query, in [-1,1].
        label: its class; "" if it is the only one of it.
        same: probability that both show one class; None where it is not known.
        right: whether it is of the query's class; None where it is not known what is right.
    """

    item: int
    name: str
    rank: int
    similarity: float
    label: str
    same: float | None
    right: bool | None

    @property
    def likeness(self) -> str:
        """How likely both are of one class; "" where that is not known."""
        return "" if self.same is None else f"{100 * self.same:.1f} %"

    @property
    def verdict(self) -> str:
        """Whether it is right; "" where that is not known."""
        if self.right is None:
            return ""
        return "\N{CHECK MARK} right" if self.right else "\N{BALLOT X} other class"

    @property
    def told(self) -> str:
        """What a reader is told about it, in one line."""
        facts = [f"Rank {self.rank}", f"similarity {self.similarity:.3f}"]
        if self.likeness:
            facts.append(f"of one class: {self.likeness}")
        if self.label:
            facts.append(f"class {self.label}")
        return ", ".join([*facts, self.verdict] if self.verdict else facts)


def grids_html(grids: Sequence[tuple[str, str, Sequence[Result]]], hint: str) -> str:
    """Photographs in grids, each with what it is, its heading and its results.

    Args:
        grids: without those that are empty.
        hint: below the first of them.
    """
    return filled(TEMPLATES / "grids.html", grids=[grid for grid in grids if grid[2]], hint=hint)


def ranking_html(results: Sequence[Result]) -> str:
    """A part of a ranking, one square a photograph, and a place for the one that is looked at."""
    marked = any(result.right is not None for result in results)
    return filled(TEMPLATES / "ranking.html", results=results, marked=marked)


def head_html(item: int, name: str, lines: Sequence[str], worth: str, right: Sequence[bool]) -> str:
    """The query, lines about it, and which ranks of its answer are right, if that is known."""
    ranks = [rank for rank, is_right in enumerate(right, 1) if is_right]
    return filled(
        TEMPLATES / "head.html",
        item=item,
        name=name,
        lines=lines,
        worth=worth,
        right=right,
        ranks=", ".join(map(str, ranks)) or "none",
    )
