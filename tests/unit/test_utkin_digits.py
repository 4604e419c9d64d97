"""Utkin et al.'s method on handwritten digits, as in their paper; scikit-learn's small ones."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from lfs_core.comparators.utkin import Utkin, class_prototypes
from lfs_core.training.autoencoder import fit_autoencoder


def test_maps_of_digits_lie_where_digits_are_drawn() -> None:
    """Pixels that are blank in every digit do not change, and those of strokes do."""
    pixels, digits = load_digits(return_X_y=True)
    images = torch.from_numpy(pixels / 16).float().reshape(-1, 1, 8, 8).expand(-1, 3, -1, -1)
    space = LinearDiscriminantAnalysis().fit(pixels[:1200] / 16, digits[:1200])
    scaling = torch.from_numpy(space.scalings_[:, :9]).float()
    mean = torch.from_numpy(space.xbar_).float()

    def embedder(images: Tensor) -> Tensor:
        return (images.mean(dim=1).flatten(1) - mean) @ scaling

    embedder.image_size, embedder.name = 8, "digits"
    h = embedder(images)
    decoder = fit_autoencoder(
        h[:1200],
        images[:1200].contiguous(),
        validation=(h[1200:1400], images[1200:1400].contiguous()),
        epochs=10,
        width=16,
        progress=False,
    )
    prototypes = class_prototypes(h[:1200], list(map(str, digits[:1200])))
    explain = Utkin(embedder, decoder, prototypes=prototypes, important=3)
    found = explain.batch([(images[k], images[k + 1]) for k in range(1400, 1440, 2)])
    maps = np.concatenate([e.maps.numpy() for e in found])
    drawn = pixels[:1200].reshape(-1, 8, 8).std(axis=0)
    blank, strokes = drawn < 0.5, drawn > 4
    assert blank.sum() > 5 and strokes.sum() > 20
    assert maps[:, strokes].mean() > 3 * maps[:, blank].mean()
