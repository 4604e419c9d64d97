"""The network of words, as its package computes it and as words need it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from lfs_core.errors import LFSError
from lfs_core.sound.hearing import heard
from lfs_core.sound.making import Voice, made_word
from lfs_core.sound.mel import log_mel
from lfs_core.sound.words import EFFICIENT_WORD_NET, Words
from lfs_core.util.assets import fetch

VOICES = (Voice(), Voice(200, 1.15, 0.14), Voice(150, 1.05, 0.18))
WORDS = (("ka", "so", "ti"), ("fu", "a", "se"), ("te", "ki", "o"))


@pytest.fixture(scope="module")
def network() -> Words:
    return Words()


@pytest.fixture(scope="module")
def waves() -> torch.Tensor:
    """(3,3,24000): words by voices."""
    said = [heard(made_word(word, voice), 1.5) for word in WORDS for voice in VOICES]
    nothing = torch.zeros(1, 24_000, dtype=torch.bool)
    return torch.cat([of.masked(nothing) for of in said]).unflatten(0, (3, 3))


@pytest.mark.slow
def test_it_is_the_file_on_our_spectrogram(network: Words, waves: torch.Tensor) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(fetch(EFFICIENT_WORD_NET)), providers=["CPUExecutionProvider"]
    )
    h = network(waves[0])
    assert h.shape == (3, 2048) and h.dtype == torch.float32
    assert torch.allclose(h.norm(dim=1), torch.ones(3), atol=1e-5)
    (expected,) = session.run(None, {"input": log_mel(waves[0, 1])[None, None].numpy()})
    assert np.allclose(h[1], expected[0], atol=1e-5)


@pytest.mark.slow
def test_words_are_told_apart_whoever_says_them(network: Words, waves: torch.Tensor) -> None:
    h = network(waves.flatten(0, 1)).unflatten(0, (3, 3))
    cosines = torch.einsum("wvd,xud->wxvu", h, h)
    same = cosines[range(3), range(3)][:, [0, 0, 1], [1, 2, 2]]
    other = torch.cat([cosines[0, 1].flatten(), cosines[0, 2].flatten(), cosines[1, 2].flatten()])
    assert same.min() > other.mean() + 0.2


@pytest.mark.slow
def test_how_loud_does_not_count(network: Words, waves: torch.Tensor) -> None:
    loud, soft = network(torch.stack([waves[0, 0], 0.1 * waves[0, 0]]))
    assert torch.allclose(loud, soft, atol=1e-3)


@pytest.mark.slow
def test_it_travels_and_copies_answer_alike(network: Words, waves: torch.Tensor) -> None:
    there = pickle.loads(pickle.dumps(network))
    assert torch.equal(there(waves[0, :1]), network(waves[0, :1]))
    assert copy.copy(network).fingerprint() == network.fingerprint()


@pytest.mark.slow
def test_other_shapes_are_refused(network: Words) -> None:
    assert network.of_spectrogram(torch.zeros(0, 149, 64)).shape == (0, 2048)
    with pytest.raises(LFSError, match=r"reads spectrograms \(B,149,64\)"):
        network(torch.zeros(1, 16_000))
