"""What each method costs per pair of faces: passes through the network, and time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import cast

from lfs_core.comparators import explainer_class, explainers_without
from lfs_core.datasets.faces import load_faces
from lfs_core.embedders import load_embedder
from lfs_core.evaluation.cost import measure_cost
from lfs_core.evaluation.spec import make_explainer, parse
from lfs_core.explanation import PairExplainer
from lfs_core.studies.comparisons import BEYOND, EXPENSIVE

NETWORK = "facenet-casia"
ONE_GRID = "causal,scales=1,shifted=false"  # the exact maps that heads learn

ROUNDS = 9  # each explains another pair
LONG, FEW = 20.0, 2  # seconds for a pair, from which so few rounds have to do


def cost_study(data: Path) -> dict[str, object]:
    """Costs of every method as it comes, and of those that the page beyond the paper compares.

    On faces of the demo tier, so that the local tier's data are not read.
    """
    network = load_embedder(NETWORK)
    faces = load_faces("demo").images
    pairs = list(zip(faces[2 : 2 * ROUNDS + 2 : 2], faces[3 : 2 * ROUNDS + 2 : 2], strict=True))
    rows = {}
    specs = (*explainers_without(), ONE_GRID, *BEYOND.explainers, *EXPENSIVE.explainers)
    for spec in dict.fromkeys(specs):
        if explainer_class(parse(spec)[0]).role == "oracle":
            continue
        explain = cast("PairExplainer", make_explainer(spec, network, 0.3))
        start = time.monotonic()
        explain(faces[0], faces[1])  # what is made once is no part of the cost of a pair
        quick = time.monotonic() - start < LONG
        cost = measure_cost(explain, pairs if quick else pairs[:FEW])
        rows[spec] = {
            "forward": cost.forward,
            "backward": cost.backward,
            "milliseconds": round(1000 * cost.seconds, 2),
            "of two passes": round(cost.ratio, 3),
        }
    return {
        "manifest": {"tier": "demo", "pairs": "demo", "number": ROUNDS, "embedder": NETWORK},
        "costs": rows,
    }
