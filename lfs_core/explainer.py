"""Algorithm 1: from a pair of images to the two maps that explain the network's decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor

from lfs_core.decoder import DECODERS, Decoder
from lfs_core.errors import LFSError
from lfs_core.explanation import (
    Explainer,
    PairExplainer,
    PairExplanation,
    Words,
)
from lfs_core.mapping import check_unit_interval, difference_map, display_map
from lfs_core.util.networks import Embedder, check_fitted
from lfs_core.variants import OF_THE_COSINE, PERTURBATIONS, RELEVANCE_WORDS, RELEVANCES

__all__ = ["ExplainLFS", "Explainer", "PairExplanation"]

Latents = Literal["raw", "scaled"]


class ExplainLFS(PairExplainer):
    """The paper's method, with its readings, and controls that replace its parts.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        decoder: D, fitted to that network's embeddings; a `Decoder`, or any callable
            (B,D) -> (B,3,h,w).
        p: size of the perturbation (Eq. 4), in [0,1].
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.
        latents: "raw" works on the embeddings as they are; "scaled" first scales each latent to
            [0,1] over the decoder's training data, and needs a `Decoder`.
        relevance: "paper" for Eq. 2, or what is put in its place: see `RELEVANCES`.
        perturbation: "add" for Eq. 4, or what is put in its place: see `PERTURBATIONS`.
        seed: of relevance that is drawn.

    Raises:
        LFSError: a parameter is out of range, or the decoder belongs to another network.
    """

    method = "explainlfs"
    title = "ExplainLFS"
    words: ClassVar[Words] = {
        "decoder": {kind: f"{title} decoder" for kind, (title, _) in DECODERS.items()},
        "p": "p = {}",
        "latents": "{} latents",
        "relevance": RELEVANCE_WORDS,
        "perturbation": {"add": "added", "multiply": "multiplied", "sphere": "on the sphere"},
    }
    source = "Bello et al. 2024"
    needs = frozenset({"training"})

    def __init__(
        self,
        embedder: Embedder,
        decoder: Callable[[Tensor], Tensor],
        p: float = 0.3,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
        latents: Latents = "raw",
        relevance: str = "paper",
        perturbation: str = "add",
        seed: int = 0,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        check_unit_interval("p", p)
        for name, value, known in (
            ("latents", latents, get_args(Latents)),
            ("relevance", relevance, tuple(RELEVANCES)),
            ("perturbation", perturbation, tuple(PERTURBATIONS)),
        ):
            if value not in known:
                raise LFSError(f"{name} is {value!r}; it must be {' or '.join(map(repr, known))}.")
        if latents == "scaled" and not isinstance(decoder, Decoder):
            raise LFSError("latents='scaled' needs a decoder that knows its latents' range.")
        if latents == "scaled" and (perturbation == "sphere" or relevance in OF_THE_COSINE):
            raise LFSError("Scaled latents lie on no sphere and have no cosine; use latents='raw'.")
        check_fitted(getattr(decoder, "info", {}), embedder, "decoder")
        if isinstance(decoder, torch.nn.Module):
            decoder.eval()
        self.decoder, self.p, self.latents = decoder, p, latents
        self.relevance, self.perturbation, self.seed = relevance, perturbation, seed

    @torch.no_grad()
    def _explain(self, images: Tensor) -> list[PairExplanation]:
        """Algorithm 1 for pairs of images (P,2,3,H,W)."""
        h = self._embed(images).float()
        from lfs_core.util.threads import one_thread

        with one_thread():
            similarity = self._similarities(h)
            is_similar = similarity > self.similarity_threshold

            z = self._to_latents(h)
            R = RELEVANCES[self.relevance](
                z[:, 0], z[:, 1], is_similar, self.seed, self.similarity_threshold
            )
            h_p = self._to_embeddings(PERTURBATIONS[self.perturbation](z, R[:, None], self.p))

            maps = display_map(difference_map(self.decoder, h, h_p), images.shape[-2:])
            Do, Dp = (self.decoder(x.flatten(0, 1)).unflatten(0, (-1, 2)) for x in (h, h_p))
        return [
            PairExplanation(
                method=self.method,
                similarity=similarity[k].item(),
                is_similar=bool(is_similar[k]),
                images=images[k],
                maps=maps[k],
                map_threshold=self.map_threshold,
                settings=self.settings(),
                relevance=R[k],
                reconstructions=Do[k],
                perturbed=Dp[k],
            )
            for k in range(len(images))
        ]

    def settings(self) -> dict[str, Any]:
        """Everything needed to make this explainer again."""
        return super().settings() | {
            "decoder": getattr(self.decoder, "info", {}),
            "p": self.p,
            "latents": self.latents,
            "relevance": self.relevance,
            "perturbation": self.perturbation,
            "seed": self.seed,
        }

    def _to_latents(self, h: Tensor) -> Tensor:
        if self.latents == "raw" or not isinstance(self.decoder, Decoder):
            return h
        return (h - self.decoder.latent_min) / _latent_range(self.decoder)

    def _to_embeddings(self, z: Tensor) -> Tensor:
        if self.latents == "raw" or not isinstance(self.decoder, Decoder):
            return z
        return z * _latent_range(self.decoder) + self.decoder.latent_min


def _latent_range(decoder: Decoder) -> Tensor:
    """(D,); 1 for a latent that never varied, which leaves it as it is."""
    spread = decoder.latent_max - decoder.latent_min
    return spread.where(spread > 0, 1)
