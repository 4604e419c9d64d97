"""Spectrograms are what their definition says, computed here one sum at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lfs_core.sound.making import Voice, made_word, noise, tone
from lfs_core.sound.mel import frames, log_mel, word_bands


def energy_by_definition(frame: np.ndarray) -> list[float]:
    """The energy of a frame in each band, with sums for the transform and bands in a loop."""
    n = np.arange(len(frame))
    power = [abs((frame * np.exp(-2j * np.pi * k * n / 512)).sum()) ** 2 / 512 for k in range(257)]
    top = 2595 * math.log10(1 + 8000 / 700)
    hertz = [700 * (10 ** (top * k / 65 / 2595) - 1) for k in range(66)]
    edges = [math.floor(513 * f / 16000) for f in hertz]
    found = []
    for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
        rising = sum(power[k] * (k - low) / (centre - low) for k in range(low, centre))
        falling = sum(power[k] * (high - k) / (high - centre) for k in range(centre, high))
        found.append(rising + falling)
    return found


@pytest.mark.parametrize("frame", [0, 7, 20])
def test_log_mel_is_its_definition(frame: int) -> None:
    wave = made_word(["ka", "so"], seed=3)[:7000] + noise(7000, 0.01)
    expected = energy_by_definition(wave[frame * 160 : frame * 160 + 400].double().numpy())
    # Two narrow bands at the bottom may hold no point at all.
    expected = np.log(np.where(np.array(expected) > 0, expected, np.finfo(float).eps))
    assert np.allclose(log_mel(wave)[frame], expected, atol=1e-4)


def test_frames_cover_the_wave_and_no_more() -> None:
    wave = torch.arange(24_000.0)
    cut = frames(wave)
    assert cut.shape == (149, 400)
    assert torch.equal(cut[3], wave[480:880])
    assert cut[-1, -1] == 0 and cut[-1, 0] == 148 * 160
    assert frames(torch.ones(100)).shape == (1, 400)


def test_silence_is_the_smallest_logarithm() -> None:
    assert log_mel(torch.zeros(2, 24_000)).unique().tolist() == pytest.approx([math.log(2**-52)])


@pytest.mark.parametrize("hertz", [500.0, 1000.0, 3000.0])
def test_a_tone_is_loudest_in_its_own_band(hertz: float) -> None:
    (band,) = log_mel(tone(hertz, 1.0)).mean(dim=0).topk(1).indices.tolist()
    found = word_bands()[band]
    assert found.low <= hertz <= found.high


def test_made_sounds_have_the_frequencies_they_name() -> None:
    spectrum = torch.fft.rfft(tone(1234, 1.0)).abs()
    assert spectrum.argmax().item() == 1234
    glide = tone(500, 1.0, to=1500)
    early, late = (torch.fft.rfft(part, 16_000).abs().argmax() for part in glide.split(8000))
    assert 500 <= early <= 1000 <= late <= 1500
    word = made_word(["ka", "i"], Voice(pitch=200))
    assert word.abs().max() == pytest.approx(0.7)
    assert torch.equal(word, made_word(["ka", "i"], Voice(pitch=200)))
