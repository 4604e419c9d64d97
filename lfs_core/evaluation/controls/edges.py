"""A control: the edges in the image."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms.functional import rgb_to_grayscale

from lfs_core.comparators.base import Comparator, Evidence, Pairs

ROUNDING = 1e-6  # of grey, in [0,1]: what resizing leaves in an even picture


class Edges(Comparator):
    """Sobel's edges of each image in grey: a map that ignores the network."""

    method = "edges"
    title = "Edge map"
    role = "control"
    source = "a control; the filter is Sobel's, 1968"
    signed = False

    def evidence(self, pairs: Pairs) -> Evidence:
        """How steep grey is, (P,2,H,W), in units of grey per pixel, >= 0."""
        steepness = edges(rgb_to_grayscale(pairs.images.flatten(0, 1))[:, 0])
        return Evidence(steepness.unflatten(0, (-1, 2)))


def edges(grey: Tensor) -> Tensor:
    """The length of Sobel's gradient of images (B,H,W), (B,H,W); beyond the border grey stays."""
    padded = torch.nn.functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    steepness = torch.hypot(_slope(padded), _slope(padded.mT).mT)
    return steepness.where(steepness > ROUNDING, 0)


def _slope(grey: Tensor) -> Tensor:
    """From left to right, averaged over three rows with weights 1, 2, 1: (B,H-2,W-2)."""
    slope = (grey[..., 2:] - grey[..., :-2]) / 2
    return (slope[:, :-2] + 2 * slope[:, 1:-1] + slope[:, 2:]) / 4
