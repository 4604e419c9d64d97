"""An evaluation as one self-contained page: every explainer, every metric, with intervals."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import Any

from lfs_core.embedders import network_title
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS, Results
from lfs_core.findings.score_tables import board
from lfs_core.findings.standings import doubts_about_methods
from lfs_core.findings.stored import images_title
from lfs_core.viz.page import check_suffix, filled, write_page


def write_leaderboard(results: Results, path: str | os.PathLike) -> None:
    """Write the page; it needs no other file.

    Args:
        results: of an evaluation.
        path: the file, ending in .html.

    Raises:
        LFSError: the path does not end in .html or cannot be written.
    """
    check_suffix(path)
    boards = [board(results, metric, kind) for metric in results.metrics for kind in KINDS]
    page = filled(
        files("lfs_core.viz") / "leaderboard.html",
        doubts=doubts_about_methods(results),
        boards=[_with_places(found) for found in boards if found["rows"]],
        manifest=results.manifest,
        network=network_title(results.manifest["embedder"]),
        pairs=images_title(results.manifest["pairs"]),
        similar=int(results.labels.is_similar.sum()),
        problems={reader_name(of): found for of, found in results.problems.items() if found},
    )
    write_page(path, page)


def _with_places(found: dict[str, Any]) -> dict[str, Any]:
    """A board whose rows say where on the page their interval lies, in percent of the scale."""
    left, right = found["left"], found["right"]
    for row in found["rows"]:
        row["places"] = [
            100 * (row[end] - left) / ((right - left) or 1) for end in ("low", "mean", "high")
        ]
    return found
