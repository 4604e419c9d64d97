"""Verdicts over readings: by hand, by properties, and with an independent analysis of variance."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f_oneway

from lfs_core.findings.intervals import Interval
from lfs_core.findings.readings import (
    ANY,
    Reading,
    _eta_squared,
    deciding,
    deciding_table,
    in_words,
    lowest,
    over_readings,
    verdicts,
    verdicts_by,
)
from lfs_core.viz.chart import Chart
from lfs_core.viz.specification import plot_specification

HOLDS, FAILS, OPEN = Interval(0.2, 0.1, 0.3), Interval(-0.2, -0.3, -0.1), Interval(0.1, -0.1, 0.3)


def readings(*found: Interval, **choices: list[str]) -> list[Reading]:
    return [
        Reading({name: of[k] for name, of in choices.items()}, one) for k, one in enumerate(found)
    ]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((HOLDS, HOLDS), "holds"),
        ((FAILS, FAILS, FAILS), "fails"),
        ((OPEN,), "not shown"),
        ((HOLDS, FAILS), "depends"),
        ((HOLDS, OPEN), "depends"),
        ((FAILS, OPEN), "not shown"),
    ],
)
def test_the_verdict_looks_at_all_readings(found: tuple[Interval, ...], verdict: str) -> None:
    assert over_readings(readings(*found)) == verdict
    assert over_readings(readings(*reversed(found))) == verdict


@given(st.lists(st.sampled_from([HOLDS, FAILS, OPEN]), min_size=1), st.randoms())
def test_more_readings_never_make_a_claim_surer(found: list[Interval], random: object) -> None:
    """A verdict on all says the same of every part, or it depends or is not shown."""
    verdict = over_readings(readings(*found))
    if verdict in ("holds", "fails"):
        assert all(over_readings([one]) == verdict for one in readings(*found))
    assert over_readings(readings(*found, HOLDS, FAILS)) == "depends"


def test_one_reading_in_twenty_by_chance_is_not_what_a_claim_depends_on() -> None:
    """Readings of a mean of 0: some intervals lie outside, and none does after correction."""
    random = np.random.default_rng(0)
    means = random.normal(0, 1, size=100)
    found = readings(*(Interval(mean, mean - 1.96, mean + 1.96) for mean in means))
    assert sum(reading.verdict != "not shown" for reading in found) > 0
    assert set(verdicts(found)) == {"not shown"}
    assert over_readings(found) == "not shown"
    assert "holds in 0, fails in 0 and is not shown in 100" in in_words(found)


def many(value: Callable[[dict[str, str]], float], tests: int = 12, seed: int = 0) -> list[Reading]:
    """Readings of drawn tests, each with two decoders of its own, and a little noise."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(tests):
        test = {"network": str(random.choice(["A", "B"])), "fill": str(random.choice(list("xyz")))}
        test["decoder's seed"] = str(number)
        for decoder in ("linear", "MLP"):
            choices = {**test, "decoder": decoder, "one": "z"}
            mean = value(choices) + 0.01 * random.normal()
            found.append(Reading(choices, Interval(mean, mean - 0.02, mean + 0.02)))
    return found


def test_the_deciding_choice() -> None:
    """One that is all there is comes first; one that is unrelated, or has one value, never."""
    found = many(lambda of: 0.3 if of["decoder"] == "linear" else -0.3)
    first, *others = deciding(found)
    assert first == ("decoder",) and deciding(found)[first] > 0.99
    assert ("fill",) not in others and not any("one" in choices for choices in others)
    said = in_words(found)
    assert "holds in 12, fails in 12" in said and "explained by decoder (100 %)" in said
    assert "it holds only with decoder: linear" in said
    assert deciding(readings(HOLDS, HOLDS, decoder=list("ab"))) == {}


def test_two_choices_decide_together() -> None:
    """Neither decides alone where only their values together do."""
    found = many(lambda of: 0.3 if (of["network"] == "A") == (of["decoder"] == "MLP") else -0.3)
    first = next(iter(deciding(found)))
    assert set(first) == {"network", "decoder"} and ("decoder",) not in deciding(found)
    assert deciding_table({"a rival": found}).loc["a rival", "two together"].endswith("(100 %)")
    assert deciding_table({"a rival": found}).loc["a rival", "alone"] == "none"


@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_chance_decides_nothing(spread: float) -> None:
    """Also where both readings of a test are alike, so that there are fewer than it seems."""
    false = 0
    for seed in range(40):
        of_tests = spread * np.random.default_rng(1000 + seed).normal(size=12)
        means = iter(np.repeat(of_tests, 2).tolist())
        false += bool(deciding(many(lambda of, means=means: next(means), seed=seed)))
    assert false <= 5  # of 40, at 5 %


def test_a_value_that_changes_nothing_decides_nothing() -> None:
    """`p` is open only with the MLP, where it decides nothing; the decoder decides all."""
    found = [
        Reading(
            {"decoder": d, "p": p, "fill": fill, "decoder's seed": fill},
            Interval(m, m - 0.1, m + 0.1),
        )
        for d, p, m in (("linear", ANY, 1.0), ("MLP", "0.1", 0.0), ("MLP", "0.9", 0.0))
        for fill in "mnopqrstuvwxyz"
    ]
    assert deciding(found)[("decoder",)] == pytest.approx(1)
    assert not any("p" in choices for choices in deciding(found))


def test_verdicts_are_counted_for_each_value_of_a_choice() -> None:
    table = verdicts_by(readings(HOLDS, OPEN, HOLDS, decoder=list("aab")), "decoder")
    assert table.columns.tolist() == ["holds", "fails", "not shown"]
    assert table.loc["a"].tolist() == [1, 0, 1] and table.loc["b"].tolist() == [1, 0, 0]


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6).filter(lambda x: np.ptp(x) > 1e-3))
def test_eta_squared_is_that_of_scipys_analysis_of_variance(means: list[float]) -> None:
    (share,) = _eta_squared(np.array(means), np.array([[0, 0, 1, 1, 2, 2]]))
    if share < 1 - 1e-9:
        f = f_oneway(means[:2], means[2:4], means[4:]).statistic
        assert share == pytest.approx(2 * f / (2 * f + 3), abs=1e-6)  # 2 and 3 degrees of freedom


def test_the_specification_curve_shows_every_reading_and_its_choices() -> None:
    found = readings(FAILS, HOLDS, OPEN, HOLDS, decoder=list("abab"), same=list("xxxx"))
    *points, marks = plot_specification(found, "advantage").data
    drawn = {trace.name: list(zip(trace.x, trace.y, strict=True)) for trace in points}
    assert drawn == {  # sorted, readings 0, 2, 1, 3 come first to last
        "holds (2 of 4)": [(2, 0.2), (3, 0.2)],
        "fails (1 of 4)": [(0, -0.2)],
        "not shown (1 of 4)": [(1, 0.1)],
    }
    for trace in points:
        assert len(trace.error_y.array) == len(trace.error_y.arrayminus) == len(trace.x)
    assert points[0].error_y.array[0] == pytest.approx(0.1)
    assert points[2].error_y.arrayminus[0] == pytest.approx(0.2)
    assert len({trace.marker.symbol for trace in points}) == 3  # for who sees no colours
    # "same" has one value and no row.
    rows = set(zip(marks.x, marks.y, strict=True))
    assert rows == {(0, "decoder: a"), (1, "decoder: a"), (2, "decoder: b"), (3, "decoder: b")}
    assert "holds</b>: 0.200 [0.100, 0.300]<br>decoder: b<br>same: x" in points[0].text[0]


finite = st.floats(-0.5, 0.5).map(lambda x: round(x, 3))
lists = st.lists(
    st.tuples(finite, st.floats(0.001, 0.3), st.sampled_from("ab"), st.sampled_from("xyz")),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)  # Plotly checks every figure
@given(lists)
def test_the_menu_marks_the_readings_with_a_value(given: list[tuple]) -> None:
    found = [
        Reading({"decoder": decoder, "fill": fill}, Interval(mean, mean - half, mean + half))
        for mean, half, decoder, fill in given
    ]
    figure = plot_specification(found, "advantage")
    *points, _ = figure.data
    assert sorted(k for trace in points for k in trace.x) == list(range(len(found)))
    assert sum(of.verdict == "holds" for of in found) >= sum(
        len(trace.x) for trace in points if trace.name.startswith("holds")
    )
    for menu in figure.layout.updatemenus:
        assert menu.buttons[0].args[0]["selectedpoints"] == [None] * len(points)
        for button in menu.buttons[1:]:
            marked = [
                trace.text[k]
                for trace, chosen in zip(points, button.args[0]["selectedpoints"], strict=True)
                for k in chosen
            ]
            choice, value = button.label.split(": ")
            assert len(marked) == sum(reading.choices[choice] == value for reading in found)
            assert all(button.label in text for text in marked)


def test_hundreds_of_readings_are_few_traces_and_light() -> None:
    random = np.random.default_rng(0)
    means = random.normal(0, 0.1, 600)
    values = {f"choice {k}": [f"value {v}" for v in random.integers(4, size=600)] for k in range(8)}
    found = readings(*(Interval(m, m - 0.05, m + 0.05, 100) for m in means), **values)
    figure = plot_specification(found, "advantage")
    assert len(figure.data) == 4
    assert len(Chart(figure, "", "").html()) < 150_000


def test_a_chart_is_html_without_a_copy_of_plotly() -> None:
    figure = plot_specification(readings(HOLDS, FAILS, name=["a", "</script><b>"]), "advantage")
    chart = Chart(figure, "a < b", 'says "what"', folded=True)
    shown, html = chart._repr_mimebundle_(), chart.html()
    assert set(shown) == {"application/vnd.plotly.v1+json", "text/plain"}
    assert html.count("</script>") == 1 and "src=" not in html and "http" not in html
    assert "<summary>a &lt; b</summary>" in html and "&quot;what&quot;" in html
    data = re.search(r'plain">(.*?)</script>', html)
    assert data is not None
    told = json.loads(zlib.decompress(b64decode(data[1])))
    assert told == shown["application/vnd.plotly.v1+json"]
    assert told["data"][0]["name"] == "holds (1 of 2)"
    assert shown["text/plain"] == "Chart: a < b"


def parts(*found: Interval) -> list[Reading]:
    return readings(*found, part=[str(k) for k in range(len(found))], decoder=["a"] * len(found))


def test_a_claim_of_several_parts_is_read_at_the_lowest() -> None:
    (one,) = lowest(parts(HOLDS, FAILS, OPEN), "part")
    assert one == Reading({"decoder": "a"}, FAILS, 3)
    assert lowest(parts(HOLDS, OPEN), "part")[0].found == OPEN
    assert over_readings(lowest(parts(HOLDS, HOLDS), "part")) == "holds"
    assert over_readings(lowest(parts(HOLDS, OPEN), "part")) == "not shown"
    two = lowest([*parts(HOLDS, HOLDS), Reading({"part": "0", "decoder": "b"}, FAILS)], "part")
    assert [of.choices for of in two] == [{"decoder": "a"}, {"decoder": "b"}]
    assert over_readings(two) == "depends"


@given(st.lists(st.sampled_from([HOLDS, FAILS, OPEN]), min_size=1, max_size=6), st.randoms())
def test_the_order_of_parts_does_not_matter(found: list[Interval], random: object) -> None:
    """And a claim holds only where all of its parts do."""
    (one,) = lowest(parts(*found), "part")
    shuffled = [*found]
    random.shuffle(shuffled)
    assert lowest(parts(*shuffled), "part")[0].found == one.found
    assert (one.verdict == "holds") == all(of == HOLDS for of in found)


def test_that_one_of_many_parts_lies_below_is_no_failure() -> None:
    """Of forty parts of a true claim, one lies below 0 by chance."""
    barely = Interval(-0.2, -0.39, -0.01)
    assert parts(barely)[0].verdict == "fails"
    (one,) = lowest(parts(barely, *[HOLDS] * 39), "part")
    assert one.parts == 40 and one.verdict == "not shown"


def test_where_all_readings_fail_is_said() -> None:
    found = readings(FAILS, FAILS, OPEN, OPEN, decoder=list("aabb"), fill=list("xyxy"))
    assert "it fails in every reading with decoder: a" in in_words(found)
    assert "it fails" not in in_words(readings(FAILS, FAILS, decoder=list("ab")))


def test_a_lucky_decoder_is_not_a_kind_that_decides() -> None:
    """Each trained decoder has luck of its own, in all its readings; its kind has no effect."""
    false = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        found = []
        for images in "abc":
            for size in ("small", "full"):
                for kind in ("linear", "MLP", "convolutional"):
                    luck = random.normal()
                    for p in ("0.1", "0.3", "0.6", "0.9"):
                        mean = luck + 0.05 * random.normal()
                        choices = {"images": images, "size": size, "decoder": kind, "p": p}
                        found.append(Reading(choices, Interval(mean, mean - 0.1, mean + 0.1)))
        false += ("decoder",) in deciding(found)
    assert false <= 5  # of 40, at 5 %
