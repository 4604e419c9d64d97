"""Pixel flipping (Sec. 4.3.1, 4.4): how fast does the similarity fall as superpixels are replaced?

The order comes from a map, most relevant first or last. One image of a similar pair is changed,
both of a dissimilar one. Images of many pairs, methods and steps go through the network together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from lfs_core.embedders import Embedder, embed
from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.base import Case, Labels
from lfs_core.explanation import Words
from lfs_core.util.threads import one_thread

GRID = 8  # superpixels a side: 5x5 pixels each, of 40x40, as in the paper
FLIPS = 20
BATCH = 64  # images


def _noise(images: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(images.shape[-3:], generator=generator).expand_as(images)


def _own_noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Other noise for the second image of a pair: the same noise twice would be a likeness."""
    return torch.rand(images.shape[-4:], generator=generator).expand_as(images)


def _mean(images: Tensor, generator: torch.Generator) -> Tensor:
    return images.mean(dim=(-2, -1), keepdim=True).expand_as(images)


def _black(images: Tensor, generator: torch.Generator) -> Tensor:
    return torch.zeros_like(images)


def _grey(images: Tensor, generator: torch.Generator) -> Tensor:
    return torch.full_like(images, 0.5)


def _blur(images: Tensor, generator: torch.Generator) -> Tensor:
    """So strong that a superpixel shows nothing of its own."""
    side = images.shape[-1] / GRID
    kernel = 2 * round(2 * side) + 1
    return gaussian_blur(images.flatten(0, -4), kernel, side).view_as(images)


FILLS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "noise": _noise,
    "own-noise": _own_noise,
    "mean": _mean,
    "black": _black,
    "grey": _grey,
    "blur": _blur,
}
"""What superpixels are replaced by, by name: from pairs (...,2,3,H,W) to as many images."""

FILL_WORDS = {
    "noise": "filled with noise",
    "own-noise": "filled with other noise in each image",
    "mean": "filled with the mean colour",
    "black": "filled black",
    "grey": "filled grey",
    "blur": "blurred",
}
"""What they are called in names for readers."""


ORDERS = ("most", "least")


@dataclass(frozen=True)
class Selectivity:
    """How far the similarity moves against the decision as superpixels are replaced (Fig. 9, 14).

    Attributes:
        order: "most", the most relevant first (MoRF), or "least" (LeRF).
        fill: a name in `FILLS`.
        every: the curve is measured each time this many superpixels are flipped.
    """

    order: str = "most"
    fill: str = "noise"
    every: int = 1

    title: ClassVar[str] = "Deletion"
    words: ClassVar[Words] = {
        "order": {"most": "most relevant first", "least": "least relevant first"},
        "fill": FILL_WORDS,
        "every": "",
    }
    about: ClassVar[str] = "how far the similarity moves against the decision"

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise LFSError(f"order is {self.order!r}; it must be {' or '.join(ORDERS)}.")
        if self.fill not in FILLS:
            raise LFSError(f"There is no fill {self.fill!r}; choose one of {', '.join(FILLS)}.")
        if self.every < 1 or FLIPS % self.every:
            raise LFSError(f"every is {self.every}; it must divide {FLIPS}.")

    @property
    def better(self) -> Literal["higher", "lower"]:
        """The most relevant should move it far, the least relevant should not."""
        return "higher" if self.order == "most" else "lower"

    def measure(self, case: Case) -> Tensor:
        """Curves (P,FLIPS/every+1): cosines after 0, every, 2*every ... FLIPS flips."""
        scores = superpixels(case.maps)
        ranks = flip_ranks(scores if self.order == "most" else -scores, case.seed)
        return flip_curves(
            case.embedder,
            case.images,
            ranks[None],
            ~case.labels.is_similar,
            fill=self.fill,
            flips=range(0, FLIPS + 1, self.every),
            seed=case.seed,
            h=case.h,
        )[0]

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """Mean fall of the curves of similar pairs, mean rise of those of dissimilar ones."""
        fall = measured[:, 0] - area(measured)
        return torch.where(labels.is_similar, fall, -fall)


def superpixels(maps: Tensor, grid: int = GRID) -> Tensor:
    """Mean of maps (...,H,W) over superpixels: (...,grid,grid)."""
    *batch, height, width = maps.shape
    pooled = torch.nn.functional.adaptive_avg_pool2d(maps.reshape(-1, 1, height, width), grid)
    return pooled.reshape(*batch, grid, grid)


def flip_ranks(scores: Tensor, seed: int = 0) -> Tensor:
    """When each superpixel is replaced, 0 first, by falling score; ties in random order.

    Args:
        scores: (...,g,g).
        seed: of the order among equals.

    Returns:
        (...,g,g) of whole numbers from 0.

    Raises:
        LFSError: a score is NaN or infinite.
    """
    if not scores.isfinite().all():
        raise LFSError("A map holds NaN or infinity; nothing can be ordered by it.")
    flat = scores.flatten(-2)
    shuffled = torch.randperm(flat.shape[-1], generator=torch.Generator().manual_seed(seed))
    order = shuffled[flat[..., shuffled].argsort(dim=-1, descending=True, stable=True)]
    return order.argsort(dim=-1).view_as(scores)


def flip_curves(
    embedder: Embedder,
    images: Tensor,
    ranks: Tensor,
    both: Tensor,
    *,
    fill: str = "noise",
    flips: Sequence[int] = range(FLIPS + 1),
    seed: int = 0,
    h: Tensor | None = None,
) -> Tensor:
    """Similarity of pairs after a number of flips.

    Args:
        embedder: the network.
        images: pairs (P,2,3,H,W) in [0,1].
        ranks: (M,P,2,g,g), of M methods: when each superpixel is replaced.
        both: (P,) bool: whether both images are changed, or the first only.
        fill: a name in `FILLS`.
        flips: after how many replaced superpixels to look, rising.
        seed: of noise.
        h: embeddings (P,2,D) of the pairs, where they are known.

    Returns:
        (M,P,len(flips)), cosines.

    Raises:
        LFSError: there is no such fill, or the shapes do not fit.
    """
    if fill not in FILLS:
        raise LFSError(f"There is no fill {fill!r}; choose one of {', '.join(FILLS)}.")
    if ranks.shape[1:3] != images.shape[:2] or len(both) != len(images):
        raise LFSError(
            f"Pairs {tuple(images.shape)}, ranks {tuple(ranks.shape)} and {len(both)} decisions "
            "do not fit."
        )
    cells = ranks.shape[-1] * ranks.shape[-2]
    if not len(flips) or min(flips) < 0 or max(flips) > cells:
        raise LFSError(f"flips is {flips}; there are {cells} superpixels to flip.")
    with torch.no_grad(), one_thread():
        replacement = FILLS[fill](images, torch.Generator().manual_seed(seed))
    if h is None:
        h = _embed(embedder, iter(images.flatten(0, 1))).unflatten(0, (-1, 2))
    steps = [step for step in flips if step > 0]
    methods = len(ranks)
    changed = [(k, side) for k, two in enumerate(both.tolist()) for side in range(1 + two)]

    def flipped() -> Iterator[Tensor]:
        for k, side in changed:
            for method in range(methods):
                when = enlarged(ranks[method, k, side], images.shape[-2:])
                for step in steps:
                    yield torch.where(when < step, replacement[k, side], images[k, side])

    after = h[None, :, :, None].repeat(methods, 1, 1, len(flips), 1)  # (M,P,2,len(flips),D)
    if steps:
        found = _embed(embedder, flipped()).unflatten(0, (len(changed), methods, len(steps)))
        for (k, side), of_image in zip(changed, found, strict=True):
            after[:, k, side, -len(steps) :] = of_image
    return torch.cosine_similarity(after[:, :, 0], after[:, :, 1], dim=-1)


def area(curves: Tensor, at: Sequence[float] | None = None) -> Tensor:
    """Area under curves (...,n), over a base scaled to length 1, by trapezoids: (...).

    Args:
        curves: (...,n).
        at: where they were measured, rising; evenly if left out.
    """
    x = torch.arange(curves.shape[-1]) if at is None else torch.tensor(at)
    return torch.trapezoid(curves, x.to(curves), dim=-1) / (x[-1] - x[0])


def enlarged(cells: Tensor, size: Sequence[int]) -> Tensor:
    """Cells (g,g) as blocks of pixels, (H,W)."""
    rows, columns = (
        torch.arange(pixels) * cells.shape[axis] // pixels for axis, pixels in enumerate(size)
    )
    return cells[rows][:, columns]


@torch.no_grad()
def _embed(embedder: Embedder, images: Iterator[Tensor]) -> Tensor:
    """Embeddings (N,D) of a stream of images (3,H,W), a batch at a time."""
    parts, batch = [], []
    for image in images:
        batch.append(image)
        if len(batch) == BATCH:
            parts.append(embed(embedder, torch.stack(batch)))
            batch = []
    if batch:
        parts.append(embed(embedder, torch.stack(batch)))
    return torch.cat(parts)
