"""A control: the mean of ExplainLFS's maps of other pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.datasets.faces import load_faces
from lfs_core.datasets.framing import framing_of
from lfs_core.datasets.images import ImageLike, to_tensor
from lfs_core.datasets.pairs import all_pairs, spread
from lfs_core.datasets.scenes import load_scenes
from lfs_core.decoder import load_decoder
from lfs_core.embedders import Embedder, embed_all
from lfs_core.errors import LFSError
from lfs_core.evaluation.controls.random import pixel_bytes
from lfs_core.explainer import ExplainLFS

PER_DECISION = 20  # pairs of the demo tier
BATCH = 32  # pairs explained at a time


@dataclass(frozen=True, eq=False)
class _Other:
    """A pair whose map is part of the mean: its decision, its images and its map (H,W)."""

    is_similar: bool
    shown: set[bytes]
    map: Tensor


class MeanMap(Comparator):
    """The mean of ExplainLFS's maps of other pairs with the same decision.

    A map that depends on the decision about the pair and on nothing else: only where ExplainLFS
    differs from it does it say something about this pair. Both images have the same map, and pairs
    that show either of them are left out.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        pairs: the other pairs, of images as for `__call__`; left out, 20 of each decision from the
            demo tier, spread evenly from the most to the least similar. They are faces for a
            network that reads faces, crops of photographs for any other.
        decoder: ExplainLFS's, fitted to this network; left out, the one that ships for it.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range, or no decoder ships for the network; when it
            explains, if no other pair has the same decision.
        AssetError: when it first explains, if the demo tier's faces cannot be fetched.
    """

    method = "mean-map"
    title = "Mean map"
    role = "control"
    source = "a control"
    needs = frozenset({"training"})
    signed = False

    def __init__(
        self,
        embedder: Embedder,
        pairs: Sequence[tuple[ImageLike, ImageLike]] | None = None,
        decoder: Callable[[Tensor], Tensor] | None = None,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        self.pairs = pairs
        own = self.embedder_name
        self.decoder = load_decoder(own, own) if decoder is None else decoder
        self._explain_other = ExplainLFS(
            embedder, self.decoder, similarity_threshold=similarity_threshold
        )

    def evidence(self, pairs: Pairs) -> Evidence:
        """The mean map, (P,2,H,W) in [0,1], the same for both images of a pair.

        Raises:
            LFSError: no other pair has the same decision.
        """
        shown = [{pixel_bytes(image) for image in images} for images in pairs.images]
        fits = torch.tensor(
            [
                [other.is_similar == similar and not other.shown & images for other in self._others]
                for similar, images in zip(pairs.is_similar.tolist(), shown, strict=True)
            ],
            dtype=torch.bool,
        )
        for similar, found in zip(pairs.is_similar, fits.any(dim=1), strict=True):
            if not found:
                raise LFSError(
                    f"mean-map has no other pair that {self.embedder_name!r} calls "
                    f"{'similar' if similar else 'dissimilar'}; give some as `pairs`."
                )
        maps = torch.stack([other.map for other in self._others])
        weights = fits / fits.sum(dim=1, keepdim=True)
        mean = (weights @ maps.flatten(1)).unflatten(-1, maps.shape[1:])
        return Evidence(mean[:, None].expand(-1, 2, -1, -1))

    def settings(self) -> dict[str, object]:
        """The settings of this explainer; for pairs that were given, their number."""
        return super().settings() | {
            "decoder": getattr(self.decoder, "info", {}),
            "pairs": "demo" if self.pairs is None else len(self.pairs),
        }

    @cached_property
    def _others(self) -> list[_Other]:
        pairs = self._demo_pairs() if self.pairs is None else self.pairs
        batches = (pairs[start : start + BATCH] for start in range(0, len(pairs), BATCH))
        return [
            _Other(e.is_similar, {pixel_bytes(image) for image in e.images}, e.maps.mean(dim=0))
            for batch in batches
            for e in self._explain_other.batch(batch)
        ]

    def _demo_pairs(self) -> list[tuple[Tensor, Tensor]]:
        if framing_of(self.embedder) == "face":
            faces = load_faces("demo", progress=False)
            images, labels = faces.images, faces.identities
        else:
            scenes = load_scenes()
            images, labels = scenes.images, scenes.labels
        size = getattr(self.embedder, "image_size", None)
        images = torch.stack([to_tensor(image, size) for image in images])
        pairs = all_pairs(embed_all(self.embedder, images), labels)
        similar = [pair for pair in pairs if pair.similarity > self.similarity_threshold]
        dissimilar = pairs[len(similar) :]  # the most similar come first
        chosen = spread(similar, PER_DECISION) + spread(dissimilar, PER_DECISION)
        return [(images[pair.a], images[pair.b]) for pair in chosen]
