"""Methods as a study of matches asks them: from two images to how alike their places are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lfs_core.causal import causal_map
from lfs_core.comparators import load_explainer
from lfs_core.comparators.amortised import Amortised
from lfs_core.comparators.fills import plain
from lfs_core.correspondence import likeness
from lfs_core.embedders import Embedder
from lfs_core.embedders.taps import Taps, find_layers
from lfs_core.evaluation.matches import REFERENCE, middles
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.util.windows import tiles

Matching = tuple[Tensor, tuple[int, int]]  # likeness (K,K), and rows and columns of the K places
Matcher = Callable[[Tensor], Mapping[str, Matching]]  # from images (2,3,H,W), by method
RAW = "raw"  # in the names of those whose values are no cosines


def one_pass(network: Embedder) -> Matcher:
    """The one-pass map's matches, and those of its two parts alone."""
    explain = load_explainer("amortised", network)
    assert isinstance(explain, Amortised)
    grid = (explain.head.grid, explain.head.grid)

    def match(images: Tensor) -> dict[str, Matching]:
        seen = explain.see(images[None])
        assert seen.features is not None
        found = explain.matching(seen.C, seen.features)
        return {
            "amortised": (found["likeness"][0], grid),
            "the map alone": (likeness(*seen.C[0]), grid),
            "the map alone, raw": (found["matches"][0], grid),
            "features alone": (likeness(*seen.features[0], centred=True), grid),
        }

    return match


def exact(network: Embedder, grid: int, features: bool = False) -> Matcher:
    """The causal map's matches, by a pass for each place; with a layer's features, if asked."""

    def match(images: Tensor) -> dict[str, Matching]:
        size = (images.shape[-2], images.shape[-1])
        C = causal_map(network, images, tiles(size, [grid]), plain(images, "mean"))
        found = {"causal": likeness(*C), "causal, raw": C[0] @ C[1].T}
        if features:
            _, maps = Taps(network, find_layers(network, size, grid)[:1])(images)
            at = torch.nn.functional.interpolate(
                maps[0], (grid, grid), mode="bilinear", align_corners=False, antialias=True
            )
            found["features alone"] = likeness(*at.flatten(2).mT, centred=True)
            found["causal with features"] = (found["causal"] + found["features alone"]) / 2
        return {name: (of, (grid, grid)) for name, of in found.items()}

    return match


def by_explainer(network: Embedder, name: str) -> Matcher:
    """A method by its name."""
    explain = load_explainer(name, network, similarity_threshold=THRESHOLD)

    def match(images: Tensor) -> dict[str, Matching]:
        e = explain(*images)
        assert e.likeness is not None
        assert e.grid is not None
        return {name: (e.likeness, e.grid)}

    return match


def controls(images: Tensor) -> dict[str, Matching]:
    """Controls that ignore the images: each place matches itself; and chance."""
    middle = middles(REFERENCE)
    seed = int(images[0].double().sum().item())  # its own draw for each pair
    drawn = torch.rand(64, 64, generator=torch.Generator().manual_seed(seed))
    return {"same place": (-torch.cdist(middle, middle), REFERENCE), "chance": (drawn, REFERENCE)}
