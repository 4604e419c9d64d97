"""Which place matches which: what views, reports, figures and the terminal are told."""

from __future__ import annotations

import base64
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import run
from compared import compare
from in_node import in_node
from joined_places import GRID, LONELY, LOSER, K, matching_pair, mirrored

from lfs_core.correspondence import LEAST, probabilities
from lfs_core.errors import LFSError
from lfs_core.viz.joined import joined
from lfs_core.viz.match_figures import plot_matches
from lfs_core.viz.matches import (
    LINES,
    matched_parts,
    matches_contents,
    matches_of,
    place_words,
    said_of_matches,
    tells_none,
    view_contents,
)
from lfs_core.viz.rendering import WEB
from lfs_core.viz.report import render_report
from lfs_core.viz.views.matches import MatchesFigure

# Linear sRGB as readers without red, green or blue cones see it (Machado, Oliveira and Fernandes
# 2009, severity 1).
VISION = {
    "all": np.eye(3),
    "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def linear(colour: str) -> np.ndarray:
    """A colour's light, of three kinds, in [0,1]."""
    named = {"white": "#ffffff", "black": "#000000"}
    values = np.array([int(named.get(colour, colour)[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* of linear sRGB."""
    x, y, z = np.cbrt(np.clip(TO_XYZ @ light, 0, None) / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_every_eye_tells_the_lines_apart(vision: str) -> None:
    assert len(LINES) == 10
    for one, other in itertools.combinations(LINES, 2):
        if one.dashed == other.dashed:
            a, b = (lab(VISION[vision] @ linear(line.colour)) for line in (one, other))
            assert np.linalg.norm(a - b) > 10, (one, other)


def test_numbers_are_read_on_their_colours() -> None:
    for line in LINES:
        a, b = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (line.colour, line.ink))
        assert (b + 0.05) / (a + 0.05) >= 4.5


def numbers(matrix: dict) -> np.ndarray:
    """As the view reads them."""
    steps = np.frombuffer(base64.b64decode(matrix["steps"]), "<i2")
    return matrix["scale"] * steps.reshape(K, K)


def test_the_view_is_told_the_matrices_to_half_a_step() -> None:
    e = matching_pair()
    told = matches_contents(e)
    json.dumps(told)
    for name, true in (("matches", e.matches), ("likeness", e.likeness)):
        largest = true.abs().max().item()
        assert np.abs(numbers(told[name]) - true.numpy()).max() <= 0.51 * largest / 2**15
    zero = matches_contents(matching_pair(matches=torch.zeros(K, K)))
    assert (numbers(zero["matches"]) == 0).all()


def test_matches_are_told() -> None:
    told = matches_contents(matching_pair())
    pairs = {(k, l) for k, l, _ in told["matched"]}  # noqa: E741
    assert pairs == {(k, mirrored(k)) for k in range(K) if k not in (LONELY, LOSER)}
    confidence = [value for *_, value in told["matched"]]
    assert confidence == sorted(confidence, reverse=True)
    chosen = probabilities(matching_pair().likeness)
    assert chosen[LONELY].max() < LEAST <= chosen[LOSER].max() < chosen[:, mirrored(4)].max()
    assert np.abs(numbers(told["probabilities"]) - chosen.numpy()).max() < 1e-4


WORDS = """
const told = JSON.parse(process.argv[1]);
const matrices = readMatrices(told);
const said = [0, 1].map((side) => told.places.map((_, k) => answerOf(told, matrices, side, k)));
const listed = told.matched.map((match) => matchInWords(told, match));
console.log(JSON.stringify({ said, listed, overview: overview(told) }));
"""


def test_what_answers_each_place_is_said_in_words() -> None:
    told = matches_contents(matching_pair())
    code = "\n".join(joined(WEB, f"matches/{name}.js") for name in ("words", "answers"))
    found = in_node(f"{code}\n{WORDS}", json.dumps(told))
    (forth, back), places = found["said"], told["places"]
    assert forth[LOSER].startswith(f"{places[LOSER].capitalize()} of the first image")
    better = f"its likeliest place, {places[mirrored(4)]} ("
    assert "has no match of its own" in forth[LOSER] and better in forth[LOSER]
    assert f"goes better with {places[4]} (" in forth[LOSER]
    assert "has no match: the likeliest place of the second image" in forth[LONELY]
    for (k, l, value), listed in zip(told["matched"], found["listed"], strict=True):  # noqa: E741
        words = f"of the second image, confidence {value:.2f}."
        assert forth[k].endswith(f"of the first image matches {places[l]} {words}")
        assert back[l].endswith(f"matches {places[k]} of the first image, confidence {value:.2f}.")
        assert listed == f"{places[k]} \u2192 {places[l]}, confidence {value:.2f}"
    assert found["overview"].startswith(f"10 of {K} places have a match in the other photograph")


def test_places_are_named_by_where_they_lie() -> None:
    words = place_words(GRID)
    assert len(set(words)) == K
    assert words[0] == "upper left, row 1, column 1"
    assert words[5] == "centre, row 2, column 2"
    assert words[4] == "middle left, row 2, column 1"
    assert words[K - 1] == "lower right, row 3, column 4"
    assert place_words((1, 1)) == ["centre, row 1, column 1"]
    assert [of.split(",")[0] for of in place_words((2, 2))][:2] == ["upper left", "upper right"]


def test_matches_are_said_in_words() -> None:
    first, *said = said_of_matches(matching_pair()).splitlines()
    assert first == "10 of 12 places have a match."
    assert len(said) == 10
    assert said[0].startswith("1. lower right, row 3, column 4 → lower left, row 3, column 1, ")
    assert float(said[0].split()[-1]) >= float(said[-1].split()[-1])
    none = matching_pair(likeness=torch.zeros(K, K))
    assert said_of_matches(none) == f"No place has a match with a confidence of at least {LEAST}."


def test_methods_that_tell_no_matches_are_refused_and_others_named() -> None:
    e = compare()["ramps"][0]
    for refused in (matches_of, matches_contents, said_of_matches, plot_matches, MatchesFigure):
        with pytest.raises(LFSError, match=r"^ramps does not tell .* do: .*causal.*amortised"):
            refused(e)
    assert "occlusion does not" in tells_none("occlusion") and "gradcam" not in tells_none("ramps")


def test_a_report_shows_matches_where_there_are_some() -> None:
    """Its policy allows the view's script, and in other reports none."""
    html = render_report(matching_pair(), ("a.png", "<b>.png"), ())
    assert html.count('data-view="matches"') == 1 and "script-src &#39;sha256-" in html
    assert "<b>" not in html
    assert len(html) < 500_000
    (contents,) = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    named = view_contents(matching_pair(), ("a.png", "<b>.png"))
    assert json.loads(contents) == json.loads(json.dumps(named))
    other = render_report(compare()["ramps"][0], ("a", "b"), ())
    assert "lfs-page" not in other and "script-src" not in other


def test_parts_that_matched_are_sums_of_what_speaks_for_a_match() -> None:
    e = matching_pair()
    parts = matched_parts(e).reshape(2, K)
    for side, matrix in enumerate((e.matches.tolist(), e.matches.T.tolist())):
        sums = [sum(value for value in row if value > 0) for row in matrix]
        assert parts[side].tolist() == pytest.approx([one / max(sums) for one in sums], abs=1e-6)
    assert matched_parts(e).shape == (2, *GRID)
    against = matching_pair(matches=-torch.ones(K, K))
    assert (matched_parts(against) == 0).all()
    assert matched_parts(compare()["ramps"][0]) is None


def test_the_figure_joins_the_places() -> None:
    axis = plot_matches(matching_pair()).axes[0]
    assert [of.get_text() for of in axis.texts] == [str(k) for k in range(1, 11) for _ in "ab"]
    ends = [line.get_xydata()[[0, -1]] for line in axis.lines]
    for (a, b), match in zip(ends, matches_contents(matching_pair())["matched"], strict=True):
        for at, place, left in ((a, match[0], 0), (b, match[1], 1.12)):
            assert at[0] - left == pytest.approx((place % 4 + 0.5) / 4)
            assert at[1] == pytest.approx(30 / 45 * (place // 4 + 0.5) / 3)
    widths = [line.get_linewidth() for line in axis.lines]
    assert widths == sorted(widths, reverse=True) and widths[0] > widths[-1]
    empty = plot_matches(matching_pair(likeness=torch.zeros(K, K))).axes[0]
    assert not empty.lines and "no place" in empty.get_title()


def test_the_command_says_matches_or_refuses_before_the_work(
    astronaut: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    asked = ["explain", astronaut, astronaut, "-o", page, "--matches"]
    done = run(*asked)
    assert done.returncode == 1 and not page.exists()
    assert "explainlfs does not tell which place matches which" in done.stderr
    assert "amortised" in done.stderr
    done = run(*asked, "--method", "amortised")
    assert done.returncode == 0, done.stderr
    assert "of 64 places have a match.\n1. " in done.stdout
    assert 'data-view="matches"' in page.read_text("utf-8")
    assert page.stat().st_size < 2_000_000
