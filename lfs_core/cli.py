"""The command line, `lfs`."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from typer.core import TyperGroup

from lfs_core.commands.evaluate import evaluate, study
from lfs_core.commands.explain import explain, methods
from lfs_core.commands.fit import fit, fit_autoencoder, fit_deep, fit_head, train
from lfs_core.commands.gallery import index, retrieve
from lfs_core.commands.notebooks import book, run, sweep
from lfs_core.errors import LFSError

COMMANDS = (
    explain, methods, evaluate, index, retrieve,
    fit, fit_deep, fit_autoencoder, fit_head, train,
    run, sweep, book, study,
)  # fmt: skip
WHOLE = {"explain", "retrieve", "train", "run"}  # they write all at the end, and keep nothing else


class _Group(TyperGroup):
    # What Typer gives is a `typer.Context`, whatever its signature says.
    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run a command; an error of ours, or Ctrl-C, is one message and never a traceback."""
        try:
            return super().invoke(ctx)
        except LFSError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            kept = "What is done is kept: the same command goes on from here."
            whole = ctx.invoked_subcommand in WHOLE
            typer.echo("Interrupted; nothing was written." if whole else f"Interrupted. {kept}")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"lfs {version('lfs-core')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which it is.")
    ] = False,
) -> None:
    """Explain why a similarity network says that two images match or do not."""


def main() -> None:
    """Run the command line, with messages of progress on the standard error."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("lfs_core").setLevel(logging.INFO)
    app()
