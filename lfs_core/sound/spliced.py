"""Two recordings that share a stretch of time: what they have in common is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lfs_core.sound.hearing import SILENT, Heard, heard
from lfs_core.sound.making import HISSES, VOWELS, Voice, made_word
from lfs_core.sound.reading import RATE

STRETCH = RATE // 10  # samples
STRETCHES = 15  # of a recording
SHARED = 5  # stretches that two recordings have in common: the first, middle or last third
FADE = RATE // 200  # samples, 5 ms, so that no click tells where it was cut

Say = Callable[[str, int], Tensor]
"""A word, and the number of a voice -> (N,)."""

WORDS = (
    *("computer", "balloon", "mobile", "garden", "elephant", "kitchen", "music", "table"),
    *("river", "mountain", "yellow", "seven", "orange", "pencil", "doctor", "winter"),
    *("summer", "bottle", "camera", "island", "tiger", "butter", "paper", "hotel", "lemon"),
    *("market", "window", "number", "father", "sister", "evening", "alarm"),
)
MADE = tuple(
    first + second + third
    for first in ("ka", "so", "ti")
    for second in ("fu", "te", "si", "ko")
    for third in ("sa", "ke", "fo")
)
VOICES = 6


class Spliced(NamedTuple):
    """Two recordings of 1.5 s and which of their 15 stretches hold what they share.

    Attributes:
        a, b: (24000,).
        truth_a, truth_b: (15,) bool.
        plain_a, plain_b: (24000,), the two before anything was put in.
    """

    a: Tensor
    b: Tensor
    truth_a: Tensor
    truth_b: Tensor
    plain_a: Tensor
    plain_b: Tensor


def made(word: str, voice: int) -> Tensor:
    """A word of `MADE` by a made voice."""
    syllables = [word[k : k + 2] for k in range(0, len(word), 2)]
    assert all(one[0] in HISSES and one[1] in VOWELS for one in syllables)
    pitch, tract, pace = 95 + 25 * voice, 0.92 + 0.05 * voice, 0.12 + 0.01 * (voice * 5 % 4)
    return made_word(syllables, Voice(pitch, tract, pace), seed=voice)


def spliced(say: Say, words: Sequence[str], seed: int, *, again: bool = False) -> Spliced:
    """A pair of recordings of other words by other voices, with half a second in common.

    The shared part is as loud as what is around it, and lies in another third of each.

    Args:
        say: who speaks.
        words: of which six or more are drawn.
        seed: of the draw.
        again: whether the shared part is said again, by another voice, and not the same wave.
    """
    drawn = np.random.default_rng(seed)
    chosen = [words[k] for k in drawn.permutation(len(words))]
    voices = drawn.permutation(VOICES).tolist()
    plain_a = _running(say, chosen[1::2], voices[0])
    plain_b = _running(say, chosen[2::2], voices[1])
    first = _core(say, (chosen[0], chosen[-1]), voices[2])
    second = _core(say, (chosen[0], chosen[-1]), voices[3]) if again else first
    # Each stretch is as likely as any other, so that a guess at the middle gains nothing.
    at_a, at_b = (SHARED * k for k in drawn.permutation(STRETCHES // SHARED)[:2].tolist())
    (a, truth_a), (b, truth_b) = _put(plain_a, first, at_a), _put(plain_b, second, at_b)
    return Spliced(a, b, truth_a, truth_b, plain_a, plain_b)


def hear(wave: Tensor) -> Heard:
    """A recording of 1.5 s as a whole, its quiet edges too."""
    return heard(wave, STRETCHES * STRETCH / RATE, trim=False)


def _running(say: Say, words: Sequence[str], voice: int) -> Tensor:
    """1.5 s of words without gaps, by one voice."""
    pieces: list[Tensor] = []
    for word in words:
        pieces.append(_sounding(say(word, voice)))
        if sum(map(len, pieces)) >= STRETCHES * STRETCH:
            break
    wave = torch.cat(pieces)[: STRETCHES * STRETCH]
    return 0.1 * wave / wave.square().mean().sqrt()


def _sounding(wave: Tensor) -> Tensor:
    """A wave without its quiet edges."""
    loud = (wave.abs() > SILENT * wave.abs().max()).nonzero()[:, 0]
    return wave[int(loud[0]) : int(loud[-1]) + 1]


def _core(say: Say, words: Sequence[str], voice: int) -> Tensor:
    """The start of some words, as long as what is shared, with a root mean square of 0.1."""
    wave = torch.cat([_sounding(say(word, voice)) for word in words])[: SHARED * STRETCH]
    return 0.1 * wave / wave.square().mean().sqrt()


def _put(wave: Tensor, piece: Tensor, at: int) -> tuple[Tensor, Tensor]:
    """A wave with a piece in place of its own sound from a stretch on; and which stretches."""
    start, count = at * STRETCH, len(piece)
    edge = torch.arange(count)
    inside = (torch.minimum(edge, edge.flip(0)) / FADE).clamp(0, 1)
    made = wave.clone()
    made[start : start + count] = inside * piece + (1 - inside) * wave[start : start + count]
    truth = torch.zeros(STRETCHES, dtype=torch.bool)
    truth[at : at + SHARED] = True
    return made, truth
