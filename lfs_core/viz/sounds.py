"""Two recordings as they are shown: heard, seen as spectrograms, with the evidence of each part."""

from __future__ import annotations

import io
import wave
from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import matplotlib
import numpy as np
from PIL import Image
from torch import Tensor

from lfs_core.sound.pictures import Pictures
from lfs_core.sound.reading import RATE
from lfs_core.sound.thing import Sound
from lfs_core.things.explain import ThingsExplanation
from lfs_core.viz.figures import BLUE, MAP_COLOURS, ORANGE
from lfs_core.viz.page import filled

WIDTH, BARS = 600, 60  # of a spectrogram, and of the bars above it, in units of its drawing
PITCHES = (500, 1000, 2000, 4000)  # Hz, written at their height
BEST = 3  # matches that are told and can be heard
SMALLEST = 5e-4  # of the cosine: what is shown as 0.000 is no match


def render_sounds(
    explanation: ThingsExplanation,
    sounds: tuple[Sound, Sound],
    names: Sequence[str] = ("First recording", "Second recording"),
) -> str:
    """HTML that a page or a notebook can hold: both recordings, their maps, the best matches.

    It needs no script and no other file; the sounds are inside.

    Args:
        explanation: of the two.
        sounds: whose parts are explained.
        names: what to call them.
    """
    return filled(
        files("lfs_core.viz") / "sounds.html",
        sides=_sides(explanation, sounds, names),
        best=best_matches(explanation, sounds),
        names=names,
        one_by_one=one_by_one(explanation),
        width=WIDTH,
        bars=BARS,
        colour_for=BLUE,
        colour_against=ORANGE,
    )


def one_by_one(explanation: ThingsExplanation) -> bool:
    """Whether its evidence is what the cosine loses without one part."""
    return explanation.method in ("causal", "occlusion")


def _sides(
    explanation: ThingsExplanation, sounds: tuple[Sound, Sound], names: Sequence[str]
) -> list[dict[str, Any]]:
    """What is shown of each recording; bars of both are drawn to one scale."""
    largest = max(max(of.abs().max().item() for of in explanation.signed), 1e-9)
    return [
        {
            "name": name,
            "audio": wav_url(sound.heard.wave[sound.heard.start : sound.heard.stop]),
            "picture": _picture(sound),
            "bars": [_bar(sound, k, signed[k].item() / largest) for k in range(len(signed))],
            "rows": [(part, _rounded(v)) for part, v in zip(sound.parts, signed, strict=True)],
            "pitches": _pitches(sound),
            "times": [sound.parts[0].split(" ")[0], sound.parts[-1].split(" ")[2]],
            "said": _said(sound, signed, " of the cosine" if one_by_one(explanation) else ""),
        }
        for name, sound, signed in zip(names, sounds, explanation.signed, strict=True)
    ]


def _bar(sound: Sound, k: int, height: float) -> dict[str, float | str]:
    """A part's bar: where it starts and how wide it is, in drawing units; height in [-1,1]."""
    first, last = sound.heard.start, sound.heard.stop
    start, stop = (
        WIDTH * (edge - first) / (last - first) for edge in sound.edges[k : k + 2].tolist()
    )
    return {
        "x": round(start, 1),
        "width": round(stop - start, 1),
        "y": round(BARS / 2 * (1 - max(height, 0)), 1),
        "height": round(BARS / 2 * abs(height), 1),
        "colour": BLUE if height > 0 else ORANGE,
    }


def _said(sound: Sound, signed: Tensor, unit: str) -> str:
    """The strongest part in words, for readers who do not see the bars."""
    strongest = int(signed.argmax())
    if signed[strongest] <= 0:
        return "no part is evidence for a match"
    return (
        f"the strongest evidence for a match is at {sound.parts[strongest]}, "
        f"{signed[strongest]:.3f}{unit}"
    )


def best_matches(
    explanation: ThingsExplanation, sounds: tuple[Sound, Sound], count: int = BEST
) -> list[dict[str, Any]]:
    """The parts, one of each recording, that add most to the cosine together, to be heard.

    Each part is named once; none is told for methods that find no matches.
    """
    if explanation.matches is None:
        return []
    left, told = explanation.matches.clone(), []
    for _ in range(min(count, *left.shape)):
        k, l = divmod(int(left.argmax()), left.shape[1])  # noqa: E741 - as in the formula
        if left[k, l] < SMALLEST:
            break
        told.append(
            {
                "parts": (sounds[0].parts[k], sounds[1].parts[l]),
                "value": _rounded(left[k, l]),
                "audio": [wav_url(_cut(of, at)) for of, at in zip(sounds, (k, l), strict=True)],
            }
        )
        left[k], left[:, l] = -1, -1
    return told


def _cut(sound: Sound, k: int) -> Tensor:
    start, stop = sound.edges[k : k + 2].tolist()
    return sound.heard.wave[start:stop]


def _rounded(value: Tensor) -> str:
    return f"{value.item():.3f}".replace("-0.000", "0.000")


def _pitches(sound: Sound) -> list[tuple[int, float]]:
    """Frequencies in Hz, and how far down the spectrogram they lie, in [0,1]."""
    centres = np.array([band.centre for band in sound.ear.bands])
    return [
        (hertz, round(1 - (np.abs(centres - hertz).argmin() + 0.5) / len(centres), 3))
        for hertz in PITCHES
    ]


def _picture(sound: Sound) -> str:
    """The spectrogram of what is heard of the recording, in colours, as a data URL."""
    grey = Pictures(sound.ear).of(sound.heard)[0].numpy()
    samples = len(sound.heard.wave)
    first, last = (
        round(at * grey.shape[1] / samples) for at in (sound.heard.start, sound.heard.stop)
    )
    grey = grey[:, first:last]
    grey = (grey - grey.min()) / max(float(np.ptp(grey)), 1e-9)
    colours = (255 * matplotlib.colormaps[MAP_COLOURS](grey)[..., :3]).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colours).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"


def wav_url(sound: Tensor) -> str:
    """A wave (N,) in [-1,1] at 16 kHz as a data URL, in 16 bits."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound.clamp(-1, 1) * 32767).round().numpy().astype("<i2").tobytes())
    return f"data:audio/wav;base64,{b64encode(buffer.getvalue()).decode()}"
