"""How the similarities of a network are spread: as shipped, or as `lfs evaluate` measured them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path

from lfs_core.embedders.seeing import fingerprint
from lfs_core.errors import LFSError
from lfs_core.util.assets import cache_folder
from lfs_core.util.confidence import Spread
from lfs_core.util.files import replacing
from lfs_core.util.networks import Embedder

SHIPPED = "spreads.json"  # the "spreads" of `lfs study confidence`


def known_spread(name: str, network: Embedder) -> Spread | None:
    """The spread of a network's similarities, if it is known.

    Args:
        name: by which the network was loaded; those in `EMBEDDERS` have pinned weights.
        network: the network itself, by which what was measured on this machine is found.
    """
    shipped = shipped_spreads().get(name)
    folder = cache_folder() / "spreads"
    if shipped or not folder.is_dir():  # a fingerprint takes a moment
        return shipped
    with suppress(OSError, ValueError, TypeError):  # not there, or damaged
        return Spread(**json.loads(_kept(network).read_text(encoding="utf-8")))
    return None


def keep_spread(network: Embedder, spread: Spread) -> None:
    """Remember what was measured on this machine, for the next time the network is loaded."""
    with suppress(LFSError), replacing(_kept(network)) as new:  # without a cache it is not kept
        new.write_text(json.dumps(asdict(spread)), encoding="utf-8")


@cache
def shipped_spreads() -> dict[str, Spread]:
    """By the name of the network."""
    text = files("lfs_core.embedders").joinpath(SHIPPED).read_text(encoding="utf-8")
    return {name: Spread(**of) for name, of in json.loads(text).items()}


def _kept(network: Embedder) -> Path:
    return cache_folder() / "spreads" / f"{fingerprint(network)}.json"
