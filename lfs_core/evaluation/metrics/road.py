"""ROAD (Rong et al. 2022): pixel flipping that leaves no edges, and shows no mask to the network.

Removed pixels are not replaced by a fill, whose blocks are visible, but by what their neighbours
let one expect: noisy linear imputation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from lfs_core.embedders import embed_all
from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.base import SIDE, Case, Labels
from lfs_core.evaluation.metrics.selectivity import BATCH, GRID, area, enlarged, flip_ranks
from lfs_core.explanation import Words
from lfs_core.util.extras import needs
from lfs_core.util.threads import one_thread

with needs("evaluate", "The metric ROAD"):
    from scipy.linalg import solveh_banded
    from scipy.ndimage import convolve

PERCENTS = (10, 30, 50, 70, 90)  # of the places are removed
NOISE = 0.01  # standard deviation, of values in [0,1]
BLUR = SIDE / GRID / 2  # standard deviation in places: half a superpixel
NEIGHBOURS = np.array([[1.0, 2.0, 1.0], [2.0, 0.0, 2.0], [1.0, 2.0, 1.0]]) / 12
AHEAD = ((0, 1), (1, -1), (1, 0), (1, 1))  # down and right: each pair of neighbours once


@dataclass(frozen=True)
class Road:
    """How far the similarity moves against the decision as the most relevant places are imputed.

    One image of a similar pair is changed, both of a dissimilar one.

    Attributes:
        blurred: blur every map first. ROAD favours blurry maps, whose places lie together, so that
            little is left to impute them from; blurred alike, none gains by it.
    """

    blurred: bool = False

    title: ClassVar[str] = "ROAD"
    words: ClassVar[Words] = {"blurred": {True: "blurred maps", False: "maps as they are"}}
    about: ClassVar[str] = "how far the similarity moves as relevant places are imputed"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __post_init__(self) -> None:
        if not isinstance(self.blurred, bool):
            raise LFSError(f"blurred is {self.blurred!r}; it must be true or false.")

    def measure(self, case: Case) -> Tensor:
        """Curves (P,1+len(PERCENTS)): cosines after 0, then PERCENTS % of the places."""
        with one_thread():
            ranks = flip_ranks(blur(case.maps) if self.blurred else case.maps, case.seed)
            generator = torch.Generator().manual_seed(case.seed)
            noise = NOISE * torch.randn(case.images.shape[-3:], generator=generator)
            similar = case.labels.is_similar.tolist()
            changed = [(k, side) for k, one in enumerate(similar) for side in range(2 - one)]
            images = torch.cat(
                [removed(case.images[place], ranks[place], noise) for place in changed]
            )
        found = embed_all(case.embedder, images, BATCH).unflatten(0, (-1, len(PERCENTS)))
        h = case.h[:, :, None].repeat(1, 1, 1 + len(PERCENTS), 1)
        for place, of_image in zip(changed, found, strict=True):
            h[place][1:] = of_image
        return torch.cosine_similarity(h[:, 0], h[:, 1], dim=-1)

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """Mean fall of the curves of similar pairs, mean rise of those of dissimilar ones."""
        fall = measured[:, 0] - area(measured, (0, *PERCENTS))
        return torch.where(labels.is_similar, fall, -fall)


def blur(maps: Tensor) -> Tensor:
    """Maps (P,2,SIDE,SIDE), blurred by a Gaussian of half a superpixel."""
    return gaussian_blur(maps, 2 * round(4 * BLUR) + 1, BLUR)


def removed(image: Tensor, ranks: Tensor, noise: Tensor) -> Tensor:
    """One image (3,H,W) without its first places: (len(PERCENTS),3,H,W), in [0,1].

    Args:
        image: (3,H,W) in [0,1].
        ranks: (g,g), when each place is removed.
        noise: (3,H,W), added to removed pixels.
    """
    steps = []
    for percent in PERCENTS:
        missing = enlarged(ranks < round(percent / 100 * ranks.numel()), image.shape[-2:])
        noisy = (impute(image, missing) + noise).clamp(0, 1)
        steps.append(torch.where(missing, noisy, image))
    return torch.stack(steps)


def impute(image: Tensor, missing: Tensor) -> Tensor:
    """Linear imputation: each missing pixel is the weighted mean of its eight neighbours.

    Direct neighbours weigh 1/6, diagonal ones 1/12; at the border those that there are. Missing
    neighbours count with what is found for them, so this is one system of linear equations. It is
    symmetric, positive definite and, row by row, banded.

    Args:
        image: (C,H,W).
        missing: (H,W) bool, not everything.

    Returns:
        (C,H,W), equal to the image where nothing is missing.

    Raises:
        LFSError: every pixel is missing.
    """
    holes = missing.numpy()
    if holes.all():
        raise LFSError("Every pixel is missing; there is nothing to impute them from.")
    if not holes.any():
        return image.clone()
    known = np.where(holes, 0, image.double().numpy())
    given = convolve(known, NEIGHBOURS[None], mode="constant")[:, holes]
    weights = convolve(np.ones(holes.shape), NEIGHBOURS, mode="constant")[holes]
    found = solveh_banded(_bands(holes, weights), given.T, lower=True, overwrite_ab=True)
    filled = image.clone()
    filled[:, missing] = torch.from_numpy(found.T).to(image)
    return filled


def _bands(holes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The system's diagonals below the main one, as SciPy stores them: (bandwidth+1,N).

    Args:
        holes: (H,W) bool, N of them.
        weights: (N,), the sum of each hole's neighbours' weights.
    """
    height, width = holes.shape
    numbers = np.full((height + 2, width + 2), -1)
    numbers[1:-1, 1:-1][holes] = np.arange(len(weights))
    first = numbers[1:-1, 1:-1]
    pairs = []
    for down, right in AHEAD:
        second = numbers[1 + down : 1 + down + height, 1 + right : 1 + right + width]
        both = holes & (second >= 0)
        pairs.append((first[both], second[both], NEIGHBOURS[1 + down, 1 + right]))
    bandwidth = max((j - i).max(initial=0) for i, j, _ in pairs)
    bands = np.zeros((bandwidth + 1, len(weights)))
    bands[0] = weights
    for i, j, weight in pairs:
        bands[j - i, i] = -weight
    return bands
