"""exCLIP: integrated Jacobians, place by place: which places together make the similarity."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.comparators.base import Evidence, Pairs
from lfs_core.comparators.fills import Fill, plain
from lfs_core.comparators.integrated_jacobians import IntegratedJacobians
from lfs_core.comparators.places import moved, of_each, summed
from lfs_core.correspondence import likeness, together
from lfs_core.embedders import Embedder, embed
from lfs_core.explanation import Words
from lfs_core.util.windows import tiles


class ExCLIP(IntegratedJacobians):
    """The part of every pair of places in the similarity.

    The matrix A of integrated Jacobians, summed over the pixels of two places: A_kl = sum over
    pixels i of place k and j of l of (a - a')_i [J_a^T J_b]_ij (b - b')_j. Each image gives
    G_k = J_a (a - a')_k, its difference from the reference within place k, pushed through the mean
    Jacobian by derivatives taken forwards; then A_kl = G_k . G_l. Row sums are the evidence of
    integrated Jacobians in each place, up to the error of the integral over the other image.

    The authors take the Jacobian of the embedding by a hidden layer of CLIP, in 10 steps, and
    divide by the embeddings' lengths afterwards. Here it is that of unit embeddings by pixels, as
    for integrated Jacobians, where fewer steps than 20 miss the promised sum by far. About one pass
    for each place, step and image.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        reference: "mean", an image's own mean colour; "grey", 0.5; or "black". Places of its
            colour get no evidence.
        steps: Gauss-Legendre nodes on the line, 1 or more.
        grid: places along each side of the image.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range; when it explains, if the network gives no gradients
            or has a step whose derivatives cannot be taken forwards.
    """

    method = "exclip"
    title = "exCLIP"
    words: ClassVar[Words] = {"grid": "{0} by {0} places"}
    source = "Möller, Tilli, Vu, Padó 2025"
    of_embeddings = False
    matches_places = True

    def __init__(
        self,
        embedder: Embedder,
        reference: Fill = "mean",
        steps: int = 20,
        grid: int = 8,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, reference, steps, similarity_threshold, map_threshold)
        self.grid = grid

    def evidence(self, pairs: Pairs) -> Evidence:
        """Row and column sums of A: (P,2,grid,grid)."""
        windows, grid = tiles(pairs.images.shape[-2:], [self.grid]), (self.grid, self.grid)
        nodes, weights = np.polynomial.legendre.leggauss(self.steps)

        def carried(image: Tensor) -> Tensor:
            """G (K,D), and in a last row how far the embedding is from that of the reference."""
            start = plain(image[None], self.reference)[0]
            parts = (image - start) * windows[:, None]
            found = [
                weight / 2 * moved(self.embedder, torch.lerp(start, image, place), parts, unit=True)
                for place, weight in zip((nodes + 1) / 2, weights, strict=True)
            ]
            with torch.no_grad():
                ends = normalize(embed(self.embedder, torch.stack([image, start])), dim=-1)
            return torch.cat([torch.stack(found).sum(dim=0), ends[:1] - ends[1:]])

        carries = of_each(pairs.images, carried)
        a, b = carries[:, :, :-1].unbind(1)
        matches, score = together(a, b), carries[:, :, -1].prod(dim=1).sum(dim=-1)
        promised = score[:, None].expand(-1, 2)
        return Evidence(summed(matches, grid), promised, matches, likeness(a, b), grid)

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"grid": self.grid}
