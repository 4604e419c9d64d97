"""Names of people and classes as readers write them."""

from __future__ import annotations


def spelt(name: str) -> str:
    """A folder's name, or a file's in it: "grace_hopper/1.png" is "Grace Hopper/1.png"."""
    folder, slash, file = name.partition("/")
    words = (word[:1].upper() + word[1:] for word in folder.split("_"))
    return " ".join(words) + slash + file
