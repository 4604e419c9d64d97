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


def cells(page: str) -> list[list[list[str]]]:
    """The lines of each cell, row by row."""
    rows = BeautifulSoup(labelled(page), "html.parser").table.find_all("tr")
    return [[list(cell.stripped_strings) for cell in row.find_all(["th", "td"])] for row in rows]


def test_a_number_its_interval_and_its_pairs_have_a_line_each() -> None:
    table = pd.DataFrame(
        {"lead": ["+0.21 [+0.20, +0.22] (n = 252) *", "-0.01 [-0.02, +0.01] * (n = 1,200)"]},
        index=["faces", "birds"],
    )
    assert cells(table.to_html()) == [
        [[], ["lead"]],
        [["faces"], ["+0.21 *", "[+0.20, +0.22]", "(n = 252)"]],
        [["birds"], ["-0.01 *", "[-0.02, +0.01]", "(n = 1,200)"]],
    ]


def test_pairs_that_a_whole_column_rests_on_are_said_in_its_heading() -> None:
    table = pd.DataFrame(
        {
            "similar": ["0.2 [0.1, 0.3] (n = 9)", "-", "0.4 [0.3, 0.5] (n = 9)"],
            "dissimilar": ["0.2 (n = 7)", "0.3 (n = 7)", "0.4 (n = 8)"],
        },
        index=pd.Index(["a", "b", "c"], name="method"),
    )
    assert cells(table.to_html()) == [
        [["method"], ["similar", "n = 9"], ["dissimilar"]],
        [["a"], ["0.2", "[0.1, 0.3]"], ["0.2", "(n = 7)"]],
        [["b"], ["-"], ["0.3", "(n = 7)"]],
        [["c"], ["0.4", "[0.3, 0.5]"], ["0.4", "(n = 8)"]],
    ]
    labels = BeautifulSoup(labelled(table.to_html()), "html.parser").find_all("td")
    assert labels[0]["data-label"] == "similar n = 9"


def test_headings_of_groups_do_not_take_the_pairs_of_one_column() -> None:
    table = pd.DataFrame(
        [["0.2 (n = 9)", "0.3 (n = 9)"]] * 2,
        columns=pd.MultiIndex.from_product([["deletion"], ["similar", "dissimilar"]]),
    )
    assert cells(table.to_html())[2][1:] == [["0.2", "(n = 9)"], ["0.3", "(n = 9)"]]
