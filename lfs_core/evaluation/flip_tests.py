"""Pixel flipping under one reading of the paper, for many methods at once.

Methods that put superpixels in the same order share their passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lfs_core.embedders import Embedder, embed
from lfs_core.evaluation.metrics.selectivity import FILLS
from lfs_core.evaluation.partitions import partition, replaced_after
from lfs_core.util.distances import cosines
from lfs_core.util.threads import one_thread

SHARES = (6 / 64, 13 / 64, 20 / 64)  # of the image, replaced: 6, 13 and 20 of the paper's flips
BATCH = 64  # images
SIDES = ("first", "second")


@dataclass(frozen=True)
class FlipTest:
    """One reading of pixel flipping.

    Attributes:
        superpixels: one of `partitions.PARTITIONS`.
        fill: one of `selectivity.FILLS`.
        changed: which image of a similar pair is changed, one of `SIDES`; of a dissimilar pair both
            are.
        seed: of noise, drawn separately for every pair, and of ties.
        threshold: xi_1; pairs above it are similar.
    """

    superpixels: str
    fill: str
    changed: str
    seed: int
    threshold: float

    def curves(
        self, network: Embedder, images: Tensor, h: Tensor, maps: Mapping[str, Sequence[Tensor]]
    ) -> dict[str, Tensor]:
        """Cosines after shares of the image are replaced, by method: (P,1+len(SHARES)).

        Args:
            network: the network.
            images: pairs (P,2,3,H,W) in [0,1].
            h: their embeddings (P,2,D).
            maps: of each method and pair (2,h,w), the most relevant places highest; a pair whose
                map is NaN has a curve of NaN.
        """
        similar = (cosines(h) > self.threshold).tolist()
        curves = {name: torch.full((len(images), 1 + len(SHARES)), torch.nan) for name in maps}
        for k, pair in enumerate(images):
            generator = torch.Generator().manual_seed(1_000_003 * self.seed + k)
            with one_thread():
                fill = FILLS[self.fill](pair, generator)
            sides = [SIDES.index(self.changed)] if similar[k] else [0, 1]
            segments = {side: partition(pair[side], self.superpixels) for side in sides}
            orders: dict[bytes, Tensor] = {}  # (S,H,W), of methods whose orders differ
            of_order: dict[str, bytes] = {}
            for name, of in maps.items():
                if of[k].isfinite().all():
                    before = torch.stack(
                        [_before(of[k][side], segments[side], self.seed) for side in sides]
                    )
                    of_order[name] = before.numpy().tobytes()
                    orders.setdefault(of_order[name], before)
            if not orders:
                continue
            after = _embedded(network, _replaced(pair[sides], fill[sides], list(orders.values())))
            found = h[k].repeat(len(orders), len(SHARES), 1, 1)  # (M,S,2,D)
            found[:, :, sides] = after.unflatten(0, (len(orders), len(SHARES), len(sides)))
            cosine = torch.cosine_similarity(found[:, :, 0], found[:, :, 1], dim=-1)
            places = {order: place for place, order in enumerate(orders)}
            for name, order in of_order.items():
                curves[name][k, 0] = torch.cosine_similarity(h[k, 0], h[k, 1], dim=0)
                curves[name][k, 1:] = cosine[places[order]]
        return curves


def _before(heat: Tensor, segments: Tensor, seed: int) -> Tensor:
    """`replaced_after` of a map of any size and unit."""
    large = torch.nn.functional.interpolate(heat[None, None].double(), segments.shape)[0, 0]
    return replaced_after(large / large.abs().amax().clamp_min(1e-300), segments, seed)


def _replaced(images: Tensor, fill: Tensor, orders: Sequence[Tensor]) -> Iterator[Tensor]:
    """For each order, share and image: the image with that share of it replaced."""
    for before in orders:
        for share in SHARES:
            for image, other, of in zip(images, fill, before, strict=True):
                yield torch.where(of < share - 1e-9, other, image)


@torch.no_grad()
def _embedded(network: Embedder, images: Iterator[Tensor]) -> Tensor:
    return torch.cat([embed(network, some) for some in torch.stack(list(images)).split(BATCH)])
