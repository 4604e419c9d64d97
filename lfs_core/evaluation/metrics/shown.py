"""How much of an image a map shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from lfs_core.evaluation.metrics.base import Case, Labels
from lfs_core.explanation import Words
from lfs_core.mapping import check_unit_interval


@dataclass(frozen=True)
class Shown:
    """Share of the pixels of a map above xi_2. It describes a map and is no measure of its quality.

    Attributes:
        threshold: xi_2, in [0,1].
    """

    threshold: float = 0.7

    title: ClassVar[str] = "Share of pixels shown"
    words: ClassVar[Words] = {"threshold": "ξ₂ = {}"}
    about: ClassVar[str] = "it describes a map and is no measure of its quality"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def __post_init__(self) -> None:
        check_unit_interval("threshold", self.threshold)

    def measure(self, case: Case) -> Tensor:
        """(P,2), of both images, in [0,1]."""
        return (case.maps > self.threshold).float().mean(dim=(2, 3))

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """Mean of both images."""
        return measured.mean(dim=1)
