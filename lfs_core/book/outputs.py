"""What an executed notebook shows, as files and numbers."""

from __future__ import annotations

import ast
import base64
import math
import re
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from lfs_core.book.kernel import CHART, TABLE

GLUED = "application/papermill.record/"  # before the type of what `glue` keeps
PICTURES = {"image/png": "png", "image/jpeg": "jpg"}
PAGE = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{}</title></head>\n'


def figures(notebook: NotebookNode) -> dict[str, bytes]:
    """Pictures (.png, .jpg) and interactive figures (.html), by the name of the file to write.

    Of a chart the file holds the description and the numbers: it would be drawn by scripts that
    pages of the book share.

    A figure has the name that its cell gives it in `mystnb`, or that it was glued under, or the
    number of its cell; a second one of the same name gets a number.
    """
    found: dict[str, bytes] = {}
    for name, data, _ in _shown(notebook):
        pictures = {
            ending: data.get(kind, data.get(GLUED + kind)) for kind, ending in PICTURES.items()
        }
        ending, picture = next((known for known in pictures.items() if known[1]), ("", ""))
        if picture:
            found[_free(name, ending, found)] = base64.b64decode(picture)
        elif (CHART in data or "text/html" in data) and TABLE not in data:
            html = data.get(CHART) or data["text/html"]
            page = html if "<html" in html[:200] else PAGE.format(name) + html
            found[_free(name, "html", found)] = page.encode()
    return found


def numbers(notebook: NotebookNode) -> dict[str, dict[str, Any]]:
    """What was glued, by name, and every table, by the name of its cell, in full precision."""
    glued: dict[str, Any] = {}
    tables: dict[str, Any] = {}
    for name, data, is_glued in _shown(notebook):
        if is_glued and GLUED + "text/plain" in data:
            glued[name] = _number(_value(data[GLUED + "text/plain"]))
        elif TABLE in data:
            tables[_free(name, "", tables)] = data[TABLE]
    return {"glued": glued, "tables": tables}


def flat(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    """The numbers among what `numbers` gives, each with one name."""
    values = dict(found["glued"])
    for name, table in found["tables"].items():
        for index, row in zip(table["index"], table["data"], strict=True):
            for column, value in zip(table["columns"], row, strict=True):
                values[f"{name}: {_label(index)}, {_label(column)}"] = _number(value)
    return {name: value for name, value in values.items() if isinstance(value, int | float)}


def _shown(notebook: NotebookNode) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Name and data of every output, and whether it was glued."""
    number = 0
    for cell in notebook.cells:
        if cell.cell_type != "code" or "injected-parameters" in cell.metadata.get("tags", ()):
            continue
        number += 1  # as in the notebook that was run
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        for output in cell.outputs:
            glued = output.get("metadata", {}).get("scrapbook", {}).get("name")
            name = glued or figure.get("name", f"cell-{number:02}")
            yield name, output.get("data", {}), glued is not None


def _free(name: str, ending: str, taken: dict[str, Any]) -> str:
    names = (f"{name}-{k}" if k > 1 else name for k in range(1, len(taken) + 2))
    files = (f"{stem}.{ending}" if ending else stem for stem in names)
    return next(file for file in files if file not in taken)


def _value(text: str) -> object:
    """What a glued value's representation stands for, or else the representation."""
    try:
        return ast.literal_eval(re.sub(r"^np\.\w+\((.+)\)$", r"\1", text))  # np.float64(0.3)
    except (ValueError, SyntaxError):
        return text


def _number(value: object) -> object:
    """A number, where the value is one or is the text of one; else the value."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return number if math.isfinite(number) else value
    return value


def _label(name: object) -> str:
    return " ".join(map(str, name)) if isinstance(name, list) else str(name)
