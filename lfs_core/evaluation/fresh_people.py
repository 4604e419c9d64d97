"""Who served for what: people a head learnt from, its weights were chosen by, it is tested on.

No person serves twice. Evaluations of this book's first heads and weights drew their pairs from the
last half of the people by name, and kept no list of them. People whom no such pair shows are the
*fresh* ones, who have influenced no choice yet.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

from lfs_core.datasets.folders import find_photographs, split_classes
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.evaluation.pair_set import PairSet, draw_pairs, load_drawn

Part = Literal["head", "weights", "test", "fresh"]

EARLIER = (0.5, 1.0)  # shares of the people, the last by name, that earlier pairs were drawn from
DRAWN = 550  # pairs of each: the 500 that were used, and more than were left out for want of a face
DIGITS = 12  # of a name's digest


def parts_of_people(classes: Mapping[str, str]) -> dict[Part, set[str]]:
    """Four sets of people that share nobody.

    Args:
        classes: of each photograph, by its name below its folder, whose it is.

    Returns:
        "head": the first half by name, from whom heads learn. "fresh": those of the last half whom
        no earlier evaluation has drawn. Of the rest, "weights": the third quarter, by whom weights
        are chosen, and "test": the fourth, on whom they are measured.
    """
    head, last_half = split_classes(classes.values(), 0.5)
    drawn = set().union(*(_drawn(classes, share) for share in EARLIER))
    fresh = last_half - drawn
    fourth = split_classes(classes.values(), 0.25)[1]
    return {
        "head": head,
        "weights": last_half - fourth - fresh,
        "test": fourth - fresh,
        "fresh": fresh,
    }


def _drawn(classes: Mapping[str, str], share: float) -> set[str]:
    """Whom the first pairs of `load_pairs` with this `hold_out` may show."""
    kept = split_classes(classes.values(), share)[1]
    among = {name: of for name, of in classes.items() if of in kept}
    first = islice(draw_pairs(among, seed=0), DRAWN)
    return {classes[name] for a, b, _ in first for name in (a, b)}


def whose(folder: str | os.PathLike) -> dict[str, str]:
    """Of each photograph below a folder, by its name there, whose it is.

    Raises:
        ImageError: there is no folder, or no image in it.
    """
    return {str(path.relative_to(folder)): of for path, of in find_photographs(folder)}


def pairs_of(
    folder: str | os.PathLike,
    embedder: Embedder,
    part: Part,
    number: int,
    *,
    seed: int = 0,
    progress: bool = True,
) -> PairSet:
    """Pairs of some of a folder's people, drawn as `load_pairs` draws them.

    Args:
        folder: laid out as `find_photographs` reads it.
        embedder: the network, whose `framing` and `image_size` say what it reads.
        part: which of `parts_of_people`.
        number: how many pairs.
        seed: of the draw.
        progress: show a progress bar.

    Raises:
        ImageError: the folder is missing, or holds no image.
        LFSError: there is no such part, or it gives fewer pairs.
    """
    if part not in get_args(Part):
        raise LFSError(f"There is no part {part!r}; choose one of {', '.join(get_args(Part))}.")
    classes = whose(folder)
    people = parts_of_people(classes)[part]
    theirs = {name: of for name, of in classes.items() if of in people}
    return load_drawn(Path(folder), theirs, embedder, number, seed, progress=progress)


def digests(people: Iterable[str]) -> list[str]:
    """What tells names apart without telling them, sorted: the first digits of their SHA-256."""
    return sorted(hashlib.sha256(name.encode()).hexdigest()[:DIGITS] for name in people)
