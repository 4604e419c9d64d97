"""FIxLIP: what places of two images do together, by Banzhaf interactions over crossed masks."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from lfs_core.causal import causal_map
from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.comparators.fills import FILL_WORDS, Fill, check_fill, plain
from lfs_core.comparators.places import of_each
from lfs_core.correspondence import likeness, together
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words
from lfs_core.util.windows import tiles

ROUNDING = 1e-6  # float32 embeddings that differ by no more are equal


class FIxLIP(Comparator):
    """Weighted Banzhaf interactions of the cosine between what is left of two images.

    The cosine v(S,T) of image a with no more than the places S and b with no more than T is fitted
    by least squares. The fit has a constant, a weight for each place of a and of b, and one for
    each pair of them: the matches. Every set S is crossed with every set T, so that m + n passes
    give m n values. Places are kept with probability p, which makes the fitted weights of pairs,
    over all sets, weighted Banzhaf interactions.

    The design is a product, and the cosine is a dot product e_S . e_T; so the fit falls into one
    for each image, exactly. With X_a = (1, S) the m sets of a, and X_a^+ its least-squares
    inverse, the weights of pairs are (X_a^+ E_a) (X_b^+ E_b)^T without first row and column. These
    are the matches of two causal maps C that are fitted to embeddings over sets, where the causal
    map removes one place. None of the m n values is ever formed.

    A place's evidence is its weighted Banzhaf value with the whole other image, C[k] . e. The
    authors fit pairs within an image, too; over all sets this leaves the weights of pairs across as
    they are.

    Args:
        embedder: the network to explain; nothing but its embeddings is used.
        masks: sets of places of each image, the same for both, 2 or more; all sets, each with its
            probability, where there are no more than these. No more than places do not determine
            the weights, of which the smallest that fit are taken.
        grid: places along each side of the image.
        p: probability in (0,1) with which a set keeps a place.
        fill: what replaces the places that are not kept: "mean", the image's own mean colour;
            "grey", 0.5; or "black".
        seed: of the sets.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "fixlip"
    title = "FIxLIP"
    words: ClassVar[Words] = {
        "masks": "{} masks",
        "grid": "{0} by {0} places",
        "p": "p = {}",
        "fill": FILL_WORDS,
    }
    source = "Baniecki et al. 2025"
    cosine_only = True
    matches_places = True

    def __init__(
        self,
        embedder: Embedder,
        masks: int = 512,
        grid: int = 8,
        p: float = 0.5,
        fill: Fill = "mean",
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        for name, value, least in (("masks", masks, 2), ("grid", grid, 1), ("seed", seed, 0)):
            if value < least:
                raise LFSError(f"{name} is {value}; it must be at least {least}.")
        if not 0 < p < 1:
            raise LFSError(f"p is {p}; it must lie between 0 and 1.")
        check_fill("fill", fill)
        self.masks, self.grid, self.p, self.fill, self.seed = masks, grid, p, fill, seed

    def evidence(self, pairs: Pairs) -> Evidence:
        """Weighted Banzhaf values with the whole other image: (P,2,grid,grid)."""
        windows, grid = tiles(pairs.images.shape[-2:], [self.grid]), (self.grid, self.grid)
        kept, weights = sets_of(len(windows), self.masks, self.p, self.seed)
        hidden = ((~kept).float() @ windows.flatten(1).float() > 0).unflatten(1, windows.shape[1:])
        design = torch.cat([torch.ones(len(kept), 1), kept], dim=1).double()
        root = weights.sqrt()[:, None]

        def fitted(image: Tensor) -> Tensor:
            """C (K,D): by how much a place that is kept moves the embedding, fitted over sets."""
            one = image[None]
            fallen = causal_map(self.embedder, one, hidden, plain(one, self.fill))[0].double()
            fallen = fallen.where(fallen.abs() > ROUNDING, 0)
            return -torch.linalg.lstsq(root * design, root * fallen, driver="gelsd").solution[1:]

        C = of_each(pairs.images, fitted)
        towards = torch.nn.functional.normalize(pairs.partners.detach().double(), dim=-1)
        values = (C * towards[:, :, None]).sum(dim=-1).unflatten(-1, grid)
        a, b = C.unbind(1)
        return Evidence(values, None, together(a, b), likeness(a, b), grid)

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        own = ("masks", "grid", "p", "fill", "seed")
        return super().settings() | {name: getattr(self, name) for name in own}


def sets_of(places: int, count: int, p: float, seed: int) -> tuple[Tensor, Tensor]:
    """Sets of places, each of which is in a set with the same probability, and how much they count.

    Args:
        places: K.
        count: how many sets to draw; if there are no more, all are taken.
        p: probability in (0,1).
        seed: of the draw.

    Returns:
        (n,K) bool and (n,) float64: weights of all sets by their probability, of drawn ones alike.
    """
    if 2**places <= count:
        every = torch.arange(2**places)[:, None] >> torch.arange(places) & 1 > 0
        size = every.sum(dim=1).double()
        return every, p**size * (1 - p) ** (places - size)
    draw = torch.rand(count, places, generator=torch.Generator().manual_seed(seed))
    return draw < p, torch.ones(count, dtype=torch.float64)
