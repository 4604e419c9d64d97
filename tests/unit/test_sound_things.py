"""A recording has moments or tiles for parts, which can be taken away."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.sound.hearing import HISS, LOUDEST, heard
from lfs_core.sound.making import tone
from lfs_core.sound.mel import log_mel, word_bands
from lfs_core.sound.thing import Sound, Tiles, called


class Loudness:
    """An ear whose latents are the energies of 15 tenths of a second, and a constant."""

    name, seconds, similarity_threshold = "loudness", 1.5, 0.5
    bands = word_bands()

    def spectrogram(self, waves: Tensor) -> Tensor:
        return log_mel(waves)

    def of_spectrogram(self, spectrograms: Tensor) -> Tensor:
        energy = spectrograms.exp().sum(dim=2)
        return torch.stack([part.sum(dim=1) for part in energy.split(10, dim=1)], dim=1)


def test_a_short_recording_lies_in_the_middle() -> None:
    wave = torch.cat([torch.zeros(3200), tone(300, 0.5), torch.zeros(1600)])
    of = heard(wave, 1.5)
    assert len(of.wave) == 24_000
    assert (of.start, of.stop, of.skipped) == (8000, 16_000, 3200)
    assert of.wave.abs().max() == pytest.approx(LOUDEST, rel=1e-2)
    assert of.seconds(of.start) == pytest.approx(0.2)  # in the file
    assert not of.wave[:8000].any() and not of.wave[16_000:].any()


def test_of_a_long_recording_the_loudest_stretch_is_heard() -> None:
    wave = torch.cat([0.1 * tone(300, 2), tone(300, 1.5), 0.1 * tone(300, 1)])
    of = heard(wave, 1.5)
    assert (of.start, of.stop) == (0, 24_000)
    assert of.skipped == pytest.approx(32_000, abs=160)
    assert of.wave.square().mean().sqrt() == pytest.approx(LOUDEST / 2**0.5, rel=0.05)


def test_what_is_taken_away_is_a_hiss_and_the_rest_stays() -> None:
    of = heard(tone(300, 1.5), 1.5, trim=False)
    gone = torch.zeros(2, 24_000, dtype=torch.bool)
    gone[1, 5000:6000] = True
    whole, without = of.masked(gone)
    assert torch.equal(whole[:5000], without[:5000]) and torch.equal(whole[6000:], without[6000:])
    assert without[5000:6000].std() == pytest.approx(HISS, rel=0.1)
    assert not of.masked(gone, fill=0)[1, 5000:6000].any()


def test_each_moment_that_is_taken_away_silences_its_own_latent() -> None:
    thing = Sound(Loudness(), tone(1000, 1.5), trim=False)
    assert len(thing.parts) == 15
    assert thing.parts[0] == "0.00 to 0.10 s" and thing.parts[-1] == "1.40 to 1.50 s"
    none, *each = thing.without(torch.cat([torch.zeros(1, 15).bool(), torch.eye(15).bool()]))
    for k, h in enumerate(each):
        kept = h / none
        assert kept[k] < 0.15  # frames reach over an edge by 15 ms
        assert torch.allclose(kept[[i for i in range(15) if abs(i - k) > 1]], torch.ones(1))


def test_all_moments_gone_is_the_hiss_alone() -> None:
    one = Sound(Loudness(), tone(1000, 1.5), trim=False)
    other = Sound(Loudness(), tone(3000, 1.5), trim=False)
    everything = torch.ones(1, 15).bool()
    assert torch.equal(one.without(everything), other.without(everything))


def test_times_are_those_of_the_recording() -> None:
    thing = Sound(Loudness(), torch.cat([torch.zeros(16_000), tone(500, 0.4)]))
    assert thing.parts == ("1.00 to 1.10 s", "1.10 to 1.20 s", "1.20 to 1.30 s", "1.30 to 1.40 s")


def test_tiles_that_are_taken_away_are_the_mean_of_their_bands() -> None:
    class Flat(Loudness):
        def of_spectrogram(self, spectrograms: Tensor) -> Tensor:
            return spectrograms.flatten(1)

    thing = Tiles(Flat(), tone(500, 1.5, to=2500), moments=3, pitches=2)
    assert len(thing.parts) == 6
    assert thing.parts[1].startswith("0.00 to 0.50 s, ") and thing.parts[1].endswith("8000 Hz")
    whole, without = thing.without(torch.tensor([[0] * 6, [0, 0, 1, 0, 0, 0]]).bool())
    whole, without = whole.unflatten(0, (149, 64)), without.unflatten(0, (149, 64))
    column, row = slice(50, 99), slice(0, 32)
    changed = torch.zeros(149, 64, dtype=torch.bool)
    changed[column, row] = True
    assert torch.equal(whole[~changed], without[~changed])
    mean = whole.mean(dim=0)[row].expand(49, 32)
    assert torch.allclose(without[column, row], mean, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fill": "music"}, "fill is 'music'"),
        ({"stretch": 0.01}, "stretch is 0.01 s"),
        ({"stretch": 2.0}, "stretch is 2.0 s"),
    ],
)
def test_options_out_of_range(options: dict, said: str) -> None:
    with pytest.raises(LFSError, match=said):
        Sound(Loudness(), tone(500, 1.0), **options)


@pytest.mark.parametrize("grid", [(0, 4), (200, 4), (3, 65)])
def test_tiles_that_do_not_fit(grid: tuple[int, int]) -> None:
    with pytest.raises(LFSError, match="tiles do not fit"):
        Tiles(Loudness(), tone(500, 1.0), *grid)


def test_times_have_as_many_digits_as_their_moments_deserve() -> None:
    assert called([512.341, 512.441, 512.541]) == ("512.34 to 512.44 s", "512.44 to 512.54 s")
    assert called([0.0, 0.0125, 0.025]) == ("0.000 to 0.013 s", "0.013 to 0.025 s")
    assert called([0.0, 0.75, 1.5]) == ("0.0 to 0.8 s", "0.8 to 1.5 s")


@pytest.mark.parametrize("seconds", [0.026, 0.06, 0.3, 1.5, 600.0])
def test_every_moment_has_a_name_near_its_time(seconds: float) -> None:
    thing = Sound(Loudness(), tone(1000, seconds), trim=False)
    assert len(set(thing.parts)) == len(thing.parts)
    for k, part in enumerate(thing.parts):
        start, stop = (thing.heard.seconds(int(edge)) for edge in thing.edges[k : k + 2])
        said = [float(of) for of in part.removesuffix(" s").split(" to ")]
        assert said == pytest.approx([start, stop], abs=(stop - start) / 9)
        assert len(part.split()[0].partition(".")[2]) <= (3 if seconds < 0.1 else 2)
