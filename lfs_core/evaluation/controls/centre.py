"""A control: the middle of the image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs


class Centre(Comparator):
    """A Gaussian about the centre of every image: a map that ignores the images."""

    method = "centre"
    title = "Centre map"
    role = "control"
    source = "a control"
    signed = False

    def evidence(self, pairs: Pairs) -> Evidence:
        """The same Gaussian for every image, (P,2,H,W) in [0,1]."""
        prior = centre_prior(pairs.images.shape[-2:])
        return Evidence(prior.expand(*pairs.images.shape[:2], -1, -1))


def centre_prior(size: Sequence[int]) -> Tensor:
    """A Gaussian about the centre, (H,W) in [0,1].

    Its standard deviation is a quarter of each side, counted between the outermost pixels.
    """
    y, x = (torch.linspace(-2, 2, side) for side in size)
    return torch.exp(-(y[:, None].square() + x.square()) / 2)
