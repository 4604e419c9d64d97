"""The book's own map against LRP, which needs no training: in every stored test that has both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.evaluation.names import listed, reader_name
from lfs_core.evaluation.results import KINDS, SIGNIFICANT
from lfs_core.evaluation.statistics import holm
from lfs_core.findings.beyond import OTHER_NOISE, OURS, TESTS, advantage
from lfs_core.findings.stored import remembered, stored_evaluation

if TYPE_CHECKING:
    import pandas as pd

RIVAL = "lrp"
RUNS: Mapping[str, tuple[str, tuple[str, ...]]] = {  # what their pairs show, and their tests
    "fresh": ("faces of fresh people", tuple(TESTS)),
    "beyond-faces": ("faces of test people", tuple(TESTS)),
    "own-noise": ("faces", tuple(OTHER_NOISE)),
    "beyond-birds": ("birds", tuple(TESTS)),
    "beyond-cars": ("cars", tuple(TESTS)),
    "road": ("faces", ("road,blurred=true",)),
    "verification": ("faces", ("verification", "verification,mode=insertion")),
    "behaviour": ("faces", ("patch", "partner")),
}


@remembered
def leads() -> dict[tuple[str, str, str], dict[str, Any]]:
    """By how much the map is better than LRP on the same pairs.

    Returns:
        By test, by what the pairs show, and by their kind: what `Results.against` finds, with p
        corrected by Holm's rule over all of these.
    """
    found = {
        (reader_name(metric), images, kind): of.against(metric, kind, OURS, [RIVAL])[0]
        for run, (images, metrics) in RUNS.items()
        if RIVAL in (of := stored_evaluation(run)).explainers
        for metric in metrics
        for kind in KINDS
    }
    corrected = holm(np.array([row["p"] for row in found.values()]))
    return {
        of: {**row, "p": p} for (of, row), p in zip(found.items(), corrected.tolist(), strict=True)
    }


def leads_table() -> pd.DataFrame:
    """Those leads, a line for each test and what its pairs show."""
    import pandas as pd

    table: dict[tuple[str, str], dict[str, str]] = {}
    for (test, images, kind), row in leads().items():
        table.setdefault((test, images), {})[f"{kind} pairs"] = advantage(row)
    return pd.DataFrame(table).T.rename_axis(["test", "images"])


def in_words() -> str:
    """In how many tests either is better, by kind of pairs; what to take for which, and where."""
    told, choice = [], []
    for kind in KINDS:
        rows = [row for (*_, of), row in leads().items() if of == kind]
        sure = [row["by"] > 0 for row in rows if row["p"] < SIGNIFICANT]
        better, worse = sum(sure), len(sure) - sum(sure)
        told.append(
            f"on {kind} pairs the map is significantly better in {better} of {len(rows)} tests "
            f"and worse in {worse}"
        )
        named = {better > worse: "the map", worse > better: reader_name(RIVAL)}.get(True, "either")
        choice.append(f"{named} for {kind} ones")
    shown = dict.fromkeys(images.partition(" ")[0] for _, images, _ in leads())
    return f"{'; '.join(told)}. So on {listed([*shown])} we would take {listed(choice)}"


def rival_markdown() -> str:
    """The same in a sentence that stands alone, with a link to LRP's section."""
    return (
        f"[{reader_name(RIVAL)}](method-{RIVAL}) needs gradients, but no training. Against it, "
        f"{in_words()}."
    )
