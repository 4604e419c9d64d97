"""Cells of tables know their columns, so that rows can be shown as cards."""

from __future__ import annotations

import pandas as pd
from bs4 import BeautifulSoup

from lfs_core.book.tables import labelled


def labels(page: str) -> list[list[str | None]]:
    rows = BeautifulSoup(labelled(page), "html.parser").tbody.find_all("tr")
    return [[cell.get("data-label") for cell in row.find_all(["th", "td"])] for row in rows]


def test_columns_in_groups_and_rows_that_share_a_heading() -> None:
    table = pd.DataFrame(
        [[1, 2], [3, 4], [5, 6]],
        index=pd.MultiIndex.from_tuples(
            [("faces", "a"), ("faces", "b"), ("birds", "a")], names=["images", "test"]
        ),
        columns=pd.MultiIndex.from_product([["deletion"], ["similar", "dissimilar"]]),
    )
    named = ["deletion, similar", "deletion, dissimilar"]
    assert labels(f"<p>One.</p>{table.to_html()}<p>Two.</p>") == [
        ["images", "test", *named],
        ["test", *named],
        ["images", "test", *named],
    ]


def test_what_is_no_table_of_columns_stays_as_it_is() -> None:
    page = "<table><tbody><tr><td>x</td></tr></tbody></table><p>a &lt; b</p><pre>  x</pre>"
    assert labelled(page) == page


def test_text_is_kept() -> None:
    table = pd.DataFrame({"a & b": ["<x>"]}).to_html()
    soup = BeautifulSoup(labelled(table), "html.parser")
    assert soup.get_text().split() == ["a", "&", "b", "0", "<x>"]
    assert [cell["role"] for cell in soup.tbody.find_all(["th", "td"])] == ["rowheader", "cell"]
