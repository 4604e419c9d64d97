"""What came out, in one figure: eight maps in two tests, on faces, birds and cars."""

from __future__ import annotations

from lfs_core.evaluation.names import KINDS, reader_name
from lfs_core.findings.beyond import OURS, TESTS
from lfs_core.findings.intervals import Interval
from lfs_core.findings.score_tables import intervals_of
from lfs_core.findings.stored import stored_evaluation
from lfs_core.viz.chart import Chart, dots

SHOWN = (
    "random",
    "centre",
    "own-likeness",
    "explainlfs",
    "simexpert",
    "occlusion",
    "lrp",
    OURS,
)
RUNS = {"faces": "beyond-faces", "birds": "beyond-birds", "cars": "beyond-cars"}
CONTROLS = {
    "random": "Random regions (control)",
    "centre": "Centre of the image (control)",
    "own-likeness": "Own-likeness alone (control)",
}
WORDS = {  # what is measured, in words that need no other page
    "selectivity": "how far the decision gives way as marked regions are hidden",
    "insertion": "how far the decision comes back as marked regions are shown",
}


def first_screen() -> Chart:
    """Eight rows: three controls, the paper's map, its strongest rivals and the book's own map.

    A menu chooses the test and the images. Further right is better.
    """
    choices: dict[str, dict[str, dict[str, Interval]]] = {}
    labels = {}
    for images, run in RUNS.items():
        results = stored_evaluation(run)
        for metric, test in TESTS.items():
            label = f"{test}: {images}"
            labels[label] = (
                f"{WORDS[metric.partition(',')[0]]} (change of the cosine; right is better)"
            )
            choices[label] = {}
            for kind in KINDS:
                found = intervals_of(results, metric, kind)
                choices[label][f"{kind} pairs"] = {_row(name): found[name] for name in SHOWN}
    chart = dots(
        "What eight maps find",
        choices,
        labels,
        hollow=lambda series, row: row in CONTROLS.values(),
        italic=lambda row: row in CONTROLS.values(),
    )
    chart.figure.update_xaxes(rangemode="tozero")
    return chart


def _row(name: str) -> str:
    return CONTROLS.get(name) or (
        "This book's map, one pass" if name == OURS else reader_name(name)
    )
