"""What `lfs study` and the benchmarks have stored in `book/results`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from lfs_core.errors import LFSError
from lfs_core.evaluation.results import Results, load_results
from lfs_core.util.manifest import RESULTS


def stored_run(name: str) -> dict[str, Any]:
    """A stored run, with its manifest.

    Raises:
        LFSError: there is no such run.
    """
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        raise LFSError(f"There are no stored results {path}; the book's sources hold them.")
    return json.loads(path.read_text())


def is_stored(name: str) -> bool:
    """Whether there is a stored run of this name; there is none beside an installed package."""
    return (RESULTS / f"{name}.json").is_file()


@cache
def stored_evaluation(name: str) -> Results:
    """A stored evaluation, of which the score of every metric can be asked."""
    return load_results(RESULTS / f"{name}.json")


def origin_line(manifest: Mapping[str, Any]) -> str:
    """Where a stored run comes from, as one line of Markdown."""
    seeds = f", {manifest['seeds']} seeds" if "seeds" in manifest else ""
    return (
        f"*Stored run*: {manifest['number']} pairs of {manifest['pairs']}, network "
        f"{manifest['embedder']}{seeds}; commit {manifest['commit']}, {manifest['finished']}. "
        f"`{manifest['command']}` repeats it."
    )
