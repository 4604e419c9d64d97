"""What a metric is: a function from the maps of pairs to numbers for each pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from torch import Tensor

from lfs_core.embedders import Embedder
from lfs_core.explanation import Words

SIDE = 40  # places a side of the maps that are evaluated, as in the paper


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels and similarities of pairs.

    Attributes:
        same: (P,) bool, whether both images show one person or class.
        similarity: (P,) cosines.
        threshold: xi_1.
    """

    same: Tensor
    similarity: Tensor
    threshold: float

    @property
    def is_similar(self) -> Tensor:
        """(P,) bool, the network's decisions."""
        return self.similarity > self.threshold


@dataclass(frozen=True, eq=False)
class Case:
    """Pairs, and how an explainer explains them.

    Attributes:
        embedder: the network.
        images: pairs (P,2,3,H,W) in [0,1].
        h: embeddings (P,2,D).
        labels: their labels and similarities.
        maps: (P,2,SIDE,SIDE) in [0,1], of the decisions about these pairs; none is NaN.
        explain: from other pairs (P,2,3,H,W) to their maps (P,2,SIDE,SIDE), NaN where the explainer
            fails.
        seed: for all randomness.
    """

    embedder: Embedder
    images: Tensor
    h: Tensor
    labels: Labels
    maps: Tensor
    explain: Callable[[Tensor], Tensor]
    seed: int


class Metric(Protocol):
    """Measures explanations; the attributes of an instance are its settings.

    Attributes:
        title: its name for readers.
        words: what its options are called in such a name, as those of a `PairExplainer`; a text
            that is empty is not told.
        better: whether "higher" or "lower" scores are better.
        about: what is measured, in a few words.

    A metric that does not work for every set of pairs has a method `check`, too, which is given
    their `Labels` before anything is measured and raises an LFSError. A metric that explains other
    pairs than those it is given has a method `decisions`: from what was measured (P,n) to whether
    the network calls the explained pairs similar, (P,) bool.
    """

    title: ClassVar[str]
    words: ClassVar[Words] = {}
    better: ClassVar[Literal["higher", "lower"]]
    about: ClassVar[str]

    def measure(self, case: Case) -> Tensor:
        """Numbers (P,n) for pairs, such as a curve; NaN where nothing can be measured."""
        ...

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """From these numbers (P,n), of all pairs, to one score a pair, (P,)."""
        ...
