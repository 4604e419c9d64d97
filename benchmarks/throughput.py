"""How many images a second methods of many passes send through the network, and bare passes.

python benchmarks/throughput.py OUTPUT.json
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from speed import ratio, store
from torch import Tensor

import lfs_core as lfs
from lfs_core.datasets.faces import load_faces
from lfs_core.embedders import embed_all
from lfs_core.evaluation.cost import counted
from lfs_core.evaluation.evaluate import Settings, evaluate
from lfs_core.evaluation.metrics.selectivity import FLIPS, flip_curves, flip_ranks
from lfs_core.evaluation.pair_set import PairSet

ROUNDS = 5
BATCH = 64


def share_of_bare_passes(run: Callable[[], object], passes: int, faces: Tensor) -> dict[str, float]:
    """Throughput of a run of this many passes, as a share of that of the bare network."""
    embedder = lfs.load_embedder("facenet-casia")
    images = faces[torch.arange(passes) % len(faces)]
    return ratio(run, lambda: embed_all(embedder, images, BATCH), ROUNDS) | {"passes": passes}


def main(output: str) -> None:
    """Measure and write it down."""
    start = time.monotonic()
    embedder = lfs.load_embedder("facenet-casia")
    faces = load_faces("demo", progress=False).images
    pairs = faces[:8].unflatten(0, (4, 2)).float() / 255
    ranks = flip_ranks(torch.rand(3, 4, 2, 8, 8, generator=torch.Generator().manual_seed(0)))
    similar = torch.zeros(4, dtype=torch.bool)
    results: dict[str, object] = {}
    for name, (run, passes) in {
        "CorrRISE, 500 masks": (_explaining("corrrise", faces), 2 * 500 + 2),
        "occlusion, 64 windows": (_explaining("occlusion", faces), 2 * 64 + 4),
        "pixel flipping, 3 methods, 4 pairs": (
            lambda: flip_curves(embedder, pairs, ranks, similar),
            3 * 4 * FLIPS + 8,
        ),
        "an evaluation, 3 explainers, 8 pairs": _evaluation(faces),
    }.items():
        results[name] = share_of_bare_passes(run, passes, faces)
        print(name, json.dumps(results[name]), flush=True)
    store(results, output, start)


def _evaluation(faces: Tensor) -> tuple[Callable[[], object], int]:
    """A whole run by pixel flipping, from pairs to results, and how many passes it makes."""
    embedder = lfs.load_embedder("facenet-casia")
    images = faces[:16].unflatten(0, (8, 2))
    pairs = PairSet(images, torch.ones(8).bool(), [("", "")] * 8, "demo", {})
    # The same object in every round, so that no round loads the network.
    settings = Settings(embedder, ("explainlfs", "centre", "random"), ("selectivity",), seeds=1)

    def run() -> None:
        with tempfile.TemporaryDirectory() as records:
            evaluate(settings, pairs, Path(records), progress=False)

    with counted(embedder) as passes:
        run()
    return run, passes.forward


def _explaining(method: str, faces: Tensor) -> Callable[[], object]:
    explain = lfs.load_explainer(method, lfs.load_embedder("facenet-casia"))
    return lambda: explain(faces[0], faces[1])


if __name__ == "__main__":
    main(sys.argv[1])
