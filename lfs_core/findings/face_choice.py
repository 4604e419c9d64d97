"""Which rule chooses the face of a photograph best: the stored run of `lfs study face-choice`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.findings.intervals import Interval, interval, with_interval

if TYPE_CHECKING:
    import pandas as pd

SHIPPED = "size and centrality"  # the rule of `lfs_core.datasets.choosing`
PROBABILITY = "the detector's probability"
AS_THEY_ARE, MOVED = "as they are", "moved"
TITLES = {AS_THEY_ARE: "photographs as they are", MOVED: "cropped and padded at random"}


def face_choice_table(results: dict[str, Any]) -> pd.DataFrame:
    """By rule: right decisions, and how often the person's own face is chosen among several."""
    import pandas as pd

    same = np.array(results["same"], dtype=bool)
    table: dict[str, dict[tuple[str, str], str]] = {}
    for version, rules in results["versions"].items():
        for rule in rules:
            right = right_decisions(results, version, rule)
            table.setdefault(rule, {}).update(
                {
                    (TITLES[version], "one person"): with_interval(right[same]),
                    (TITLES[version], "two people"): with_interval(right[~same]),
                    (TITLES[version], "own face"): with_interval(rules[rule]["own"]),
                }
            )
    return pd.DataFrame(table).T


def right_decisions(results: dict[str, Any], version: str, rule: str) -> np.ndarray:
    """Whether the decision about each pair is right, (P,) of 0 and 1."""
    similar = (
        np.array(results["versions"][version][rule]["similarity"])
        > (results["manifest"]["threshold"])
    )
    return (similar == np.array(results["same"], dtype=bool)).astype(float)


def ahead(results: dict[str, Any], version: str, rule: str) -> dict[str, Interval]:
    """By how much the shipped rule is better than another, on the same pairs and photographs."""
    own = (np.array(results["versions"][version][one]["own"]) for one in (SHIPPED, rule))
    decisions = (right_decisions(results, version, one) for one in (SHIPPED, rule))
    (a, b), (right, other) = own, decisions
    return {"own face": interval(a - b), "right decisions": interval(right - other)}


def face_choice_sentence(results: dict[str, Any]) -> str:
    """How often the face that is explained is the person's own, by the shipped rule and others."""

    def told(version: str) -> str:
        rules = results["versions"][version]
        share = {rule: f"{np.mean(found['own']):.0%}" for rule, found in rules.items()}
        return (
            f"{len(rules[SHIPPED]['own'])} that show several faces, size and centrality together "
            f"choose the person's own in {share[SHIPPED]}, size alone in {share['size']}, "
            f"centrality alone in {share['centrality']}, and the detector's probability in "
            f"{share[PROBABILITY]}"
        )

    return (
        f"As LFW's photographs are, with their people in the middle: of {told(AS_THEY_ARE)}. "
        f"Cropped and padded at random: of {told(MOVED)}."
    )
