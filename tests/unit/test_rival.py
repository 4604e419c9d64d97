"""The book's map against LRP: leads counted again from the stored curves, by another bootstrap."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from lfs_core.evaluation.names import reader_name
from lfs_core.findings import rival
from lfs_core.findings.choice import use_markdown
from lfs_core.findings.first_page import instead_markdown
from lfs_core.util.manifest import RESULTS

WITH_BOTH = rival.runs()
TESTS = [
    (run, images, metric) for run, (images, metrics) in WITH_BOTH.items() for metric in metrics
]
ROAD_PERCENTS = np.array([0, 10, 30, 50, 70, 90])


def moved(curves: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """How far similarities fall from the first, on average over the curve; trapezoids."""
    means = (curves[:, 1:] + curves[:, :-1]) / 2
    return curves[:, 0] - (means * np.diff(steps)).sum(axis=1) / (steps[-1] - steps[0])


def equal_error(similarity: np.ndarray, same: np.ndarray) -> float:
    """Between which two similarities as large a share of either kind is decided wrong."""
    between = (np.unique(similarity)[1:] + np.unique(similarity)[:-1]) / 2
    rejected = (similarity[same] <= between[:, None]).mean(axis=1)
    accepted = (similarity[~same] > between[:, None]).mean(axis=1)
    apart = np.abs(rejected - accepted)
    return between[apart < apart.min() + 1e-9].mean()


def own_leads(run: str, metric: str, kind: str) -> np.ndarray:
    """By how much the map scores better than LRP, pair by pair."""
    stored = json.loads((RESULTS / f"{run}.json").read_text(encoding="utf-8"))
    similarity, same = np.array(stored["similarity"]), np.array(stored["same"], dtype=bool)
    similar = similarity > stored["manifest"]["threshold"]
    score = {}
    for name in ("amortised", "lrp"):
        found = np.array(stored["measured"][name][metric], dtype=float)
        if metric == "partner":  # how alike the maps of two partners are
            score[name] = -found[:, 0]
        elif metric == "patch":
            score[name], similar = found[:, 0], found[:, 2] == 1
        elif metric == "mosaic":
            score[name] = found[:, 0]
        elif metric.startswith("verification"):
            right = (found[:, 1:] > equal_error(similarity, same)) == same[:, None]
            score[name] = right.mean(axis=1) * (1 if "insertion" in metric else -1)
        else:
            steps = ROAD_PERCENTS if metric.startswith("road") else np.arange(found.shape[1])
            fall = moved(found, steps) * (-1 if metric.startswith("insertion") else 1)
            sign = -1 if "order=least" in metric else 1  # then a good map moves nothing at first
            score[name] = sign * np.where(similar, fall, -fall)
    lead = (score["amortised"] - score["lrp"])[similar == (kind == "similar")]
    return lead[np.isfinite(lead)]


@pytest.mark.parametrize(("run", "images", "metric"), TESTS)
@pytest.mark.parametrize("kind", ("similar", "dissimilar"))
def test_a_lead_is_that_of_the_raw_numbers(run: str, images: str, metric: str, kind: str) -> None:
    name, own = (reader_name(metric), images, kind), own_leads(run, metric, kind)
    if not len(own):  # a mosaic has no dissimilar pairs
        assert name not in rival.leads() and name not in rival.controls_ahead()
        return
    row = rival.leads()[name]
    assert row["by"] == pytest.approx(own.mean(), abs=1e-3)
    assert row["pairs"] == len(own)
    if row["p"] < 0.05:
        random = np.random.default_rng(0)
        ends = np.percentile(random.choice(own, (4000, len(own))).mean(axis=1), [2.5, 97.5])
        assert (ends > 0).all() or (ends < 0).all()


def test_every_run_with_both_is_counted_once() -> None:
    """By the files: none is left out, and none of the same test replaces another."""
    tests = 0
    for path in RESULTS.glob("*.json"):
        found = json.loads(path.read_text(encoding="utf-8")).get("measured", {})
        if {"amortised", "lrp"} <= {*found}:
            names = ("continuity", "lipschitz", "parts", "shown")  # they describe maps
            # All have pairs of both kinds, but a mosaic's second image shows the same class.
            each = [
                1 if metric == "mosaic" else 2
                for metric in found["lrp"]
                if not metric.startswith(names)
            ]
            tests += sum(each)
    assert len(rival.leads()) == tests >= 30


def test_the_words_count_what_the_table_stars() -> None:
    table = rival.leads_table()
    for kind in ("similar", "dissimilar"):
        cells = [cell for cell in table[f"{kind} pairs"] if cell != "no pairs"]
        starred = [cell for cell in cells if cell.endswith("*")]
        worse = sum(cell.startswith("-") for cell in starred)
        found = re.search(
            rf"on {kind} pairs the map is significantly better in (\d+) of (\d+) tests and worse "
            r"in (\d+)",
            rival.in_words(),
        )
        assert found
        assert [int(n) for n in found.groups()] == [len(starred) - worse, len(cells), worse]


def test_controls_ahead_are_counted_again() -> None:
    """A control is named where it moves further than LRP, pair by pair, beyond the noise."""
    stored = json.loads((RESULTS / "road.json").read_text(encoding="utf-8"))
    similar = np.array(stored["similarity"]) > stored["manifest"]["threshold"]
    rise = {
        name: -moved(np.array(of["road,blurred=true"]), ROAD_PERCENTS)[~similar]
        for name, of in stored["measured"].items()
    }
    for control in ("centre", "own-likeness", "random"):
        ahead = rise[control] - rise["lrp"]
        error = ahead.std(ddof=1) / len(ahead) ** 0.5
        named = rival.controls_ahead()[reader_name("road,blurred=true"), "faces", "dissimilar"]
        assert (control in named) == (ahead.mean() > 3 * error)


def test_the_words_count_leads_that_a_control_shares() -> None:
    table = rival.leads_table()
    won = shared = own = 0
    for kind in ("similar", "dissimilar"):
        for _, line in table.iterrows():
            if line[f"{kind} pairs"].startswith("+") and line[f"{kind} pairs"].endswith("*"):
                won += 1
                shared += line[f"controls ahead, {kind} pairs"] != "none"
                own += line[f"controls ahead, {kind} pairs"] == reader_name("own-likeness")
    assert f"In {shared} of the {won} tests that the map wins" in rival.in_words()
    assert f"in {shared} of the {won}, a control is better" in rival.in_short()
    for words in (rival.in_words(), rival.in_short()):
        assert f"in {own} of them only own-likeness" in words


def test_both_pages_that_recommend_the_map_say_it() -> None:
    assert rival.rival_markdown() in use_markdown()
    assert rival.in_short() in instead_markdown()
