"""Charts: their marks stand where the stored numbers are, and they are told in words."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode

import numpy as np
import pytest
from plotly.graph_objects import Figure

from lfs_core.evaluation.names import KINDS
from lfs_core.findings.intervals import Interval, interval
from lfs_core.findings.stored import stored_evaluation
from lfs_core.viz.chart import Chart, Table, dots
from lfs_core.viz.first_screen import CONTROLS, first_screen
from lfs_core.viz.score_figures import plot_leads

MACHINES = re.compile(r"\w=\w|explainlfs|lfs_core|,p=|amortised")


def shown(chart: Chart, choice: str) -> dict[tuple[str, str], tuple[float, ...]]:
    """By series and row: the place of the mark and the ends of its line, as drawn."""
    figure = chart.figure
    (menu,) = figure.layout.updatemenus
    (button,) = (button for button in menu.buttons if button.label == choice)
    visible, layout = button.args
    names = [re.sub(r"</?i>", "", name).replace("<br>", " ") for name in layout["yaxis.ticktext"]]
    found = {}
    for trace, seen in zip(figure.data, visible["visible"], strict=True):
        for x, y, less, more in zip(
            trace.x, trace.y, trace.error_x.arrayminus, trace.error_x.array, strict=True
        ):
            if seen:
                found[trace.name, names[round(y)]] = (x, x - less, x + more)
    return found


@pytest.mark.parametrize("images", ["faces", "birds", "cars"])
def test_the_first_screen_shows_the_stored_numbers(images: str) -> None:
    chart, results = first_screen(), stored_evaluation(f"beyond-{images}")
    found = shown(chart, f"Deletion: {images}")
    metric = "selectivity,every=10"
    for kind in KINDS:
        scores, classes = results.scores(metric, kind), results.classes_of(metric, kind)
        for name, row in (("explainlfs", "ExplainLFS"), ("centre", CONTROLS["centre"])):
            values = scores[:, results.explainers.index(name)]
            of = interval(values, classes=classes)
            drawn = found[f"{kind} pairs", row]
            assert drawn == pytest.approx((np.nanmean(values), of.low, of.high))
            assert any(
                cell == str(of) for line in chart.table.rows if line[0] == row for cell in line
            )
    assert len(found) == 16


def test_leads_are_paired_with_the_baseline() -> None:
    results = stored_evaluation("beyond-faces")
    tests = {"insertion,every=10": "Insertion"}
    chart = plot_leads(results, tests, ["centre", "random"])
    found = shown(chart, "Insertion: lead over Centre map")
    for kind in KINDS:
        (of,) = results.against("insertion,every=10", kind, "simexpert", ["centre"])
        drawn = found[f"{kind} pairs", "SIMExpert"]
        assert drawn == pytest.approx((of["by"], of["low"], of["high"]), abs=2e-3)  # other draws
    assert len(found) == 2 * (len(results.explainers) - 1)


def test_a_first_screen_is_in_words() -> None:
    html, figure = first_screen().html(), first_screen().figure.to_json()
    assert len(html) < 40_000
    for text in (re.sub(r'<script type="text/plain">.*?</script>', "", html), figure):
        assert not MACHINES.search(re.sub(r"<[^>]*>", " ", text))


def test_a_chart_says_the_same_in_text_whatever_is_measured() -> None:
    def plain(mean: float) -> str:
        rows = {"one": Interval(mean, mean - 0.1, mean + 0.1, 3), "two": Interval(0, -1, 1)}
        chart = dots("Means of two", {"": {"": rows}}, "score")
        return chart._repr_mimebundle_()["text/plain"]

    assert plain(0.25) == plain(0.75) == "Chart: Means of two; 2 rows of numbers"


def test_marks_lines_and_words_of_a_chart_agree() -> None:
    rows = {"a & b": Interval(0.5, 0.25, 1.0, 7), "unknown": Interval(np.nan, np.nan, np.nan, 0)}
    chart = dots("Title", {"": {"seen": rows}}, "score", mark=("chance", 0.25))
    (trace,) = chart.figure.data
    assert list(trace.x) == [0.5] and list(trace.y) == [0]
    assert list(trace.error_x.array) == [0.5] and list(trace.error_x.arrayminus) == [0.25]
    assert trace.hovertext[0].endswith("seen: 0.500 [0.250, 1.000] (n = 7)")
    assert not chart.figure.layout.updatemenus  # there is nothing to choose
    assert "chance, 0.25" in chart.alt and "a &amp; b" in chart.html()
    packed = re.search(r'plain">(.*?)</script>', chart.html())
    assert packed is not None
    drawn = json.loads(zlib.decompress(b64decode(packed[1])))
    assert drawn == json.loads(chart.figure.to_json())


def test_rows_can_be_put_into_another_order() -> None:
    rows = {name: Interval(k, k - 1, k + 1, 9) for k, name in enumerate("abc")}
    series = {"up": rows, "down": dict(reversed(rows.items()))}
    orders = {"by up": ["c", "b", "a"], "by down": ["b", "a", "c"]}
    figure = dots("Title", {"": series}, "score", orders=orders).figure
    (menu,) = figure.layout.updatemenus
    for button, order in zip(menu.buttons, orders.values(), strict=True):
        heights, layout = button.args
        assert list(layout["yaxis.ticktext"]) == order
        for trace, y in zip(figure.data, heights["y"], strict=True):
            assert {order[round(of)]: x for x, of in zip(trace.x, y, strict=True)} == {
                name: of.mean for name, of in rows.items()
            }


def test_a_table_holds_its_text() -> None:
    html = Table(["", "n < 3"], [["<b>", "1"], ["two", "2"]]).html()
    assert html.count("<tr>") == 3 and "&lt;b&gt;" in html and "<b>" not in html
    assert Table().html() == "" and Chart(Figure(), "a", "b").html().count("<details") == 0
