"""The causal map as a method: what the network reads, weighed by what the decision rests on."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import torch
from torch import Tensor

from lfs_core.causal import causal_map, evidence, tiles, to_pixels
from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.comparators.fills import Fill, check_fill, plain
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.relevance import RELEVANCES
from lfs_core.threads import one_thread

KEPT = 1000  # images whose causal maps are remembered
ROUNDING = 1e-6  # float32 cosines that differ by no more are equal


class Causal(Comparator):
    """Takes windows away and sees which latents move; the partner says which of them count.

    The maps of an image are remembered: N images and all their pairs cost the passes of N images.

    Args:
        embedder: the network to explain; nothing but its embeddings is used.
        grid: windows along each side of the image, of the smallest size.
        scales: sizes of windows; each is twice as large as the one before.
        shifted: tile the image a second time, moved by half a window.
        fill: what is seen in the place of a window: "mean", the image's own mean colour; "grey",
            0.5; or "black".
        relevance: weight of each latent: "fall" for 1 throughout, so that evidence is the fall of
            the cosine; or a name in `RELEVANCES`, "paper" for Eq. 2.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.
        seed: of relevance that is drawn.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "causal"
    source = "this book"

    def __init__(
        self,
        embedder: Embedder,
        grid: int = 8,
        scales: int = 2,
        shifted: bool = True,
        fill: Fill = "mean",
        relevance: str = "fall",
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
        seed: int = 0,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if scales < 1 or grid < 2 ** (scales - 1) or grid % 2 ** (scales - 1):
            raise LFSError(
                f"grid is {grid} and scales is {scales}; grid must be a multiple of "
                "2 ** (scales - 1), and scales at least 1."
            )
        if relevance not in ("fall", *RELEVANCES):
            raise LFSError(
                f"relevance is {relevance!r}; it must be 'fall' or one of {', '.join(RELEVANCES)}."
            )
        check_fill("fill", fill)
        self.grid, self.scales, self.shifted, self.fill = grid, scales, shifted, fill
        self.relevance, self.seed = relevance, seed
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def evidence(self, pairs: Pairs) -> Evidence:
        """Evidence of each pixel, (P,2,H,W)."""
        grids = [self.grid // 2**scale for scale in range(self.scales)]
        windows = tiles(tuple(pairs.images.shape[-2:]), grids, self.shifted)
        C = torch.stack([self._causal_map(image, windows) for image in pairs.images.flatten(0, 1)])
        with one_thread():
            weights = self._weights(pairs)
            values = evidence(C.unflatten(0, (-1, 2)), pairs.partners, weights)
            return Evidence(to_pixels(values.where(values.abs() > ROUNDING, 0), windows))

    def _causal_map(self, image: Tensor, windows: Tensor) -> Tensor:
        """C (K,D) of an image (3,H,W), computed once."""
        key = hashlib.sha256(image.cpu().numpy().tobytes()).hexdigest()
        if key not in self._known:
            one = image[None]
            self._known[key] = causal_map(self.embedder, one, windows, plain(one, self.fill))[0]
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return self._known[key]

    def _weights(self, pairs: Pairs) -> Tensor | float:
        """(P,1,D), how much each latent counts."""
        if self.relevance == "fall":
            return 1.0
        h1, h2 = pairs.h.unbind(1)
        return RELEVANCES[self.relevance](h1, h2, pairs.is_similar, self.seed)[:, None]

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        own = ("grid", "scales", "shifted", "fill", "relevance", "seed")
        return super().settings() | {name: getattr(self, name) for name in own}
