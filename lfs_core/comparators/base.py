"""What competing methods share: how they see pairs, and how evidence becomes maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from lfs_core.embedders import Embedder, embed
from lfs_core.embedders.last_maps import LastMaps, NoMapsError
from lfs_core.errors import LFSError
from lfs_core.explanation import PairExplainer, PairExplanation
from lfs_core.mapping import display_map
from lfs_core.util.distances import Distance, distance_of, similarity

if TYPE_CHECKING:
    from lfs_core.datasets.images import ImageLike


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs as the network sees them.

    Attributes:
        images: (P,2,3,H,W) in [0,1]; a leaf of the graph for methods that need gradients.
        h: embeddings (P,2,D), computed from `images`, or from `maps` for methods that need layers.
        maps: the last maps (P,2,c,h,w) of the network, a leaf of the graph; empty for methods that
            need no layers.
        is_similar: (P,) bool, the decisions.
        distance: by which the network compares embeddings.
    """

    images: Tensor
    h: Tensor
    maps: Tensor
    is_similar: Tensor
    distance: Distance = field(default="cosine", kw_only=True)

    @cached_property
    def similarity(self) -> Tensor:
        """(P,) cosines, or 1 less distances; differentiable where the embeddings are."""
        return similarity(self.h[:, 0], self.h[:, 1], self.distance)

    @property
    def partners(self) -> Tensor:
        """(P,2,D): for each image the embedding of the other."""
        return self.h.flip(1)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a method has found about pairs.

    Attributes:
        values: (P,2,h,w). Of a method that separates for and against: above 0 where a place is
            evidence for a match, below where it is evidence against it. Else >= 0, for the decision
            taken.
        promised_sums: (P,2), what each image's values sum to by the method's own account.
        matches: (P,K,K), the joint evidence of two places, one of each image, for a match; of
            methods that find it.
        likeness: (P,K,K), by which their places are matched; left out, by `matches`.
        grid: rows and columns of the K places.
    """

    values: Tensor
    promised_sums: Tensor | None = None
    matches: Tensor | None = None
    likeness: Tensor | None = None
    grid: tuple[int, int] | None = None


class Comparator(PairExplainer):
    """A competing method: subclasses return in `evidence` the evidence for a match at each place.

    Attributes:
        signed: whether its evidence tells for from against.
        margin: whether evidence sums to the similarity. The evidence for the decision is then its
            surplus over an even share of xi_1, so that it sums to the margin of the decision.
        of_embeddings: whether evidence in an image needs no more of the other one than its
            embedding.
        matches_places: whether it says which place of one image matches which of the other.
    """

    matches_places: ClassVar[bool] = False
    signed: ClassVar[bool] = True
    margin: ClassVar[bool] = False
    of_embeddings: ClassVar[bool] = True

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
        is_similar = self._similarities(h.detach()) > self.similarity_threshold
        return Pairs(images, h, maps, is_similar, distance=self.distance)

    def _explain(self, images: Tensor) -> list[PairExplanation]:
        return self._explained(self.see(images), images)

    def _explained(self, pairs: Pairs, images: Tensor) -> list[PairExplanation]:
        found = self.evidence(pairs)
        values, size = found.values.detach(), images.shape[-2:]
        if not values.isfinite().all():
            raise LFSError(f"{self.method} found NaN or infinity; check the network's gradients.")
        signed = spread(values, size) if self.signed else None
        maps = display_map(self._for_the_decision(values, pairs.is_similar), size)
        found_similar = self._similarities(pairs.h.detach())
        return [
            PairExplanation(
                method=self.method,
                similarity=found_similar[k].item(),
                is_similar=bool(pairs.is_similar[k]),
                images=images[k],
                maps=maps[k].float(),
                map_threshold=self.map_threshold,
                settings=self.settings(),
                signed_maps=_of(signed, k),
                promised_sums=_of(found.promised_sums, k),
                matches=_of(found.matches, k),
                likeness=_of(found.matches if found.likeness is None else found.likeness, k),
                grid=found.grid,
            )
            for k in range(len(images))
        ]

    def _for_the_decision(self, values: Tensor, is_similar: Tensor) -> Tensor:
        """The part of evidence (P,2,h,w) that supports the decisions (P,), >= 0."""
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


def _of(values: Tensor | None, k: int) -> Tensor | None:
    """Those of the pair k."""
    return None if values is None else values[k].detach()


def explain_beside(explain: PairExplainer, image: ImageLike, partner: Tensor) -> PairExplanation:
    """Explain the similarity of an image to an embedding, as that of a text by a second network.

    Args:
        explain: a method made for the network of images, which needs no more of the other side
            than its embedding.
        image: as for the method.
        partner: (D,), the other embedding.

    Returns:
        An explanation whose first map is the image's. The second image is grey, and its map is 0.

    Raises:
        LFSError: the method needs two images, or the embedding has another length.
    """
    from lfs_core.comparators import EXPLAINERS, explainer_class
    from lfs_core.datasets.images import to_tensor

    if not isinstance(explain, Comparator) or not explain.of_embeddings:
        able = [
            name
            for name in EXPLAINERS
            if issubclass(of := explainer_class(name), Comparator)
            and of.of_embeddings
            and of.role == "method"
        ]
        raise LFSError(
            f"{explain.method} explains pairs of images only. Methods that explain an image and an "
            f"embedding: {', '.join(able)}."
        )
    one = to_tensor(image, getattr(explain.embedder, "image_size", None))
    images = torch.stack([one, one])[None]
    with torch.inference_mode(False), torch.enable_grad():
        pairs = explain.see(images)
        if partner.shape != pairs.h.shape[2:]:
            raise LFSError(
                f"The embedding has shape {tuple(partner.shape)}; the network gives "
                f"{tuple(pairs.h.shape[2:])}."
            )
        h = torch.stack([pairs.h[:, 0], partner.detach().to(pairs.h)[None]], dim=1)
        is_similar = explain._similarities(h.detach()) > explain.similarity_threshold
        (e,) = explain._explained(replace(pairs, h=h, is_similar=is_similar), images)

    def first(values: Tensor | None) -> Tensor | None:
        return None if values is None else torch.stack([values[0], torch.zeros_like(values[1])])

    return replace(
        e,
        images=torch.stack([one, torch.full_like(one, 0.5)]),
        maps=torch.stack([e.maps[0], torch.zeros_like(e.maps[1])]),
        signed_maps=first(e.signed_maps),
        promised_sums=first(e.promised_sums),
        matches=None,
        likeness=None,
        grid=None,
    )


class SimilarityTo:
    """The network's similarity to given embeddings, as one function of images, for captum.

    Args:
        embedder: the network.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder, self.distance = embedder, distance_of(embedder)

    def __call__(self, images: Tensor, partners: Tensor) -> Tensor:
        """Cosines (B,), or 1 less distances, of images (B,3,H,W) with embeddings (B,D)."""
        return similarity(embed(self.embedder, images), partners, self.distance)


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
