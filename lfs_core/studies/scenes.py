"""Crops that share a part of one photograph, and a stereo pair: do maps find what is shared?"""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from lfs_core.comparators import load_explainer
from lfs_core.datasets.images import shrink
from lfs_core.datasets.pairs import Pair, all_pairs
from lfs_core.datasets.scenes import SceneSet, load_scenes
from lfs_core.embedders import embed_all, load_embedder
from lfs_core.evaluation.metrics.overlap import maps_by, overlap_scores, partly_shared
from lfs_core.evaluation.spec import parse
from lfs_core.explanation import Explainer
from lfs_core.studies.comparisons import CHEAP, CONTROLS
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.training.decoders import LinearDecoder
from lfs_core.training.embedding import SMALL
from lfs_core.util.rounding import rounded

NETWORK = "efficientnet-lite0"
EXPLAINERS = (
    "explainlfs",
    "simexpert",
    "tummala",
    *CHEAP,
    "occlusion",
    "causal",
    "simexpert,form=raw",
    "explainlfs,relevance=random",
    *CONTROLS,
    "own-likeness,by=causal",  # since no head ships for this network
)
DECODING = ("explainlfs", "mean-map")  # methods that take a decoder
CROPS, VIEWS = "crops", "stereo"  # of one photograph; of two views of one scene
PAIRS = {CROPS: 40, VIEWS: 20}


def scene_study(data: Path) -> dict[str, object]:
    """Scores of every method on the same pairs of crops of the demo tier's photographs.

    The decoder is fitted to the crops themselves, since no decoder ships for this network.
    """
    scenes, network = load_scenes(), load_embedder(NETWORK)
    h = embed_all(network, scenes.images)
    decoder = LinearDecoder.fit(h, shrink(scenes.images, SMALL))
    pairs = all_pairs(h, scenes.labels)
    similar = [pair for pair in pairs if pair.similarity > THRESHOLD]
    chosen = [
        pair
        for kind, count in PAIRS.items()
        for pair in partly_shared(scenes, [p for p in similar if _kind(scenes, p) == kind], count)
    ]

    def explainer(spec: str) -> Explainer:
        name, options = parse(spec)
        if name in DECODING:
            options["decoder"] = decoder
        return load_explainer(name, network, similarity_threshold=THRESHOLD, **options)

    methods = {spec: maps_by(explainer(spec), scenes) for spec in EXPLAINERS}
    scores = overlap_scores(scenes, tqdm(chosen, "Pairs"), methods)
    return {
        "manifest": {
            "tier": "demo",
            "pairs": "scenes",
            "number": len(chosen),
            "embedder": NETWORK,
        },
        "kinds": [_kind(scenes, pair) for pair in chosen],
        "scores": {
            spec: {which: rounded(values) for which, values in of.items()}
            for spec, of in scores.items()
        },
    }


def _kind(scenes: SceneSet, pair: Pair) -> str:
    one = scenes.crops[pair.a].photograph == scenes.crops[pair.b].photograph
    return CROPS if one else VIEWS
