"""Pixel flipping with noise of its own for each pair, on the pairs of the usual run."""

from __future__ import annotations

from dataclasses import replace

from lfs_core.studies.comparisons import FACES

PER_PAIR = replace(  # each pair is a part of its own, and noise follows from a part's seed
    FACES,
    explainers=(
        "explainlfs",
        "explainlfs,relevance=random",
        "simexpert",
        "lrp",
        "random",
        "centre",
    ),
    seeds=FACES.number,
)
