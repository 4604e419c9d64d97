"""The page of two recordings holds its sounds and says what they have in common."""

from __future__ import annotations

import base64
import io
import re
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from commands import run
from test_sound_pictures import Coarse

from lfs_core.commands.kinds import PHOTOGRAPH, RECORDING, one_kind
from lfs_core.commands.sounds import explain_sounds
from lfs_core.errors import LFSError
from lfs_core.sound.making import tone
from lfs_core.sound.thing import Sound
from lfs_core.things.explain import explain_things
from lfs_core.viz.sound_report import write_sound_report
from lfs_core.viz.sounds import best_matches, wav_url

HOSTILE = "</script><script>alert(1)</script>.wav"


@pytest.fixture(scope="module")
def sounds() -> tuple[Sound, Sound]:
    """Two recordings that share a tone of 1 kHz, early in one and late in the other."""
    high, low, shared = tone(5000, 0.5), tone(200, 0.5), tone(1000, 0.5)
    return (
        Sound(Coarse(), torch.cat([shared, high, high]), 0.5),
        Sound(Coarse(), torch.cat([low, low, shared]), 0.5),
    )


def test_a_sound_inside_the_page_is_the_sound() -> None:
    (data,) = re.fullmatch(r"data:audio/wav;base64,(.*)", wav_url(0.5 * tone(440, 0.1))).groups()
    with wave.open(io.BytesIO(base64.b64decode(data))) as file:
        assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
        held = np.frombuffer(file.readframes(1600), "<i2") / 32767
    assert np.allclose(held, 0.5 * tone(440, 0.1), atol=1e-4)


@pytest.mark.parametrize("method", ["causal", "shared", "occlusion", "random"])
def test_the_page_says_and_holds_everything(
    sounds: tuple[Sound, Sound], tmp_path: Path, method: str
) -> None:
    found = explain_things(*sounds, method, 0.1)
    write_sound_report(found, sounds, tmp_path / "page.html", [HOSTILE, "b.wav"], ["Take care."])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"{found.similarity:.3f}" in page and "Take care." in page
    assert "alert(1)</script>.wav" not in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert page.count("<audio") == 2 + 2 * len(best_matches(found, sounds))
    assert page.count("aria-label") >= page.count("<audio") + 2
    for thing, signed in zip(sounds, found.signed, strict=True):
        for part, value in zip(thing.parts, signed, strict=True):
            assert re.search(rf"{part}</th><td>-?{abs(value):.3f}", page)


def test_best_matches_are_the_largest_and_name_no_part_twice(
    sounds: tuple[Sound, Sound],
) -> None:
    found = explain_things(*sounds, "causal", 0.1)
    assert found.matches is not None
    best = best_matches(found, sounds)
    assert float(best[0]["value"]) == pytest.approx(found.matches.max().item(), abs=6e-4)
    for side in (0, 1):
        names = [match["parts"][side] for match in best]
        assert len(set(names)) == len(names)
    assert not best_matches(explain_things(*sounds, "random", 0.1), sounds)


def test_recordings_are_told_by_their_names() -> None:
    assert one_kind(Path("a.wav"), Path("b.FLAC")) == RECORDING
    assert one_kind(Path("a.png"), Path("/dev/stdin")) == PHOTOGRAPH
    with pytest.raises(LFSError, match=r"a.wav is a recording and b.jpg is a photograph; give"):
        one_kind(Path("a.wav"), Path("b.jpg"))


@pytest.mark.slow
def test_two_files_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "a.wav", tone(300, 0.6, to=900).numpy(), 16_000)
    soundfile.write(tmp_path / "b.flac", np.repeat(tone(300, 2.0), 3), 48_000)
    explain_sounds(tmp_path / "a.wav", tmp_path / "b.flac", tmp_path / "page.html", matches=True)
    said = capsys.readouterr()
    assert said.out.startswith("Cosine similarity ")
    assert "b.flac lasts 2 s; the network hears 1.5 s" in said.err
    assert "a.wav lasts" not in said.err
    soundfile.write(tmp_path / "c.wav", tone(300, 1.504).numpy(), 16_000)
    explain_sounds(tmp_path / "a.wav", tmp_path / "c.wav", tmp_path / "page.html")
    assert "lasts" not in capsys.readouterr().err  # "1.5 s" of 1.5 s is all of it
    assert "of a.wav and " in said.out and "of the cosine." in said.out
    with pytest.raises(LFSError, match="no method"):
        explain_sounds(tmp_path / "a.wav", tmp_path / "b.flac", tmp_path / "p.html", "gradcam")
    with pytest.raises(LFSError, match=r"must end in \.html"):
        explain_sounds(tmp_path / "a.wav", tmp_path / "b.flac", tmp_path / "p.png")


@pytest.mark.slow
def test_the_command_takes_recordings(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from lfs_core.cli import app

    for name, hertz in (("a.wav", 300), ("b.wav", 900)):
        soundfile.write(tmp_path / name, tone(hertz, 0.6).numpy(), 16_000)
    files = [str(tmp_path / name) for name in ("a.wav", "b.wav")]
    page = tmp_path / "page.html"
    done = CliRunner().invoke(
        app, ["explain", *files, "-o", str(page), "--embedder", "resemblyzer"]
    )
    assert done.exit_code == 0, done.output
    assert "Resemblyzer (speakers)" in page.read_text(encoding="utf-8")
    with pytest.raises(LFSError, match="--aligned is for photographs"):
        explain_sounds(*map(Path, files), page, of_images={"aligned": True})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--embedder", "facenet-casia"), "no network of sound 'facenet-casia'"),
        (("--method", "gradcam"), "no method 'gradcam' for recordings; choose causal"),
        (("--map-threshold", 0.7), "--map-threshold is for photographs"),
    ],
)
def test_what_is_given_for_photographs_is_refused(
    tmp_path: Path, given: tuple[object, ...], said: str
) -> None:
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, tone(300, 0.6).numpy(), 16_000)
    done = run("explain", tmp_path / "a.wav", tmp_path / "b.wav", "-o", tmp_path / "p.html", *given)
    assert done.returncode == 1 and said in done.stderr


@pytest.mark.parametrize(("given", "expected"), [((), 0.5), (("--similarity-threshold", 0.3), 0.3)])
def test_a_threshold_that_is_given_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[object, ...], expected: float
) -> None:
    """Even if it is the one of photographs."""
    monkeypatch.setattr("lfs_core.sound.ears.load_ear", lambda name: Coarse())
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, tone(300, 0.6).numpy(), 16_000)
    done = run("explain", tmp_path / "a.wav", tmp_path / "b.wav", "-o", tmp_path / "p.html", *given)
    assert f", threshold {expected}: similar." in done.stdout, done.stderr
