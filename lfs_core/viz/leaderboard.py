"""An evaluation as one self-contained page: every explainer, every metric, with intervals."""

from __future__ import annotations

import os
from importlib.resources import files

import jinja2
import numpy as np

from lfs_core.evaluation.results import KINDS, Results, is_control
from lfs_core.evaluation.spec import make_metric
from lfs_core.evaluation.statistics import bootstrap_means
from lfs_core.util.files import replacing
from lfs_core.viz.report import check_suffix


def write_leaderboard(results: Results, path: str | os.PathLike) -> None:
    """Write the page; it needs no other file.

    Args:
        results: of an evaluation.
        path: the file, ending in .html.

    Raises:
        LFSError: the path does not end in .html or cannot be written.
    """
    check_suffix(path)
    template = files("lfs_core.viz").joinpath("leaderboard.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    boards = [board(results, metric, kind) for metric in results.metrics for kind in KINDS]
    page = environment.from_string(template).render(
        boards=[found for found in boards if found["rows"]],
        manifest=results.manifest,
        similar=int(results.labels.is_similar.sum()),
        problems={of: found for of, found in results.problems.items() if found},
    )
    with replacing(path) as new:
        new.write_text(page, encoding="utf-8")


def board(results: Results, metric: str, kind: str) -> dict[str, object]:
    """One metric on one kind of pair: explainers from best to worst, with what a page shows."""
    scores = results.scores(metric, kind)
    if not len(scores) or not np.isfinite(scores).any():
        return {"rows": []}
    better = make_metric(metric).better
    means, low, high = bootstrap_means(scores)
    left, right = np.nanmin([low, means * 0]), np.nanmax(high)
    order = np.argsort(-means if better == "higher" else means)  # NaN comes last

    def place(value: float) -> float:
        return 100 * (value - left) / ((right - left) or 1)

    rows = []
    for k in (k for k in order if np.isfinite(means[k])):
        explainer = results.explainers[k]
        rows.append(
            {
                "explainer": explainer,
                "control": is_control(explainer),
                "beats_controls": results.beats_controls(metric, kind, explainer),
                "pairs": int(np.isfinite(scores[:, k]).sum()),
                "mean": means[k],
                "low": low[k],
                "high": high[k],
                "places": [place(low[k]), place(means[k]), place(high[k])],
            }
        )
    return {
        "metric": metric,
        "about": make_metric(metric).about,
        "kind": kind,
        "better": better,
        "left": left,
        "right": right,
        "rows": rows,
    }
