"""A decoder whose pictures the network recognises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import lfs_core as lfs
from lfs_core.evaluation.controls.recognised import train_to_be_recognised
from lfs_core.training.decoders import ConvDecoder
from lfs_core.training.moments import Moments

D, SIDE = 6, 8


def network(images: torch.Tensor) -> torch.Tensor:
    """(B,3,8,8) -> (B,6): means of two halves in three colours, a linear function of pixels."""
    return torch.nn.functional.avg_pool2d(images - 0.5, (SIDE, SIDE // 2)).flatten(1)


def test_the_network_recognises_more_and_the_first_decoder_stays() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(40, 3, SIDE, SIDE, generator=generator)
    h = torch.nn.functional.normalize(torch.randn(40, D, generator=generator))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        decoder = ConvDecoder.untrained(Moments.of([(h, images)]), width=8)
    before = {key: value.clone() for key, value in decoder.state_dict().items()}

    def likeness(of: torch.nn.Module) -> float:
        with torch.no_grad():
            return torch.cosine_similarity(network(of.pixels(h)), h).mean().item()

    options = {"epochs": 40, "learning_rate": 1e-2, "progress": False}
    trained, history = train_to_be_recognised(decoder, network, h, **options)
    assert likeness(decoder) < 0.3 and likeness(trained) > 0.8
    assert len(history) == 40 and history[-1] == pytest.approx(likeness(trained), abs=0.02)
    assert all(torch.equal(value, before[key]) for key, value in decoder.state_dict().items())
    again, _ = train_to_be_recognised(decoder, network, h, **options)
    assert all(
        torch.equal(one, two)
        for one, two in zip(trained.parameters(), again.parameters(), strict=True)
    )


def test_the_decoder_is_trained_once(
    facenet: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import skimage.data

    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "faces").mkdir()
    for k in range(2):
        photograph = np.roll(skimage.data.astronaut(), 3 * k, axis=1)
        Image.fromarray(photograph).save(tmp_path / "faces" / f"{k}.png")
    options = {"images": tmp_path / "faces", "number": 2}
    first = lfs.load_explainer("recognised", facenet, **options)
    (kept,) = (tmp_path / "cache" / "studies").glob("recognised-*.safetensors")
    written = kept.stat().st_mtime_ns
    second = lfs.load_explainer("recognised", facenet, relevance="random", **options)
    assert kept.stat().st_mtime_ns == written
    assert first.relevance != second.relevance == "random"
    h = facenet(torch.rand(1, 3, 160, 160))
    assert torch.equal(first.decoder(h), second.decoder(h))
    assert len(first.decoder.info["likeness"]) > 0
