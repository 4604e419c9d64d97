"""The command that repeats the ledger on another network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lfs_core.commands.options import EmbedderName, Weights
from lfs_core.errors import LFSError

REPEATED = ("multiverse", "map-readings")  # the studies that can explain any network of faces


def ledger(
    embedder: EmbedderName,
    data: Annotated[Path, typer.Option(envvar="LFS_DATA", help="Folder with celeba and lfw.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder: results, and the ledger as ledger.md.")
    ],
    weights: Weights = None,
) -> None:
    """Repeat the ledger of the book on another network of faces.

    Decoders are fitted to CelebA, pairs are of LFW. It takes an hour or two; run again after an
    interruption, it goes on where it stopped.
    """
    from lfs_core.findings.ledger import repeated_markdown
    from lfs_core.findings.stored import results_in
    from lfs_core.studies import run_study
    from lfs_core.util.files import check_outputs

    check_outputs([output, *(output / f"{name}.json" for name in REPEATED)], [embedder, weights])
    output.mkdir(parents=True, exist_ok=True)
    for name in REPEATED:
        path = output / f"{name}.json"
        if not path.is_file():
            run_study(name, data, path, embedder, str(weights.resolve()) if weights else None)
        elif (
            of := json.loads(path.read_text(encoding="utf-8"))["manifest"]["embedder"]
        ) != embedder:
            raise LFSError(f"{path} holds results of {of!r}; give another folder with --output.")
    with results_in(output):
        (output / "ledger.md").write_text(repeated_markdown(), encoding="utf-8")
    typer.echo(f"Wrote {output / 'ledger.md'}.")
