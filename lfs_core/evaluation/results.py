"""The results of an evaluation: raw numbers of every pair, and statistics computed from them."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.base import Labels
from lfs_core.evaluation.names import KINDS, is_control
from lfs_core.evaluation.spec import make_metric
from lfs_core.evaluation.statistics import bootstrap_means, holm, paired_test
from lfs_core.util.files import replacing
from lfs_core.util.rounding import rounded

SIGNIFICANT = 0.05  # p-values below it are
COLUMNS = ("metric", "kind", "explainer", "pairs", "mean", "low", "high", "better")


@dataclass(frozen=True, eq=False)
class Results:
    """What explainers scored on the same pairs.

    Attributes:
        manifest: where the numbers come from.
        same: (P,) bool, whether both images show one person or class.
        similarity: (P,) cosines.
        seed: (P,), for all randomness.
        measured: numbers (P,n) of each pair, by explainer and metric; NaN where there is none.
        problems: what was wrong with an explainer's maps, by explainer and the pair's position.
        maps: (P,2,SIDE,SIDE) of each explainer, which are not saved.
        classes: (P,2) integers, the class of both images of each pair, where known; it is not
            saved. Intervals and tests then allow for pairs that share a class.
        names: of both images of each pair, where known; they are saved.
    """

    manifest: dict[str, Any]
    same: Tensor
    similarity: Tensor
    seed: Tensor
    measured: dict[str, dict[str, Tensor]]
    problems: dict[str, dict[int, str]]
    maps: dict[str, Tensor] = field(default_factory=dict)
    classes: np.ndarray | None = None
    names: Sequence[tuple[str, str]] = ()

    @property
    def labels(self) -> Labels:
        """Labels and similarities of the pairs."""
        return Labels(self.same, self.similarity, self.manifest["threshold"])

    @property
    def explainers(self) -> list[str]:
        """In the order in which they were given."""
        return list(self.measured)

    @property
    def metrics(self) -> list[str]:
        """In the order in which they were given."""
        return list(next(iter(self.measured.values())))

    def scores(self, metric: str, kind: str | None = None) -> np.ndarray:
        """(P,M): the score of each pair and explainer, of pairs called "similar" or "dissimilar".

        Raises:
            LFSError: the metric was not measured.
        """
        if metric not in self.metrics:
            raise LFSError(f"{metric!r} was not measured, only {', '.join(self.metrics)}.")
        score = make_metric(metric).score
        columns = [score(of[metric], self.labels) for of in self.measured.values()]
        return torch.stack(columns, dim=1).double().numpy()[self.of_kind(metric, kind)]

    def curves(self, explainer: str, metric: str, kind: str) -> np.ndarray:
        """(P,n): what was measured of pairs of one kind."""
        return self.measured[explainer][metric].double().numpy()[self.of_kind(metric, kind)]

    def classes_of(self, metric: str, kind: str | None = None) -> np.ndarray | None:
        """The classes of the pairs whose `scores` or `curves` these are, where known."""
        return None if self.classes is None else self.classes[self.of_kind(metric, kind)]

    def of_kind(self, metric: str, kind: str | None) -> np.ndarray:
        """(P,) bool: which pairs were called so, of those that the metric explains.

        Raises:
            LFSError: there is no such kind.
        """
        if kind is None:
            return np.ones(len(self.same), dtype=bool)
        if kind not in KINDS:
            raise LFSError(f"Pairs are {' or '.join(KINDS)}, not {kind!r}.")
        decisions = getattr(make_metric(metric), "decisions", None)
        measured = next(iter(self.measured.values()))[metric]  # a decision is of no explainer
        similar = decisions(measured) if decisions else self.labels.is_similar
        return (similar == (kind == "similar")).numpy()

    def rows(self) -> list[dict[str, Any]]:
        """For each metric, kind of pair and explainer the mean score and its interval."""
        rows = []
        for metric in self.metrics:
            for kind in KINDS:
                scores = self.scores(metric, kind)
                if not np.isfinite(scores).any():
                    continue
                classes = self.classes_of(metric, kind)
                means, low, high = bootstrap_means(scores, classes=classes)
                for k, explainer in enumerate(self.explainers):
                    found = (
                        metric,
                        kind,
                        explainer,
                        int(np.isfinite(scores[:, k]).sum()),
                        *(float(ends[k]) for ends in (means, low, high)),
                        make_metric(metric).better,
                    )
                    rows.append(dict(zip(COLUMNS, found, strict=True)))
        return rows

    def against(
        self, metric: str, kind: str, explainer: str, others: Iterable[str]
    ) -> list[dict[str, Any]]:
        """How much better an explainer is than others on the same pairs.

        Returns:
            Of each other: its name, by how much the explainer is better, the ends of the interval,
            p, corrected by Holm's rule over these others, and on how many pairs.
        """
        others = [other for other in others if other != explainer]
        if not others:
            return []
        scores = self.scores(metric, kind)
        place = {name: k for k, name in enumerate(self.explainers)}
        sign = 1 if make_metric(metric).better == "higher" else -1
        better = sign * (
            scores[:, [place[explainer]]] - scores[:, [place[other] for other in others]]
        )
        classes = self.classes_of(metric, kind)
        means, low, high = bootstrap_means(better, classes=classes)
        corrected = holm(paired_test(better, classes))
        pairs = np.isfinite(better).sum(axis=0)
        return [
            dict(zip(("other", "by", "low", "high", "p", "pairs"), found, strict=True))
            for found in zip(
                others, *(x.tolist() for x in (means, low, high, corrected, pairs)), strict=True
            )
        ]

    def pairwise(self, metric: str, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Every explainer against every other, in one table of tests.

        Returns:
            (M,M): by how much the explainer of the row is better than that of the column; and p,
            corrected by Holm's rule over all pairs of explainers, 1 on the diagonal.
        """
        scores = self.scores(metric, kind)
        sign = 1 if make_metric(metric).better == "higher" else -1
        rows, columns = np.triu_indices(scores.shape[1], 1)
        better = sign * (scores[:, rows] - scores[:, columns])
        means = bootstrap_means(better, draws=1)[0]
        by, p = np.zeros((2, scores.shape[1], scores.shape[1]))
        by[rows, columns], by[columns, rows] = means, -means
        p[rows, columns] = p[columns, rows] = holm(
            paired_test(better, self.classes_of(metric, kind))
        )
        return by, p + np.eye(len(p))

    def beats_controls(self, metric: str, kind: str, explainer: str) -> bool | None:
        """Is it significantly better than every control? None for controls, or without any."""
        controls = [name for name in self.explainers if is_control(name)]
        if is_control(explainer) or not controls:
            return None
        found = self.against(metric, kind, explainer, controls)
        return all(of["by"] > 0 and of["p"] < SIGNIFICANT for of in found)

    def to_dict(self) -> dict[str, Any]:
        """The raw numbers, ready for JSON."""
        return {
            "manifest": self.manifest,
            "same": self.same.int().tolist(),
            "similarity": rounded(self.similarity),
            "seed": self.seed.tolist(),
            "measured": {
                explainer: {metric: rounded(numbers) for metric, numbers in of.items()}
                for explainer, of in self.measured.items()
            },
            "problems": self.problems,
        } | ({"names": [list(pair) for pair in self.names]} if self.names else {})

    def save(self, path: str | os.PathLike) -> None:
        """Write the raw numbers as JSON and, next to that file, the table of means as CSV.

        Raises:
            LFSError: a file cannot be written.
        """
        with replacing(path) as new:
            new.write_text(
                json.dumps(self.to_dict(), separators=(",", ":")) + "\n", encoding="utf-8"
            )
        with (
            replacing(Path(path).with_suffix(".csv")) as new,
            new.open("w", newline="", encoding="utf-8") as file,
        ):
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            table.writerows(self.rows())


def load_results(path: str | os.PathLike) -> Results:
    """What `Results.save` wrote.

    Raises:
        LFSError: the file is missing or holds something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return Results(
            manifest=content["manifest"],
            same=torch.tensor(content["same"]).bool(),
            similarity=torch.tensor(content["similarity"]),
            seed=torch.tensor(content["seed"]),
            measured={
                explainer: {metric: _tensor(numbers) for metric, numbers in of.items()}
                for explainer, of in content["measured"].items()
            },
            problems={
                explainer: {int(k): problem for k, problem in of.items()}
                for explainer, of in content["problems"].items()
            },
            names=[(a, b) for a, b in content.get("names", ())],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LFSError(f"{path} holds no results of an evaluation ({error}).") from error


def _tensor(rows: list[list[float | None]]) -> Tensor:
    return torch.tensor([[torch.nan if x is None else x for x in row] for row in rows])
