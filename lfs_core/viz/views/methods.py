"""The same pairs as several methods explain them, side by side (after Figs. 12, 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from lfs_core.errors import LFSError
from lfs_core.explanation import PairExplanation
from lfs_core.viz.figures import MAP_COLOURS, as_picture, bare
from lfs_core.viz.packing import colour_table, data_url, reduce, stepped
from lfs_core.viz.rendering import code, style
from lfs_core.viz.views.view import FixedView

COLUMNS = 10  # methods side by side in a figure; more go below
WIDTH, DPI = 9.6, 150  # of a figure, in inches and pixels per inch
GAP, PAIR_GAP = 0.06, 0.3  # between pictures and between pairs, in widths of a picture
MAP_SIDE = 80  # largest side of a map in the interactive figure, in its own pixels
PHOTOGRAPH = 224  # px, longest side of a photograph there
QUALITY = 80  # of JPEG


def plot_methods(explanations: Mapping[str, Sequence[PairExplanation]]) -> Figure:
    """Maps of the same pairs by several methods, one colour scale for all.

    Each pair takes two lines, one an image; each method takes a column. More than `COLUMNS`
    methods take several blocks of such lines, one below the other.

    Args:
        explanations: of the same pairs in the same order, by the method's name as it is to be read.

    Raises:
        LFSError: there are none, or methods explain different pairs or decisions.
    """
    check_same_pairs(explanations)
    names = list(explanations)
    count = -(-len(names) // COLUMNS)
    columns = -(-len(names) // count)
    pairs = explanations[names[0]]
    lines = sum(2 * _height(e) + 2 * GAP + PAIR_GAP for e in pairs)
    across = columns + 1 + PAIR_GAP
    picture = min((WIDTH - 1.2) / across, 1.5)  # inches; next to them are labels, above them names
    size = picture * across + 1.2, count * (lines * picture + 1) + 0.7
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    axes = figure.subplots(count, squeeze=False)[:, 0]
    for block, axis in enumerate(axes):
        shown = names[block * columns : (block + 1) * columns]
        scale = _draw(axis, {name: explanations[name] for name in shown}, columns)
    label = "evidence for the decision, relative to the strongest in each map"
    bar = figure.colorbar(scale, ax=axes, location="bottom", shrink=0.6, aspect=50, pad=0.01)
    bar.set_label(label)
    return figure


def _draw(
    axis: Axes, explanations: Mapping[str, Sequence[PairExplanation]], columns: int
) -> AxesImage:
    """One block of lines; its photographs are left of its maps."""
    left = [1 + PAIR_GAP + k * (1 + GAP) for k in range(columns)]
    top, middles, labels = 0.0, [], []
    for place, pair in enumerate(next(iter(explanations.values()))):
        height = _height(pair)
        for side in (0, 1):
            extents = [(x, x + 1, top + height, top) for x in (0, *left)]
            axis.imshow(as_picture(pair.images[side]), extent=extents[0])
            for extent, of in zip(extents[1:], explanations.values(), strict=False):
                heat = of[place].maps[side].numpy()
                scale = axis.imshow(heat, MAP_COLOURS, vmin=0, vmax=1, extent=extent)
            top += height + GAP
        middles.append(top - height - 1.5 * GAP)
        labels.append(f"cosine {pair.similarity:+.2f}\n{_decision(pair)}")
        top += PAIR_GAP
    axis.set(xlim=(0, left[-1] + 1), ylim=(top - PAIR_GAP, 0))
    bare(axis)
    axis.xaxis.tick_top()
    axis.set_xticks([x + 0.4 for x in left[: len(explanations)]], list(explanations))
    axis.tick_params(axis="x", labelrotation=45, length=0, pad=1, labelsize=9)
    for name in axis.get_xticklabels():
        name.set(ha="left", va="bottom", rotation_mode="anchor")
    axis.set_yticks(middles, labels, fontsize=8)
    axis.tick_params(axis="y", length=0)
    return scale


class MethodsFigure(FixedView):
    """Maps of the same pairs by several methods: choose pair and method, read the values.

    As the last expression of a notebook's cell it is shown in JupyterLab. `page` and `save` give
    the same view without Python behind it.

    Args:
        explanations: of the same pairs in the same order, by the method's name as it is to be read.

    Raises:
        LFSError: there are none, or methods explain different pairs or decisions.
    """

    _esm = code("methods")
    _css = style("methods")
    view, title = "methods", "The same pairs by several methods"

    def __init__(self, explanations: Mapping[str, Sequence[PairExplanation]]) -> None:
        check_same_pairs(explanations)
        pairs = next(iter(explanations.values()))
        super().__init__(
            contents={
                "colours": colour_table(),
                "mapThreshold": pairs[0].map_threshold,
                "pairs": [_pair(e) for e in pairs],
                "methods": [
                    {"name": name, "maps": [_maps(e) for e in of]}
                    for name, of in explanations.items()
                ],
            }
        )


def _pair(pair: PairExplanation) -> dict[str, Any]:
    """A pair as the view shows it; `size` is that of its maps."""
    return {
        **decided(pair),
        "pictures": [_photograph(image) for image in pair.images],
        "size": list(reduce(pair.maps, MAP_SIDE).shape[1:]),
    }


def decided(pair: PairExplanation) -> dict[str, Any]:
    """What the network decided about a pair, as views say it."""
    threshold = pair.settings.get("similarity_threshold")
    return {
        "similarity": round(pair.similarity, 4),
        "similar": pair.is_similar,
        "threshold": None if threshold is None else f"{threshold:g}",
    }


def _photograph(image: Tensor) -> str:
    picture = to_pil_image(image)
    picture.thumbnail((PHOTOGRAPH, PHOTOGRAPH))
    return data_url(picture, "jpeg", QUALITY)


def _maps(explanation: PairExplanation) -> list[dict[str, Any]]:
    """Of both images the map, and the signed map where there is one."""
    shown = [{"map": m, "signed": None} for m in stepped(explanation.maps, MAP_SIDE)]
    if explanation.signed_maps is not None:
        for of, signed in zip(shown, stepped(explanation.signed_maps, MAP_SIDE), strict=True):
            of["signed"] = signed
    return shown


def check_same_pairs(explanations: Mapping[str, Sequence[PairExplanation]]) -> None:
    """Raise an LFSError unless all methods explain the same pairs, and the same decisions."""
    if not explanations or not all(explanations.values()):
        raise LFSError("There is nothing to show: every method needs at least one explained pair.")
    first, *_ = explanations
    pairs = explanations[first]
    for name, of in explanations.items():
        if len(of) != len(pairs):
            raise LFSError(f"{first} explains {len(pairs)} pairs and {name} {len(of)}.")
        for number, (one, other) in enumerate(zip(pairs, of, strict=True), 1):
            if not torch.equal(one.images, other.images):
                raise LFSError(f"{first} and {name} explain different images as pair {number}.")
            # Networks give the same numbers to rounding, wherever they run.
            if one.is_similar != other.is_similar or abs(one.similarity - other.similarity) > 1e-3:
                raise LFSError(
                    f"{first} and {name} explain different decisions about pair {number}; "
                    "give all methods one network and one xi_1."
                )
            low, high = other.maps.aminmax()
            if not (low >= 0 and high <= 1):
                raise LFSError(f"{name}'s maps of pair {number} do not lie in [0, 1].")


def _height(pair: PairExplanation) -> float:
    """Of its images, in their widths."""
    height, width = pair.images.shape[-2:]
    return height / width


def _decision(pair: PairExplanation) -> str:
    return "similar" if pair.is_similar else "dissimilar"
