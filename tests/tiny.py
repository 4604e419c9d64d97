"""Notebooks of a few cells, which run in seconds."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook


def write_notebook(path: Path, parameters: str, *sources: str, figure: str = "") -> Path:
    """Write a notebook: its `parameters` cell, then a cell for each source.

    Args:
        path: the file; its folder is made.
        parameters: the source of the first cell.
        sources: of the others.
        figure: the name of the figure that the last of them shows.
    """
    cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    cells += [new_code_cell(source) for source in sources]
    if figure:
        cells[-1].metadata["mystnb"] = {"figure": {"name": figure}}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path
