"""The book's map against LRP: counted again, from the stored curves, by another bootstrap."""

from __future__ import annotations

import json

import numpy as np

from lfs_core.findings.choice import rival_markdown, use_markdown
from lfs_core.findings.first_page import instead_markdown
from lfs_core.util.manifest import RESULTS


def leads() -> dict[tuple[str, bool], np.ndarray]:
    """By how much the map scores better than LRP, pair by pair, by test and kind of pairs."""
    stored = json.loads((RESULTS / "fresh-layers.json").read_text(encoding="utf-8"))
    similar = np.array(stored["similarity"]) > stored["manifest"]["threshold"]
    found = {}
    for test in stored["manifest"]["metrics"]:
        area = {}
        for name in ("amortised", "lrp"):
            curves = np.array(stored["measured"][name][test], dtype=float)
            mean = ((curves[:, 1:] + curves[:, :-1]) / 2).mean(axis=1)
            deletion = test.startswith("selectivity")
            moved = curves[:, 0] - mean if deletion else mean - curves[:, 0]
            area[name] = np.where(similar, moved, -moved)
        for kind in (True, False):
            found[test, kind] = (area["amortised"] - area["lrp"])[similar == kind]
    return found


def test_the_count_is_that_of_another_bootstrap() -> None:
    random = np.random.default_rng(0)
    ends = [
        np.percentile(random.choice(of, (4000, len(of))).mean(axis=1), [2.5, 97.5])
        for of in leads().values()
    ]
    better, worse = sum(low > 0 for low, _ in ends), sum(high < 0 for _, high in ends)
    text = rival_markdown()
    assert f"significantly better in {better} of {len(ends)} tests and worse in {worse}" in text


def test_both_pages_that_recommend_the_map_say_it() -> None:
    assert rival_markdown() in use_markdown()
    assert rival_markdown() in instead_markdown()
