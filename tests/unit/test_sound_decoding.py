"""ExplainLFS of recordings: its decoder, the side that its evidence takes, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_sound_pictures import Coarse

from lfs_core.decoder import Decoder
from lfs_core.errors import LFSError
from lfs_core.explainer import ExplainLFS
from lfs_core.sound import decoding
from lfs_core.sound.decoding import explain_through_decoder, fitted, sound_decoder
from lfs_core.sound.making import noise, tone
from lfs_core.sound.pictures import Pictures, by_stretch
from lfs_core.sound.spliced import MADE, made
from lfs_core.sound.thing import Sound


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return fitted(Coarse(), MADE[:8], held_out=2)


@pytest.fixture(scope="module")
def sounds() -> tuple[Sound, Sound]:
    return Sound(Coarse(), made(MADE[0], 0)), Sound(Coarse(), made(MADE[5], 3))


def test_it_decodes_words_that_it_has_not_learnt_from(decoder: Decoder) -> None:
    assert decoder.info["words"] == {"train": 6, "test": 2}
    assert decoder.info["loss"] < 0.7 * decoder.info["loss_mean_image"]


def test_the_evidence_is_the_map_on_the_side_of_the_decision(
    decoder: Decoder, sounds: tuple[Sound, Sound]
) -> None:
    pictures = Pictures(Coarse())
    images = [pictures.of(of.heard) for of in sounds]
    for threshold, sign in ((-1.0, 1), (1.0, -1)):
        e, _ = explain_through_decoder(*sounds, threshold, decoder)
        assert e.is_similar == (sign > 0) and e.method == "explainlfs" and e.likeness is None
        maps = ExplainLFS(pictures, decoder, similarity_threshold=threshold)(*images).maps
        for signed, found, heat, of in zip(e.signed, e.evidence, maps, sounds, strict=True):
            expected = by_stretch(heat, of.edges, len(of.heard.wave))
            torch.testing.assert_close(signed, sign * expected)
            torch.testing.assert_close(found, expected)
            assert len(found) == len(of.parts)


def test_it_says_what_it_has_learnt_from_and_how_well(
    decoder: Decoder, sounds: tuple[Sound, Sound]
) -> None:
    _, told = explain_through_decoder(*sounds, 0.5, decoder)
    assert "from 6 made words by 6 made voices, and from no recording of people" in told
    assert f"{decoder.info['loss']:.4f}" in told and "hardly better than the mean" not in told
    assert "Both recordings have the same map, because the decoder is linear." in told
    strange = Sound(Coarse(), noise(16_000, 0.3)), Sound(Coarse(), tone(7000, 1.0))
    lost = fitted(Coarse(), MADE[:3], held_out=2)
    lost.up.zero_()
    lost.mean_image.add_(1e-3)
    assert "So here it decodes hardly better" in explain_through_decoder(*strange, 0.5, lost)[1]
    with pytest.raises(LFSError, match="a cosine lies in"):
        explain_through_decoder(*sounds, 2.0, decoder)


def test_it_is_fitted_once(
    decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    monkeypatch.setattr(decoding, "fitted", lambda ear: asked.append(ear.name) or decoder)
    one, two = sound_decoder(Coarse()), sound_decoder(Coarse())
    assert asked == ["coarse"] and one.info == two.info
    assert one.info.items() >= decoder.info.items()
