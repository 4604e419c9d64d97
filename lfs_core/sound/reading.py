"""Sounds from files: one channel at 16 kHz, whatever the file holds."""

from __future__ import annotations

import os
from math import gcd
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.util.extras import needs

RATE = 16_000  # samples a second, which the networks hear
SHORTEST = 400  # samples: one frame of 25 ms
LONGEST = 600  # s; an explanation is about words, not about hours
SILENT = "{} is silent; there is nothing in it to explain."
QUIET = 1e-5  # of full scale, -100 dB: below it is silence


class SoundError(LFSError):
    """A sound that cannot be read or used."""


def read_sound(path: str | os.PathLike[str]) -> Tensor:
    """The sound of a file: WAV, FLAC, MP3, Ogg, AIFF and what else libsndfile reads.

    Several channels become their mean. Another rate is resampled without aliasing.

    Args:
        path: the file.

    Returns:
        (N,) float32, near [-1,1], at 16 kHz.

    Raises:
        SoundError: there is no sound in it, or none that can be explained.
        LFSError: soundfile or SciPy is not installed.
    """
    with needs("sound", "Reading a sound"):
        import soundfile
    name = Path(path).name
    try:
        with soundfile.SoundFile(os.fspath(path)) as file:
            seconds = file.frames / file.samplerate
            if seconds > LONGEST:  # now, before an hour is in memory
                raise SoundError(
                    f"{name} lasts {seconds:.0f} s; cut out at most {LONGEST} s to be explained."
                )
            wave, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        if not Path(path).is_file():
            raise SoundError(f"There is no file {path}; check its name.") from None
        raise SoundError(
            f"{name} is not a sound that can be read; convert it to WAV, FLAC or MP3."
        ) from error
    mean = wave.mean(axis=1)
    if np.isfinite(wave).all() and len(wave) and np.ptp(mean) < QUIET:  # now: a filter has edges
        if np.ptp(wave, axis=0).max() < QUIET:
            raise SoundError(SILENT.format(name))
        raise SoundError(f"{name} has channels that cancel each other; save one of them alone.")
    return checked_sound(resampled(mean, rate, name), name)


def resampled(wave: np.ndarray, rate: int, name: str = "The sound") -> Tensor:
    """A wave (N,) of some rate at 16 kHz, by a polyphase filter.

    Raises:
        SoundError: it holds NaN or infinity, which a filter would spread.
    """
    if not np.isfinite(wave).all():
        raise SoundError(f"{name} holds NaN or infinity; write it again from its source.")
    if rate == RATE or not len(wave):
        return torch.tensor(wave, dtype=torch.float32)
    with needs("sound", "Resampling a sound"):
        from scipy.signal import resample_poly
    common = gcd(rate, RATE)
    made = resample_poly(wave.astype(np.float64), RATE // common, rate // common)
    return torch.tensor(made, dtype=torch.float32)


def checked_sound(wave: Tensor, name: str = "The sound") -> Tensor:
    """A wave (N,) at 16 kHz, if it can be explained.

    Raises:
        SoundError: it is not (N,), is too short or too long, silent, or holds NaN or infinity.
    """
    if wave.ndim != 1 or not wave.dtype.is_floating_point:
        raise SoundError(
            f"{name} is {tuple(wave.shape)} of {wave.dtype}; a sound is (N,) floats of one channel."
        )
    if not len(wave):
        raise SoundError(f"{name} is empty; record it again.")
    if not wave.isfinite().all():
        raise SoundError(f"{name} holds NaN or infinity; write it again from its source.")
    if len(wave) < SHORTEST:
        raise SoundError(
            f"{name} lasts {1000 * len(wave) / RATE:.0f} ms; a network hears 25 ms at least."
        )
    if len(wave) > LONGEST * RATE:
        raise SoundError(
            f"{name} lasts {len(wave) / RATE:.0f} s; cut out at most {LONGEST} s to be explained."
        )
    if (wave - wave.mean()).abs().max() < QUIET:  # a constant is not heard
        raise SoundError(SILENT.format(name))
    return wave.float()
