"""Sounds are read as one channel at 16 kHz, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from lfs_core.errors import LFSError
from lfs_core.sound.reading import RATE, SoundError, checked_sound, read_sound, resampled

HERTZ = 440.0


def tone(rate: int, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * HERTZ * np.arange(round(seconds * rate)) / rate)


def loudest_frequency(wave: torch.Tensor) -> float:
    spectrum = torch.fft.rfft(wave, 1 << 17).abs()
    return spectrum.argmax().item() * RATE / (1 << 17)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_wav_of_every_rate_and_width(tmp_path: Path, rate: int, subtype: str) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(rate), rate, subtype=subtype)
    wave = read_sound(tmp_path / "tone.wav")
    assert wave.dtype == torch.float32
    assert abs(len(wave) - RATE // 2) <= 1
    middle = slice(1000, 7000)
    assert np.abs(wave[middle] - tone(RATE)[middle]).max() < 0.01


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg", "aiff"])
def test_other_formats(tmp_path: Path, suffix: str) -> None:
    soundfile.write(tmp_path / f"tone.{suffix}", tone(44100, 1.0), 44100)
    wave = read_sound(tmp_path / f"tone.{suffix}")
    assert loudest_frequency(wave) == pytest.approx(HERTZ, abs=1)
    assert wave.abs().max().item() == pytest.approx(0.5, abs=0.05)


def test_channels_become_their_mean(tmp_path: Path) -> None:
    two = np.stack([tone(RATE), np.zeros(RATE // 2)], axis=1)
    soundfile.write(tmp_path / "two.wav", two, RATE, subtype="FLOAT")
    assert np.allclose(read_sound(tmp_path / "two.wav"), tone(RATE) / 2, atol=1e-6)


def test_what_16_khz_cannot_hold_does_not_come_back_as_another_pitch() -> None:
    high = np.sin(2 * np.pi * 15_000 * np.arange(48_000) / 48_000)  # would be heard at 1 kHz
    assert resampled(high, 48_000)[1000:-1000].abs().max() < 0.01


@pytest.mark.parametrize(
    ("wave", "said"),
    [
        (np.zeros(RATE), "is silent"),
        (np.full(RATE, 0.25), "is silent"),
        (np.full(RATE, 12345 / 32768), "is silent"),
        (np.outer(np.sin(np.arange(RATE) / 9), [0.5, -0.5]), "cancel each other"),
        (np.zeros(0), "is empty"),
        (tone(RATE)[:200], "lasts 12 ms"),
        (np.full(RATE, np.nan), "NaN"),
        (np.full(RATE, np.inf), "NaN or infinity"),
    ],
)
def test_sounds_that_cannot_be_explained(tmp_path: Path, wave: np.ndarray, said: str) -> None:
    for rate in (RATE, 48_000):
        soundfile.write(
            tmp_path / "bad.wav", np.repeat(wave, rate // RATE, axis=0), rate, subtype="FLOAT"
        )
        with pytest.raises(SoundError, match=rf"^bad.wav .*{said}[^\n]*\.$"):
            read_sound(tmp_path / "bad.wav")


def test_an_hour_is_refused_before_it_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hour.wav", np.zeros(3600 * 100, np.int16), 100, subtype="PCM_U8")
    with pytest.raises(SoundError, match=r"lasts 3600 s; cut out at most 600 s"):
        read_sound(tmp_path / "hour.wav")


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_sound(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "no.wav").write_bytes(content)
    with pytest.raises(SoundError, match=r"no.wav is not a sound that can be read"):
        read_sound(tmp_path / "no.wav")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="There is no file"):
        read_sound(tmp_path / "none.wav")
    with pytest.raises(LFSError):
        read_sound(tmp_path)


@pytest.mark.parametrize("wave", [torch.ones(2, 800), torch.ones(800, dtype=torch.int16)])
def test_tensors_that_are_no_sounds(wave: torch.Tensor) -> None:
    with pytest.raises(SoundError, match="one channel"):
        checked_sound(wave)
