"""Words said by espeak-ng, where it is installed; nothing here needs it."""

from __future__ import annotations

import io
import shutil
import subprocess

from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.sound.reading import checked_sound, resampled
from lfs_core.util.extras import needs


def can_speak() -> bool:
    """Whether espeak-ng is installed."""
    return shutil.which("espeak-ng") is not None


def said(words: str, voice: str = "en", pace: int = 150, pitch: int = 50) -> Tensor:
    """Words as espeak-ng says them.

    Args:
        words: what is said.
        voice: as espeak-ng names it, with a variant, as en-us+f3.
        pace: words a minute, 80 to 450.
        pitch: 0 to 99.

    Returns:
        (N,) float32 in [-1,1] at 16 kHz.

    Raises:
        LFSError: espeak-ng is not installed, or has no such voice.
    """
    with needs("sound", "Reading what espeak-ng says"):
        import soundfile
    program = shutil.which("espeak-ng")
    if program is None:
        raise LFSError("espeak-ng is not installed; on Debian, `apt install espeak-ng` brings it.")
    options = ["-v", voice, "-s", str(pace), "-p", str(pitch), "--stdout", "--", words]
    done = subprocess.run([program, *options], capture_output=True)
    if done.returncode or not done.stdout:
        raise LFSError(f"espeak-ng has no voice {voice!r}; `espeak-ng --voices` lists them.")
    wave, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    return checked_sound(resampled(wave, rate), words)
