"""Sounds to try things on, made by arithmetic: syllables, tones, chirps, noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lfs_core.sound.reading import RATE

# The first three formants of some vowels, in Hz, of an adult (after Peterson and Barney 1952).
VOWELS = {
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
WIDTHS = (80, 110, 160)  # Hz, of the formants
HISSES = {"s": (4500, 7500), "f": (1200, 7000), "k": (1500, 3000), "t": (3000, 5500)}


@dataclass(frozen=True)
class Voice:
    """A made speaker.

    Attributes:
        pitch: of its voice, in Hz.
        tract: how much higher its formants are than an adult man's.
        pace: seconds of a vowel.
    """

    pitch: float = 120.0
    tract: float = 1.0
    pace: float = 0.16


def made_word(syllables: Sequence[str], voice: Voice = Voice(), seed: int = 0) -> Tensor:
    """A word of syllables such as "ka" or "so": a hiss and a vowel each.

    Args:
        syllables: each a letter of `HISSES`, or none, and a letter of `VOWELS`.
        voice: who says it.
        seed: of the noise in it.

    Returns:
        (N,) in [-1,1] at 16 kHz.
    """
    drawn = torch.Generator().manual_seed(seed)
    pieces = []
    for syllable in syllables:
        if syllable[:-1]:
            pieces.append(0.25 * hiss(*HISSES[syllable[:-1]], 0.07, drawn))
        pieces.append(vowel(syllable[-1], voice))
    wave = torch.cat(pieces)
    return 0.7 * wave / wave.abs().max()


def vowel(name: str, voice: Voice = Voice()) -> Tensor:
    """A vowel (N,): the overtones of a falling pitch, louder near the formants."""
    time = torch.arange(round(voice.pace * RATE), dtype=torch.float64) / RATE
    phase = 2 * math.pi * voice.pitch * (time - 0.1 * time.square() / voice.pace)
    wave = torch.zeros_like(time)
    for overtone in range(1, int(RATE / 2 / voice.pitch)):
        frequency = overtone * voice.pitch
        loudness = sum(
            1 / (1 + ((frequency - voice.tract * formant) / width) ** 2) / (1 + k)
            for k, (formant, width) in enumerate(zip(VOWELS[name], WIDTHS, strict=True))
        )
        wave += loudness * torch.sin(overtone * phase)
    return (wave / wave.abs().max() * _fade(len(wave))).float()


def hiss(low: float, high: float, seconds: float, drawn: torch.Generator) -> Tensor:
    """Noise (N,) of frequencies from `low` to `high` Hz."""
    count = round(seconds * RATE)
    spectrum = torch.fft.rfft(torch.randn(count, generator=drawn, dtype=torch.float64))
    frequency = torch.fft.rfftfreq(count, 1 / RATE)
    wave = torch.fft.irfft(spectrum * ((frequency >= low) & (frequency <= high)), count)
    return (wave / wave.abs().max() * _fade(count)).float()


def tone(hertz: float, seconds: float, *, to: float | None = None) -> Tensor:
    """A tone (N,), or a chirp that glides to another frequency."""
    time = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    glide = 0.0 if to is None else (to - hertz) / seconds / 2
    return torch.sin(2 * math.pi * (hertz * time + glide * time.square())).float()


def noise(count: int, loudness: float, seed: int = 0) -> Tensor:
    """White noise (count,) of a root mean square, the same for a seed."""
    return loudness * torch.randn(count, generator=torch.Generator().manual_seed(seed))


def _fade(count: int) -> Tensor:
    """(count,), from 0 to 1 and back in 10 ms, so that no click is heard."""
    edge = torch.arange(count, dtype=torch.float64)
    return torch.minimum(edge, edge.flip(0)).div(RATE / 100).clamp(0, 1)
