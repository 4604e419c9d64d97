"""`lfs explain` for what is no photograph: texts, graphs, and other things with parts."""

from __future__ import annotations

from pathlib import Path

import typer

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
    from lfs_core.things.explain import METHODS, explain_things
    from lfs_core.things.files import read_things
    from lfs_core.viz.parts_report import said_of_parts, write_parts_report

    kind, a, b = read_things(*paths)
    refuse_of_images(of_images, kind.name)
    method = method or "causal"
    check_method(method, [*METHODS], kind.name, matches)
    e = explain_things(a, b, method, threshold)
    names = [path.name for path in paths]
    write_parts_report(e, output, kind, names, given_threshold=threshold is not None)
    decision = "similar" if e.is_similar else "dissimilar"
    typer.echo(
        f"Cosine similarity {e.similarity:.3f}, threshold {e.threshold:.4g}: {decision}. "
        f"Wrote {output}."
    )
    if matches:
        typer.echo(said_of_parts(e))
