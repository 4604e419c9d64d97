"""Run a notebook at every point of a grid of parameters, and gather the numbers.

Every point is a run with a folder of its own. One that fails does not stop the others, and a sweep
that is run again does what is missing.
"""

from __future__ import annotations

import csv
import itertools
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lfs_core.book import run
from lfs_core.errors import LFSError
from lfs_core.evaluation import workers
from lfs_core.util.files import check_outputs, replacing

log = logging.getLogger(__name__)

LOST = "The process that ran it was killed, again and again; memory may have run out."


@dataclass(frozen=True)
class Point:
    """One point of a grid, and what came of it.

    Attributes:
        values: of the parameters.
        folder: the name of its folder.
        failed: why it failed; None if it did not.
        seconds: how long it took; None if it failed.
        numbers: all that the notebook glued and its tables hold, by name.
    """

    values: dict[str, Any]
    folder: str
    failed: str | None
    seconds: float | None
    numbers: dict[str, float]


def parse_axes(notebook: Path, texts: Sequence[str]) -> dict[str, list[object]]:
    """A grid as a command line gives it, `name=value,value`, checked for one notebook.

    Raises:
        LFSError: there is no axis, one is empty, is given twice or names a value twice, or a value
            cannot be used.
    """
    given: dict[str, list[str]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        if not values.strip(" ,"):
            raise LFSError(f"The axis {text!r} is empty: write name=value,value.")
        if name in given:
            raise LFSError(f"The axis {name} is given twice.")
        given[name] = values.split(",")
    if not given:
        raise LFSError("The grid has no axis: write --grid name=value,value.")
    axes = {
        name: [run.parse_values(notebook, [f"{name}={value}"])[name] for value in values]
        for name, values in given.items()
    }
    for name, parsed in axes.items():
        if twice := [value for value in parsed if parsed.count(value) > 1]:
            raise LFSError(f"The axis {name} names {twice[0]} twice.")
    return axes


def sweep(
    notebook: Path,
    axes: dict[str, list[object]],
    folder: Path,
    jobs: int = 1,
    scheduler: str | None = None,
) -> list[Point]:
    """Run what is missing of a grid; gather all in `table.csv`, `table.json` and `page.html`.

    Args:
        notebook: the file.
        axes: the values of each parameter; the grid is all their combinations.
        folder: where each point gets a folder.
        jobs: how many processes of this machine work at once.
        scheduler: address of a Dask scheduler, whose workers do the work instead.

    Raises:
        LFSError: a folder holds other things or cannot be written, or the scheduler cannot be
            reached; not that a point failed.
    """
    from lfs_core.book.sweep_page import write_sweep_page

    grid = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    folders = [folder / run.short_name(values) for values in grid]
    texts = [of for values in axes.values() for of in values if isinstance(of, str)]
    given: list[str | Path] = [notebook, *texts]
    check_outputs([folder / name for name in ("table.json", "table.csv", "page.html")], given)
    if len({place.name.casefold() for place in folders}) < len(folders):
        raise LFSError("Two points differ in capitals only, which not every disk tells apart.")
    for place in folders:
        run.check_folder(place)
        check_outputs([place], given)
        check_outputs([run.failed_file(place)], [notebook])
    with _alone(folder):
        failed = _run_missing(notebook, grid, folders, jobs, scheduler)
        points = [
            _point(values, place, failed.get(place))
            for values, place in zip(grid, folders, strict=True)
        ]
        _write_tables(points, notebook.stem, axes, folder)
        write_sweep_page(points, notebook.stem, axes, folder / "page.html")
    return points


def _run_missing(
    notebook: Path,
    grid: list[dict[str, Any]],
    folders: list[Path],
    jobs: int,
    scheduler: str | None,
) -> dict[Path, str]:
    """Run the points without an up-to-date folder; why some failed."""
    origins, tasks = {}, []
    for values, place in zip(grid, folders, strict=True):
        made_from = run.origin(notebook, values)
        if not run.is_done(place, made_from):
            origins[place] = made_from
            tasks.append(run.task(notebook, values))
    log.info("%d of %d points are done already.", len(grid) - len(tasks), len(grid))
    failed = {}
    outcomes = workers.run(run.work, tasks, jobs, scheduler, _lost, ahead=1)
    for done, (task, outcome) in enumerate(outcomes, 1):
        place = folders[grid.index(task.values)]
        if outcome.failed is None:
            run.write_run(place, origins[place], outcome)
        else:
            failed[place] = outcome.failed
            run.keep_failed(place, outcome)
        what = outcome.failed or f"{outcome.seconds} s"
        log.info("%d of %d: %s: %s", done, len(tasks), place.name, what)
    return failed


def _lost(task: run.Task) -> run.Outcome:
    return run.Outcome(executed=None, failed=LOST, seconds=0.0, versions={})


def _point(values: dict[str, Any], folder: Path, failed: str | None) -> Point:
    from lfs_core.book.outputs import flat

    if failed is not None:
        return Point(values, folder.name, failed, None, {})
    numbers = flat(json.loads((folder / "numbers.json").read_text(encoding="utf-8")))
    manifest = run.read_manifest(folder) or {}
    return Point(values, folder.name, None, manifest.get("seconds"), numbers)


def _write_tables(points: list[Point], notebook: str, axes: dict, folder: Path) -> None:
    content = {"notebook": notebook, "axes": axes, "points": [asdict(point) for point in points]}
    with replacing(folder / "table.json") as new:
        new.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    names = list(dict.fromkeys(name for point in points for name in point.numbers))
    with (
        replacing(folder / "table.csv") as new,
        new.open("w", newline="", encoding="utf-8") as file,
    ):
        table = csv.writer(file)
        table.writerow([*axes, "failed", "seconds", *names])
        for point in points:
            numbers = [point.numbers.get(name) for name in names]
            table.writerow([*point.values.values(), point.failed, point.seconds, *numbers])


def _alone(folder: Path) -> FileLock:
    """A lock on a sweep's folder; a second sweep waits, and then finds most of it done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".sweep.lock")
        lock.acquire(timeout=0)
    except OSError as error:
        raise LFSError(f"Cannot write to {folder} ({error.strerror or error}).") from error
    except Timeout:
        log.info("Another sweep works in %s; waiting for it to end ...", folder)
        lock.acquire()
    return lock
