"""Whether photographs show enough people or classes to hold some out; and if not, why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from lfs_core.datasets.framing import framing_of
from lfs_core.errors import LFSError

LEAST = 10  # people or classes


def check_enough(
    identities: Iterable[str],
    skipped: Mapping[str, str] | None = None,
    total: int = 0,
    embedder: object = None,
) -> None:
    """Raise an LFSError unless there are at least `LEAST` people or classes.

    Args:
        identities: whose, or of which class, each photograph is that can be used.
        skipped: why others cannot be used, by path.
        total: how many photographs there are, the others included.
        embedder: the network, which may read faces only.
    """
    names = len(set(identities))
    if names < LEAST:
        raise LFSError(
            f"The images show {names} people or classes; at least {LEAST} are needed to hold some "
            f"out. {why_left_out(skipped or {}, total, embedder)}Give one sub-folder for each."
        )


def why_left_out(skipped: Mapping[str, str], total: int, embedder: object) -> str:
    """How many photographs were left out and why most of them were, as sentences; or nothing."""
    if not skipped:
        return ""
    (reason, count), *others = Counter(skipped.values()).most_common()
    path = next(path for path, of in skipped.items() if of == reason)
    said = f"{len(skipped)} of the {total} photographs were left out"
    said += f", {count} of them for one reason" if others else ""
    said += f", as {path}: {reason} "
    if embedder is not None and framing_of(embedder) == "face":
        said += (
            "This network reads faces; for photographs of other things name another one, as "
            "--embedder efficientnet-lite0. "
        )
    return said
