"""What several commands are given, and what they do with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lfs_core.errors import LFSError

if TYPE_CHECKING:
    from lfs_core.embedders import Embedder

EmbedderName = Annotated[
    str, typer.Option(help="The network: a name, timm:NAME, torchvision:NAME, or a trained file.")
]
Weights = Annotated[
    Path | None, typer.Option(help="The file of its weights, for networks that need one.")
]
SimilarityThreshold = Annotated[float, typer.Option(help="xi_1, -1 to 1.")]
Jobs = Annotated[int, typer.Option(help="Processes that work at once.", min=1)]
Scheduler = Annotated[
    str | None, typer.Option(help="A Dask scheduler, tcp://..., whose workers do the work.")
]


def network(embedder: str, weights: str | Path | None = None) -> Embedder:
    """The network that `--embedder` and `--weights` name."""
    from lfs_core.embedders import load_embedder

    return load_embedder(embedder, **({"weights": weights} if weights else {}))


def check_suffix(path: Path, suffix: str) -> None:
    """Raise an LFSError, before the work and not after it, unless a file to write ends so."""
    if path.suffix != suffix:
        raise LFSError(f"The output {path} must end in {suffix}.")


def files_of(spec: str) -> list[str]:
    """What an explainer's options may name as files, as in explainlfs,decoder=FILE."""
    from lfs_core.evaluation.spec import parse

    _, options = parse(spec)
    return [value for value in options.values() if isinstance(value, str)]


def tell_skipped(skipped: Mapping[Any, str]) -> None:
    """Say which files could not be used, and why."""
    for path, reason in skipped.items():
        typer.echo(f"skipped {path}: {reason}", err=True)
