"""The spectrogram of the network of voices: mel as in Slaney's Auditory Toolbox (1998)."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import pad

from lfs_core.sound.mel import FRAME, SMALLEST, STEP, Band
from lfs_core.sound.reading import RATE

BANDS = 40
LINEAR = 200 / 3  # Hz of a mel below 1 kHz
KNEE = 1000 / LINEAR  # mel at 1 kHz, from where on it grows with the logarithm
GROWTH = math.log(6.4) / 27  # of the logarithm of the frequency, by mel


@cache
def band_edges() -> Tensor:
    """Edges (42,) in Hz, equally spaced in mel up to 8 kHz."""
    top = KNEE + math.log(RATE / 2 / 1000) / GROWTH
    mel = torch.linspace(0, top, BANDS + 2, dtype=torch.float64)
    return torch.where(mel < KNEE, LINEAR * mel, 1000 * ((mel - KNEE) * GROWTH).exp())


@cache
def triangles() -> Tensor:
    """Weights (40,201) of each point of the transform in each band, of area 1 in Hz."""
    edges = band_edges()
    low, centre, high = (edges[k : k + BANDS, None] for k in range(3))
    hertz = torch.arange(FRAME // 2 + 1, dtype=torch.float64) * RATE / FRAME
    rising, falling = (hertz - low) / (centre - low), (high - hertz) / (high - centre)
    return torch.minimum(rising, falling).clamp_min(0) * 2 / (high - low)


def mel_energy(waves: Tensor) -> Tensor:
    """Energy in 40 bands: 25 ms every 10 ms, the first about the first sample, Hann's window.

    Args:
        waves: (...,N) at 16 kHz.

    Returns:
        (...,1+N//160,40), float64, >= 0.
    """
    cut = pad(waves.double(), (FRAME // 2, FRAME // 2)).unfold(-1, FRAME, STEP)
    window = torch.hann_window(FRAME, dtype=torch.float64)
    return torch.fft.rfft(cut * window).abs().square() @ triangles().T


def log_energy(waves: Tensor) -> Tensor:
    """Natural logarithms of `mel_energy`, float32; -36.0 where there is none."""
    return mel_energy(waves).clamp_min(SMALLEST).log().float()


def voice_bands() -> list[Band]:
    """The bands, lowest first, in Hz."""
    edges = band_edges().tolist()
    return [Band(*edges[k : k + 3]) for k in range(BANDS)]
