"""BiLRP, in its gradient form: which places, taken together, make the similarity."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.comparators.places import moved, of_each, summed
from lfs_core.correspondence import likeness, together
from lfs_core.embedders import Embedder
from lfs_core.explanation import Words
from lfs_core.util.windows import tiles


class BiLRP(Comparator):
    """Second-order relevance of pairs of places.

    The authors redistribute each latent's part of a dot product to the pixels of both images, and
    multiply what a pair of pixels gets: R_ij = sum_m LRP(i -> h_m) LRP(j -> h'_m). Here relevance
    is gradient times input, which equals LRP-0 in networks of rectifiers; the authors use
    LRP-gamma, for networks whose layers stand in a row. Summed over the pixels of two places,
    R_kl = (J a_k) . (J' b_l) / (|h| |h'|), where J is the Jacobian of the embedding h and a_k is
    image a, black but for place k. J a_k is one derivative taken forwards, so that D passes back
    become as many as there are places.

    Where the network has no biases, J a = h, and the sum over all pairs is the cosine. Black pixels
    get no relevance. About one pass for each place of each image.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        grid: places along each side of the image.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range; when it explains, if the network gives no gradients
            or has a step whose derivatives cannot be taken forwards.
    """

    method = "bilrp"
    title = "BiLRP by gradients"
    words: ClassVar[Words] = {"grid": "{0} by {0} places"}
    source = "Eberle et al. 2022"
    verified = False
    needs = frozenset({"gradients"})
    of_embeddings = False
    cosine_only = True
    matches_places = True

    def __init__(
        self,
        embedder: Embedder,
        grid: int = 8,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        self.grid = grid

    def evidence(self, pairs: Pairs) -> Evidence:
        """Row and column sums of R: (P,2,grid,grid)."""
        windows, grid = tiles(pairs.images.shape[-2:], [self.grid]), (self.grid, self.grid)

        def carried(image: Tensor) -> Tensor:
            return moved(self.embedder, image, image * windows[:, None])

        h = pairs.h.detach()
        carries = of_each(pairs.images, carried) / h.norm(dim=-1)[..., None, None]
        a, b = carries.unbind(1)
        matches = together(a, b)
        return Evidence(summed(matches, grid), None, matches, likeness(a, b), grid)

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"grid": self.grid}
