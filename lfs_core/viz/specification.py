"""Specification curves: what came out under every reading of a claim (Simonsohn et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from lfs_core.findings.readings import Reading
from lfs_core.viz.figures import BLUE, GREY, RED

COLOURS = {"holds": BLUE, "fails": RED, "not shown": GREY}


def plot_specification(readings: Sequence[Reading], ylabel: str) -> Figure:
    """Every reading as a point with its 95 % interval, in order; below, what it chose.

    Args:
        readings: of one claim.
        ylabel: what was found in each, and in which unit; the claim says that it is above 0.
    """
    readings = sorted(readings, key=lambda reading: reading.found.mean)
    rows = _rows(readings)
    height = 2.6 + 0.17 * len(rows)
    figure = Figure(figsize=(9.6, height), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2.4, 0.17 * len(rows)])
    for verdict, colour in COLOURS.items():
        places = [k for k, reading in enumerate(readings) if reading.verdict == verdict]
        found = [readings[k].found for k in places]
        mean, low, high = np.array([(of.mean, of.low, of.high) for of in found]).reshape(-1, 3).T
        label = f"{verdict} ({len(places)} of {len(readings)} readings)"
        top.errorbar(
            places,
            mean,
            (mean - low, high - mean),
            fmt="o",
            ms=3,
            lw=0.8,
            color=colour,
            label=label,
        )
    top.axhline(0, color="black", lw=0.8)
    top.set_ylabel(ylabel)
    top.grid(axis="y", alpha=0.3)
    top.legend(fontsize=8, loc="upper left")
    for row, (choice, value) in enumerate(rows):
        chosen = [k for k, reading in enumerate(readings) if reading.choices.get(choice) == value]
        bottom.plot(chosen, [row] * len(chosen), "|", color="black", ms=6)
    bottom.set_yticks(range(len(rows)), [f"{choice}: {value}" for choice, value in rows])
    bottom.tick_params(axis="y", labelsize=7.5)
    bottom.set_ylim(len(rows) - 0.5, -0.5)
    bottom.set_xlabel("readings, by what was found")
    for row in range(1, len(rows)):
        if rows[row][0] != rows[row - 1][0]:
            bottom.axhline(row - 0.5, color="black", lw=0.4, alpha=0.4)
    return figure


def _rows(readings: Sequence[Reading]) -> list[tuple[str, str]]:
    """Choices with more than one value, and their values, in order of appearance."""
    values: dict[str, dict[str, None]] = {}
    for reading in readings:
        for choice, value in reading.choices.items():
            values.setdefault(choice, {})[value] = None
    return [(choice, value) for choice, of in values.items() if len(of) > 1 for value in sorted(of)]
