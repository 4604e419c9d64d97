"""Patch test: two images that differ in one square only, after PatchLFW.

Where the images are the same there is no evidence against a match, and in the square
there is nothing else. What the test cannot show is whether the network looks at the square at all;
so methods are compared on the same squares, and with controls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from lfs_core.embedders import embed_all
from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.base import SIDE, Case, Labels
from lfs_core.evaluation.metrics.ground_truth import region_auroc
from lfs_core.evaluation.metrics.selectivity import GRID, enlarged
from lfs_core.explanation import Words


@dataclass(frozen=True)
class Patch:
    """Whether a map tells the inside of an exchanged square from the outside.

    The partner is the first image itself, with a square of the second in it. If the network calls
    the two dissimilar, the evidence is inside; if similar, outside.

    Attributes:
        side: of the square, in superpixels.
    """

    side: int = 5

    title: ClassVar[str] = "Patch test"
    words: ClassVar[Words] = {"side": "{} superpixels a side"}
    about: ClassVar[str] = "is the evidence on the right side of a known border"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __post_init__(self) -> None:
        if not 1 <= self.side < GRID:
            raise LFSError(f"side is {self.side}; a square has 1 to {GRID - 1} superpixels a side.")

    def measure(self, case: Case) -> Tensor:
        """(P,3): AUROC, in [0,1], 1 if all is right; pointing; and 1 if called similar.

        Pointing is 1 if the strongest place lies on the right side; of equally strong places, the
        share that does. AUROC and pointing are means over both images.
        """
        cells = torch.stack([square(pair, self.side, case.seed) for pair in case.images])
        size = case.images.shape[-2:]
        pixels = torch.stack([enlarged(of, size) for of in cells])[:, None]
        first, second = case.images.unbind(dim=1)
        images = torch.stack([first, torch.where(pixels, second, first)], dim=1)
        h = torch.stack([case.h[:, 0], embed_all(case.embedder, images[:, 1])], dim=1)
        similar = torch.cosine_similarity(h[:, 0], h[:, 1]) > case.labels.threshold
        measured = torch.full((len(images), 3), torch.nan)
        for k, maps in enumerate(case.explain(images)):
            measured[k, 2] = similar[k]
            if maps.isfinite().all():
                right = enlarged(cells[k], (SIDE, SIDE)) ^ similar[k]
                measured[k, 0] = sum(region_auroc(of, right) for of in maps) / 2
                measured[k, 1] = sum(pointing(of, right) for of in maps) / 2
        return measured

    def decisions(self, measured: Tensor) -> Tensor:
        """(P,) bool: whether the image and its changed copy are called similar."""
        return measured[:, 2] == 1

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """The AUROC."""
        return measured[:, 0]


def square(pair: Tensor, side: int, seed: int) -> Tensor:
    """A square of superpixels, (GRID,GRID) bool, whose place follows from the pair and the seed."""
    drawn = int((pair.double().sum() * 1e4).round()) + seed
    generator = torch.Generator().manual_seed(drawn)
    top, left = torch.randint(GRID - side + 1, (2,), generator=generator).tolist()
    cells = torch.zeros(GRID, GRID, dtype=torch.bool)
    cells[top : top + side, left : left + side] = True
    return cells


def pointing(heat: Tensor, region: Tensor) -> float:
    """The share of the strongest places of a map (H,W) that lie in a region (H,W)."""
    strongest = heat == heat.max()
    return region[strongest].float().mean().item()
