"""A sweep as one self-contained page: its points, and every number that changes over the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lfs_core.book.run import failed_file
from lfs_core.viz.page import filled, write_page

if TYPE_CHECKING:
    from lfs_core.book.sweep import Point

WIDTH, HEIGHT, MARGIN = 160, 44, 5  # of a plot, in pixels
DASHES = ("none", "6 3", "2 3", "8 3 2 3")  # lines are told apart without colour too


def write_sweep_page(
    points: Sequence[Point], notebook: str, axes: Mapping[str, Sequence[object]], path: Path
) -> None:
    """Write the page; it links to the folders next to it and needs nothing else.

    Args:
        points: of the grid, and what came of them.
        notebook: its name.
        axes: the values of each parameter.
        path: the file.

    Raises:
        LFSError: it cannot be written.
    """
    failed = {point.folder: failed_file(path.parent / point.folder) for point in points}
    done = [point for point in points if point.failed is None]
    names = list(dict.fromkeys(name for point in done for name in point.numbers))
    along = _axis(axes)
    lines = _lines(done, axes, along)
    changing = {name for name in names if len({point.numbers.get(name) for point in done}) > 1}
    page = filled(
        files("lfs_core.book") / "sweep.html",
        points=points,
        done=done,
        kept={folder: file.name for folder, file in failed.items() if file.is_file()},
        notebook=notebook,
        axes=axes,
        along=along,
        lines={label: DASHES[k % len(DASHES)] for k, label in enumerate(lines)},
        rows={name: _plot(name, lines, axes[along], along) for name in names if name in changing},
        constant={name: done[0].numbers[name] for name in names if name not in changing},
        width=WIDTH,
        height=HEIGHT,
    )
    write_page(path, page)


def _axis(axes: Mapping[str, Sequence[object]]) -> str:
    """What plots run along: the first axis of several numbers, or else of several values."""
    several = [name for name, values in axes.items() if len(values) > 1]
    of_numbers = [name for name in several if not isinstance(axes[name][0], str)]
    return [*of_numbers, *several, *axes][0]


def _lines(
    points: Sequence[Point], axes: Mapping[str, Sequence[object]], along: str
) -> dict[str, list[Point]]:
    """Points that differ along the plots' axis alone, by the values of the other axes."""
    lines: dict[str, list[Point]] = {}
    for point in points:
        others = (f"{name}={point.values[name]}" for name in axes if name != along)
        lines.setdefault(", ".join(others), []).append(point)
    return lines


def _plot(
    name: str, lines: Mapping[str, Sequence[Point]], values: Sequence[Any], along: str
) -> list[list[tuple[float, float]]]:
    """Places of a number's points in its plot, for each line; the lowest value lies at the foot."""
    found = [p.numbers[name] for line in lines.values() for p in line if name in p.numbers]
    low, high = min(found), max(found)
    ordered = sorted(values) if not isinstance(values[0], str) else list(values)

    def place(point: Point) -> tuple[float, float]:
        x = ordered.index(point.values[along]) / max(1, len(ordered) - 1)
        y = (point.numbers[name] - low) / ((high - low) or 1)
        return (
            round(MARGIN + x * (WIDTH - 2 * MARGIN), 1),
            round(HEIGHT - MARGIN - y * (HEIGHT - 2 * MARGIN), 1),
        )

    return [sorted(place(p) for p in line if name in p.numbers) for line in lines.values()]
