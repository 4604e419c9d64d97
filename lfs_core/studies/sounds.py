"""Is the part that two recordings share found first? A truth that is known, for sounds.

Every pair is explained as a match: evidence for a match is what the shared part must have.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from tqdm import tqdm

from lfs_core.causal import evidence
from lfs_core.correspondence import together
from lfs_core.evaluation.statistics import bootstrap
from lfs_core.explainer import ExplainLFS
from lfs_core.parts import causal, shared, wholes
from lfs_core.sound.pictures import Pictures, by_stretch
from lfs_core.sound.speaking import said
from lfs_core.sound.spliced import MADE, WORDS, Say, Spliced, hear, made, spliced
from lfs_core.sound.thing import Sound
from lfs_core.sound.words import Words
from lfs_core.things.judged import auroc, share_found
from lfs_core.things.methods import Sides, random_sets
from lfs_core.things.sinex import TAKEN, charged, lead
from lfs_core.training.decoders import LinearDecoder

PAIRS = 32
SETS = 32  # of stretches, for the shared map and SINEX
TRAINING = 120  # pairs without a shared part, whose 240 recordings the decoder learns from
SIZE = (16, 50)  # of the decoder's pictures: bands, moments
ESPEAK = ("en", "en-us+f3", "en-gb-scotland+m3", "en-us+m7", "en+f2", "en-gb+m1")
METHODS = {
    "causal": "Causal map (occlusion)",
    "shared": "Shared causal map",
    "joint": "Joint evidence of both recordings",
    "sinex": "SINEX, reconstructed",
    "sinex,classes=5": "SINEX, reconstructed, five classes",
    "explainlfs": "ExplainLFS, linear decoder",
    "explainlfs,relevance=random": "ExplainLFS, random relevance",
    "energy": "Control: how loud a stretch is",
    "centre": "Control: how near the middle",
    "random": "Control: random",
}
COMPARED = (
    ("causal", "energy"),
    ("causal", "random"),
    ("explainlfs", "explainlfs,relevance=random"),
    ("explainlfs", "energy"),
    ("sinex", "causal"),
    ("joint", "causal"),
)


@cache
def spoken(word: str, voice: int) -> Tensor:
    """A word as one of six voices of espeak-ng says it."""
    return said(word, ESPEAK[voice], 140 + 10 * (voice % 3), 30 + 10 * voice)


KINDS: dict[str, tuple[Say, tuple[str, ...], bool]] = {
    "made syllables": (made, MADE, False),
    "espeak-ng": (spoken, WORDS, False),
    "espeak-ng, said again": (spoken, WORDS, True),
}
"""Who speaks, which words, and whether another voice says the shared part again."""


def sounds_study(data: Path) -> dict[str, object]:
    """AUROC and share of the shared stretches among the strongest, with 95 % intervals over pairs.

    The folder of the data is not used: all sounds are made.
    """
    found = {kind: judged(kind, PAIRS) for kind in KINDS}
    about = {"pairs": "made recordings with a shared part", "number": PAIRS, "seed": 0}
    return {
        "manifest": {**about, "embedder": Words.name},
        "titles": METHODS,
        "kinds": found,
    }


def judged(kind: str, count: int) -> dict[str, object]:
    """Every method on pairs of a kind of `KINDS`."""
    say, words, again = KINDS[kind]
    ear = Words()
    pairs = [spliced(say, words, seed, again=again) for seed in range(count)]
    explainers = trained(ear, say, words)
    wholes_of = [ear(torch.stack([_heard(p.a), _heard(p.b)])) for p in pairs]
    plain = [ear(torch.stack([_heard(p.plain_a), _heard(p.plain_b)])) for p in pairs]
    scores: dict[str, list[list[float]]] = {name: [] for name in METHODS}
    for k, pair in enumerate(tqdm(pairs, kind)):
        others = torch.stack([wholes_of[(k + step) % count][0] for step in range(1, 5)])
        for name, sides in explained(ear, pair, explainers, others, seed=k).items():
            both = list(zip(sides, (pair.truth_a, pair.truth_b), strict=True))
            scores[name].append(
                [
                    float(np.mean([auroc(of, truth) for of, truth in both])),
                    float(np.mean([share_found(of, truth) for of, truth in both])),
                ]
            )
    values = {name: np.array(of) for name, of in scores.items()}
    return {
        "cosine with and without the shared part": [
            [round(float(h[0] @ h[1]), 4) for h in (with_it, without)]
            for with_it, without in zip(wholes_of, plain, strict=True)
        ],
        "decoder error": [round(of, 5) for of in explainers.errors],
        "methods": {name: intervals(of) for name, of in values.items()},
        "differences": {
            f"{one} - {other}": intervals(values[one] - values[other]) for one, other in COMPARED
        },
        "raw": {name: of.round(4).tolist() for name, of in values.items()},
    }


def intervals(values: np.ndarray) -> dict[str, list[float]]:
    """Means of (P,2) over pairs with their 95 % intervals, [value, low, high]."""
    ends = bootstrap(
        lambda counts: counts @ values / counts.sum(axis=1, keepdims=True), len(values)
    )
    auc, share = np.transpose(ends).round(4).tolist()
    return {"auroc": auc, "share": share}


class Trained:
    """ExplainLFS with a decoder of spectrograms, and with random relevance.

    Attributes:
        errors: the decoder's mean squared error on recordings held out, and that of the mean.
    """

    def __init__(self, pictures: Pictures, decoder: LinearDecoder, errors: list[float]) -> None:
        self.pictures, self.errors = pictures, errors
        self.methods = {
            "explainlfs": ExplainLFS(pictures, decoder, similarity_threshold=-1.0),
            "explainlfs,relevance=random": ExplainLFS(
                pictures, decoder, similarity_threshold=-1.0, relevance="random"
            ),
        }


def trained(ear: Words, say: Say, words: tuple[str, ...], pairs: int = TRAINING) -> Trained:
    """A linear decoder of spectrograms, learnt from recordings that no pair of the test holds."""
    pictures = Pictures(ear)
    drawn = [spliced(say, words, 10_000 + k) for k in range(pairs)]
    images = torch.stack([pictures.of(hear(x)) for p in drawn for x in (p.plain_a, p.plain_b)])
    h = pictures(images)
    small = interpolate(images, SIZE, mode="area")
    held_out = len(h) // 5
    part = LinearDecoder.fit(h[held_out:], small[held_out:])
    mean = small[held_out:].mean(dim=0)
    truth = small[:held_out]
    errors = [(part(h[:held_out]) - truth).square().mean().item()]
    errors.append((mean - truth).square().mean().item())
    return Trained(pictures, part, errors)


def explained(
    ear: Words, pair: Spliced, trained: Trained, others: Tensor, seed: int
) -> dict[str, Sides]:
    """Evidence for a match of the 15 stretches of both recordings, by each method."""
    a, b = (Remembered(Sound(ear, wave, trim=False)) for wave in (pair.a, pair.b))
    h_a, h_b = wholes(a, b)
    sets = random_sets(len(a.parts), SETS, TAKEN, seed)
    singles = torch.eye(len(a.parts), dtype=torch.bool)
    C_a, C_b = causal(a), causal(b)
    S_a, S_b = (shared(of, torch.cat([singles, sets])) for of in (a, b))
    joint = together(C_a, C_b)
    found: dict[str, Sides] = {
        "causal": (evidence(C_a, h_b), evidence(C_b, h_a)),
        "shared": (evidence(S_a, h_b), evidence(S_b, h_a)),
        "joint": (joint.amax(dim=1), joint.amax(dim=0)),
        "sinex": (charged(a, h_b, sets), charged(b, h_a, sets)),
        "sinex,classes=5": (
            charged(a, lead(h_b, others), sets),
            charged(b, lead(h_a, others), sets),
        ),
    }
    images = [trained.pictures.of(of.sound.heard) for of in (a, b)]
    for name, explainer in trained.methods.items():
        maps = explainer(*images).maps
        of_a, of_b = (
            by_stretch(heat, of.sound.edges, len(of.sound.heard.wave))
            for heat, of in zip(maps, (a, b), strict=True)
        )
        found[name] = (of_a, of_b)
    middle = torch.arange(len(a.parts)) - (len(a.parts) - 1) / 2
    drawn = torch.Generator().manual_seed(seed)
    found["energy"] = (_energy(a.sound), _energy(b.sound))
    found["centre"] = (-middle.abs(), -middle.abs())
    random = torch.rand(2, len(a.parts), generator=drawn)
    found["random"] = (random[0], random[1])
    return found


class Remembered:
    """A sound whose embeddings are computed once for each set of stretches."""

    def __init__(self, sound: Sound) -> None:
        self.sound, self.parts = sound, sound.parts
        self._known: dict[bytes, Tensor] = {}

    def without(self, sets: Tensor) -> Tensor:
        """As `Sound.without`."""
        keys = [one.numpy().tobytes() for one in sets]
        new = {key: k for k, key in enumerate(keys) if key not in self._known}
        if new:
            found = self.sound.without(sets[list(new.values())])
            self._known |= dict(zip(new, found, strict=True))
        return torch.stack([self._known[key] for key in keys])


def _energy(sound: Sound) -> Tensor:
    """The mean energy (K,) of each stretch."""
    squares = sound.heard.wave.square()
    return torch.stack([squares[i:j].mean() for i, j in pairwise(sound.edges.tolist())])


def _heard(wave: Tensor) -> Tensor:
    (found,) = hear(wave).masked(torch.zeros(1, len(wave), dtype=torch.bool))
    return found
