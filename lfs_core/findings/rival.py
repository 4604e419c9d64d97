"""The book's own map against LRP, which needs no training: in every stored test that has both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.evaluation.names import listed, reader_name
from lfs_core.evaluation.results import KINDS, SIGNIFICANT, Results, is_control
from lfs_core.evaluation.spec import parse
from lfs_core.evaluation.statistics import holm
from lfs_core.findings.beyond import OURS, OWN_LIKENESS, advantage
from lfs_core.findings.multiverse import by_images_in_words
from lfs_core.findings.stored import remembered, results_folder, stored_evaluation

if TYPE_CHECKING:
    import pandas as pd

RIVAL = "lrp"
TESTS = ("selectivity", "insertion", "verification", "road", "patch", "mosaic", "partner")
"""Metrics that a map which knows more passes; others describe maps, as `parts` does."""
IMAGES = {"lfw": "faces", "cub": "birds", "cars": "cars"}
PEOPLE = {"fresh": "fresh people", "beyond-faces": "test people", "beyond-patch": "few pairs"}
"""Runs on faces that repeat a test of another run, and what sets each apart."""


@remembered
def runs() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every stored evaluation of both methods: what its pairs show, and its tests."""
    found = {}
    for path in sorted(results_folder().glob("*.json")):
        if "measured" not in json.loads(path.read_text(encoding="utf-8")):
            continue
        of = stored_evaluation(path.stem)
        metrics = tuple(metric for metric in of.metrics if parse(metric)[0] in TESTS)
        if {OURS, RIVAL} <= {*of.explainers} and metrics:
            images = IMAGES[of.manifest["pairs"]]
            apart = f" ({PEOPLE[path.stem]})" if path.stem in PEOPLE else ""
            found[path.stem] = (images + apart, metrics)
    return found


def _tests() -> Iterator[tuple[tuple[str, str, str], Results, str]]:
    """The tests with any pairs: by name, what the pairs show, and kind; the results; the metric."""
    for run, (images, metrics) in runs().items():
        of = stored_evaluation(run)
        for metric in metrics:
            for kind in KINDS:
                if np.isfinite(of.scores(metric, kind)).any():
                    yield (reader_name(metric), images, kind), of, metric


@remembered
def leads() -> dict[tuple[str, str, str], dict[str, Any]]:
    """By how much the map is better than LRP on the same pairs.

    Returns:
        By test, by what the pairs show, and by their kind: what `Results.against` finds, with p
        corrected by Holm's rule over all of these.
    """
    found = {name: of.against(metric, name[2], OURS, [RIVAL])[0] for name, of, metric in _tests()}
    corrected = holm(np.array([row["p"] for row in found.values()]))
    return {
        of: {**row, "p": p} for (of, row), p in zip(found.items(), corrected.tolist(), strict=True)
    }


@remembered
def controls_ahead() -> dict[tuple[str, str, str], list[str]]:
    """Which controls, that ignore the pair, are significantly better than LRP in the same tests."""
    return {
        name: [
            row["other"]
            for row in of.against(metric, name[2], RIVAL, filter(is_control, of.explainers))
            if row["by"] < 0 and row["p"] < SIGNIFICANT
        ]
        for name, of, metric in _tests()
    }


def leads_table() -> pd.DataFrame:
    """Those leads, a line for each test and what its pairs show; and the controls ahead of LRP."""
    import pandas as pd

    table: dict[tuple[str, str], dict[str, str]] = {}
    for (test, images, kind), row in leads().items():
        line = table.setdefault((test, images), {})
        line[f"{kind} pairs"] = advantage(row)
        also = controls_ahead()[test, images, kind]
        line[f"controls ahead, {kind} pairs"] = ", ".join(map(reader_name, also)) or "none"
    return pd.DataFrame(table).T.rename_axis(["test", "images"]).fillna("no pairs")


def _decided() -> tuple[dict[tuple[str, str, str], bool], int, str]:
    """Tests that tell the two apart, and whether the map is better.

    Returns:
        Those tests; in how many the map is better; and what the pairs show.
    """
    sure = {of: row["by"] > 0 for of, row in leads().items() if row["p"] < SIGNIFICANT}
    shown = dict.fromkeys(images.partition(" ")[0] for _, images, _ in leads())
    return sure, sum(sure.values()), listed([*shown])


def _shared() -> tuple[int, str]:
    """In how many tests that the map wins a control is better than LRP, too; and which, in words.

    Own-likeness is told apart: it is a term of the map, from the same trained head.
    """
    sure, _, _ = _decided()
    ahead = [controls_ahead()[of] for of, won in sure.items() if won]
    trained = sum(of == [OWN_LIKENESS] for of in ahead)
    return (
        sum(map(bool, ahead)),
        f"in {trained} of them only own-likeness, a term of the map itself",
    )


def _of_the_same_pairs() -> str:
    """That many tests are of the same pairs."""
    sets = {stored_evaluation(run).manifest["digest"] for run in runs()}
    return f"the {len(leads())} tests are of {len(sets)} sets of pairs, and not independent"


def in_words() -> str:
    """In how many tests either is better, and whether controls are better than LRP, too."""
    sure, won, shown = _decided()
    also, which = _shared()
    told = []
    for kind in KINDS:
        tests = sum(of[2] == kind for of in leads())
        better, worse = (
            sum(ahead == side for of, ahead in sure.items() if of[2] == kind)
            for side in (True, False)
        )
        told.append(
            f"on {kind} pairs the map is significantly better in {better} of {tests} tests and "
            f"worse in {worse}"
        )
    return (
        f"{'; '.join(told)} (images: {shown}; {_of_the_same_pairs()}). In {also} of "
        f"the {won} tests that the map wins, a control that ignores the pair is better than "
        f"{reader_name(RIVAL)}, too ({which})"
    )


def in_short() -> str:
    """The same over all tests, in one sentence for the first page."""
    sure, won, shown = _decided()
    also, which = _shared()
    return (
        f"Compared with [{reader_name(RIVAL)}](method-{RIVAL}), which needs no training, the "
        f"one-pass map is better in {won} tests and worse in {len(sure) - won} ({shown}; "
        f"{_of_the_same_pairs()}); in "
        f"{also} of the {won}, a control is better than {reader_name(RIVAL)}, too ({which}). "
        f"Under the ledger's readings the map is {by_images_in_words(RIVAL)}."
    )


def rival_markdown() -> str:
    """The same in a sentence that stands alone, with a link to LRP's section."""
    return (
        f"[{reader_name(RIVAL)}](method-{RIVAL}) needs gradients, but no training. Against it, "
        f"{in_words()}. Under the ledger's readings the map is {by_images_in_words(RIVAL)}."
    )
