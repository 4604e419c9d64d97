"""Explains a chunk of pairs and measures the maps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lfs_core.evaluation.maps import maps_of
from lfs_core.evaluation.metrics.base import Case, Labels, Metric
from lfs_core.evaluation.records import Chunk, Record
from lfs_core.util.distances import cosines
from lfs_core.util.networks import Embedder


def completed(
    known: Record,
    chunk: Chunk,
    embedder: Embedder,
    explainer: Callable[..., object],
    metrics: Mapping[str, Metric],
    threshold: float,
) -> Record:
    """The record of a chunk, with maps and the numbers of these metrics added.

    Args:
        known: the record so far.
        chunk: the pairs.
        embedder: the network.
        explainer: what explains them.
        metrics: those that the record lacks, by the name under which it keeps what they measure.
        threshold: xi_1, in [-1,1].
    """
    images = chunk.images.float() / 255
    maps, problems = known.maps, known.problems
    if maps is None:
        maps, problems = maps_of(explainer, images)
    good = maps.isfinite().all(dim=(1, 2, 3))
    case = Case(
        embedder=embedder,
        images=images[good],
        h=chunk.h[good],
        labels=Labels(chunk.same[good], cosines(chunk.h[good]), threshold),
        maps=maps[good],
        explain=_remembering(explainer),
        seed=chunk.seed,
    )
    measured = dict(known.measured)
    for spec, metric in metrics.items():
        found = metric.measure(case) if good.any() else torch.empty(0, 1)
        measured[spec] = torch.full((len(images), found.shape[1]), torch.nan)
        measured[spec][good] = found.float()
    return Record(maps, problems, measured)


def _remembering(explainer: Callable[..., object]) -> Callable[[Tensor], Tensor]:
    """A function from pairs of images to maps that explains the same pairs only once."""
    known: dict[bytes, Tensor] = {}

    def explain(images: Tensor) -> Tensor:
        key = hashlib.sha256(images.contiguous().numpy().tobytes()).digest()
        if key not in known:
            known[key] = maps_of(explainer, images)[0]
        return known[key]

    return explain
