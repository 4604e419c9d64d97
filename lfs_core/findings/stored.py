"""What `lfs study` and the benchmarks have stored in `book/results`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from lfs_core.embedders import network_title
from lfs_core.errors import LFSError
from lfs_core.evaluation.names import images_title
from lfs_core.evaluation.results import Results, load_results
from lfs_core.util.manifest import RESULTS, changed_since

P = ParamSpec("P")
T = TypeVar("T")

_folder: ContextVar[Path] = ContextVar("results", default=RESULTS)


@contextmanager
def results_in(folder: Path) -> Iterator[None]:
    """Read stored runs from another folder than the book's."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def results_folder() -> Path:
    """Where stored runs are read from."""
    return _folder.get()


def remembered(find: Callable[P, T]) -> Callable[P, T]:
    """A function that finds the same once only, in each folder of stored runs."""
    known: dict[tuple[object, ...], T] = {}

    @wraps(find)
    def once(*args: P.args, **kwargs: P.kwargs) -> T:
        asked = (results_folder(), args, *kwargs.items())
        if asked not in known:
            known[asked] = find(*args, **kwargs)
        return known[asked]

    return once


def stored_run(name: str) -> dict[str, Any]:
    """A stored run, with its manifest.

    Raises:
        LFSError: there is no such run.
    """
    path = results_folder() / f"{name}.json"
    if not path.is_file():
        raise LFSError(f"There are no stored results {path}; the book's sources hold them.")
    return json.loads(path.read_text(encoding="utf-8"))


def is_stored(name: str) -> bool:
    """Whether there is a stored run of this name; an installed package has none."""
    return (results_folder() / f"{name}.json").is_file()


@remembered
def stored_evaluation(name: str) -> Results:
    """A stored evaluation, of which the score of every metric can be asked.

    Raises:
        LFSError: the stored classes are not those of its pairs.
    """
    results = load_results(results_folder() / f"{name}.json")
    classes = stored_classes(results.manifest)
    if classes is not None:
        alike = classes[:, 0] == classes[:, 1]
        if len(alike) != len(results.same) or (alike != results.same.numpy()).any():
            raise LFSError(
                f"The classes of the pairs of {name}.json are not those in classes.json; "
                "repeat `lfs study classes`."
            )
    return replace(results, classes=classes)


def stored_classes(
    manifest: Mapping[str, Any], kept: np.ndarray | slice = slice(None)
) -> np.ndarray | None:
    """The class of both images of each pair (P,2) of a stored run; None if they are not known.

    Args:
        manifest: the run's; the digest of its pairs says which they are.
        kept: which of the pairs, (P,) bool or a slice.
    """
    found = _classes().get(manifest.get("digest", ""))
    return None if found is None else np.array(found)[: manifest["number"]][kept]


@remembered
def _classes() -> dict[str, list[list[int]]]:
    return stored_run("classes")["classes"] if is_stored("classes") else {}


def origin_line(manifest: Mapping[str, Any]) -> str:
    """Where a stored run comes from, as one line of Markdown."""
    count = manifest.get("seeds")
    seeds = f", {count} seed{'s' * (count != 1)}" if count else ""
    networks = manifest["embedder"].split(", ")
    before = manifest.get("records_from_before")
    kept = f" ({before} of {manifest['records']} parts kept from before)" if before else ""
    return (
        f"*Stored run*: {manifest['number']} pairs of {images_title(manifest['pairs'])}, "
        f"{'networks' if len(networks) > 1 else 'network'} "
        f"{', '.join(map(network_title, networks))}{seeds}; commit {manifest['commit']}, "
        f"{manifest['finished']}{kept}. `{manifest['command']}` repeats it.{_since(manifest)}"
    )


def _since(manifest: Mapping[str, Any]) -> str:
    """Whether the code that made a run still says the same; nothing if it does."""
    changed = changed_since(manifest)
    if changed is None:
        return " Which code made it is not recorded."
    return " Some of its code has changed since." if changed else ""
