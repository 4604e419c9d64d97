"""Tables that also fit a narrow screen, where the style sheet shows each row as a card.

There a cell stands alone, so it carries the headings of its column.
"""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Tag

TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)


def labelled(page: str) -> str:
    """A page's HTML, in which each cell of each table names its column (data-label).

    Roles are said as well, since browsers forget them where rows are not shown as rows.
    """
    return TABLE.sub(lambda found: _labelled(found[0]), page)


def _labelled(text: str) -> str:
    soup = BeautifulSoup(text, "html.parser")
    table = soup.table
    if table is None or table.thead is None or table.tbody is None or soup.find_all("table")[1:]:
        return text
    labels = [", ".join(dict.fromkeys(filter(None, column))) for column in _columns(table.thead)]
    table["role"] = "table"
    for part in (table.thead, table.tbody):
        part["role"] = "rowgroup"
    for row in table.find_all("tr"):
        row["role"] = "row"
    for cell in table.thead.find_all(["th", "td"]):
        cell["role"] = "columnheader"
    for row in table.tbody.find_all("tr"):
        cells = row.find_all(["th", "td"], recursive=False)
        # Cells of earlier rows that reach into this one stand on its left.
        names = labels[len(labels) - sum(_span(cell, "colspan") for cell in cells) :]
        for cell, label in zip(cells, names, strict=False):
            cell["role"] = "rowheader" if cell.name == "th" else "cell"
            if label:
                cell["data-label"] = label
    return str(soup)


def _columns(head: Tag) -> list[list[str]]:
    """The headings above each column, from the top."""
    columns: list[list[str]] = []
    for row in head.find_all("tr"):
        place = 0
        for cell in row.find_all(["th", "td"], recursive=False):
            for _ in range(_span(cell, "colspan")):
                if place == len(columns):
                    columns.append([])
                columns[place].append(" ".join(cell.get_text(" ").split()))
                place += 1
    return columns


def _span(cell: Tag, name: str) -> int:
    return int(str(cell.get(name, "1")))
