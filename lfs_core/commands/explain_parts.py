"""`lfs explain` for what is no photograph: texts, graphs, and other things with parts."""

from __future__ import annotations

from pathlib import Path

import typer

from lfs_core.commands.options import tell_against
from lfs_core.commands.sounds import check_method, refuse_of_images


def explain_parts(
    paths: tuple[Path, Path],
    output: Path,
    method: str | None,
    threshold: float | None,
    matches: bool,
    of_images: dict[str, bool],
) -> None:
    """Explain two files of one kind as one self-contained page.

    Args:
        paths: of both.
        output: the page to write.
        method: a name in `METHODS`; left out, "causal".
        threshold: xi_1; left out, the network's own.
        matches: say as well which part matches which.
        of_images: options that make sense for images only, and whether they were given.

    Raises:
        LFSError: an option is for images, or as `read_things` and `explain_things`.
    """
    from lfs_core.evaluation.names import listed
    from lfs_core.things.explain import METHODS, explain_things
    from lfs_core.things.files import read_things
    from lfs_core.util.progress import progress
    from lfs_core.viz.parts_report import said_of_parts, write_parts_report

    kind, a, b = read_things(*paths)
    refuse_of_images(of_images, kind.name)
    method = method or "causal"
    check_method(method, [*METHODS], kind.name, matches)
    with progress(f"Taking {kind.part}s away"):
        e = explain_things(a, b, method, threshold)
    names = [path.name for path in paths]
    messages = [
        f"The network reads which {kind.part}s of {path.name} are joined, and no more. It does not "
        f"use {listed(unread)}."
        for path, thing in zip(paths, (a, b), strict=True)
        if (unread := getattr(thing, "unread", ()))
    ]
    given = threshold is not None
    write_parts_report(e, output, kind, names, given_threshold=given, messages=messages)
    decision = "similar" if e.is_similar else "dissimilar"
    typer.echo(
        f"Cosine similarity {e.similarity:.3f}, threshold {e.threshold:.4g}: {decision}. "
        f"Wrote {output}."
    )
    if matches:
        typer.echo(said_of_parts(e))
    tell_against(messages)
