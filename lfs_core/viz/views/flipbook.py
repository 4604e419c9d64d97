"""Pixel flipping to watch: several methods take pairs apart, in step (after Figs. 9, 14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.selectivity import (
    FILLS,
    FLIPS,
    GRID,
    flip_curves,
    flip_ranks,
    superpixels,
)
from lfs_core.explanation import PairExplanation
from lfs_core.util.rounding import rounded
from lfs_core.viz.packing import data_url
from lfs_core.viz.rendering import code, style
from lfs_core.viz.views.flip_chart import flipping, reach
from lfs_core.viz.views.methods import check_same_pairs, decided
from lfs_core.viz.views.view import FixedView

SIDE = 160  # px, longest side of a picture
QUALITY = 75  # of WebP


class FlipBook(FixedView):
    """Pairs whose superpixels are replaced one by one, in the order of several methods' maps.

    The reader chooses a pair and methods. Below the pictures is the curve of the cosine; slider and
    play button move all methods in step. Of a pair that the network calls similar the first image
    is changed, of a dissimilar one both. As the last expression of a notebook's cell it is shown in
    JupyterLab. `page` and `save` give the same view without Python behind it.

    Args:
        embedder: the network whose decisions are explained.
        explanations: of the same pairs in the same order, by the method's name as it is to be read.
        fill: what superpixels are replaced by, a name in
            `lfs_core.evaluation.metrics.selectivity.FILLS`.
        every: the cosine is measured each time this many superpixels are flipped; it must divide
            20.
        shown: how many of the methods are shown at first.
        seed: of noise and of the order among equals.

    Raises:
        LFSError: there is nothing to show, the explanations are of different pairs or decisions or
            of another network, or an option has another value.
    """

    _esm = code("flipbook")
    _css = style("flipbook")
    view, title = "flipbook", "Pixel flipping, step by step"

    def __init__(
        self,
        embedder: Embedder,
        explanations: Mapping[str, Sequence[PairExplanation]],
        *,
        fill: str = "noise",
        every: int = 1,
        shown: int = 4,
        seed: int = 0,
    ) -> None:
        check_same_pairs(explanations)
        if every < 1 or FLIPS % every:
            raise LFSError(f"every is {every}; it must divide {FLIPS}.")
        if shown < 1:
            raise LFSError(f"shown is {shown}; at least one method is shown.")
        flips = range(0, FLIPS + 1, every)
        super().__init__(
            contents={
                "fill": fill,
                "grid": GRID,
                "flips": list(flips),
                "names": list(explanations),
                "shown": shown,
                "drawn": flipping(
                    list(explanations), f"superpixels replaced by {fill}, of {GRID * GRID}"
                ),
                "pairs": [
                    _pair(embedder, dict(zip(explanations, of, strict=True)), fill, flips, seed)
                    for of in zip(*explanations.values(), strict=True)
                ],
            }
        )


def _pair(
    embedder: Embedder, of: Mapping[str, PairExplanation], fill: str, flips: range, seed: int
) -> dict[str, Any]:
    """One pair as the view shows it; `of` has its explanation by each method."""
    pair = next(iter(of.values()))
    ranks = flip_ranks(superpixels(torch.stack([e.maps for e in of.values()])), seed)
    curves = flip_curves(
        embedder,
        pair.images[None],
        ranks[:, None],
        torch.tensor([not pair.is_similar]),
        fill=fill,
        flips=flips,
        seed=seed,
    )[:, 0]
    if (curves[:, 0] - pair.similarity).abs().max() > 1e-3:
        raise LFSError(
            f"To this network the pair's cosine is {curves[0, 0]:.3f}; the explanations say "
            f"{pair.similarity:.3f}. Give the network that they explain."
        )
    replacement = FILLS[fill](pair.images, torch.Generator().manual_seed(seed))
    said = decided(pair)
    threshold = None if said["threshold"] is None else float(said["threshold"])
    return {
        **said,
        "pictures": [_picture(image) for image in pair.images],
        "replacements": [_picture(image) for image in replacement],
        "reach": reach(rounded(curves), flips[-1], threshold),
        "methods": [
            {
                "ranks": when.flatten(1).tolist(),
                "curve": curve,
                "told": f"{name} from {_number(curve[0])} to {_number(curve[-1])}",
            }
            for name, when, curve in zip(of, ranks, rounded(curves), strict=True)
        ],
    }


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def _picture(image: Tensor) -> str:
    picture = to_pil_image(image)
    picture.thumbnail((SIDE, SIDE))
    return data_url(picture, "webp", QUALITY)
