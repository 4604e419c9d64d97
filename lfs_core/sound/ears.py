"""The networks of sound, by name: to add one, add a file and a line here."""

from __future__ import annotations

from pkgutil import resolve_name

from lfs_core.errors import LFSError
from lfs_core.sound.hearing import Ear

EARS = {  # each with its name for readers
    "efficientword-net": ("EfficientWord-Net (words)", "lfs_core.sound.words:Words"),
    "resemblyzer": ("Resemblyzer (speakers)", "lfs_core.sound.voices:Voices"),
}


def load_ear(name: str = "efficientword-net") -> Ear:
    """A network of sound.

    Raises:
        LFSError: there is none of this name, or what runs it is not installed.
        AssetError: its file cannot be fetched.
    """
    if name not in EARS:
        raise LFSError(f"There is no network of sound {name!r}; choose one of {list(EARS)}.")
    return resolve_name(EARS[name][1])()


def ear_title(name: str) -> str:
    """The name for readers of a network of sound."""
    return EARS[name][0] if name in EARS else name
