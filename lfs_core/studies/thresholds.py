"""At which cosine does each face network tell people apart best?

Thresholds are chosen on pairs of the first half of the people, by name, and judged on the others.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor
from tqdm import tqdm

from lfs_core.embedders import embed_all, load_embedder
from lfs_core.evaluation.fresh_people import parts_of_people, whose
from lfs_core.evaluation.pair_set import load_drawn
from lfs_core.evaluation.statistics import bootstrap
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.util.distances import cosines

NETWORKS = ("facenet-casia", "mobilenet-vggface2", "dlib-resnet")
PAIRS = 400  # of each half
FOLDER = "lfw"
GRID = np.linspace(-1, 1, 2001)
DRAWS = 1000


def thresholds_study(data: Path) -> dict[str, object]:
    """Of each network: the best threshold, and how often it and the one in use are right.

    Being right counts the same for pairs of one person and of two (balanced accuracy).
    """
    classes = whose(data / FOLDER)
    first = parts_of_people(classes)["head"]
    halves = {
        "chosen on": {name: of for name, of in classes.items() if of in first},
        "judged on": {name: of for name, of in classes.items() if of not in first},
    }
    found = {}
    for name in tqdm(NETWORKS, "Networks"):
        network = load_embedder(name)
        used = getattr(network, "similarity_threshold", THRESHOLD)
        of: dict[str, object] = {"in use": used}
        for half, theirs in halves.items():
            pairs = load_drawn(data / FOLDER, theirs, network, PAIRS)
            h = embed_all(network, pairs.images.flatten(0, 1)).unflatten(0, (-1, 2))
            of[half] = judged(cosines(h), pairs.same, used)
        found[name] = of
    return {
        "manifest": {"pairs": FOLDER, "number": PAIRS, "embedder": ", ".join(NETWORKS)},
        "networks": found,
    }


def judged(similarity: Tensor, same: Tensor, used: float) -> dict[str, object]:
    """The best threshold of some pairs, with 95 % intervals over pairs.

    Args:
        similarity: (P,) cosines.
        same: (P,) bool, whether both show one person.
        used: the threshold in use.

    Returns:
        "best": the middle of the thresholds with the highest balanced accuracy; "right at best" and
        "right in use": that accuracy, and the one of the threshold in use; "less": their
        difference. Each is [value, low, high]. And how many pairs are of one person.
    """
    values, kinds = similarity.double().numpy(), same.numpy()

    def of(counts: np.ndarray) -> np.ndarray:
        """(S,4) for how often each of some samples holds each pair, (S,P)."""
        right = balanced_accuracy(values, kinds, GRID, counts)
        best = right.max(axis=1)
        top = right >= best[:, None] - 1e-12
        middle = (top * GRID).sum(axis=1) / top.sum(axis=1)
        at_used = balanced_accuracy(values, kinds, np.array([used]), counts)[:, 0]
        return np.stack([middle, best, at_used, best - at_used], axis=1)

    numbers = np.transpose(bootstrap(of, len(values), DRAWS))
    names = ("best", "right at best", "right in use", "less")
    of_name = {
        name: [round(float(one), 4) for one in row]
        for name, row in zip(names, numbers, strict=True)
    }
    return {**of_name, "pairs of one person": int(kinds.sum()), "pairs": len(kinds)}


def balanced_accuracy(
    values: np.ndarray, kinds: np.ndarray, thresholds: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Means of how many pairs of one person lie above, and of two people at or below.

    Args:
        values: (P,) cosines.
        kinds: (P,) bool, of one person.
        thresholds: (T,).
        counts: (S,P), how often each of some samples holds each pair.

    Returns:
        (S,T) in [0,1].
    """
    above = values[:, None] > thresholds
    one, two = counts * kinds, counts * ~kinds
    found = one @ above / one.sum(axis=1, keepdims=True)
    refused = two @ ~above / two.sum(axis=1, keepdims=True)
    return (found + refused) / 2
