"""`lfs explain` for two recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from lfs_core.errors import LFSError

WORDS = "efficientword-net"
"""The network that hears recordings, unless another one is named."""

MATCHING = ("causal", "shared")
"""The methods that find which part of one thing matches which of the other."""

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aif", ".aiff")
"""Of the files that are taken for recordings."""


def check_method(method: str, known: Sequence[str], what: str, matches: bool) -> None:
    """Refuse, before the work, a method that does not explain two things, or has no matches.

    Args:
        method: as it was given.
        known: what explains such things.
        what: one of the two is, for readers.
        matches: whether matches are asked for.

    Raises:
        LFSError: it is not known, has options, or finds no matches.
    """
    if method.partition(",")[0] in known and "," in method:
        raise LFSError(f"Methods have no options with {what}s; give {method.partition(',')[0]}.")
    if method not in known:
        raise LFSError(f"There is no method {method!r} for {what}s; choose {', '.join(known)}.")
    if matches and method not in MATCHING:
        raise LFSError(f"{method} finds no matches; give {' or '.join(MATCHING)}.")


def refuse_of_images(given: dict[str, bool], what: str) -> None:
    """Refuse options of photographs for two other things.

    Args:
        given: whether an option was given, by its name.
        what: one of the two is, for readers.

    Raises:
        LFSError: one was given.
    """
    for name, was in given.items():
        if was:
            of = "photographs and recordings" if name == "embedder" else "photographs"
            raise LFSError(f"--{name} is for {of}; leave it out with two {what}s.")


def explain_sounds(
    a: Path,
    b: Path,
    output: Path,
    method: str | None = None,
    similarity_threshold: float | None = None,
    embedder: str | None = None,
    matches: bool = False,
    of_images: dict[str, bool] | None = None,
) -> None:
    """Explain what a network of sound hears in two recordings, as one self-contained page.

    Args:
        a: the first recording.
        b: the second one.
        output: the page to write.
        method: a name in `METHODS` of things, or "explainlfs"; left out, "causal".
        similarity_threshold: xi_1; left out, the network's own.
        embedder: a name in `EARS`; left out, the network of words.
        matches: say as well which moments match.
        of_images: options that make sense for photographs only, and whether they were given.

    Raises:
        LFSError: an option is for photographs, a recording cannot be explained, there is no such
            method or network, the method finds no matches, or the page cannot be written.
    """
    from lfs_core.sound.decoding import NAME, explain_through_decoder
    from lfs_core.sound.ears import load_ear
    from lfs_core.sound.hearing import BLOCK
    from lfs_core.sound.reading import RATE, read_sound
    from lfs_core.sound.thing import Sound
    from lfs_core.things.explain import METHODS, explain_things
    from lfs_core.util.files import check_outputs
    from lfs_core.util.progress import progress
    from lfs_core.viz.page import check_suffix
    from lfs_core.viz.sound_report import write_sound_report
    from lfs_core.viz.sounds import best_matches

    refuse_of_images(of_images or {}, "recording")
    method = method or "causal"
    check_method(method, [*METHODS, NAME], "recording", matches)
    check_suffix(output)  # now, not after the work
    check_outputs([output], [a, b])
    waves = [read_sound(path) for path in (a, b)]
    ear = load_ear(embedder or WORDS)
    threshold = ear.similarity_threshold if similarity_threshold is None else similarity_threshold
    sounds = Sound(ear, waves[0]), Sound(ear, waves[1])
    with progress("Taking moments away"):
        if method == NAME:
            found, told = explain_through_decoder(*sounds, threshold)
        else:
            found, told = explain_things(*sounds, method, threshold), ""
    messages = [told] if told else []
    messages += [
        f"{path.name} has {sound.heard.seconds_heard:.3g} s of sound and the network hears "
        f"{ear.seconds} s at a time, so most of what it hears is hiss."
        for path, sound in zip((a, b), sounds, strict=True)
        if sound.heard.seconds_heard < ear.seconds / 4
    ]
    messages += [
        f"{path.name} lasts {len(wave) / RATE:.3g} s; the network hears {ear.seconds} s at a time, "
        f"so its loudest stretch is explained."
        for path, wave, sound in zip((a, b), waves, sounds, strict=True)
        if sound.heard.stop - sound.heard.start == len(sound.heard.wave) <= len(wave) - BLOCK
    ]
    write_sound_report(found, sounds, output, [a.name, b.name], messages)
    decision = "similar" if found.is_similar else "dissimilar"
    typer.echo(
        f"Cosine similarity {found.similarity:.3f}, threshold {threshold:.4g}: {decision}. "
        f"Wrote {output}."
    )
    if matches:
        for best in best_matches(found, sounds):
            one, other = best["parts"]
            typer.echo(
                f"{one} of {a.name} and {other} of {b.name} make {best['value']} of the cosine."
            )
    for message in messages:
        typer.echo(message, err=True)
