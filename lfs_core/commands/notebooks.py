"""`lfs run`, `lfs sweep` and `lfs book`: notebooks with parameters, and the book made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lfs_core.commands.options import Jobs, Scheduler

Notebook = Annotated[str, typer.Argument(help="Its number, name or path; a wrong one lists all.")]


def run(
    notebook: Notebook,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="name=value; a wrong name lists all; repeat."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The folder; else runs/NOTEBOOK/PARAMETERS, here."),
    ] = None,
) -> None:
    """Run a notebook with other parameters; one folder holds its figures and numbers."""
    from lfs_core.book.run import find_notebook, parse_values, run_notebook, short_name

    found = find_notebook(notebook)
    values = parse_values(found, parameter or [])
    folder = output or Path("runs") / found.stem / short_name(values)
    run_notebook(found, values, folder)
    typer.echo(f"Wrote {folder}.")


def sweep(
    notebook: Notebook,
    grid: Annotated[
        list[str], typer.Option(help="name=value,value for each parameter that varies.")
    ],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE,VALUE]...", help="More of the grid.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder; else runs/NOTEBOOK, here.")
    ] = None,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
) -> None:
    """Run a notebook at every point of a grid; gather the numbers in a table and a page.

    Run again, it does what is missing or has failed.
    """
    from lfs_core.book.run import find_notebook
    from lfs_core.book.sweep import parse_axes
    from lfs_core.book.sweep import sweep as run_sweep

    found = find_notebook(notebook)
    axes = parse_axes(found, [*grid, *(more or [])])
    folder = output or Path("runs") / found.stem
    points = run_sweep(found, axes, folder, jobs, scheduler)
    failed = [point for point in points if point.failed is not None]
    table, page = folder / "table.csv", folder / "page.html"
    numbers = [point.numbers for point in points if point.failed is None]
    names = {name for of in numbers for name in of}
    changing = [name for name in names if len({of.get(name) for of in numbers}) > 1]
    if len(numbers) > 1:
        change = f"{len(changing)} of its {len(names)} numbers change"
        if not changing:
            change = f"None of its {len(names)} numbers changes"
            change += f": {', '.join(axes)} may show in figures only"
        typer.echo(f"{change}.")
    typer.echo(f"{len(points) - len(failed)} of {len(points)} done. Wrote {table} and {page}.")
    if failed:
        raise typer.Exit(1)


def book(
    store_outputs: Annotated[
        bool, typer.Option(help="Copy the text outputs of this run into notebooks/.")
    ] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print _build/book.pdf as well.")] = False,
    epub: Annotated[bool, typer.Option("--epub", help="Write _build/book.epub as well.")] = False,
) -> None:
    """Run the notebooks whose inputs changed, and build the book in _build/html."""
    from lfs_core.book.build import build

    build(Path.cwd(), store_outputs, pdf, epub)
