"""Crops that share a part of one photograph, and a stereo pair: do maps find what is shared?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from lfs_core.datasets.pairs import Pair, all_pairs
from lfs_core.datasets.scenes import load_scenes
from lfs_core.embedders import embed_all, load_embedder
from lfs_core.evaluation.overlap import overlap_scores, partly_shared
from lfs_core.evaluation.spec import make_explainer
from lfs_core.studies.evaluation import CHEAP, CONTROLS, PAPER

NETWORK = "efficientnet-lite0"
EXPLAINERS = (
    *PAPER,
    *CHEAP,
    "occlusion",
    "simexpert,form=raw",
    "explainlfs,relevance=random",
    *CONTROLS,
)
PAIRS = 40
THRESHOLD = 0.3  # xi_1


def scene_study(data: Path) -> dict[str, object]:
    """Every method on the same pairs of crops; the photographs are of the demo tier."""
    scenes, network = load_scenes(), load_embedder(NETWORK)
    pairs = all_pairs(embed_all(network, scenes.images), scenes.labels)
    similar = [pair for pair in pairs if pair.similarity > THRESHOLD]
    chosen = partly_shared(scenes, similar, PAIRS)

    def maps_by(spec: str) -> Callable[[Pair], Tensor]:
        explain = make_explainer(spec, network, THRESHOLD)
        return lambda pair: explain(scenes.images[pair.a], scenes.images[pair.b]).maps

    scores = {}
    for spec in tqdm(EXPLAINERS, "Methods"):
        scores |= overlap_scores(scenes, chosen, {spec: maps_by(spec)})
    stereo = [scenes.labels[pair.a].startswith("motorcycle") for pair in chosen]
    return {
        "manifest": {
            "tier": "demo",
            "pairs": "crops of one photograph",
            "number": len(chosen),
            "embedder": NETWORK,
        },
        "stereo": torch.tensor(stereo).int().tolist(),
        "scores": {
            spec: {which: [round(value, 4) for value in values] for which, values in of.items()}
            for spec, of in scores.items()
        },
    }
