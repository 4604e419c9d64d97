"""What competing methods share: how they see pairs, and how evidence becomes maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from lfs_core.embedders import Embedder, embed
from lfs_core.embedders.last_maps import LastMaps, NoMapsError
from lfs_core.errors import LFSError
from lfs_core.explanation import PairExplainer, PairExplanation, cosines
from lfs_core.mapping import display_map


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs as the network sees them.

    Attributes:
        images: (P,2,3,H,W) in [0,1]; a leaf of the graph for methods that need gradients.
        h: embeddings (P,2,D), computed from `images`, or from `maps` for methods that need layers.
        maps: the last maps (P,2,c,h,w) of the network, a leaf of the graph; empty for methods that
            need no layers.
        is_similar: (P,) bool, the decisions.
    """

    images: Tensor
    h: Tensor
    maps: Tensor
    is_similar: Tensor

    @cached_property
    def similarity(self) -> Tensor:
        """(P,) cosines, differentiable where the embeddings are."""
        return torch.cosine_similarity(self.h[:, 0], self.h[:, 1])

    @property
    def partners(self) -> Tensor:
        """(P,2,D): for each image the embedding of the other."""
        return self.h.flip(1)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a method has found about pairs.

    Attributes:
        values: (P,2,h,w). Of a method that tells for from against: above 0 where a place speaks
            for a match, below where it speaks against. Else >= 0, for the decision taken.
        promised_sums: (P,2), what each image's values sum to by the method's own account.
    """

    values: Tensor
    promised_sums: Tensor | None = None


class Comparator(PairExplainer):
    """A competing method: subclasses say in `evidence` what speaks for a match, and where.

    Attributes:
        signed: whether its evidence tells for from against.
        margin: whether evidence sums to the similarity. What speaks for the decision is then its
            surplus over an even share of xi_1, so that it sums to the margin of the decision.
    """

    signed: ClassVar[bool] = True
    margin: ClassVar[bool] = False

    def __init__(
        self,
        embedder: Embedder,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if "layers" in self.needs:
            if not isinstance(embedder, torch.nn.Module):
                raise LFSError(self._refusal("layers, and this one is a black box"))
            self._last_maps = LastMaps(embedder)

    def evidence(self, pairs: Pairs) -> Evidence:
        """The evidence in pairs."""
        raise NotImplementedError

    def see(self, images: Tensor) -> Pairs:
        """Pairs of images (P,2,3,H,W), with what the method needs of the network.

        Raises:
            LFSError: the network does not give gradients, or has no maps, and the method needs
                them.
        """
        maps = images.new_empty(0)
        if "layers" in self.needs:
            try:
                maps, h = self._last_maps(images)
            except NoMapsError as error:
                raise LFSError(self._refusal(f"maps of a layer: {error}")) from error
        elif "gradients" in self.needs:
            images = images.detach().clone().requires_grad_()
            with torch.enable_grad():
                h = self._embed(images)
            if not h.requires_grad:
                raise LFSError(self._refusal("gradients, and this one is a black box"))
        else:
            with torch.no_grad():
                h = self._embed(images)
        return Pairs(images, h, maps, cosines(h.detach()) > self.similarity_threshold)

    def _explain(self, images: Tensor) -> list[PairExplanation]:
        pairs = self.see(images)
        found = self.evidence(pairs)
        values, size = found.values.detach(), images.shape[-2:]
        if not values.isfinite().all():
            raise LFSError(f"{self.method} found NaN or infinity; check the network's gradients.")
        signed = spread(values, size) if self.signed else None
        maps = display_map(self._for_the_decision(values, pairs.is_similar), size)
        promised = found.promised_sums
        similarity = cosines(pairs.h.detach())
        return [
            PairExplanation(
                method=self.method,
                similarity=similarity[k].item(),
                is_similar=bool(pairs.is_similar[k]),
                images=images[k],
                maps=maps[k].float(),
                map_threshold=self.map_threshold,
                settings=self.settings(),
                signed_maps=None if signed is None else signed[k],
                promised_sums=None if promised is None else promised[k],
            )
            for k in range(len(images))
        ]

    def _for_the_decision(self, values: Tensor, is_similar: Tensor) -> Tensor:
        """The part of evidence (P,2,h,w) that speaks for the decisions (P,), >= 0."""
        if not self.signed:
            return values
        share = self.similarity_threshold / values[0, 0].numel() if self.margin else 0
        surplus = values - share
        return torch.where(is_similar[:, None, None, None], surplus, -surplus).clamp_min(0)

    def _refusal(self, wanted: str) -> str:
        from lfs_core.comparators import explainers_without

        others = ", ".join(explainers_without("gradients", "layers"))
        return (
            f"{self.method} cannot explain {self.embedder_name!r}: it needs a network with "
            f"{wanted}. Methods that work with any network: {others}."
        )


class SimilarityTo:
    """The network's similarity to given embeddings, as one function of images, for captum.

    Args:
        embedder: the network.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def __call__(self, images: Tensor, partners: Tensor) -> Tensor:
        """Cosines (B,) of images (B,3,H,W) with embeddings (B,D)."""
        return torch.cosine_similarity(embed(self.embedder, images), partners)


def spread(evidence: Tensor, size: Sequence[int]) -> Tensor:
    """Evidence at image size: each cell's is spread over the pixels about it, so sums stay.

    The weights are those of bilinear interpolation, scaled so that no cell gains or loses.

    Args:
        evidence: (...,h,w).
        size: (H,W), no smaller.

    Returns:
        (...,H,W), float64.
    """
    if evidence.shape[-2:] == tuple(size):
        return evidence.double()
    down, across = (
        _shares(cells, pixels) for cells, pixels in zip(evidence.shape[-2:], size, strict=True)
    )
    return down @ evidence.double() @ across.T


def _shares(cells: int, pixels: int) -> Tensor:
    """(pixels, cells): how much of each cell's evidence each pixel gets."""
    weights = torch.nn.functional.interpolate(
        torch.eye(cells, dtype=torch.float64)[:, None], pixels, mode="linear"
    )[:, 0]
    return (weights / weights.sum(dim=1, keepdim=True)).T
