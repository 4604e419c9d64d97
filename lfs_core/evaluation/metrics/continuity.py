"""Continuity (Sec. 4.3.2): a small change of an image should change its explanation little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.base import SIDE, Case, Labels
from lfs_core.explanation import Words

TENTHS = (*range(1, 11), *range(-10, 0))
"""The 20 displacements of Fig. 11, in tenths of the width: 1-10 to the right until the image has
left the frame, 20-11 likewise to the left. None is 0: the last shows most of the image."""
SEEN = 0.2  # of the frame that image and displaced image must share to be compared, moved back


@dataclass(frozen=True)
class Continuity:
    """How far the two maps of an image and its displaced copy are apart (Fig. 10).

    The pair is the first image and its copy; what the copy has left is black. Distances are root
    mean squares over the places, in units of the maps. Both maps are of one pair: a method that
    gives both images the same map, such as ExplainLFS with a linear decoder, has 0 throughout, and
    so has one that looks at neither.

    Attributes:
        moved: move the copy's map back first, and compare where both see the image. A map that
            follows the image then does not change at all.
    """

    moved: bool = False

    title: ClassVar[str] = "Continuity"
    words: ClassVar[Words] = {"moved": {True: "moved back", False: "where it is"}}
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def __post_init__(self) -> None:
        if not isinstance(self.moved, bool):
            raise LFSError(f"moved is {self.moved!r}; it must be true or false.")

    @property
    def about(self) -> str:
        """What is measured."""
        if self.moved:
            return "how far a map stays behind when the image moves"
        return "how far the map changes when the image moves by a tenth of its width"

    def measure(self, case: Case) -> Tensor:
        """(P,20), by displacement; NaN where too little is seen by both."""
        columns = []
        for tenths in TENTHS:
            first = case.images[:, 0]
            copy = displaced(first, round(tenths / 10 * first.shape[-1]))
            maps = case.explain(torch.stack([first, copy], dim=1))
            columns.append(self._distance(maps[:, 0], maps[:, 1], round(tenths / 10 * SIDE)))
        return torch.stack(columns, dim=1)

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """Mean over the displacements by a tenth; moved back, over all that can be compared."""
        if self.moved:
            return measured.nanmean(dim=1)
        return measured[:, [k for k, tenths in enumerate(TENTHS) if abs(tenths) == 1]].mean(dim=1)

    def _distance(self, maps: Tensor, of_copy: Tensor, shift: int) -> Tensor:
        """(P,) for maps (P,SIDE,SIDE) and a displacement in places."""
        if not self.moved:
            return (maps - of_copy).square().mean(dim=(1, 2)).sqrt()
        if SIDE - abs(shift) < SEEN * SIDE:
            return torch.full((len(maps),), torch.nan)
        back = displaced(of_copy, -shift)
        seen = slice(max(0, -shift), SIDE - max(0, shift))
        return (maps - back)[..., seen].square().mean(dim=(1, 2)).sqrt()


@dataclass(frozen=True)
class Lipschitz:
    """The local Lipschitz estimate (Alvarez-Melis and Jaakkola 2018).

    The largest ratio, over draws of noise on the first image, of how far its map changes to how far
    the image does; both as root mean squares. The partner stays.

    Attributes:
        draws: of noise.
        size: amplitude of the uniform noise, in (0,1].
    """

    draws: int = 3
    size: float = 0.02

    title: ClassVar[str] = "Local Lipschitz estimate"
    words: ClassVar[Words] = {"draws": "{} draws", "size": "noise {}"}
    about: ClassVar[str] = "how far the map changes for a little noise on the image"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def __post_init__(self) -> None:
        if self.draws < 1 or not 0 < self.size <= 1:
            raise LFSError(
                f"draws is {self.draws} and size {self.size}; there must be at least one draw, "
                "and the size lie in (0, 1]."
            )

    def measure(self, case: Case) -> Tensor:
        """(P,draws), the ratio of each draw."""
        generator = torch.Generator().manual_seed(case.seed)
        columns = []
        for _ in range(self.draws):
            noise = (torch.rand(case.images.shape[2:], generator=generator) * 2 - 1) * self.size
            noisy = (case.images[:, 0] + noise).clamp(0, 1)
            moved = (noisy - case.images[:, 0]).square().mean(dim=(1, 2, 3)).sqrt()
            maps = case.explain(torch.stack([noisy, case.images[:, 1]], dim=1))[:, 0]
            changed = (maps - case.maps[:, 0]).square().mean(dim=(1, 2)).sqrt()
            columns.append(changed / moved)
        return torch.stack(columns, dim=1)

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """The largest."""
        return measured.amax(dim=1)


def displaced(images: Tensor, shift: int) -> Tensor:
    """Images (...,H,W) moved to the right, or left, by `shift` pixels; black behind them."""
    moved = torch.zeros_like(images)
    width = images.shape[-1]
    if abs(shift) < width:
        to = slice(max(0, shift), width + min(0, shift))
        come_from = slice(max(0, -shift), width - max(0, shift))
        moved[..., to] = images[..., come_from]
    return moved
