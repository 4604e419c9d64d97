"""How loud a sound is at each moment in each band of pitch: what the networks of sound read."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from lfs_core.sound.reading import RATE

FRAME, STEP = 400, 160  # samples: 25 ms every 10 ms
FFT = 512  # points of the word network's transform
WORD_BANDS = 64
SMALLEST = torch.finfo(torch.float64).eps  # in place of an energy of 0, before its logarithm


class Band(NamedTuple):
    """Where a triangular band starts, peaks and ends, in Hz."""

    low: float
    centre: float
    high: float


def frames(waves: Tensor) -> Tensor:
    """Waves (...,N) cut in frames (...,F,400), the last filled up with 0."""
    count = 1 + max(0, -(-(waves.shape[-1] - FRAME) // STEP))
    missing = (count - 1) * STEP + FRAME - waves.shape[-1]
    return pad(waves, (0, missing)).unfold(-1, FRAME, STEP)


def to_mel(hertz: Tensor) -> Tensor:
    """Pitch in mel of frequencies in Hz (O'Shaughnessy 1987)."""
    return 2595 * torch.log10(1 + hertz / 700)


def to_hertz(mel: Tensor) -> Tensor:
    """Frequencies in Hz of pitches in mel."""
    return 700 * (10 ** (mel / 2595) - 1)


@cache
def band_edges(bands: int = WORD_BANDS) -> Tensor:
    """Edges (bands+2,) in points of the transform, equally spaced in mel up to 8 kHz."""
    top = to_mel(torch.tensor(RATE / 2, dtype=torch.float64)).item()
    mel = torch.linspace(0, top, bands + 2, dtype=torch.float64)
    return ((FFT + 1) * to_hertz(mel) / RATE).floor()


@cache
def triangles(bands: int = WORD_BANDS) -> Tensor:
    """Weights (bands,257) of each point of the transform in each band: 1 at its centre."""
    edges = band_edges(bands)
    low, centre, high = (edges[k : k + bands, None] for k in range(3))
    point = torch.arange(FFT // 2 + 1, dtype=torch.float64)
    rising = (point - low) / (centre - low).clamp_min(1)  # at low pitch two edges may be one
    falling = (high - point) / (high - centre).clamp_min(1)
    up, down = (point >= low) & (point < centre), (point >= centre) & (point < high)
    return torch.where(up, rising, torch.where(down, falling, 0.0))


def log_mel(waves: Tensor) -> Tensor:
    """The word network's spectrogram: natural logarithms of the energy in 64 bands of mel.

    Frames of 25 ms every 10 ms, no window, no emphasis; power |FFT|^2 / 512.

    Args:
        waves: (...,N) at 16 kHz.

    Returns:
        (...,F,64), float32; log(2.2e-16) = -36.0 where there is no energy.
    """
    power = torch.fft.rfft(frames(waves.double()), FFT).abs().square() / FFT
    energy = power @ triangles().T
    return torch.where(energy > 0, energy, SMALLEST).log().float()


def word_bands() -> list[Band]:
    """The bands of `log_mel`, lowest first, in Hz."""
    edges = (band_edges() * RATE / FFT).tolist()
    return [Band(*edges[k : k + 3]) for k in range(WORD_BANDS)]
