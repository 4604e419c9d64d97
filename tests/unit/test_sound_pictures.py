"""What explains pictures explains sounds: a spectrogram is a picture."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lfs_core.comparators import load_explainer
from lfs_core.explainer import ExplainLFS
from lfs_core.sound.hearing import heard
from lfs_core.sound.making import tone
from lfs_core.sound.mel import log_mel, word_bands
from lfs_core.sound.pictures import BLACK, WHITE, Pictures, as_picture, by_stretch
from lfs_core.sound.spliced import MADE, SHARED, hear, made, spliced
from lfs_core.sound.thing import Sound
from lfs_core.training.decoders import LinearDecoder


class Coarse:
    """An ear whose latents are the means of tiles of the spectrogram."""

    name, seconds, similarity_threshold = "coarse", 1.5, 0.5
    bands = word_bands()

    def spectrogram(self, waves: Tensor) -> Tensor:
        return log_mel(waves)

    def of_spectrogram(self, spectrograms: Tensor) -> Tensor:
        return interpolate(spectrograms[:, None] - BLACK, (6, 4), mode="area").flatten(1)


def test_a_picture_is_heard_as_its_sound() -> None:
    ear = Coarse()
    of = heard(tone(500, 1.5, to=3000), 1.5)
    wave = of.masked(torch.zeros(1, 24_000).bool())
    network = Pictures(ear)
    picture = network.of(of)
    assert picture.shape == (3, *network.image_size) == (3, 64, 149)
    assert torch.allclose(network(picture[None]), ear.of_spectrogram(log_mel(wave)), rtol=1e-2)


def test_high_is_up_and_late_is_right() -> None:
    picture = as_picture(log_mel(torch.cat([torch.zeros(12_000), tone(7000, 0.75)])))[0]
    row, column = divmod(int(picture.argmax()), 149)
    assert row < 10 and column >= 73
    assert as_picture(torch.full((149, 64), WHITE)).unique().tolist() == [1]
    assert as_picture(torch.full((149, 64), -36.0)).unique().tolist() == [0]


def test_a_map_is_read_by_stretch() -> None:
    heat = torch.arange(15.0).repeat_interleave(10)[:149].expand(64, -1)
    edges = torch.arange(16) * 1600
    assert torch.allclose(by_stretch(heat, edges, 24_000), torch.arange(15.0), atol=0.15)


def test_explain_lfs_explains_sounds_through_a_decoder_of_spectrograms() -> None:
    """A linear ear and its inverse: the map lies where the latents do that differ least."""
    network = Pictures(Coarse())
    drawn = torch.Generator().manual_seed(0)
    small = torch.rand(200, 1, 4, 6, generator=drawn).expand(-1, 3, -1, -1)
    h = network(interpolate(small, (64, 149), mode="nearest"))
    decoder = LinearDecoder.fit(h, small, ridge=1e-6)
    assert (decoder(h) - small).abs().mean() < 0.05
    image = torch.full((3, 64, 149), 0.4)
    other = image.clone()
    other[:, :32] = 0.9  # the upper half differs, the lower half is shared
    found = ExplainLFS(network, decoder, similarity_threshold=-1.0)(image, other)
    heat = found.maps[0]
    assert heat[36:].mean() > 3 * heat[:28].mean()


@pytest.mark.parametrize("method", ["occlusion", "corrrise"])
def test_methods_of_images_explain_sounds(method: str) -> None:
    network = Pictures(Coarse())
    pictures = [network.of(heard(tone(f, 1.5), 1.5, trim=False)) for f in (400, 600)]
    found = load_explainer(method, network)(*pictures)
    assert found.maps.shape == (2, 64, 149)


def test_spliced_recordings_share_what_is_said_to_be_shared() -> None:
    for seed in range(5):
        pair = spliced(made, MADE, seed)
        assert pair.a.shape == pair.b.shape == (24_000,)
        assert pair.truth_a.sum() == pair.truth_b.sum() == SHARED
        assert not torch.equal(pair.truth_a, pair.truth_b)  # elsewhere in each
        at_a, at_b = (1600 * int(t.int().argmax()) for t in (pair.truth_a, pair.truth_b))
        inside = slice(200, SHARED * 1600 - 200)  # but for the fades
        assert torch.allclose(pair.a[at_a:][inside], pair.b[at_b:][inside], atol=1e-6)
        outside = ~pair.truth_a.repeat_interleave(1600)
        assert torch.equal(pair.a[outside], pair.plain_a[outside])
        loud = pair.a[~outside].square().mean().sqrt() / pair.plain_a.square().mean().sqrt()
        assert loud.item() == pytest.approx(1, abs=0.05)


def test_said_again_is_another_wave() -> None:
    one, two = (spliced(made, MADE, 3, again=again) for again in (False, True))
    assert torch.equal(one.a, two.a) and torch.equal(one.truth_b, two.truth_b)
    assert not torch.equal(one.b, two.b)


def test_parts_of_a_pair_are_its_stretches() -> None:
    pair = spliced(made, MADE, 0)
    thing = Sound(Coarse(), pair.a, trim=False)
    assert torch.equal(thing.edges, torch.arange(16) * 1600)
    assert hear(pair.a).start == 0
