"""Figures with matplotlib; colour maps that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

if TYPE_CHECKING:
    from lfs_core.explainer import PairExplanation

MAP_COLOURS = "inferno"  # perceptually uniform, readable in grey and with any colour vision
RELEVANCE_COLOURS = "cividis"


def as_picture(image: Tensor) -> np.ndarray:
    """(3,H,W) in [0,1] to (H,W,3)."""
    return image.permute(1, 2, 0).numpy()


def overlay(image: Tensor, heat: Tensor, mask: Tensor) -> np.ndarray:
    """The image in grey, dimmed, with the map's colours where the mask holds: (H,W,3) in [0,1]."""
    import matplotlib

    grey = image.mean(dim=0).numpy()[..., None].repeat(3, axis=2) * 0.6
    colours = matplotlib.colormaps[MAP_COLOURS](heat.numpy())[..., :3]
    return np.where(mask.numpy()[..., None], 0.35 * grey + 0.65 * colours, grey)


def plot_explanation(explanation: PairExplanation) -> Figure:
    """One pair: images, maps with their scale, and the pixels above xi_2."""
    figure = plot_explanations([explanation])
    return figure


def plot_explanations(explanations: Sequence[PairExplanation]) -> Figure:
    """Several pairs side by side (Figs. 5, 6): images, maps, pixels above xi_2 over the images."""
    n = len(explanations)
    figure = Figure(figsize=(1.75 * 2 * n + 0.7, 6.1), layout="constrained")
    axes = figure.subplots(3, 2 * n, squeeze=False)
    rows = ("image", "map", "above $\\xi_2$")
    for column, explanation in enumerate(explanations):
        decision = "similar" if explanation.is_similar else "dissimilar"
        for side in range(2):
            image, heat = explanation.images[side], explanation.maps[side]
            panels = axes[:, 2 * column + side]
            panels[0].imshow(as_picture(image))
            scale = panels[1].imshow(heat.numpy(), MAP_COLOURS, vmin=0, vmax=1)
            panels[2].imshow(overlay(image, heat, explanation.masks[side]))
        axes[0, 2 * column].set_title(
            f"cos {explanation.similarity:+.2f}: {decision}", loc="left", fontsize=10
        )
    for axis in axes.flat:
        bare(axis)
    for axis, label in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(label)
    figure.colorbar(scale, ax=axes[1, -1], label="relative change", shrink=0.9)
    return figure


def bare(axis: Axes) -> None:
    """Take away ticks and frame, keep the labels."""
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
