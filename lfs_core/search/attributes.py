"""Attributes of images as directions among embeddings: which of them explains a match best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lfs_core.errors import LFSError

PRESENT = 0.5  # a score above which an image has an attribute


@dataclass(frozen=True)
class Fall:
    """What an attribute does for a match.

    Attributes:
        name: of the attribute.
        fall: of the cosine of the pair when the attribute is taken out of both; below 0 where it
            rises.
        shared: the lower of the pair's two scores of the attribute; above 0.5 where both have it.
    """

    name: str
    fall: float
    shared: float


@dataclass(frozen=True)
class Attributes:
    """Attributes that linear probes find in embeddings.

    After Plummer, Vasileva, Petsiuk, Saenko and Forsyth (2020), who name the attribute that best
    explains a match, by its map and by what it does elsewhere. Reconstructed: an attribute is a
    direction here, and explains a match by the fall of the cosine when both embeddings are moved
    along it to the average. `lfs_core.search.attribute_maps` has the maps.

    Attributes:
        names: K of them.
        directions: (K,D) of length one, along which a probe's score rises.
        mean: (D,), the average embedding.
        slopes: (K,), by how much a score rises along its direction.
        offsets: (K,), the scores of the average.
    """

    names: tuple[str, ...]
    directions: Tensor
    mean: Tensor
    slopes: Tensor
    offsets: Tensor

    @classmethod
    def fit(
        cls, embeddings: Tensor, labels: Tensor, names: Sequence[str], ridge: float = 1e-3
    ) -> Attributes:
        """Probes by ridge regression of labels on embeddings of length one.

        Args:
            embeddings: (N,D), none of them 0.
            labels: (N,K) bool, which image has which attribute.
            names: K of them.
            ridge: the penalty, times the mean variance of a latent.

        Raises:
            LFSError: shapes do not fit, or all images or none have an attribute.
        """
        if labels.shape != (len(embeddings), len(names)):
            raise LFSError(
                f"labels are {tuple(labels.shape)}; for {len(embeddings)} images and {len(names)} "
                f"attributes they must be {(len(embeddings), len(names))}."
            )
        share = labels.double().mean(dim=0)
        for name, of in zip(names, share.tolist(), strict=True):
            if of in (0, 1):
                raise LFSError(
                    f"{'All' if of else 'None'} of the images have the attribute {name!r}; give "
                    "some with it and some without."
                )
        h = torch.nn.functional.normalize(embeddings.double(), dim=1)
        mean = h.mean(dim=0)
        centred = h - mean
        second = centred.T @ centred / len(h)
        penalty = ridge * second.trace() / len(mean) * torch.eye(len(mean), dtype=h.dtype)
        weights = torch.linalg.solve(
            second + penalty, centred.T @ (labels.double() - share) / len(h)
        ).T
        slopes = weights.norm(dim=1)
        return cls(tuple(names), weights / slopes[:, None], mean, slopes, share)

    def scores(self, h: Tensor) -> Tensor:
        """(...,K), near 1 where an image with embedding h (...,D) has an attribute, else near 0."""
        unit = torch.nn.functional.normalize(h.double(), dim=-1)
        return (unit - self.mean) @ self.directions.T * self.slopes + self.offsets

    def explain(self, a: Tensor, b: Tensor) -> list[Fall]:
        """All attributes by how well they explain a match; first those that both images have.

        Args:
            a: (D,), an embedding.
            b: (D,), the other one.
        """
        pair = torch.nn.functional.normalize(torch.stack([a, b]).double(), dim=1)
        whole = torch.cosine_similarity(pair[0], pair[1], dim=0)
        shared = self.scores(pair).amin(dim=0)
        found = []
        for k, name in enumerate(self.names):
            along = self.directions[k]
            left = pair - ((pair - self.mean) @ along)[:, None] * along
            fall = whole - torch.cosine_similarity(left[0], left[1], dim=0)
            found.append(Fall(name, fall.item(), shared[k].item()))
        return sorted(found, key=lambda of: (of.shared <= PRESENT, -of.fall))
