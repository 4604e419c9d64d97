"""Figures of decoders: learning curves, and how far their maps agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lfs_core.decoder import DECODERS, decoder_title
from lfs_core.findings.decoder_tables import curve
from lfs_core.findings.intervals import interval
from lfs_core.viz.figures import BLUE, GREEN, GREY, ORANGE

STYLES = {"linear": (BLUE, "o"), "mlp": (ORANGE, "s"), "conv": (GREEN, "^")}


def plot_learning_curves(results: dict[str, Any]) -> Figure:
    """R² on held-out identities against the number of training images, one panel a data set."""
    rows = [row for row in results["rows"] if not row["mirrored"] and not row["ssim"]]
    sources = list(dict.fromkeys(row["source"] for row in rows))
    figure = Figure(figsize=(9.6, 5.4), layout="constrained")
    axes = figure.subplots(2, 3, sharey=True)
    for axis, source in zip(axes.flat, sources, strict=False):
        for kind, (colour, marker) in STYLES.items():
            points = curve([r for r in rows if r["source"] == source and r["decoder"] == kind])
            images, means, lows, highs = zip(*points, strict=True)
            axis.fill_between(images, lows, highs, color=colour, alpha=0.25, linewidth=0)
            axis.plot(images, means, color=colour, marker=marker, label=decoder_title(kind))
        axis.set_title(source, fontsize=10)
        axis.set(xscale="log")
        axis.set_xticks([1000, 2000, 4000, 8000], ["1k", "2k", "4k", "8k"])
        axis.minorticks_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("R² on held-out identities")
    for axis in axes.flat[len(sources) :]:
        axis.set_axis_off()
    axes.flat[len(sources) - 1].set_xlabel("training images")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    axes.flat[-1].legend(handles, labels, loc="center", frameon=False)
    return figure


def plot_agreement(results: dict[str, Any]) -> Figure:
    """Agreement of maps with the first decoder's against the decoder's error."""
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, kind in zip(axes, ("similar", "dissimilar"), strict=True):
        others = results["rows"][1:]
        for place, row in enumerate(others):
            colour, marker = STYLES[_kind(row["decoder"])]
            found = interval(row[kind]["with_first_decoder"])
            axis.plot([found.low, found.high], [place, place], color=colour)
            axis.plot(found.mean, place, color=colour, marker=marker)
        first = results["rows"][0][kind]["with_another_pair"]
        axis.axvline(float(np.mean(first)), color=GREY, ls=":")
        axis.set_yticks(range(len(others)), [row["decoder"] for row in others], fontsize=8)
        axis.set(title=f"{kind} pairs", xlabel="rank correlation with the first decoder's map")
        axis.grid(axis="y", alpha=0.3)
    axes[0].invert_yaxis()
    return figure


def _kind(name: str) -> str:
    """The kind of a decoder of the agreement study, from its name."""
    return next(kind for kind in DECODERS if name.startswith(decoder_title(kind)))
