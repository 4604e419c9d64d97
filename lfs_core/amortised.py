"""The causal map from one pass: a head on a network's own maps that learns what windows do.

FastSHAP (Jethani et al. 2022) and CoRTX (Chuang et al. 2023) predict the explanations of
classifiers. What a window does to an embedding does not depend on the partner, so one head serves
every pair.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

HIDDEN = 256  # channels of a head
HEADS = 8  # of attention; they divide the channels


class CausalHead(nn.Module):
    """(h, maps) -> C (B,K,D), as `causal_map` would find it for grid x grid windows.

    Attributes:
        grid: windows along each side of the image.
        layers: the network's layers whose maps are read; none if the image itself is.
        channels: of each of these maps.
        config: what `__init__` was given, so that a saved head can be built again.
        info: where the head comes from: network, data, seed, settings, quality.
    """

    def __init__(
        self,
        latent_dim: int,
        grid: int,
        layers: Sequence[str],
        channels: Sequence[int],
        hidden: int = HIDDEN,
    ) -> None:
        super().__init__()
        self.grid, self.layers, self.channels = grid, tuple(layers), tuple(channels)
        self.config = {
            "latent_dim": latent_dim,
            "grid": grid,
            "layers": self.layers,
            "channels": self.channels,
            "hidden": hidden,
        }
        self.info: dict[str, Any] = {}
        self.read = nn.ModuleList(
            _reader(count, hidden) if layers else _image_reader(count, hidden) for count in channels
        )
        self.read_h = nn.Linear(latent_dim, hidden)
        self.places = nn.Parameter(torch.zeros(hidden, grid, grid))
        self.mix = nn.Sequential(*(_Mixer(hidden) for _ in range(2)))
        self.write = nn.Conv2d(hidden, latent_dim, 1)
        self.doubt = nn.Conv2d(hidden, 1, 1)
        for values in self.write.parameters():  # a head that has learnt nothing finds nothing
            nn.init.zeros_(values)

    def forward(self, h: Tensor, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The causal map, and how far it may be wrong.

        Args:
            h: embeddings (B,D).
            maps: (B,c,h,w) of each layer, or the images.

        Returns:
            C (B,K,D); and the expected error (B,K) of the evidence of each window with a random
            partner, its root mean square, > 0.
        """
        x = self.places + self.read_h(nn.functional.normalize(h))[:, :, None, None]
        for read, of in zip(self.read, maps, strict=True):
            x = x + nn.functional.interpolate(
                read(of),
                (self.grid, self.grid),
                mode="bilinear",
                align_corners=False,
                antialias=True,
            )
        x = self.mix(x)
        C = self.write(x).flatten(2).mT / self.grid**2  # all windows together move h by about 1
        return C, self.doubt(x.detach()).flatten(1).exp()


def _reader(channels: int, hidden: int) -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(channels, affine=False), nn.Conv2d(channels, hidden, 1))


def _image_reader(channels: int, hidden: int) -> nn.Module:
    """A small network for images, for networks without maps."""
    widths = (channels, hidden // 8, hidden // 4, hidden // 2, hidden)
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(widths):
        layers += [
            nn.Conv2d(narrow, wide, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(wide),
            nn.GELU(),
        ]
    return nn.Sequential(*layers, nn.Conv2d(hidden, hidden, 1))


class _Mixer(nn.Module):
    """What a place learns of its neighbours, then of all places."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.near = nn.Sequential(
            nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.Conv2d(hidden, 2 * hidden, 1),
            nn.GELU(),
            nn.Conv2d(2 * hidden, hidden, 1),
        )
        self.far = nn.TransformerEncoderLayer(
            hidden, HEADS, 2 * hidden, activation="gelu", batch_first=True, norm_first=True
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.near(x)
        return self.far(x.flatten(2).mT).mT.unflatten(2, x.shape[2:])


def save_head(head: CausalHead, path: str | os.PathLike) -> None:
    """Write a head as fp16 safetensors with a JSON header; the file appears whole or not."""
    from lfs_core.util.modules import save_module

    save_module(path, "causal head", head.state_dict(), head.info, config=head.config)


def load_head(name: str | os.PathLike, network: str | None = None) -> CausalHead:
    """Load the head that ships for a network, by the network's name, or one from a file.

    Args:
        name: or path.
        network: the name of the network that it is for, by which a refusal offers others.

    Raises:
        LFSError: there is no such head, or the file is not one.
    """
    from lfs_core.util.modules import load_module

    return load_module(
        name,
        "causal head",
        "heads",
        "lfs fit-head",
        lambda header: CausalHead(**header["config"]),
        network,
    )
