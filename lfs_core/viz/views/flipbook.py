"""Pixel flipping to watch: several methods take a pair apart, in step (after Figs. 9, 14)."""

from __future__ import annotations

from collections.abc import Mapping

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
from lfs_core.viz.views.methods import check_same_pairs
from lfs_core.viz.views.view import FixedView

SIDE = 160  # px, longest side of a picture
QUALITY = 75  # of WebP


class FlipBook(FixedView):
    """A pair whose superpixels are replaced one by one, in the order of several methods' maps.

    Next to the pictures is the curve of the cosine; slider and play button move all methods in
    step. Of a pair that the network calls similar the first image is changed, of a dissimilar one
    both. As the last expression of a notebook's cell it is shown in JupyterLab. `page` and `save`
    give the same view without Python behind it.

    Args:
        embedder: the network whose decisions are explained.
        explanations: of one pair, by the method's name as it is to be read.
        fill: what superpixels are replaced by, a name in
            `lfs_core.evaluation.metrics.selectivity.FILLS`.
        every: the cosine is measured each time this many superpixels are flipped; it must divide
            20.
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
        explanations: Mapping[str, PairExplanation],
        *,
        fill: str = "noise",
        every: int = 1,
        seed: int = 0,
    ) -> None:
        check_same_pairs({name: [e] for name, e in explanations.items()})
        if every < 1 or FLIPS % every:
            raise LFSError(f"every is {every}; it must divide {FLIPS}.")
        pair, *_ = explanations.values()
        flips = range(0, FLIPS + 1, every)
        maps = torch.stack([e.maps for e in explanations.values()])  # (M,2,H,W)
        ranks = flip_ranks(superpixels(maps), seed)
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
        super().__init__(
            contents={
                "fill": fill,
                "grid": GRID,
                "flips": list(flips),
                "similar": pair.is_similar,
                "threshold": pair.settings.get("similarity_threshold"),
                "images": [_picture(image) for image in pair.images],
                "replacements": [_picture(image) for image in replacement],
                "methods": [
                    {
                        "name": name,
                        "ranks": when.flatten(1).tolist(),
                        "curve": rounded(curve),
                    }
                    for name, when, curve in zip(explanations, ranks, curves, strict=True)
                ],
            }
        )


def _picture(image: Tensor) -> str:
    picture = to_pil_image(image)
    picture.thumbnail((SIDE, SIDE))
    return data_url(picture, "webp", QUALITY)
