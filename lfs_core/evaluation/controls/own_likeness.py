"""A control: the places that an image's likeness to itself depends on, for any partner."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import ClassVar, Literal, get_args

from torch import Tensor

from lfs_core.amortised import CausalHead
from lfs_core.comparators.amortised import Amortised
from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.comparators.causal import Causal
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words

By = Literal["amortised", "causal"]


class OwnLikeness(Comparator):
    """The windows whose removal makes an image unlike itself, for whatever is decided.

    It is the second term of the book's own maps, `own`, without the first: it uses nothing of the
    pair except the decision, which gives the evidence its sign. So the map is the same for every
    partner.

    Args:
        embedder: the network.
        by: what finds it: "amortised", one pass and the head's causal map; or "causal", 64 passes.
        head: of "amortised", as there.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: `by` is something else, a threshold is out of range, or no head ships for the
            network.
    """

    method = "own-likeness"
    title = "Own-likeness alone"
    words: ClassVar[Words] = {"by": {"amortised": "of one pass", "causal": "of 64 passes"}}
    role = "control"
    source = "a control"
    needs = frozenset({"training"})

    def __init__(
        self,
        embedder: Embedder,
        by: By = "amortised",
        head: CausalHead | str | os.PathLike | None = None,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        self.by, self._map = by, partner_map(embedder, by, head, similarity_threshold)

    def see(self, images: Tensor) -> Pairs:
        """Pairs of images (P,2,3,H,W), with what the causal map needs."""
        return self._map.see(images)

    def evidence(self, pairs: Pairs) -> Evidence:
        """What each window does for the image's likeness to itself, times the decision's sign.

        (P,2,h,w): above 0 for pairs called similar, where a window carries something of its image.
        """
        sign = pairs.is_similar.float().mul(2).sub(1)[:, None, None, None]
        return Evidence(sign * likeness_to_itself(self._map, pairs))

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"by": self.by}


def partner_map(
    embedder: Embedder,
    by: str,
    head: CausalHead | str | os.PathLike | None,
    similarity_threshold: float,
) -> Comparator:
    """The causal map of the fall of the cosine with a partner, and of nothing else.

    Raises:
        LFSError: `by` is not in `By`, or no head ships for the network.
    """
    if by not in get_args(By):
        raise LFSError(f"by is {by!r}; it must be {' or '.join(map(repr, get_args(By)))}.")
    if by == "causal":
        return Causal(embedder, scales=1, shifted=False, similarity_threshold=similarity_threshold)
    return Amortised(embedder, head, own=0, contrast=0, similarity_threshold=similarity_threshold)


def likeness_to_itself(causal: Comparator, pairs: Pairs) -> Tensor:
    """The evidence (P,2,h,w) of pairs that `causal` has seen, each image its own partner.

    Args:
        causal: of `partner_map`, whose evidence is the fall of the cosine with the partner.
        pairs: what its `see` has returned.
    """
    itself = replace(pairs, h=pairs.h.flip(1))  # of which the partners are the images' own
    return causal.evidence(itself).values
