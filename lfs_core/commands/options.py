"""What several commands are given, and what they do with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lfs_core.errors import LFSError, printable

if TYPE_CHECKING:
    from lfs_core.embedders import Embedder

EmbedderName = Annotated[
    str,
    typer.Option(
        help="The network: a name, timm:NAME, torchvision:NAME, a trained file, or your own as "
        "module:object or file.py:object."
    ),
]
Weights = Annotated[
    Path | None, typer.Option(help="The file of its weights, for networks that need one.")
]
SimilarityThreshold = Annotated[
    float | None,
    typer.Option(help="xi_1, -1 to 1; else the network's own, 0.3 where none is known."),
]
Aligned = Annotated[
    bool,
    typer.Option("--aligned", help="The images are face crops already: no face is looked for."),
]
Jobs = Annotated[int, typer.Option(help="Processes that work at once.", min=1)]
Scheduler = Annotated[
    str | None, typer.Option(help="A Dask scheduler, tcp://..., whose workers do the work.")
]

LOOKED_AT = 20  # images of a folder that are said to be aligned
TOLD = 20  # of what is left out, each by its name


def network(embedder: str, weights: str | Path | None = None) -> Embedder:
    """The network that `--embedder` and `--weights` name."""
    from lfs_core.embedders import load_embedder

    return load_embedder(embedder, **({"weights": weights} if weights else {}))


def framing(aligned: bool) -> str | None:
    """What `--aligned` has read of an image: the whole; else what the network reads."""
    return "whole" if aligned else None


def check_suffix(path: Path, suffix: str) -> None:
    """Raise an LFSError, before the work and not after it, unless a file to write ends so."""
    if path.suffix != suffix:
        raise LFSError(f"The output {path} must end in {suffix}.")
    if path.is_dir():
        raise LFSError(f"The output {path} is a folder; name a file.")


def files_of(spec: str) -> list[str]:
    """What an explainer's options may name as files, as in explainlfs,decoder=FILE."""
    from lfs_core.evaluation.spec import parse

    _, options = parse(spec)
    return [value for value in options.values() if isinstance(value, str)]


def tell_left_out(left_out: Mapping[Any, str]) -> None:
    """Say what could not be used, and why; of very many, why and how often."""
    for name, reason in islice(left_out.items(), TOLD):
        typer.echo(f"left out {printable(name)}: {printable(reason)}", err=True)
    more = Counter(list(left_out.values())[TOLD:])
    for reason, count in more.most_common(TOLD):
        typer.echo(f"left out {count} more: {printable(reason)}", err=True)


def tell_doubts(images: Sequence[Path], embedder: Embedder) -> None:
    """Say whether images of which `--aligned` is said look like face crops, by some of them."""
    from lfs_core.datasets.framing import doubt_about_crop
    from lfs_core.datasets.images import load_image

    looked = images[:: -(-len(images) // LOOKED_AT) or 1]
    doubts = [doubt_about_crop(load_image(path), embedder, path.name) for path in looked]
    found = [doubt for doubt in doubts if doubt]
    if found:
        counted = f"{len(found)} of {len(looked)} images looked at do not look like face crops."
        typer.echo(f"{counted} {found[0]}", err=True)


def tell_several(number: int) -> None:
    """Say how many photographs show several faces, of which a folder's command takes one."""
    if number:
        show = "photograph shows" if number == 1 else "photographs show"
        typer.echo(
            f"{number} {show} several faces; the one that is large and near the middle was taken.",
            err=True,
        )


def tell_against(doubts: Iterable[str]) -> None:
    """Give the reasons against trusting a result, one line each."""
    for doubt in doubts:
        typer.echo(doubt, err=True)
