"""Evaluate explainers on many pairs: in chunks, resumable, on one processor or on many machines."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from lfs_core.embedders import Embedder, embed_all, embedder_name, fingerprint, load_embedder
from lfs_core.errors import LFSError
from lfs_core.evaluation.measure import completed
from lfs_core.evaluation.metrics.base import Labels
from lfs_core.evaluation.pair_set import PairSet
from lfs_core.evaluation.records import Chunk, Record, Store
from lfs_core.evaluation.results import Results
from lfs_core.evaluation.spec import code_of_explainer, code_of_metric, make_explainer, make_metric
from lfs_core.evaluation.workers import run
from lfs_core.util.assets import cache_folder
from lfs_core.util.code import code_of
from lfs_core.util.digests import fingerprint as fingerprint_of
from lfs_core.util.distances import cosines, needs_cosine
from lfs_core.util.manifest import ALL_NUMBERS, commit, made_by, versions

CHUNK = 25  # pairs explained and measured between two records
SEEDS = 5


@dataclass(frozen=True)
class Settings:
    """Which explainers are measured by which metrics on which network.

    Attributes:
        embedder: the network, as `load_embedder` takes it.
        explainers: as `make_explainer` reads them.
        metrics: as `make_metric` reads them.
        weights: the file of the network's weights, for networks that need one.
        threshold: xi_1, in [-1,1].
        seeds: the pairs are split into this many parts, each with its own seed for all randomness.
    """

    embedder: str | Embedder
    explainers: tuple[str, ...]
    metrics: tuple[str, ...]
    weights: str | None = None
    threshold: float = 0.3
    seeds: int = SEEDS


def evaluate(
    settings: Settings,
    pairs: PairSet,
    folder: Path | None = None,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    progress: bool = True,
) -> Results:
    """Measure explanations of pairs.

    Args:
        settings: what is measured.
        pairs: on which pairs.
        folder: where records are kept; left out, in the cache. A run that was interrupted, or that
            has more explainers, metrics or pairs, starts from them.
        jobs: how many processes work at once, on this machine.
        scheduler: address of a Dask scheduler, whose workers do the work instead.
        progress: show a progress bar.

    Raises:
        LFSError: a name or an option is wrong, a part has no pair, or the scheduler cannot be
            reached.
    """
    start = time.monotonic()
    metrics = {spec: make_metric(spec) for spec in settings.metrics}
    network = _network(settings.embedder, settings.weights)
    needs_cosine(network, "The evaluation")
    h = embed_all(network, pairs.images.flatten(0, 1)).unflatten(0, (-1, 2))
    labels = Labels(pairs.same, cosines(h), settings.threshold)
    for metric in metrics.values():
        if hasattr(metric, "check"):
            metric.check(labels)  # now, not after the work
    explainers = {
        spec: make_explainer(spec, network, settings.threshold) for spec in settings.explainers
    }
    codes = {spec: code_of_explainer(spec) for spec in explainers}
    codes |= {spec: code_of_metric(spec) for spec in metrics}
    learnt = {spec: fingerprint_of(of, [network]) for spec, of in explainers.items()}
    common = code_of(network) | code_of(completed)
    code = made_by(codes | {ALL_NUMBERS: common})
    about = {"network": fingerprint(network), "threshold": settings.threshold}
    folder = folder or cache_folder() / "evaluation"
    store = Store(folder, about, {spec: of | common for spec, of in codes.items()}, learnt)
    chunks = _chunks(pairs, h, settings.seeds)
    records = {
        (chunk, spec): store.read(chunk, spec, settings.metrics)
        for chunk in chunks
        for spec in settings.explainers
    }
    tasks = [
        Task(settings, chunk, spec, missing, record)
        for (chunk, spec), record in records.items()
        if (missing := tuple(m for m in settings.metrics if m not in record.measured))
    ]
    with tqdm(total=len(records), disable=not progress, unit="chunk") as bar:
        bar.update(len(records) - len(tasks))
        for task, record in run(measure, tasks, jobs, scheduler):
            store.write(task.chunk, task.explainer, record)
            records[task.chunk, task.explainer] = record
            bar.set_description(task.explainer)
            bar.update()
    return Results(
        manifest={
            "pairs": pairs.description,
            "number": len(pairs),
            "digest": pairs.digest,
            **asdict(replace(settings, embedder=embedder_name(network))),
            "commit": commit(Path.cwd()),
            "versions": versions(),
            "code": code,
            "learnt": {spec: of[:16] for spec, of in learnt.items()},
            "records": len(records),
            "records_from_before": len(records) - len(tasks),
            "seconds": round(time.monotonic() - start, 1),
            "finished": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        },
        same=pairs.same,
        similarity=labels.similarity,
        seed=torch.tensor([chunk.seed for chunk in chunks for _ in chunk.same]),
        measured={
            spec: {
                metric: _together([records[chunk, spec].measured[metric] for chunk in chunks])
                for metric in settings.metrics
            }
            for spec in settings.explainers
        },
        problems={
            spec: {
                chunk.start + k: problem
                for chunk in chunks
                for k, problem in records[chunk, spec].problems.items()
            }
            for spec in settings.explainers
        },
        maps={
            spec: torch.cat([cast("Tensor", records[chunk, spec].maps) for chunk in chunks])
            for spec in settings.explainers
        },
    )


@dataclass(frozen=True, eq=False)
class Task:
    """One explainer, one chunk, and the metrics that its record lacks."""

    settings: Settings
    chunk: Chunk
    explainer: str
    metrics: tuple[str, ...]
    known: Record


def measure(task: Task) -> Record:
    """The record of a task, completed."""
    settings = task.settings
    network = _network(settings.embedder, settings.weights)
    explainer = make_explainer(task.explainer, network, settings.threshold)
    metrics = {spec: make_metric(spec) for spec in task.metrics}
    return completed(task.known, task.chunk, network, explainer, metrics, settings.threshold)


@functools.lru_cache(maxsize=2)
def _network(embedder: str | Embedder, weights: str | None) -> Embedder:
    """A network, loaded once in each process."""
    return load_embedder(embedder, **({"weights": weights} if weights else {}))


def _chunks(pairs: PairSet, h: Tensor, seeds: int) -> list[Chunk]:
    """Consecutive pairs, at most CHUNK; each of one seed."""
    if not 1 <= seeds <= len(pairs):
        raise LFSError(f"{len(pairs)} pairs cannot be split into {seeds} parts.")
    chunks = []
    for seed, positions in enumerate(torch.arange(len(pairs)).tensor_split(seeds)):
        for some in positions.split(CHUNK):
            images, same = pairs.images[some], pairs.same[some]
            chunks.append(Chunk(int(some[0]), images, same, h[some], seed))
    return chunks


def _together(parts: Sequence[Tensor]) -> Tensor:
    """Numbers (P,n) of all chunks; NaN for chunks of which nothing could be measured."""
    width = max(part.shape[1] for part in parts)
    return torch.cat(
        [nn.functional.pad(x, (0, width - x.shape[1]), value=torch.nan) for x in parts]
    )
