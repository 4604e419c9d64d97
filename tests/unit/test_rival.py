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
from lfs_core.findings.stored import stored_evaluation
from lfs_core.util.manifest import RESULTS

CURVES = ("selectivity", "insertion")
WITH_BOTH = {
    run: of for run, of in rival.RUNS.items() if "lrp" in stored_evaluation(run).explainers
}
OF_CURVES = [
    (run, images, metric)
    for run, (images, metrics) in WITH_BOTH.items()
    for metric in metrics
    if metric.startswith(CURVES)
]


def own_leads(run: str, metric: str, kind: str) -> np.ndarray:
    """By how much the map scores better than LRP, pair by pair."""
    stored = json.loads((RESULTS / f"{run}.json").read_text(encoding="utf-8"))
    similar = np.array(stored["similarity"]) > stored["manifest"]["threshold"]
    area = {}
    for name in ("amortised", "lrp"):
        curves = np.array(stored["measured"][name][metric], dtype=float)
        mean = ((curves[:, 1:] + curves[:, :-1]) / 2).mean(axis=1)
        moved = curves[:, 0] - mean if metric.startswith("selectivity") else mean - curves[:, 0]
        area[name] = np.where(similar, moved, -moved)
    return (area["amortised"] - area["lrp"])[similar == (kind == "similar")]


@pytest.mark.parametrize(("run", "images", "metric"), OF_CURVES)
@pytest.mark.parametrize("kind", ("similar", "dissimilar"))
def test_a_lead_is_that_of_the_curves(run: str, images: str, metric: str, kind: str) -> None:
    row, own = rival.leads()[reader_name(metric), images, kind], own_leads(run, metric, kind)
    assert row["by"] == pytest.approx(np.nanmean(own), abs=1e-3)
    assert row["pairs"] == np.isfinite(own).sum()
    if row["p"] < 0.05:
        random = np.random.default_rng(0)
        ends = np.percentile(random.choice(own, (4000, len(own))).mean(axis=1), [2.5, 97.5])
        assert (ends > 0).all() or (ends < 0).all()


def test_every_run_with_both_is_counted_once() -> None:
    """None of the same test on the same images replaces another."""
    assert len(rival.leads()) == sum(2 * len(metrics) for _, metrics in WITH_BOTH.values())


def test_the_words_count_what_the_table_stars() -> None:
    table = rival.leads_table()
    for kind in ("similar", "dissimilar"):
        starred = [cell for cell in table[f"{kind} pairs"] if cell.endswith("*")]
        worse = sum(cell.startswith("-") for cell in starred)
        found = re.search(
            rf"on {kind} pairs the map is significantly better in (\d+) of (\d+) tests and worse "
            r"in (\d+)",
            rival.in_words(),
        )
        assert found
        assert [int(n) for n in found.groups()] == [len(starred) - worse, len(table), worse]


def test_both_pages_that_recommend_the_map_say_it() -> None:
    assert rival.rival_markdown() in use_markdown()
    assert rival.rival_markdown() in instead_markdown()
