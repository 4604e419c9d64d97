"""Tables that fit their column, and a narrow screen, where each row is shown as a card.

On a card a cell stands alone, so it carries the headings of its column. In a cell a number, its
interval and how many pairs they rest on have a line each. Where a whole column rests on the same
pairs, their number is in the heading instead.
"""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Tag

SHORT = 9  # characters, as "10 of 12": a cell with no more is not broken into lines
TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
MEASURED = re.compile(  # "+0.21 [+0.20, +0.22] (n = 252) *"; the star may come before n, too
    r"(?P<value>[-+]?[\d.]+)(?P<interval> \[[^][]*\])?(?P<early> \*)?"
    r"(?P<pairs> \(n = [\d,]+\))?(?P<late> \*)?"
)


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
    _one_heading(table.thead)
    _in_lines(soup, table.thead, table.tbody)
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
            if len(cell.get_text().strip()) <= SHORT:
                cell["class"] = " ".join([*cell.get_attribute_list("class"), "lfs-cell-short"])
    return str(soup)


def _one_heading(head: Tag) -> None:
    """Put the name of the rows into the row of the columns' names; pandas gives it its own."""
    rows = [row.find_all(["th", "td"], recursive=False) for row in head.find_all("tr")]
    texts = [[cell.get_text().strip() for cell in row] for row in rows]
    if len(rows) != 2 or len(rows[0]) != len(rows[1]):
        return
    if all(not one or not other for one, other in zip(*texts, strict=True)):
        for name, place in zip(rows[1], rows[0], strict=True):
            if name.get_text().strip():
                place.replace_with(name)
        head.find_all("tr")[1].decompose()


def _in_lines(soup: BeautifulSoup, head: Tag, body: Tag) -> None:
    """Give a number, its interval and its pairs a line each; or say the pairs in the heading."""
    headings = head.find_all("tr")[0].find_all(["th", "td"], recursive=False)
    columns: dict[int, list[tuple[Tag, re.Match[str]]]] = {}
    for row in body.find_all("tr"):
        cells = row.find_all(["th", "td"], recursive=False)
        for place, cell in enumerate(cells, start=-len(cells)):  # from the right: see `_labelled`
            found = MEASURED.fullmatch(cell.get_text().strip())
            if found and (found["interval"] or found["pairs"]):
                columns.setdefault(place, []).append((cell, found))
    grouped = any(_span(heading, "colspan") > 1 for heading in headings)
    for place, measured in columns.items():
        pairs = {found["pairs"] for _, found in measured}
        said_once = not grouped and len(pairs) == 1 and None not in pairs and len(measured) > 1
        if said_once:
            headings[place].append(_line(soup, pairs.pop().strip(" ()"), "pairs"))
        for cell, found in measured:
            star = found["early"] or found["late"] or ""
            cell.string = found["value"] + star
            for name in ("interval",) if said_once else ("interval", "pairs"):
                if found[name]:
                    cell.append(_line(soup, found[name].strip(), name))


def _line(soup: BeautifulSoup, text: str, name: str) -> Tag:
    """A part of a cell that has a line of its own."""
    line = soup.new_tag("span", attrs={"class": f"lfs-cell-{name}"})
    line.string = f" {text}"
    return line


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
