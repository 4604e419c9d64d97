"""A run of many methods on the same pairs, as `lfs study NAME` starts it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lfs_core.embedders import load_embedder, threshold_of
from lfs_core.embedders.network import Network
from lfs_core.evaluation.evaluate import Settings, evaluate
from lfs_core.evaluation.fresh_people import Part, pairs_of
from lfs_core.evaluation.pair_set import PairSet, load_pairs
from lfs_core.evaluation.results import Results
from lfs_core.util.assets import cache_folder


@dataclass(frozen=True)
class Run:
    """What `lfs study NAME` evaluates.

    Attributes:
        explainers: as `make_explainer` reads them.
        metrics: as `make_metric` reads them.
        folder: its name in the local tier.
        network: as `load_embedder` knows it.
        weights: the file of its weights, for networks that need one.
        number: how many pairs.
        seeds: how many parts the pairs are split into, each with its own seed.
        hold_out: share of the classes from which pairs are drawn, the last by name.
        people: which of `parts_of_people` they are drawn from instead.
    """

    explainers: tuple[str, ...]
    metrics: tuple[str, ...]
    folder: str = "lfw"
    network: str = "facenet-casia"
    weights: str | None = None
    number: int = 500
    seeds: int = 5
    hold_out: float = 1.0
    people: Part | None = None

    def on(self, network: str, weights: str | None) -> Run:
        """The same run of another network."""
        return replace(self, network=network, weights=weights)

    def __call__(self, data: Path) -> dict[str, object]:
        """The raw results, on the images of a folder of the local tier."""
        return self.evaluated(data).to_dict()

    def evaluated(self, data: Path) -> Results:
        """The results, with the maps."""
        settings = Settings(
            self.network,
            self.explainers,
            self.metrics,
            self.weights,
            threshold_of(self._loaded()),
            self.seeds,
        )
        return evaluate(settings, self.pairs(data), cache_folder() / "evaluation")

    def _loaded(self) -> Network:
        return load_embedder(self.network, **({"weights": self.weights} if self.weights else {}))

    def pairs(self, data: Path) -> PairSet:
        """The pairs."""
        network = self._loaded()
        if self.people:
            return pairs_of(data / self.folder, network, self.people, self.number)
        return load_pairs(data / self.folder, network, self.number, hold_out=self.hold_out)
