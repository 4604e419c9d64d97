"""A small network of this package, and a causal head for it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lfs_core.amortised import CausalHead
from lfs_core.embedders.network import Network
from lfs_core.util.networks import print_of


class Small(Network):
    """Two convolutions, the mean of their maps, and a matrix."""

    def __init__(self) -> None:
        super().__init__("small", 16, "whole")
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 24, 3, padding=1)
        self.second = nn.Conv2d(24, 40, 3, stride=2, padding=1)
        self.rectified = nn.ReLU()  # a layer, so that the last maps are its
        self.last = nn.Linear(40, 48)
        self.eval().requires_grad_(False)

    def in_torch(self, images: Tensor) -> Tensor:
        maps = self.rectified(self.second(self.first(images).relu()))
        return self.project(maps.mean(dim=(2, 3)))

    def project(self, pooled: Tensor) -> Tensor:
        """The embedding of the mean of the last maps."""
        return self.last(pooled)


def a_head(network: Network, layer: str = "second", channels: int = 40) -> CausalHead:
    """A head with weights that are drawn."""
    torch.manual_seed(1)
    head = CausalHead(48, 4, [layer], [channels], hidden=16).eval()
    for values in head.write.parameters():
        nn.init.normal_(values)
    head.info = {"name": network.name, "print": print_of(network)}
    return head
