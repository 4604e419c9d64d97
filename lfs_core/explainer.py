"""Algorithm 1: from a pair of images to the two maps that explain the network's decision."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import torch
from torch import Tensor

from lfs_core.datasets.images import ImageLike
from lfs_core.embedders import Embedder, embed, embedder_name, read_pair
from lfs_core.errors import LFSError
from lfs_core.mapping import check_unit_interval, difference_map, display_map, perturb
from lfs_core.relevance import relevance
from lfs_core.threads import one_thread

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class PairExplanation:
    """Why a network calls two images similar or dissimilar; every explainer returns one.

    Attributes:
        method: the explainer's name.
        similarity: cosine of the two embeddings, in [-1,1].
        is_similar: the decision, similarity > xi_1.
        images: (2,3,H,W) in [0,1], what the network saw.
        maps: (2,H,W) in [0,1], higher where the evidence for the decision is stronger.
        map_threshold: xi_2, in [0,1].
        settings: everything needed to repeat the explanation.
        relevance: (D,) in [0,1], Eq. 2; None for methods that assign none.
        reconstructions, perturbed: Do and Dp, (2,3,h,w) in [0,1]; None without a decoder.
    """

    method: str
    similarity: float
    is_similar: bool
    images: Tensor
    maps: Tensor
    map_threshold: float
    settings: dict[str, object]
    relevance: Tensor | None = None
    reconstructions: Tensor | None = None
    perturbed: Tensor | None = None

    @property
    def masks(self) -> Tensor:
        """(2,H,W) bool: maps > xi_2."""
        return self.maps > self.map_threshold

    def to_dict(self) -> dict[str, object]:
        """Everything but the pictures, ready for JSON; relevance and maps to four decimals."""
        return {
            "method": self.method,
            "similarity": self.similarity,
            "is_similar": self.is_similar,
            "settings": self.settings,
            "relevance": None if self.relevance is None else _rounded(self.relevance),
            "maps": _rounded(self.maps),
        }

    def plot(self) -> Figure:
        """A figure: the pair, its maps, and what the maps leave above xi_2."""
        from lfs_core.viz.figures import plot_explanations

        return plot_explanations([self])

    def save(self, path: str | os.PathLike) -> None:
        """Write a self-contained HTML page with the pair, the decision, maps and settings."""
        from lfs_core.viz.report import write_report

        write_report(self, path)


def _rounded(values: Tensor) -> list:
    # By way of float64: float32 would print its own digits again.
    return values.double().round(decimals=4).tolist()


class Explainer(Protocol):
    """Anything that explains a pair."""

    def __call__(self, image_a: ImageLike, image_b: ImageLike) -> PairExplanation:
        """Explain the network's decision about two images."""
        ...


class ExplainLFS:
    """The paper's method.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        decoder: D, fitted to that network's embeddings; a `Decoder`, or any callable
            (B,D) -> (B,3,h,w).
        p: size of the perturbation (Eq. 4), in [0,1].
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.
        latents: "raw" works on the embeddings as they are; "scaled" first scales each latent to
            [0,1] over the decoder's training data, and needs a `Decoder`.

    Raises:
        LFSError: a parameter is out of range, or the decoder belongs to another network.
    """

    method = "explainlfs"

    def __init__(
        self,
        embedder: Embedder,
        decoder: Callable[[Tensor], Tensor],
        p: float = 0.3,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
        latents: Literal["raw", "scaled"] = "raw",
    ) -> None:
        check_unit_interval("p", p)
        check_unit_interval("map_threshold", map_threshold)
        if not -1 <= similarity_threshold <= 1:
            raise LFSError(
                f"similarity_threshold is {similarity_threshold}; a cosine lies in [-1, 1]."
            )
        if latents not in ("raw", "scaled"):
            raise LFSError(f"latents is {latents!r}; it must be 'raw' or 'scaled'.")
        if latents == "scaled" and not hasattr(decoder, "latent_min"):
            raise LFSError("latents='scaled' needs a decoder that knows its latents' range.")
        self.embedder_name = embedder_name(embedder)
        fitted_to = getattr(decoder, "info", {}).get("embedder", self.embedder_name)
        if fitted_to != self.embedder_name:
            raise LFSError(
                f"The decoder was fitted to {fitted_to!r}, not to {self.embedder_name!r}; "
                "fit one to this network, or explain that one."
            )
        for network in (embedder, decoder):
            if isinstance(network, torch.nn.Module):
                network.eval()
        self.embedder, self.decoder = embedder, decoder
        self.p, self.latents = p, latents
        self.similarity_threshold, self.map_threshold = similarity_threshold, map_threshold

    @torch.no_grad()
    def __call__(self, image_a: ImageLike, image_b: ImageLike) -> PairExplanation:
        """Explain one pair (Algorithm 1).

        Args:
            image_a: path, PIL image, array or tensor, resized to the embedder's `image_size`
                where it has one. Faces must be aligned first (`align_face`).
            image_b: likewise.

        Raises:
            ImageError: an image cannot be read, or the two differ in size.
            LFSError: the network returns something other than two finite embeddings.
        """
        with one_thread():
            images = read_pair(self.embedder, image_a, image_b)
        h = embed(self.embedder, images)
        with one_thread():
            return self._explain(images, h)

    def _explain(self, images: Tensor, h: Tensor) -> PairExplanation:
        """Algorithm 1 for images (2,3,H,W) and their embeddings (2,D)."""
        # Rounding may carry the cosine of equal embeddings past 1.
        similarity = torch.cosine_similarity(h[0], h[1], dim=0).clamp(-1, 1).item()
        is_similar = similarity > self.similarity_threshold

        z = self._to_latents(h)
        R = relevance(z[0], z[1], is_similar)
        h_p = self._to_embeddings(perturb(z, R, self.p))

        return PairExplanation(
            method=self.method,
            similarity=similarity,
            is_similar=is_similar,
            images=images,
            maps=display_map(difference_map(self.decoder, h, h_p), images.shape[-2:]),
            map_threshold=self.map_threshold,
            settings={
                "embedder": self.embedder_name,
                "decoder": getattr(self.decoder, "info", {}),
                "p": self.p,
                "similarity_threshold": self.similarity_threshold,
                "map_threshold": self.map_threshold,
                "latents": self.latents,
            },
            relevance=R,
            reconstructions=self.decoder(h),
            perturbed=self.decoder(h_p),
        )

    def _to_latents(self, h: Tensor) -> Tensor:
        if self.latents == "raw":
            return h
        return (h - self.decoder.latent_min) / self._latent_range()

    def _to_embeddings(self, z: Tensor) -> Tensor:
        if self.latents == "raw":
            return z
        return z * self._latent_range() + self.decoder.latent_min

    def _latent_range(self) -> Tensor:
        """(D,); 1 for a latent that never varied, which leaves it as it is."""
        spread = self.decoder.latent_max - self.decoder.latent_min
        return spread.where(spread > 0, 1)
