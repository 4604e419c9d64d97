"""PAIR-X: places inside a network that are each other's nearest, ranked by their relevance."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.comparators.gradient_x_input import ROUNDING
from lfs_core.correspondence import likeness
from lfs_core.embedders import Embedder
from lfs_core.embedders.last_maps import LastMaps
from lfs_core.embedders.layouts import look
from lfs_core.errors import LFSError
from lfs_core.explanation import Words


class PairX(Comparator):
    """Matches of cells of a network's maps.

    A cell of one image's maps and one of the other's match if each is the nearest, by the Euclidean
    distance of what the maps hold there, among all cells of the other's image. Matches are ranked
    by the product of both cells' relevance, which is 0 for all other pairs. A cell's relevance is
    the sum over channels of the absolute relevance of the similarity; the authors show it as a map.

    The authors go back from the similarity to the maps by LRP, with the rules of zennit's
    EpsilonPlus. Those are made for one architecture at a time; here relevance is gradient times
    activation, which equals LRP-0 in networks of rectifiers. What they do next, going back from the
    best matches to pixels, is left out: it draws them, and does not change them.

    Where two embeddings are equal the cosine is at its maximum: relevance is 0, and so is every
    match. One pass of each image forwards, and back to the maps.

    Args:
        embedder: the network to explain.
        cells: along each side, at least; the maps are the coarsest that still have as many. The
            authors choose a layer by hand.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range, or the network has no layers.
    """

    method = "pairx"
    title = "PAIR-X by gradients"
    words: ClassVar[Words] = {"cells": "{} cells a side or more"}
    source = "Shrack et al. 2025"
    verified = False
    needs = frozenset({"gradients", "layers"})
    signed = False
    of_embeddings = False
    matches_places = True

    def __init__(
        self,
        embedder: Embedder,
        cells: int = 8,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if cells < 2:
            raise LFSError(f"cells is {cells}; it must be at least 2.")
        self.cells = cells
        self._last_maps = CoarsestMaps(self._last_maps.network, cells)

    def evidence(self, pairs: Pairs) -> Evidence:
        """Relevance of each cell, (P,2,h,w), and its products where cells are mutual nearest."""
        e = normalize(pairs.h.detach(), dim=-1)
        apart = (e[:, 0] - e[:, 1]).norm(dim=-1) > ROUNDING
        (gradient,) = torch.autograd.grad((pairs.similarity * apart).sum(), pairs.maps)
        maps = pairs.maps.detach()
        relevance = (gradient * maps).abs().sum(dim=2)
        r_a, r_b = relevance.flatten(2).unbind(1)
        a, b = maps.flatten(3).mT.unbind(1)
        return Evidence(
            relevance,
            matches=mutual_nearest(a, b) * r_a[:, :, None] * r_b[:, None],
            likeness=likeness(a, b),
            grid=(maps.shape[-2], maps.shape[-1]),
        )

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"cells": self.cells}


class CoarsestMaps(LastMaps):
    """Takes the coarsest maps of a network with at least this many places a side, or the last.

    Args:
        network: any `nn.Module` that embeds images.
        cells: places along each side, 2 or more.
    """

    def __init__(self, network: nn.Module, cells: int) -> None:
        super().__init__(network)
        self.cells = cells

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As of `LastMaps`."""
        size = images.shape[-2:]
        if size not in self._places:
            sides = {
                of: min(of.layout.grid)
                for of in look(self.network, images.flatten(0, -4)[0])
                if of.name
                and of.reaches
                and of.layout
                and any(True for _ in of.module.parameters())
            }
            enough = [side for side in sides.values() if side >= self.cells]
            coarsest = [of for of, side in sides.items() if enough and side == min(enough)]
            if coarsest:  # parts of the network rather than parts of these, which are branches
                depth = min(of.name.count(".") for of in coarsest)
                self._places[size] = [of for of in coarsest if of.name.count(".") == depth][-1]
        return super().__call__(images)


def mutual_nearest(a: Tensor, b: Tensor) -> Tensor:
    """Whether two places are each other's nearest; of several at one distance the first counts.

    Args:
        a: (...,K,c), what each place holds.
        b: (...,L,c).

    Returns:
        (...,K,L) bool, with one place at most in each row and column.
    """
    apart = torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")
    forth, back = apart.argmin(dim=-1), apart.argmin(dim=-2)
    chosen = torch.zeros(apart.shape, dtype=torch.bool)
    chosen.scatter_(-1, forth[..., None], value=True)
    return chosen & torch.zeros_like(chosen).scatter_(-2, back[..., None, :], value=True)
