"""How good a network retrieves: what shares a photograph's class should be most similar to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lfs_core.errors import LFSError
from lfs_core.util.extras import needs

if TYPE_CHECKING:
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

KS = (1, 2, 4, 8)


def retrieval_quality(
    embeddings: Tensor, labels: Sequence[str], ks: Sequence[int] = KS, seed: int = 0
) -> dict[str, float]:
    """Every image is searched for among the others, by cosine similarity.

    An image that is the only one of its class is no query, but may be found.

    Args:
        embeddings: (N,D), of any length.
        labels: N classes.
        ks: the K of Recall@K.
        seed: of k-means.

    Returns: All in [0,1]: "recall@K", the share of images with one of their class among the K most
        similar. "map@r", the mean of AP@R, where R is how many others the class has (Musgrave et
        al. 2020). "nmi" is the normalised mutual information of classes and as many clusters that
        k-means finds, the best of ten starts.

    Raises:
        LFSError: there are fewer than two images or classes, no class has two images, the numbers
            of embeddings and labels differ, or pytorch-metric-learning is not installed.
    """
    classes = {label: number for number, label in enumerate(sorted(set(labels)))}
    y = torch.tensor([classes[label] for label in labels])
    if embeddings.ndim != 2 or len(embeddings) != len(y):
        raise LFSError(f"Embeddings {tuple(embeddings.shape)} do not fit {len(y)} labels.")
    if len(y) < 2 or len(classes) < 2:
        raise LFSError(
            f"Retrieval is measured on two or more classes, not on {len(y)} images of "
            f"{len(classes)} classes."
        )
    if len(classes) == len(y):
        raise LFSError("No class has two images: there is nothing that should be found.")
    unit = nn.functional.normalize(embeddings.detach().float().cpu())
    largest = int(torch.bincount(y).max())  # class
    calculator = _calculator(ks, k=min(max(*ks, largest), len(y) - 1), seed=seed)
    found = calculator.get_accuracy(unit, y)
    recalls = {f"recall@{k}": found[f"recall_at_{k}"] for k in ks}
    return recalls | {"map@r": found["mean_average_precision_at_r"], "nmi": float(found["NMI"])}


def average_precision(relevant: Tensor, k: int | None = None) -> float:
    """AP@k of one ranked list: the mean precision at the ranks up to k that are relevant.

    The mean is over as many ranks as could be relevant, min(k, number of relevant ones).

    Args:
        relevant: (N,) bool, whether each of the list is, most similar first.
        k: where the list is cut; left out, at its end.

    Returns:
        In [0,1]; 0 if nothing is relevant.

    Raises:
        LFSError: k is less than 1.
    """
    k = len(relevant) if k is None else k
    if k < 1 and len(relevant):
        raise LFSError(f"k is {k}; a ranked list is cut after 1 or more.")
    possible = min(k, int(relevant.sum()))
    if possible == 0:
        return 0.0
    top = relevant[:k].double()
    precision = top.cumsum(0) / torch.arange(1, len(top) + 1, device=top.device)
    return (precision * top).sum().item() / possible


def _calculator(ks: Sequence[int], k: int, seed: int) -> AccuracyCalculator:
    """pytorch-metric-learning's calculator, with Recall@K; k is how many neighbours it looks at."""
    with needs("train", "Measuring retrieval"):
        import faiss  # noqa: F401, which FaissKMeans asks for late
        from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
        from pytorch_metric_learning.utils.inference import FaissKMeans

    recalls = {f"recall_at_{k}": staticmethod(partial(_recall, k)) for k in ks}
    methods = {f"calculate_{name}": recall for name, recall in recalls.items()}
    return type("Calculator", (AccuracyCalculator,), methods)(
        include=("mean_average_precision_at_r", "NMI", *recalls),
        k=k,
        device=torch.device("cpu"),
        kmeans_func=FaissKMeans(niter=20, nredo=10, seed=seed, min_points_per_centroid=1),
    )


def _recall(
    k: int, knn_labels: Tensor, query_labels: Tensor, not_lone_query_mask: Tensor, **_: object
) -> float:
    """Recall@K, from the classes of every image's neighbours, (N,k)."""
    right = (knn_labels[:, :k] == query_labels[:, None]).any(dim=1)
    return right[not_lone_query_mask].double().mean().item()
