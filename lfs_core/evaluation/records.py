"""Stores maps and measurements in files, so that nothing is computed twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import Tensor

from lfs_core.util.code import Code
from lfs_core.util.digests import key
from lfs_core.util.kept import keep_tensors, kept_tensors


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some pairs, as they are sent to a worker.

    Attributes:
        start: place of the first among all pairs.
        images: (P,2,3,H,W) uint8.
        same: (P,) bool.
        h: embeddings (P,2,D).
        seed: for all randomness.
    """

    start: int
    images: Tensor
    same: Tensor
    h: Tensor
    seed: int

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the pairs and the seed."""
        content = self.images.numpy().tobytes() + self.same.numpy().tobytes()
        return hashlib.sha256(content + str(self.seed).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Record:
    """What one explainer gave for one chunk.

    Attributes:
        maps: (P,2,SIDE,SIDE), NaN where there is something wrong; None before anything was done.
        problems: what is wrong, by the pair's position in the chunk.
        measured: numbers (P,n) of each metric, NaN where there is none.
    """

    maps: Tensor | None
    problems: dict[int, str]
    measured: dict[str, Tensor]


class Store:
    """Records in a folder, found by all that decides them.

    Args:
        folder: where they are kept; made if there is none.
        about: what decides every record, by name.
        codes: the code of each explainer and metric, and of what runs them.
        learnt: what tells each explainer's weights and options from all others.
    """

    def __init__(
        self,
        folder: Path,
        about: Mapping[str, object],
        codes: Mapping[str, Code],
        learnt: Mapping[str, str],
    ) -> None:
        self.folder, self.about, self.codes, self.learnt = folder, about, codes, learnt

    def read(self, chunk: Chunk, explainer: str, metrics: Sequence[str]) -> Record:
        """What is stored, and whole."""
        found = kept_tensors(self._path("maps", chunk, explainer))
        if found is None:
            return Record(None, {}, {})
        tensors, about = found
        problems = {int(k): problem for k, problem in json.loads(about["problems"]).items()}
        measured = {}
        for metric in metrics:
            if numbers := kept_tensors(self._path("measured", chunk, explainer, metric)):
                measured[metric] = numbers[0]["measured"]
        return Record(tensors["maps"], problems, measured)

    def write(self, chunk: Chunk, explainer: str, record: Record) -> None:
        """Store a record; existing files are left as they are."""
        path = self._path("maps", chunk, explainer)
        if record.maps is not None and not path.is_file():
            about = {"problems": json.dumps(record.problems)}
            keep_tensors(path, {"maps": record.maps}, about)
        for metric, measured in record.measured.items():
            path = self._path("measured", chunk, explainer, metric)
            if not path.is_file():
                keep_tensors(path, {"measured": measured}, {})

    def _path(self, kind: str, chunk: Chunk, *specs: str) -> Path:
        name = key(
            code=[self.codes[spec] for spec in specs],
            specs=specs,
            learnt=[self.learnt.get(spec) for spec in specs],
            pairs=chunk.digest,
            **self.about,
        )
        return self.folder / kind / f"{name[:32]}.safetensors"
