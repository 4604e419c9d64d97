"""The causal map as a method: what the network reads, weighed by what the decision rests on."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import ClassVar

import torch
from torch import Tensor

from lfs_core.causal import causal_map, evidence
from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.comparators.fills import FILL_WORDS, Fill, check_fill, plain
from lfs_core.correspondence import likeness, together
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words
from lfs_core.util.threads import one_thread
from lfs_core.util.windows import tiles
from lfs_core.variants import RELEVANCE_WORDS, RELEVANCES

FEW = 20  # windows: as many as pixel flipping replaces
KEPT = 1000  # images whose causal maps are remembered
ROUNDING = 1e-6  # float32 cosines that differ by no more are equal


class CausalMethod(Comparator):
    """From causal maps of two images to evidence for a match; subclasses find the maps.

    A window counts by what removing it does to the similarity. As far as `own` says, it also counts
    by what it does to the image's likeness to itself: a window that does not change the embedding
    is no evidence.

    Args:
        embedder: the network to explain.
        relevance: weight of each latent: "fall" for 1 throughout, so that without `own` evidence
            is the fall of the cosine; or a name in `RELEVANCES`, "paper" for Eq. 2.
        own: weight of the image's likeness to itself, compared with its similarity to the partner,
            >= 0.
        contrast: weight of the distance between what a window carries in both images, above the
            mean, >= 0. Made for images in which a place shows the same thing, as aligned faces;
            the book measures what it does on others.
        seed: of all that is drawn.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range.
    """

    words: ClassVar[Words] = {
        "relevance": {"fall": "all latents alike", **RELEVANCE_WORDS},
        "own": {0: "without own-likeness", 1: "with own-likeness"},
        "contrast": {0: "without contrast", 1: "with full contrast"},
    }
    source = "this book"
    cosine_only = True
    matches_places = True

    def __init__(
        self,
        embedder: Embedder,
        relevance: str = "fall",
        own: float = 0.0,
        contrast: float = 0.0,
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if relevance not in ("fall", *RELEVANCES):
            raise LFSError(
                f"relevance is {relevance!r}; it must be 'fall' or one of {', '.join(RELEVANCES)}."
            )
        for name, weight in {"own": own, "contrast": contrast}.items():
            if not weight >= 0:
                raise LFSError(f"{name} is {weight}; it must be at least 0.")
        self.relevance, self.own, self.contrast, self.seed = relevance, own, contrast, seed

    def matching(self, C: Tensor, features: Tensor | None = None) -> dict[str, Tensor]:
        """Which of the places match: the entries of `Evidence`.

        Args:
            C: causal maps (P,2,K,D).
            features: what a layer says of the places (P,2,K,c), where one is read.
        """
        alike = likeness(*C.unbind(1))
        if features is not None:
            alike = (alike + likeness(*features.unbind(1), centred=True)) / 2
        return {"matches": together(*C.unbind(1)), "likeness": alike}

    @property
    def of_embeddings(self) -> bool:  # type: ignore[override]
        """Not what differs between two images, place by place."""
        return self.contrast == 0

    def of_windows(self, C: Tensor, pairs: Pairs) -> Tensor:
        """The evidence (P,2,K) of the windows of pairs with the causal maps C (P,2,K,D)."""
        weights: Tensor | float = 1.0
        if self.relevance != "fall":
            h1, h2 = pairs.h.unbind(1)
            weights = RELEVANCES[self.relevance](
                h1, h2, pairs.is_similar, self.seed, self.similarity_threshold
            )[:, None]
        beside = evidence(C, pairs.partners, weights)
        sign = pairs.is_similar.float().mul(2).sub(1)[:, None, None]
        apart = (C[:, 0] - C[:, 1]).norm(dim=-1, keepdim=True).mT  # (P,1,K)
        unlike = apart - apart.mean(dim=-1, keepdim=True)
        return beside + self.own * sign * evidence(C, pairs.h, weights) - self.contrast * unlike

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {
            name: getattr(self, name) for name in ("relevance", "own", "contrast", "seed")
        }


class Causal(CausalMethod):
    """Takes windows away and sees which latents move; the partner says which of them count.

    The maps of an image are remembered: N images and all their pairs cost the passes of N images.

    Args:
        embedder: the network to explain; nothing but its embeddings is used.
        grid: windows along each side of the image, of the smallest size.
        scales: sizes of windows; each is twice as large as the one before.
        shifted: tile the image a second time, moved by half a window.
        sets: remove this many random sets of the smallest windows instead, and divide their effect
            among the windows; 0 for one window at a time.
        fill: what replaces a window: "mean", the image's own mean colour; "grey",
            0.5; or "black".
        options: of `CausalMethod`.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "causal"
    title = "Causal map"
    words: ClassVar[Words] = {
        "grid": "{0} by {0} windows",
        "scales": {1: "one size of windows"},
        "shifted": {False: "tiled once", True: "tiled twice"},
        "sets": "{} sets of windows",
        "fill": FILL_WORDS,
    }

    def __init__(
        self,
        embedder: Embedder,
        grid: int = 8,
        scales: int = 2,
        shifted: bool = True,
        sets: int = 0,
        fill: Fill = "mean",
        relevance: str = "fall",
        own: float = 0.0,
        contrast: float = 0.0,
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(
            embedder, relevance, own, contrast, seed, similarity_threshold, map_threshold
        )
        if scales < 1 or grid < 2 ** (scales - 1) or grid % 2 ** (scales - 1):
            raise LFSError(
                f"grid is {grid} and scales is {scales}; grid must be a multiple of "
                "2 ** (scales - 1), and scales at least 1."
            )
        if sets < 0 or (sets and grid < 2):
            raise LFSError(f"sets is {sets}; it must be at least 0, and of 4 windows or more.")
        check_fill("fill", fill)
        self.grid, self.scales, self.shifted = grid, scales, shifted
        self.sets, self.fill = sets, fill
        self._known: OrderedDict[str, tuple[Tensor, Tensor]] = OrderedDict()

    def evidence(self, pairs: Pairs) -> Evidence:
        """Evidence of each pixel, (P,2,H,W)."""
        size = pairs.images.shape[-2:]
        grids = [self.grid // 2**scale for scale in range(self.scales)]
        windows = tiles(size, [self.grid]) if self.sets else tiles(size, grids, self.shifted)
        seen = zip(pairs.images.flatten(0, 1), pairs.h.flatten(0, 1), strict=True)
        C = torch.stack([self._causal_map(image, h, windows) for image, h in seen])
        C = C.unflatten(0, (-1, 2))
        with one_thread():
            values = self.of_windows(C, pairs)
            values = to_pixels(values.where(values.abs() > ROUNDING, 0), windows)
            smallest = C[:, :, : self.grid**2]  # the first, and they tile the image once
            return Evidence(values, grid=(self.grid, self.grid), **self.matching(smallest))

    def _causal_map(self, image: Tensor, h: Tensor, windows: Tensor) -> Tensor:
        """C (K,D) of an image (3,H,W) with the embedding h (D,), computed once."""
        key = hashlib.sha256(image.cpu().numpy().tobytes()).hexdigest()
        # The network may have learnt since; rounding, which differs by batch, is a tenth of this.
        kept_h, kept = self._known.get(key, (torch.full_like(h, torch.inf), None))
        if kept is None or not (h - kept_h).norm() <= 1e-5 * h.norm():
            one = image[None]
            baseline = plain(one, self.fill)
            if self.sets:
                sets = draw_sets(len(windows), self.sets, self.seed)
                found = shared_map(self.embedder, one, windows, baseline, sets)
            else:
                found = causal_map(self.embedder, one, windows, baseline)
            kept = found[0]
            self._known[key] = h, kept
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return kept

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        own = ("grid", "scales", "shifted", "sets", "fill")
        return super().settings() | {name: getattr(self, name) for name in own}


def draw_sets(windows: int, count: int, seed: int) -> Tensor:
    """Sets of windows to take away, (count,windows) bool.

    One in six holds one window; of the others, one half holds 2 to FEW windows, and one half 2 to
    all but one.

    Args:
        windows: K.
        count: how many sets.
        seed: of the draw.
    """
    generator = torch.Generator().manual_seed(seed)
    few, many = (
        torch.randint(2, min(most, windows - 1) + 1, (count,), generator=generator)
        for most in (FEW, windows)
    )
    number = torch.arange(count)
    sizes = torch.where(number % 2 == 0, few, many).where(number % 6 > 0, 1)
    ranks = torch.rand(count, windows, generator=generator).argsort(dim=1).argsort(dim=1)
    return ranks < sizes[:, None]


def draw_windows(windows: int, count: int, seed: int) -> Tensor:
    """Different windows to take away one at a time, (count,windows) bool, each row with one.

    Args:
        windows: K, at least `count`.
        count: how many.
        seed: of the draw.
    """
    order = torch.randperm(windows, generator=torch.Generator().manual_seed(seed))
    return torch.eye(windows, dtype=torch.bool)[order[:count]]


@torch.no_grad()
def shared_map(
    embedder: Embedder,
    images: Tensor,
    windows: Tensor,
    baseline: Tensor,
    sets: Tensor,
    ridge: float = 1.0,
) -> Tensor:
    """C with what windows do together shared out among them: a Shapley-type map.

    The C that minimises sum_S |h - h_S - sum_{k in S} C[k]|^2 + ridge |C|^2. Here h_S is the
    embedding without all windows of the set S (Lundberg, Lee 2017; here for every latent at once).

    Args:
        embedder: the network; nothing but its embeddings is used.
        images: (B,3,H,W) in [0,1].
        windows: (K,H,W) bool, that tile the image.
        baseline: (B,3,H,W) in [0,1], what replaces a window.
        sets: (S,K) bool, the windows that are removed together.
        ridge: > 0, so that every window has a value, whatever the sets.

    Returns:
        (B,K,D), one pass for each set and one for the whole image.
    """
    chosen = sets.float()
    together = (chosen @ windows.flatten(1).float() > 0).unflatten(1, windows.shape[1:])
    change = causal_map(embedder, images, together, baseline)
    A = chosen.double()
    C = torch.linalg.solve(A.T @ A + ridge * torch.eye(A.shape[1]).to(A), A.T @ change.double())
    return C.to(change.dtype)


def to_pixels(values: Tensor, windows: Tensor) -> Tensor:
    """Evidence of windows (...,K) as maps (...,H,W): each pixel has the mean of its windows'.

    A window's evidence is first divided by its area, so that large windows count no more.
    """
    inside = windows.flatten(1).to(values.dtype)
    density = values / inside.sum(dim=1)
    mean = density @ inside / inside.sum(dim=0)
    return mean.unflatten(-1, windows.shape[1:])
