"""ExplainLFS for recordings: a decoder of spectrograms, learnt from made words."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lfs_core.decoder import Decoder, load_decoder, save_decoder
from lfs_core.errors import LFSError
from lfs_core.explainer import ExplainLFS
from lfs_core.parts import wholes
from lfs_core.sound.hearing import Ear, heard
from lfs_core.sound.pictures import Pictures, by_stretch
from lfs_core.sound.spliced import MADE, VOICES, made
from lfs_core.sound.thing import Sound
from lfs_core.things.explain import ThingsExplanation
from lfs_core.training.decoders import LinearDecoder
from lfs_core.util.assets import cache_folder
from lfs_core.util.digests import key
from lfs_core.util.progress import batches

NAME = "explainlfs"
SIZE = (16, 50)  # of the decoded pictures: bands, moments
BETTER = 0.9  # of the mean's error: a decoder with more has learnt little of what it decodes
SAME = 1e-4  # maps that differ nowhere by more are the same
LEARNING = "Learning a decoder of sounds (once)"  # of its progress
HELD_OUT = 8  # words, by all voices, on which the error is measured


def sound_decoder(ear: Ear) -> Decoder:
    """A linear decoder of what a network hears in made words; fitted once, then kept.

    Its `info` has the numbers of words and voices, and mean squared errors of spectrograms in [0,1]
    on words that it has not learnt from: its own, "loss", and that of the mean, "loss_mean_image".
    """
    name = key(code=["lfs_core.sound.decoding:fitted", type(ear)], network=ear.name)
    path = cache_folder() / "sounds" / f"{ear.name}-{name[:16]}.safetensors"
    try:
        return load_decoder(path)
    except LFSError:  # there is none yet, or it is damaged
        save_decoder(fitted(ear), path)
        return load_decoder(path)


def fitted(ear: Ear, words: tuple[str, ...] = MADE, held_out: int = HELD_OUT) -> LinearDecoder:
    """A linear decoder, learnt from all words but the first few, each by all made voices."""
    pictures = Pictures(ear)
    said = [
        heard(made(word, voice), ear.seconds)
        for (word,) in batches(words, 1, "word", LEARNING)
        for voice in range(VOICES)
    ]
    images = torch.stack([pictures.of(one) for (one,) in batches(said, 1, "word", LEARNING)])
    h, small = pictures(images), interpolate(images, SIZE, mode="area")
    test = held_out * VOICES
    decoder = LinearDecoder.fit(h[test:], small[test:])
    decoder.info = {
        "embedder": ear.name,
        "words": {"train": len(words) - held_out, "test": held_out},
        "voices": VOICES,
        "loss": error(decoder(h[:test]), small[:test]),
        "loss_mean_image": error(small[test:].mean(dim=0), small[:test]),
    }
    return decoder


def error(decoded: Tensor, images: Tensor) -> float:
    """The mean squared error."""
    return float((decoded - images).square().mean())


def explain_through_decoder(
    a: Sound, b: Sound, threshold: float, decoder: Decoder | None = None
) -> tuple[ThingsExplanation, str]:
    """ExplainLFS of two recordings, and in words what its decoder has learnt from.

    A moment's evidence is the mean of the map over its part of the spectrogram: for a match, if the
    two are called similar, else against one.

    Args:
        a: a recording.
        b: another one, heard by the same network.
        threshold: xi_1, in [-1,1].
        decoder: of that network; by default `sound_decoder`.

    Raises:
        LFSError: the threshold is out of range; or as `wholes`.
    """
    if not -1 <= threshold <= 1:
        raise LFSError(f"threshold is {threshold}; a cosine lies in [-1, 1].")
    h_a, h_b = wholes(a, b)
    similarity = float(h_a @ h_b)
    similar = similarity > threshold
    decoder = sound_decoder(a.ear) if decoder is None else decoder
    pictures = Pictures(a.ear)
    images = [pictures.of(of.heard) for of in (a, b)]
    # The decision is taken by the recordings, and not again by their pictures.
    explain = ExplainLFS(pictures, decoder, similarity_threshold=-1.0 if similar else 1.0)
    maps = explain(*images).maps
    found = [
        by_stretch(heat, of.edges, len(of.heard.wave))
        for heat, of in zip(maps, (a, b), strict=True)
    ]
    sign = 1 if similar else -1
    e = ThingsExplanation(
        method=NAME,
        similarity=similarity,
        threshold=threshold,
        parts=(a.parts, b.parts),
        signed=(sign * found[0], sign * found[1]),
    )
    told = learnt_from(decoder, pictures, torch.stack(images))
    if torch.allclose(maps[0], maps[1], atol=SAME):
        told += " Both recordings have the same map, because the decoder is linear."
    return e, told


def learnt_from(decoder: Decoder, pictures: Pictures, images: Tensor) -> str:
    """What a decoder has learnt from, and how well it decodes some pictures (B,3,M,F)."""
    info = decoder.info
    small = interpolate(images, decoder.image_size, mode="area")
    mean = getattr(decoder, "mean_image", torch.tensor(0.5)).view(3, *decoder.image_size)
    here, by_mean = error(decoder(pictures(images)), small), error(mean, small)
    told = (
        f"ExplainLFS sees sounds through a linear decoder of spectrograms. It has learnt from "
        f"{info['words']['train']} made words by {info['voices']} made voices, and from no "
        f"recording of people. On {info['words']['test']} other made words its mean squared error "
        f"is {info['loss']:.4f}; the mean spectrogram has {info['loss_mean_image']:.4f}. On these "
        f"two recordings it is {here:.4f}, and {by_mean:.4f} for the mean."
    )
    if here < BETTER * by_mean:
        return told
    return f"{told} So here it decodes hardly better than the mean, and its map says little."
