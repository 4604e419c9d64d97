"""Charts of embeddings and of the similarities of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from lfs_core.datasets.pairs import Pair
from lfs_core.viz.chart import Chart, bars

BINS = np.linspace(-0.6, 1, 65)  # of cosines


def plot_latents(examples: Mapping[str, tuple[Tensor, Tensor]]) -> Chart:
    """Bars of latents before and after the perturbation.

    Args:
        examples: (h, h(p)), each (D,), by the entry of a menu.
    """
    latents = len(next(iter(examples.values()))[0])
    return bars(
        "Latents before and after the perturbation",
        {
            title: {"before, h": h.tolist(), "after, h(p)": h_p.tolist()}
            for title, (h, h_p) in examples.items()
        },
        range(1, latents + 1),
        "latent",
        "value",
    )


def plot_similarities(pairs: Sequence[Pair], threshold: float) -> Chart:
    """How similar the network finds images of one identity and of two, with xi_1."""
    middles = ((BINS[1:] + BINS[:-1]) / 2).round(4)
    series, hover = {}, {}
    for same, name in ((False, "two people"), (True, "one person")):
        values = [pair.similarity for pair in pairs if pair.same_identity == same]
        counts, _ = np.histogram(values, BINS)
        density, _ = np.histogram(values, BINS, density=True)
        series[name] = density.tolist()
        hover[name] = [
            f"cosine {low:.3f} to {high:.3f}: {count} of {len(values)} pairs, density {of:.2f}"
            for low, high, count, of in zip(BINS[:-1], BINS[1:], counts, density, strict=True)
        ]
    return bars(
        "Similarities of all pairs",
        {"": series},
        middles.tolist(),
        "cosine similarity",
        "density of pairs",
        hover={"": hover},
        overlaid=True,
        mark=(f"threshold {threshold:g}", threshold),
    )
