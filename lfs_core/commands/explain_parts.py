"""`lfs explain` for what is no photograph: texts, graphs, and other things with parts."""

from __future__ import annotations

from pathlib import Path

import typer

from lfs_core.errors import LFSError


def explain_parts(
    paths: tuple[Path, Path],
    output: Path,
    method: str,
    threshold: float,
    matches: bool,
    of_images: dict[str, bool],
) -> None:
    """Explain two files of one kind as one self-contained page.

    Args:
        paths: of both.
        output: the page to write.
        method: a name in `METHODS`; the default of images stands for "causal".
        threshold: xi_1.
        matches: say as well which part matches which.
        of_images: options that make sense for images only, and whether they were given.

    Raises:
        LFSError: an option is for images, or as `read_things` and `explain_things`.
    """
    from lfs_core.things.explain import explain_things
    from lfs_core.things.files import read_things
    from lfs_core.viz.parts_report import said_of_parts, write_parts_report

    kind, a, b = read_things(*paths)
    if given := [f"--{name}" for name, was in of_images.items() if was]:
        raise LFSError(f"{given[0]} is for photographs; leave it out with two {kind.name}s.")
    method = "causal" if method == "explainlfs" else method
    e = explain_things(a, b, method, threshold)
    if matches and e.likeness is None:
        raise LFSError(f"{method} does not tell which {kind.part} matches which; causal does.")
    write_parts_report(e, output, kind, [path.name for path in paths])
    decision = "similar" if e.is_similar else "dissimilar"
    typer.echo(f"Cosine similarity {e.similarity:.3f}: {decision}. Wrote {output}.")
    if matches:
        typer.echo(said_of_parts(e))
