"""How the similarities of each network are spread, and whether the confidence from it is right.

The spread is that of pairs of one half of the people or classes; the confidence is then tested on
pairs of the other half. Networks that were trained on some of the classes are measured on others.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from lfs_core.datasets.folders import find_photographs, split_classes
from lfs_core.embedders import Embedder, embed_all, load_embedder
from lfs_core.evaluation.pair_set import load_drawn
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.util.confidence import Spread
from lfs_core.util.distances import cosines
from lfs_core.util.rounding import rounded

NUMBER, SEED = 400, 0  # pairs of each half, in turn of one class and of two
BIRDS, CARS = "CUB-200 birds", "Cars-196"
MEASURED = {  # folders of the local tier, and what pairs of them are called
    "facenet-casia": {"lfw": "LFW"},
    "mobilenet-vggface2": {"lfw": "LFW"},
    "dlib-resnet": {"lfw": "LFW"},
    "efficientnet-lite0": {"cub": BIRDS, "cars": CARS},
    "efficientnet-lite0-cub": {"cub": BIRDS},
    "efficientnet-lite0-cars": {"cars": CARS},
}


def confidence_study(data: Path) -> dict[str, object]:
    """The spread of each network's similarities, and held-out pairs to test it on.

    Args:
        data: the folder of the local tier.

    Returns:
        By network: the spread; and of the held-out pairs the similarity, and whether both images
        show one person or class.
    """
    spreads, held_out = {}, {}
    for name, folders in MEASURED.items():
        embedder = load_embedder(name)
        halves = [_measured(embedder, data, folders, half) for half in (0, 1)]
        (similarity, same), (tested, tested_same) = halves
        spread = Spread.of(similarity.tolist(), same.tolist(), " and ".join(folders.values()))
        spreads[name] = asdict(spread)
        held_out[name] = {"similarity": rounded(tested), "same": tested_same.int().tolist()}
    return {
        "manifest": {
            "embedder": ", ".join(MEASURED),
            "pairs": "lfw, cub, cars",
            "number": NUMBER,
            "threshold": THRESHOLD,
            "seed": SEED,
        },
        "spreads": spreads,
        "held_out": held_out,
    }


def _measured(
    embedder: Embedder, data: Path, folders: dict[str, str], half: int
) -> tuple[Tensor, Tensor]:
    """Similarities (P,) of pairs of one half of the classes, and whether they are alike."""
    similarities, same = [], []
    for folder in folders:
        found = find_photographs(data / folder)
        classes = {file.relative_to(data / folder).as_posix(): of for file, of in found}
        if folder != "lfw":  # the retrieval networks were trained on the first half
            unseen = split_classes(classes.values(), hold_out=0.5)[1]
            classes = {name: of for name, of in classes.items() if of in unseen}
        kept = split_classes(classes.values(), hold_out=0.5)[half]
        classes = {name: of for name, of in classes.items() if of in kept}
        pairs = load_drawn(data / folder, classes, embedder, NUMBER // len(folders), seed=SEED)
        h = embed_all(embedder, pairs.images.flatten(0, 1)).unflatten(0, (-1, 2))
        similarities.append(cosines(h))
        same.append(pairs.same)
    return torch.cat(similarities), torch.cat(same)
