"""What a network hears of a recording: a fixed time of it, over a quiet hiss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import pad

from lfs_core.sound.making import noise
from lfs_core.sound.mel import Band
from lfs_core.sound.reading import RATE, checked_sound

HISS = 1e-3  # of full scale, -60 dB; makes logarithms of silence finite
LOUDEST = 0.7  # of full scale, to which the peak of each recording is brought
SILENT = 0.02  # of the peak: quieter edges are cut off
BLOCK = RATE // 100  # samples: edges are looked for in steps of 10 ms


class Ear(Protocol):
    """A network of sound, which reads a spectrogram.

    Attributes:
        name: of the network.
        seconds: it hears at a time.
        similarity_threshold: xi_1, above which two sounds are called similar.
    """

    name: str
    seconds: float
    similarity_threshold: float

    @property
    def bands(self) -> Sequence[Band]:
        """Of its spectrogram, lowest first."""
        ...

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(B,F,M) of waves (B,N) at 16 kHz."""
        ...

    def of_spectrogram(self, spectrograms: Tensor) -> Tensor:
        """Embeddings (B,D) of spectrograms (B,F,M)."""
        ...


@dataclass(frozen=True, eq=False)
class Heard:
    """What a network hears of a recording.

    Attributes:
        wave: (N,) as long as the network hears, its peak at 0.7, the hiss not yet in it.
        start: sample of `wave` at which the recording starts.
        stop: sample at which it stops.
        skipped: samples of the recording that come before `start` and are not heard.
    """

    wave: Tensor
    start: int
    stop: int
    skipped: int

    def seconds(self, sample: int) -> float:
        """When a sample of `wave` comes in the recording, in seconds."""
        return (sample - self.start + self.skipped) / RATE

    @property
    def seconds_heard(self) -> float:
        """How much of the time that the network hears the recording fills, in seconds."""
        return (self.stop - self.start) / RATE

    @property
    def hiss(self) -> Tensor:
        """(N,), what is heard where nothing is said; the same for every recording."""
        return noise(len(self.wave), HISS)

    def masked(self, gone: Tensor, fill: float = 1.0) -> Tensor:
        """Waves (S,N) with samples taken away, over the hiss.

        Args:
            gone: (S,N) bool.
            fill: how loud the hiss is where samples are gone; 0 for digital silence.
        """
        there = (~gone).to(self.wave)
        return self.wave * there + self.hiss * (there + fill * (1 - there))


def heard(wave: Tensor, seconds: float, *, trim: bool = True) -> Heard:
    """Place a recording in the time that a network hears.

    Quiet edges are cut off. A recording that is shorter lies in the middle; of one that is longer
    the loudest stretch is heard.

    Args:
        wave: (N,) at 16 kHz.
        seconds: that the network hears.
        trim: whether quiet edges are cut off.

    Raises:
        SoundError: the recording cannot be explained.
    """
    wave = checked_sound(wave)
    wave = wave - wave.mean()
    peak = wave.abs().max()
    skipped = 0
    if trim:
        blocks = pad(wave.abs(), (0, -len(wave) % BLOCK)).unflatten(0, (-1, BLOCK)).amax(dim=1)
        loud = (blocks > SILENT * peak).nonzero()[:, 0]
        skipped = int(loud[0]) * BLOCK
        wave = wave[skipped : (int(loud[-1]) + 1) * BLOCK]
    count = round(seconds * RATE)
    if len(wave) > count:
        energy = pad(wave.double().square().cumsum(0), (1, 0))
        start = int((energy[count:] - energy[:-count])[::BLOCK].argmax()) * BLOCK
        wave, skipped = wave[start : start + count], skipped + start
    before = (count - len(wave)) // 2
    placed = torch.zeros(count)
    placed[before : before + len(wave)] = LOUDEST * wave / peak
    return Heard(placed, before, before + len(wave), skipped)
