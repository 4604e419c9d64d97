"""Mosaic test: the grid pointing game, for pairs.

A photograph is one of four in a mosaic, and the pair is the mosaic and another photograph of the
same person or class. If the network calls the two similar, it is because of that cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from lfs_core.embedders import embed_all
from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.base import SIDE, Case, Labels
from lfs_core.evaluation.metrics.patch import pointing

CELLS = 4


@dataclass(frozen=True)
class Mosaic:
    """The share of the mosaic's map that lies in the right cell.

    The other cells show first images of the next pairs of the chunk. Only pairs that show the same
    and that the network calls similar, also in the mosaic, say something.
    """

    title: ClassVar[str] = "Mosaic test"
    about: ClassVar[str] = "share of the map in the right one of four cells"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def measure(self, case: Case) -> Tensor:
        """(P,2): share of the map's sum, 0.25 by chance; and `pointing`.

        Raises:
            LFSError: the images have an odd side.
        """
        measured = torch.full((len(case.images), 2), torch.nan)
        if len(case.images) < CELLS:
            return measured
        height, width = case.images.shape[-2:]
        if height % 2 or width % 2:
            raise LFSError(
                f"Images of {height}x{width} pixels have no halves; mosaics need even sides."
            )
        small = torch.nn.functional.interpolate(
            case.images[:, 0], scale_factor=0.5, mode="bilinear", antialias=True
        )
        # The right cell goes round from pair to pair.
        cells = [
            torch.stack([small.roll(-n, 0)[k] for n in range(CELLS)]) for k in range(len(small))
        ]
        mosaics = torch.stack([mosaic(of.roll(k % CELLS, 0)) for k, of in enumerate(cells)])
        h = embed_all(case.embedder, mosaics)
        similar = torch.cosine_similarity(h, case.h[:, 1]) > case.labels.threshold
        usable = (similar & case.labels.is_similar & case.labels.same).nonzero()[:, 0]
        if len(usable) == 0:
            return measured
        images = torch.stack([mosaics[usable], case.images[usable, 1]], dim=1)
        for k, heat in zip(usable.tolist(), case.explain(images)[:, 0], strict=True):
            right = mosaic(
                torch.eye(CELLS)[k % CELLS, :, None, None, None].expand(
                    CELLS, 1, SIDE // 2, SIDE // 2
                )
            )[0].bool()
            if heat.isfinite().all() and heat.sum() > 0:
                measured[k, 0] = heat[right].sum() / heat.sum()
                measured[k, 1] = pointing(heat, right)
        return measured

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """The share."""
        return measured[:, 0]


def mosaic(cells: Tensor) -> Tensor:
    """Four images (4,C,h,w), row by row, as one (C,2h,2w)."""
    top, bottom = (torch.cat(list(row), dim=-1) for row in cells.split(2))
    return torch.cat([top, bottom], dim=-2)
