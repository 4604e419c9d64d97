"""What every explanation method takes, a network and pairs of images, and what it returns."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor

from lfs_core.errors import ImageError, LFSError
from lfs_core.mapping import check_unit_interval
from lfs_core.util.confidence import Spread, spread_of
from lfs_core.util.distances import (
    Distance,
    cosines,
    distance_name,
    distance_of,
    needs_cosine,
    similarity,
)
from lfs_core.util.networks import Embedder, embed, embedder_name, ready, try_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lfs_core.datasets.images import ImageLike

Role = Literal["method", "control", "ablation", "oracle"]
Words = Mapping[str, str | Mapping[Any, str]]
OF_THE_NETWORK = ("embedder", "spread", "distance")  # in settings; all others are the method's


@dataclass(frozen=True, eq=False)
class PairExplanation:
    """Why a network calls two images similar or dissimilar; every explainer returns one.

    Attributes:
        method: the explainer's name.
        similarity: cosine of the two embeddings, in [-1,1]; or 1 less their distance, for networks
            that compare by another one.
        is_similar: the decision, similarity > xi_1.
        images: (2,3,H,W) in [0,1], what the network saw.
        maps: (2,H,W) in [0,1], higher where the evidence for the decision is stronger.
        map_threshold: xi_2, in [0,1].
        settings: everything needed to repeat the explanation.
        relevance: (D,) in [0,1], Eq. 2; None for methods that assign none.
        reconstructions, perturbed: Do and Dp, (2,3,h,w) in [0,1]; None without a decoder.
        signed_maps: (2,H,W), above 0 where a pixel is evidence for a match and below where it is
            evidence against it; None for methods without a sign.
        promised_sums: (2,), what each signed map sums to by the method's own account; None for
            methods that promise no sum.
        matches: (K,K), the joint evidence of place k of image a and place l of image b for a match,
            below 0 against it; None for methods that do not find it.
        likeness: (K,K), by which `correspondence` matches places; None where `matches` is.
        grid: rows and columns of the K places, which tile an image row by row; None likewise.
    """

    method: str
    similarity: float
    is_similar: bool
    images: Tensor
    maps: Tensor
    map_threshold: float
    settings: dict[str, Any]
    relevance: Tensor | None = None
    reconstructions: Tensor | None = None
    perturbed: Tensor | None = None
    signed_maps: Tensor | None = None
    promised_sums: Tensor | None = None
    matches: Tensor | None = None
    likeness: Tensor | None = None
    grid: tuple[int, int] | None = None

    @property
    def masks(self) -> Tensor:
        """(2,H,W) bool: maps > xi_2."""
        return self.maps > self.map_threshold

    @property
    def confidence(self) -> float | None:
        """Probability in [0,1] that the decision is right; None where the network has no spread."""
        spread = self.settings.get("spread")
        return spread and Spread(**spread).confidence(self.similarity, self.is_similar)

    @property
    def completeness_error(self) -> float | None:
        """How far a signed map's sum is from what the method promises, at most; else None."""
        if self.signed_maps is None or self.promised_sums is None:
            return None
        sums = self.signed_maps.double().sum(dim=(1, 2))
        return (sums - self.promised_sums).abs().max().item()

    def to_dict(self) -> dict[str, Any]:
        """Everything but the pictures, ready for JSON; relevance and maps to four decimals."""
        from lfs_core.util.rounding import rounded

        return {
            "method": self.method,
            "similarity": self.similarity,
            "is_similar": self.is_similar,
            "confidence": self.confidence,
            "settings": self.settings,
            "relevance": rounded(self.relevance),
            "maps": rounded(self.maps),
            "matches": rounded(self.matches),
            "grid": self.grid,
        }

    def plot(self) -> Figure:
        """A figure: the pair, its maps, and what the maps leave above xi_2."""
        from lfs_core.viz.figures import plot_explanations

        return plot_explanations([self])

    def save(
        self, path: str | os.PathLike[str], photographs: Sequence[ImageLike] | None = None
    ) -> None:
        """Write a self-contained HTML page; photographs are shown with all their faces."""
        from lfs_core.viz.report import write_report

        write_report(self, path, photographs=photographs)


class Explainer(Protocol):
    """Anything that explains a pair."""

    def __call__(self, image_a: ImageLike, image_b: ImageLike) -> PairExplanation:
        """Explain the network's decision about two images."""
        ...


class PairExplainer:
    """Reads pairs and thresholds alike for every method; subclasses say how pairs are explained.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar". Of a network that
            compares by a distance, 1 less the distance below which it is.
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a threshold is out of range.

    Attributes:
        method: its name, as `load_explainer` knows it.
        title: its name for readers.
        words: what its options are called in such a name, by option: a text with {} for the value,
            or a text for each value. Those of the classes it is made from count too.
        role: "method"; "control", which ignores the pair or the network; "ablation", a
            method with a part replaced, to see what the part does; or "oracle", which looks at the
            test.
        source: who proposed it, and where.
        verified: whether its formula was checked against the authors' own; else it is
            reconstructed from their description.
        needs: what it asks for beyond embeddings: "gradients", "layers", "training",
            "class images".
        cosine_only: whether it takes a cosine apart, and so cannot explain another distance.
    """

    method: ClassVar[str]
    title: ClassVar[str]
    words: ClassVar[Words] = {
        "similarity_threshold": "ξ₁ = {}",
        "map_threshold": "ξ₂ = {}",
        "seed": "seed {}",
    }
    role: ClassVar[Role] = "method"
    source: ClassVar[str]
    verified: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset()
    cosine_only: ClassVar[bool] = False

    def __init__(
        self,
        embedder: Embedder,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        check_unit_interval("map_threshold", map_threshold)
        self.distance: Distance = distance_of(embedder)
        if self.cosine_only:
            needs_cosine(embedder, self.method)
        if self.distance == "cosine" and not -1 <= similarity_threshold <= 1:
            raise LFSError(
                f"similarity_threshold is {similarity_threshold}; a cosine lies in [-1, 1]."
            )
        if not callable(embedder):
            raise LFSError(
                f"An embedder is a callable, not {type(embedder).__name__}; load it first."
            )
        ready(embedder)
        self.embedder, self.embedder_name = embedder, embedder_name(embedder)
        self.similarity_threshold, self.map_threshold = similarity_threshold, map_threshold

    def __call__(self, image_a: ImageLike, image_b: ImageLike) -> PairExplanation:
        """Explain one pair.

        Args:
            image_a: path, PIL image, array or tensor, resized to the embedder's `image_size`
                where it has one. Faces must be aligned first (`align_face`).
            image_b: likewise.

        Raises:
            ImageError: an image cannot be read, or the two differ in size.
            LFSError: the network returns something other than two finite embeddings, or is not
                what the method needs.
        """
        return self.batch([(image_a, image_b)])[0]

    def batch(self, pairs: Sequence[tuple[ImageLike, ImageLike]]) -> list[PairExplanation]:
        """Explain several pairs at once, in their order; the same explanations, sooner.

        Raises:
            ImageError: as for one pair, or the pairs differ in size.
            LFSError: as for one pair.
        """
        if not pairs:
            return []
        from lfs_core.datasets.images import read_pair  # files and arrays become tensors
        from lfs_core.util.threads import one_thread

        with one_thread():
            size = getattr(self.embedder, "image_size", None)
            read = [read_pair(*pair, size) for pair in pairs]
            if len({images.shape for images in read}) > 1:
                raise ImageError(
                    "The pairs differ in size; set `image_size` on the embedder, or explain them "
                    "one by one."
                )
            images = torch.stack(read)
        with torch.inference_mode(False), torch.enable_grad():
            try_out(self.embedder, images[0])
            return self._explain(images)

    def _explain(self, images: Tensor) -> list[PairExplanation]:
        """Explanations of pairs of images (P,2,3,H,W)."""
        raise NotImplementedError

    def _embed(self, images: Tensor) -> Tensor:
        """(P,2,D) of images (P,2,3,H,W)."""
        return embed(self.embedder, images.flatten(0, 1)).unflatten(0, (-1, 2))

    def _similarities(self, h: Tensor) -> Tensor:
        """(P,) of pairs of embeddings (P,2,D), as the network compares them."""
        if self.distance == "cosine":
            return cosines(h)
        return similarity(h[:, 0], h[:, 1], self.distance)

    def settings(self) -> dict[str, Any]:
        """Everything needed to make this explainer again."""
        spread = spread_of(self.embedder)
        return {
            "embedder": self.embedder_name,
            "similarity_threshold": self.similarity_threshold,
            "map_threshold": self.map_threshold,
            "spread": spread and asdict(spread),
            **({} if self.distance == "cosine" else {"distance": distance_name(self.distance)}),
        }
