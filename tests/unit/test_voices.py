"""The network of voices, and its spectrogram."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lfs_core.errors import LFSError
from lfs_core.parts import causal
from lfs_core.sound.ears import EARS, ear_title, load_ear
from lfs_core.sound.hearing import heard
from lfs_core.sound.making import Voice, made_word, tone
from lfs_core.sound.thing import Sound, Tiles
from lfs_core.sound.voice_mel import band_edges, mel_energy, triangles, voice_bands
from lfs_core.sound.voices import Voices


@pytest.fixture(scope="module")
def network() -> Voices:
    return Voices()


def test_the_scale_is_straight_to_1_khz_and_logarithmic_above() -> None:
    edges = band_edges()
    assert edges[0] == 0 and edges[-1].item() == pytest.approx(8000)
    below = edges[edges < 1000]
    assert torch.allclose(below.diff(), below.diff()[0].expand(len(below) - 1))
    above = edges[edges > 1000]
    ratios = above[1:] / above[:-1]
    assert torch.allclose(ratios, ratios[0].expand(len(ratios)))


def test_bands_have_area_one() -> None:
    """Wide bands, by the sum over points of 40 Hz; narrow ones have few points."""
    assert np.allclose(triangles()[20:].sum(dim=1) * 40, 1, atol=0.02)


def test_energy_is_that_of_a_short_time_transform() -> None:
    wave = made_word(["ka", "so"], seed=1)
    window = torch.hann_window(400)
    spectra = torch.stft(
        wave, 400, 160, 400, window, center=True, pad_mode="constant", return_complex=True
    )
    expected = (triangles().float() @ spectra.abs().square()).T
    found = mel_energy(wave)
    assert found.shape == expected.shape == (1 + len(wave) // 160, 40)
    assert torch.allclose(found.float(), expected, atol=1e-5 * expected.max().item())


def test_a_tone_is_loudest_in_its_band() -> None:
    band = voice_bands()[int(mel_energy(tone(2000, 0.5)).mean(dim=0).argmax())]
    assert band.low < 2000 < band.high


@pytest.mark.slow
def test_it_is_the_recurrence_by_definition(network: Voices) -> None:
    """The first layer's first steps, gate by gate."""
    x = network.spectrogram(heard(made_word(["ka", "so"]), 1.6).wave[None]).exp()
    weights = {name: value.numpy() for name, value in network.lstm.named_parameters()}
    h = c = np.zeros(256)

    def squashed(z: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-z))

    for step in x[0, 60:65].numpy():
        z = weights["weight_ih_l0"] @ step + weights["bias_ih_l0"]
        z = z + weights["weight_hh_l0"] @ h + weights["bias_hh_l0"]
        enter, forget, new, leave = np.split(z, 4)
        c = squashed(forget) * c + squashed(enter) * np.tanh(new)
        h = squashed(leave) * np.tanh(c)
    one = torch.nn.LSTM(40, 256, batch_first=True)
    one.load_state_dict({k: v for k, v in network.lstm.state_dict().items() if "_l0" in k})
    assert np.allclose(one(x[:, 60:65])[0][0, -1].detach(), h, atol=1e-5)


@pytest.mark.slow
def test_embeddings_are_not_negative_and_of_length_one(network: Voices) -> None:
    h = network(
        torch.stack([heard(made_word(["ka", "o"], Voice(p)), 1.6).wave for p in (100, 220)])
    )
    assert h.shape == (2, 256) and h.min() >= 0
    assert torch.allclose(h.norm(dim=1), torch.ones(2), atol=1e-6)
    with pytest.raises(LFSError, match=r"reads spectrograms \(B,160,40\)"):
        network.of_spectrogram(torch.zeros(1, 149, 64))


@pytest.mark.slow
@pytest.mark.parametrize("name", EARS)
def test_every_network_hears_moments_and_tiles(name: str) -> None:
    ear = load_ear(name)
    assert ear_title(name) != name
    wave = made_word(["ka", "so"])
    for thing in (Sound(ear, wave), Tiles(ear, wave, 3, 2)):
        C = causal(thing)
        assert len(C) == len(thing.parts) and C.isfinite().all() and C.abs().sum() > 0


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(LFSError, match="no network of sound 'ears'"):
        load_ear("ears")
