"""A recording as a thing with parts: moments of the wave, or tiles of the spectrogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.sound.hearing import Ear, heard
from lfs_core.sound.mel import FRAME, STEP
from lfs_core.sound.reading import RATE
from lfs_core.util.progress import batches

STRETCH = 0.1  # s, about a phoneme
BATCH = 64  # waves at a time
FILLS = {"hiss": 1.0, "silence": 0.0}
"""What replaces a moment, and how loud the hiss then is: "silence" is digital, all samples 0."""


class Sound:
    """A recording whose parts are moments; a quiet hiss replaces what is taken away.

    Args:
        ear: the network.
        wave: (N,) at 16 kHz.
        stretch: length of a part, in seconds.
        fill: what replaces a part, of `FILLS`.
        trim: whether quiet edges are cut off first.

    Raises:
        SoundError: the recording cannot be explained.
        LFSError: `stretch` or `fill` is unknown or out of range, or there is one part only.

    Attributes:
        heard: what the network hears.
        edges: (K+1,) samples of `heard.wave`, between which the parts lie.
        parts: what each is called, by its time in the recording.
    """

    def __init__(
        self,
        ear: Ear,
        wave: Tensor,
        stretch: float = STRETCH,
        fill: str = "hiss",
        *,
        trim: bool = True,
    ) -> None:
        if fill not in FILLS:
            raise LFSError(f"fill is {fill!r}; it must be {' or '.join(map(repr, FILLS))}.")
        if not 2 * FRAME / RATE <= stretch <= ear.seconds / 2:
            raise LFSError(
                f"stretch is {stretch} s; it must lie between two frames, {2 * FRAME / RATE} s, "
                f"and half of what the network hears, {ear.seconds / 2} s."
            )
        self.ear, self.fill = ear, fill
        self.heard = heard(wave, ear.seconds, trim=trim)
        self.edges = _edges(self.heard.start, self.heard.stop, round(stretch * RATE))
        self.parts = called([self.heard.seconds(edge) for edge in self.edges.tolist()])

    def without(self, sets: Tensor) -> Tensor:
        """Embeddings (S,D) without the moments of each set (S,K) bool."""
        loudness = FILLS[self.fill]
        found = [
            self.ear.of_spectrogram(self.ear.spectrogram(self.heard.masked(gone, loudness)))
            for gone in batches(self.samples(sets), BATCH)
        ]
        return torch.cat(found)

    def samples(self, sets: Tensor) -> Tensor:
        """(S,N) bool, the samples of the moments of each set (S,K)."""
        moment = torch.full((len(self.heard.wave),), -1)
        for k, (start, stop) in enumerate(pairwise(self.edges.tolist())):
            moment[start:stop] = k
        padded = torch.cat([sets, sets.new_zeros(len(sets), 1)], dim=1)  # -1: in no part
        return padded[:, moment]


class Tiles:
    """A recording whose parts are tiles of its spectrogram: moments by bands of pitch.

    The mean of a band over the recording replaces what is taken away in it.

    Args:
        ear: the network.
        wave: (N,) at 16 kHz.
        moments: number of tiles in time.
        pitches: number of tiles in pitch.

    Raises:
        SoundError: the recording cannot be explained.
        LFSError: there are fewer than two tiles, or more than frames or bands.
    """

    def __init__(self, ear: Ear, wave: Tensor, moments: int = 8, pitches: int = 4) -> None:
        self.ear, self.heard = ear, heard(wave, ear.seconds)
        everything = torch.zeros(1, len(self.heard.wave), dtype=torch.bool)
        (self.spectrogram,) = ear.spectrogram(self.heard.masked(everything))
        first, last = self.heard.start // STEP, -(-self.heard.stop // STEP)
        last = min(last, len(self.spectrogram))
        if not 1 <= moments <= last - first or not 1 <= pitches <= len(ear.bands):
            raise LFSError(
                f"{moments} by {pitches} tiles do not fit the {last - first} frames and "
                f"{len(ear.bands)} bands of this recording; take fewer, and at least 1."
            )
        self.columns = torch.linspace(first, last, moments + 1).round().long()
        self.rows = torch.linspace(0, len(ear.bands), pitches + 1).round().long()
        self.grid = (moments, pitches)
        times = [self.heard.seconds(column * STEP) for column in self.columns.tolist()]
        self.parts = tuple(
            f"{moment}, {ear.bands[low].low:.0f} to {ear.bands[high - 1].high:.0f} Hz"
            for moment in called(times)
            for low, high in pairwise(self.rows.tolist())
        )

    def without(self, sets: Tensor) -> Tensor:
        """Embeddings (S,D) without the tiles of each set (S,K) bool; time by time, low to high."""
        here = self.spectrogram[self.columns[0] : self.columns[-1]]
        mean = here.mean(dim=0)
        gone = torch.zeros(len(sets), *self.spectrogram.shape, dtype=torch.bool)
        lengths, heights = self.columns.diff(), self.rows.diff()
        chosen = sets.unflatten(1, self.grid).repeat_interleave(lengths, dim=1)
        gone[:, self.columns[0] : self.columns[-1]] = chosen.repeat_interleave(heights, dim=2)
        return self.ear.of_spectrogram(torch.where(gone, mean, self.spectrogram))


def called(times: Sequence[float]) -> tuple[str, ...]:
    """What the stretches between times are called, "0.10 to 0.20 s".

    Decimals are as many as it takes to round by no more than a tenth of the shortest stretch.
    """
    shortest = min(b - a for a, b in pairwise(times))
    digits = max(0, math.ceil(-math.log10(shortest / 5)))
    return tuple(f"{a:.{digits}f} to {b:.{digits}f} s" for a, b in pairwise(times))


def _edges(start: int, stop: int, length: int) -> Tensor:
    """Edges of equal parts, each of about `length` samples; a short recording has two."""
    count = max(2, round((stop - start) / length))
    return torch.linspace(start, stop, count + 1).round().long()
