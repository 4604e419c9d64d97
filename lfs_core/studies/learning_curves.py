"""What a head of birds or cars lacks: more classes, or more photographs of the same classes.

A share of the training data is taken in two ways: whole classes, or a part of each class. Both
ways give about the same number of photographs, and every head is trained for the same number of
steps. If heads are better on part of each class, it is classes that are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from lfs_core.embedders import image_sides, load_embedder
from lfs_core.embedders.taps import find_layers
from lfs_core.studies.heads import FOLDERS, first_classes
from lfs_core.training.heads import fit_head, unexplained, what_windows_do
from lfs_core.training.removals import Removals

NETWORKS = ("efficientnet-lite0-cub", "efficientnet-lite0-cars")
SHARES = (0.25, 1.0)  # of the training data
EPOCHS = 3  # over all of it; over less, more, so that the steps are as many
LEARNING_RATE = 7e-4
GRID = 8
DRAWS = 3  # of the classes that are held out
CHOOSE, JUDGE = 2, 4  # classes, by which epochs are chosen, and which measure the heads


def learning_curves_study(data: Path) -> dict[str, object]:
    """The share of effects that heads leave unexplained, by classes and by photographs.

    Args:
        data: the folder of the local tier.
    """
    return {
        "manifest": {
            "embedder": ", ".join(NETWORKS),
            "pairs": ", ".join(FOLDERS[network][-1] for network in NETWORKS),
            "number": DRAWS,
            "epochs": EPOCHS,
            "learning_rate": LEARNING_RATE,
        },
        "curves": {network: list(_curve(network, data)) for network in NETWORKS},
    }


def _curve(network: str, data: Path) -> Iterator[dict[str, object]]:
    """A row for each draw, share and way to take it."""
    embedder = load_embedder(network)
    layers = find_layers(embedder, image_sides(embedder), GRID)
    photographs = first_classes(data / FOLDERS[network][-1])
    removed = what_windows_do(embedder, photographs, layers, grid=GRID)
    names = sorted(set(removed.identities))
    for draw in range(DRAWS):
        generator = torch.Generator().manual_seed(draw)
        order = [names[k] for k in torch.randperm(len(names), generator=generator).tolist()]
        judge = removed.of(set(order[:JUDGE]))
        choose = removed.of(set(order[JUDGE : JUDGE + CHOOSE]))
        classes = order[JUDGE + CHOOSE :]
        for share in SHARES:
            for way in ("classes", "photographs") if share < 1 else ("all",):
                train = taken(removed, classes, share, way)
                head = fit_head(
                    train,
                    choose,
                    tuple(layers),
                    epochs=round(EPOCHS / share),
                    learning_rate=LEARNING_RATE,
                    seed=draw,
                )
                partners, itself = unexplained(head, judge).tolist()
                yield {
                    "draw": draw,
                    "share": share,
                    "way": way,
                    "classes": len(set(train.identities)),
                    "images": len(train),
                    "partners": round(partners, 4),
                    "itself": round(itself, 4),
                }


def taken(removed: Removals, classes: list[str], share: float, way: str) -> Removals:
    """A share of the images of some classes.

    Args:
        removed: images, of these classes and others.
        classes: names, in the order in which they are taken.
        share: how much, in (0,1].
        way: "classes", the first of these, whole; "photographs", the first part of each; "all".
    """
    if way == "classes":
        return removed.of(set(classes[: round(share * len(classes))]))
    kept = list[int]()
    for name in classes:
        of_class = [k for k, who in enumerate(removed.identities) if who == name]
        kept += of_class[: max(1, round(share * len(of_class)))]
    return removed[kept]
