"""Figures with matplotlib; colour maps that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lfs_core.datasets.images import load_image
from lfs_core.errors import LFSError
from lfs_core.util.distances import measured

if TYPE_CHECKING:
    from lfs_core.explanation import PairExplanation
    from lfs_core.search.gallery import Gallery

MAP_COLOURS = "inferno"  # perceptually uniform, readable in grey and with any colour vision
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#e69f00", "#009e73", "#666666"  # Okabe and Ito, 2008
PURPLE, SKY, RED, YELLOW = "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"


def as_picture(image: Tensor) -> np.ndarray:
    """(3,H,W) in [0,1] to (H,W,3)."""
    return image.permute(1, 2, 0).numpy()


def overlay(image: Tensor, heat: Tensor, mask: Tensor) -> np.ndarray:
    """The image in grey, dimmed, with the map's colours where the mask holds: (H,W,3) in [0,1]."""
    grey = image.mean(dim=0).numpy()[..., None].repeat(3, axis=2) * 0.6
    colours = matplotlib.colormaps[MAP_COLOURS](heat.numpy())[..., :3]
    return np.where(mask.numpy()[..., None], 0.35 * grey + 0.65 * colours, grey)


def plot_explanations(explanations: Sequence[PairExplanation]) -> Figure:
    """Pairs, two in a row (Figs. 5, 6): images, maps, pixels above xi_2 over the images."""
    columns = min(len(explanations), 2)
    lines = -(-len(explanations) // columns)
    figure = Figure(figsize=(3.9 * columns, 5.3 * lines), layout="constrained")
    blocks = figure.subfigures(lines, columns, squeeze=False, wspace=0.03, hspace=0.03)
    for block, explanation in zip(blocks.flat, explanations, strict=False):
        decision = "similar" if explanation.is_similar else "dissimilar"
        said = measured(explanation.similarity, explanation.settings, 2)
        block.suptitle(f"{said}: {decision}", fontsize=11)
        axes = block.subplots(3, 2)
        for side, panels in enumerate(axes.T):
            image, heat = explanation.images[side], explanation.maps[side]
            panels[0].imshow(as_picture(image))
            scale = panels[1].imshow(heat.numpy(), MAP_COLOURS, vmin=0, vmax=1)
            panels[2].imshow(overlay(image, heat, explanation.masks[side]))
        for axis in axes.flat:
            bare(axis)
        for axis, label in zip(axes[:, 0], ("image", "map", "above $\\xi_2$"), strict=True):
            axis.set_ylabel(label)
        block.colorbar(scale, ax=axes[1, :], label="relative change", shrink=0.9, pad=0.02)
    return figure


def plot_answers(answers: Sequence[Mapping[str, PairExplanation]]) -> Figure:
    """What was retrieved for some queries, and why (Figs. 2, 7, 8): one line a pair.

    Args:
        answers: for each query its explained pairs by name, such as "most similar".
    """
    pairs = [(name, e) for answer in answers for name, e in answer.items()]
    figure = Figure(figsize=(9.6, 1.4 * len(pairs) + 0.3), layout="constrained")
    lines = figure.subplots(len(pairs), 6, squeeze=False)
    for line, (name, e) in zip(lines, pairs, strict=True):
        for side in (0, 1):
            line[side].imshow(as_picture(e.images[side]))
            scale = line[2 + side].imshow(e.maps[side].numpy(), MAP_COLOURS, vmin=0, vmax=1)
            line[4 + side].imshow(overlay(e.images[side], e.maps[side], e.masks[side]))
        decision = "similar" if e.is_similar else "dissimilar"
        line[0].set_ylabel(f"{name}\n{e.similarity:+.2f}: {decision}", fontsize=9)
    titles = ("query", "answer", "map", "map", "above $\\xi_2$", "above $\\xi_2$")
    for axis, title in zip(lines[0], titles, strict=True):
        axis.set_title(title, fontsize=10)
    for axis in lines.flat:
        bare(axis)
    figure.colorbar(scale, ax=lines, label="relative change", shrink=0.5, aspect=40)
    return figure


def plot_gallery(gallery: Gallery, columns: int = 6, rows: int = 11) -> Figure:
    """The first photographs of the first classes of a gallery, one line a class."""
    classes = list(dict.fromkeys(gallery.labels))[:rows]
    figure = Figure(figsize=(1.25 * columns + 1.4, 1.25 * len(classes)), layout="constrained")
    for line, label in zip(
        figure.subplots(len(classes), columns, squeeze=False), classes, strict=True
    ):
        positions = [k for k, of in enumerate(gallery.labels) if of == label][:columns]
        line[0].set_ylabel(label.replace("_", " "), rotation=0, ha="right", fontsize=9)
        for axis in line:
            bare(axis)
        for axis, position in zip(line, positions, strict=False):
            axis.imshow(load_image(gallery.path(position), 224))
    return figure


def plot_shared(images: Tensor, regions: Tensor, maps: Mapping[str, Tensor]) -> Figure:
    """A pair with the region that it shares outlined, and maps of it.

    Args:
        images: (2,3,H,W) in [0,1].
        regions: (2,H,W) bool.
        maps: (2,H,W), by name; each is shown on its own scale.
    """
    panels = {"photograph": None, **maps}
    figure = Figure(figsize=(2.3 * len(panels), 4.6), layout="constrained")
    axes = figure.subplots(2, len(panels))
    for side, line in enumerate(axes):
        for axis, (name, heat) in zip(line, panels.items(), strict=True):
            if heat is None:
                axis.imshow(as_picture(images[side]))
            else:
                axis.imshow(heat[side].numpy(), MAP_COLOURS)
            axis.contour(regions[side].numpy(), [0.5], colors=["white"], linewidths=2.5)
            axis.contour(regions[side].numpy(), [0.5], colors=["black"], linewidths=1)
            bare(axis)
            if side == 0:
                axis.set_title(name, fontsize=10)
    return figure


def plot_evidence(
    image: Tensor, partners: Sequence[Tensor], maps: Sequence[Tensor], titles: Sequence[str]
) -> Figure:
    """One image with several partners: above each the partner, below the evidence for a match.

    Args:
        image: (3,H,W) in [0,1].
        partners: as many images as there are maps.
        maps: evidence (g,g) of either sign.
        titles: of the partners.
    """
    count = len(partners)
    figure = Figure(figsize=(2.3 * (count + 1), 5.0), layout="constrained")
    axes = figure.subplots(2, count + 1)
    limit = max(float(of.abs().max()) for of in maps)
    axes[0, 0].imshow(as_picture(image))
    axes[0, 0].set_title("image", fontsize=10)
    axes[1, 0].set_axis_off()
    for column, (partner, heat, title) in enumerate(zip(partners, maps, titles, strict=True), 1):
        axes[0, column].imshow(as_picture(partner))
        axes[0, column].set_title(title, fontsize=10)
        scale = axes[1, column].imshow(heat.numpy(), "PuOr_r", vmin=-limit, vmax=limit)
    for axis in axes.flat:
        bare(axis)
    figure.colorbar(scale, ax=axes[1, :], label="fall of the cosine", shrink=0.9)
    return figure


def bare(axis: Axes) -> None:
    """Take away ticks and frame, keep the labels."""
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def plot_linear_decoder(weight: Tensor, h: Tensor, image: Tensor) -> Figure:
    """A decoder without hidden layers as a network, and the picture it makes (Fig. 3).

    Args:
        weight: W, (pixels, D).
        h: the embedding that is decoded, (D,).
        image: the decoded picture, (3,h,w).
    """
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    pixels, latents = weight.shape
    y_in, y_out = np.linspace(1, 0, latents), np.linspace(0.95, 0.05, pixels)
    strongest = weight.abs().max()
    for i in range(pixels):
        for j in range(latents):
            w = (weight[i, j] / strongest).item()
            colour = ORANGE if w > 0 else BLUE
            left.plot([0, 1], [y_in[j], y_out[i]], color=colour, alpha=abs(w), lw=1.5 * abs(w))
    left.scatter(np.zeros(latents), y_in, s=110, color="white", edgecolor="black", zorder=2)
    left.scatter(np.ones(pixels), y_out, s=110, color="white", edgecolor="black", zorder=2)
    for j, y in enumerate(y_in):
        left.text(-0.07, y, f"$h_{{{j + 1}}}$ = {h[j]:+.2f}", ha="right", va="center")
    for i, y in enumerate(y_out):
        left.text(1.07, y, f"pixel {i + 1}", va="center")
    left.set(xlim=(-0.55, 1.4))
    right.imshow(image.mean(dim=0).numpy(), "gray", vmin=0, vmax=1)
    right.set_title("$D(h)$")
    bare(left)
    bare(right)
    return figure


def plot_steps(explanation: PairExplanation) -> Figure:
    """How a map comes about (Fig. 4): image, Do, Dp and map of both images of a pair.

    Raises:
        LFSError: the explanation has no reconstructions.
    """
    if explanation.reconstructions is None or explanation.perturbed is None:
        raise LFSError(f"{explanation.method} decodes nothing; there are no steps to show.")
    figure = Figure(figsize=(7.4, 4), layout="constrained")
    axes = figure.subplots(2, 4)
    for side, row in enumerate(axes):
        row[0].imshow(as_picture(explanation.images[side]))
        row[1].imshow(as_picture(explanation.reconstructions[side]))
        row[2].imshow(as_picture(explanation.perturbed[side]))
        scale = row[3].imshow(explanation.maps[side].numpy(), MAP_COLOURS, vmin=0, vmax=1)
    titles = ("image", "Do: decoded", "Dp: perturbed, decoded", "map |Do - Dp|")
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=10)
    for axis in axes.flat:
        bare(axis)
    figure.colorbar(scale, ax=axes[:, 3], label="relative change", shrink=0.8)
    return figure


def plot_reconstructions(images: Tensor, decoded: Mapping[str, Tensor]) -> Figure:
    """Images and what decoders make of their embeddings, one column an image.

    Args:
        images: (N,3,H,W) in [0,1].
        decoded: (N,3,h,w) in [0,1], by the decoder's name.
    """
    rows = {"image": images, **decoded}
    figure = Figure(figsize=(1.3 * len(images) + 1, 1.35 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(images), squeeze=False)
    for line, (name, pictures) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name, fontsize=9)
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(as_picture(picture))
            bare(axis)
    return figure


def plot_training(history: Sequence[tuple[float, float]], baselines: Mapping[str, float]) -> Figure:
    """Training and held-out error by epoch, with other errors as horizontal lines."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axis = figure.subplots()
    epochs = np.arange(1, len(history) + 1)
    train, held_out = zip(*history, strict=True)
    axis.plot(epochs, train, color=BLUE, label="training images")
    axis.plot(epochs, held_out, color=ORANGE, label="held out")
    for (name, value), style in zip(baselines.items(), ("--", ":", "-."), strict=False):
        axis.axhline(value, color=GREY, ls=style, label=name)
    axis.set(xlabel="epoch", ylabel="error per pixel value", ylim=(0, None))
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def plot_curve(
    x: Sequence[float], y: Mapping[str, Sequence[float]], xlabel: str, ylabel: str, mark: float
) -> Figure:
    """One or more curves over a logarithmic axis, with one place on it marked."""
    figure = Figure(figsize=(5, 3), layout="constrained")
    axis = figure.subplots()
    for (name, values), colour, marker in zip(y.items(), (BLUE, ORANGE), "os", strict=False):
        axis.plot(x, values, color=colour, marker=marker, label=name)
    axis.axvline(mark, color=GREY, ls=":", label="chosen")
    axis.set(xlabel=xlabel, ylabel=ylabel, xscale="log")
    axis.legend(frameon=False)
    return figure
