"""Charts of decoders: learning curves, their penalty, and how far their maps agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lfs_core.decoder import decoder_title
from lfs_core.findings.decoder_tables import curve
from lfs_core.findings.intervals import Interval, interval
from lfs_core.viz.chart import Chart, dots, lines

OTHER_PAIR = "The first decoder's map of another pair"
KINDS_OF_DECODER = ("linear", "mlp", "conv")


def plot_learning_curves(results: dict[str, Any]) -> Chart:
    """R² on held-out identities against the number of training images; a menu of data sets."""
    rows = [row for row in results["rows"] if not row["mirrored"] and not row["ssim"]]
    choices: dict[str, dict[str, tuple[list[float], list[Interval]]]] = {}
    for source in dict.fromkeys(row["source"] for row in rows):
        choices[source] = {}
        for kind in KINDS_OF_DECODER:
            points = curve([r for r in rows if r["source"] == source and r["decoder"] == kind])
            choices[source][decoder_title(kind)] = (
                [images for images, *_ in points],
                [Interval(mean, low, high) for _, mean, low, high in points],
            )
    return lines(
        "How well decoders explain new images",
        choices,
        "training images",
        "R² on held-out identities",
        log=True,
        band="from the lowest to the highest of the seeds",
    )


def plot_ridge(errors: Mapping[str, float], chosen: float) -> Chart:
    """Error on held-out identities against the ridge penalty, by penalty; and the chosen one."""
    found = {float(ridge): error for ridge, error in errors.items()}
    unsure = float("nan")  # of one run
    return lines(
        "Error of linear decoders by their ridge penalty",
        {
            "": {
                "held-out identities": (
                    list(found),
                    [Interval(error, unsure, unsure) for error in found.values()],
                )
            }
        },
        "ridge penalty",
        "error per pixel value",
        log=True,
        mark=("the chosen penalty", chosen),
    )


def plot_agreement(results: dict[str, Any]) -> Chart:
    """Agreement of maps with the first decoder's; in the last row, of its maps of two pairs."""
    first, *others = results["rows"]
    return dots(
        "Agreement of decoders' maps with the first decoder's",
        {
            "": {
                f"{kind} pairs": {
                    **{row["decoder"]: interval(row[kind]["with_first_decoder"]) for row in others},
                    OTHER_PAIR: interval(first[kind]["with_another_pair"]),
                }
                for kind in ("similar", "dissimilar")
            }
        },
        "rank correlation with the first decoder's map",
        hollow=lambda kind, row: row == OTHER_PAIR,
        italic=lambda row: row == OTHER_PAIR,
        of="decoder",
    )
