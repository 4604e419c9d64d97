"""Spectrograms as pictures, so that whatever explains a network of images explains one of sounds.

Grey from black to white is the logarithm of the energy; time runs to the right, pitch upwards.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lfs_core.sound.hearing import Ear, Heard
from lfs_core.sound.reading import RATE

BLACK, WHITE = -20.0, 5.0  # logarithms of energy: less than the hiss, more than a loud tone


class Pictures:
    """A network of sound as one of pictures: (B,3,M,F) in [0,1] -> (B,D).

    Attributes:
        ear: the network of sound.
        name, image_size, framing: as of every network of images.
    """

    framing, one_by_one = "whole", False

    def __init__(self, ear: Ear) -> None:
        self.ear, self.name = ear, ear.name
        nothing = torch.zeros(1, round(ear.seconds * RATE))
        frames, bands = ear.spectrogram(nothing).shape[1:]
        self.image_size = (bands, frames)

    def __call__(self, images: Tensor) -> Tensor:
        """Embed pictures (B,3,M,F) in [0,1]; of other sizes, they are resized."""
        grey = images.float().mean(dim=1, keepdim=True)
        if grey.shape[-2:] != self.image_size:
            grey = interpolate(grey, self.image_size, mode="bilinear", align_corners=False)
        energy = BLACK + (WHITE - BLACK) * grey[:, 0].flip(1)
        return self.ear.of_spectrogram(energy.mT)

    def of(self, heard: Heard) -> Tensor:
        """The picture (3,M,F) of what is heard."""
        nothing = torch.zeros(1, len(heard.wave), dtype=torch.bool)
        return as_picture(self.ear.spectrogram(heard.masked(nothing))[0])


def as_picture(spectrogram: Tensor) -> Tensor:
    """A spectrogram (F,M) as a picture (3,M,F) in [0,1]."""
    grey = ((spectrogram - BLACK) / (WHITE - BLACK)).clamp(0, 1)
    return grey.mT.flip(0).expand(3, -1, -1)


def by_stretch(heat: Tensor, edges: Tensor, samples: int) -> Tensor:
    """The mean (K,) of a map (M,F) over the frames of each stretch.

    Args:
        heat: (M,F).
        edges: (K+1,) samples, between which the stretches lie.
        samples: of the whole wave.
    """
    columns = (edges * heat.shape[1] / samples).round().long().tolist()
    return torch.stack(
        [heat[:, start : max(stop, start + 1)].mean() for start, stop in pairwise(columns)]
    )
