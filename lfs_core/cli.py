"""The command line, `lfs`."""

from __future__ import annotations

import errno
import functools
import io
import logging
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any

import typer

from lfs_core.commands.evaluate import evaluate, study
from lfs_core.commands.explain import explain, methods
from lfs_core.commands.export import export
from lfs_core.commands.fit import fit, fit_autoencoder, fit_deep, fit_head, train
from lfs_core.commands.gallery import index, retrieve
from lfs_core.commands.ledger import ledger
from lfs_core.commands.notebooks import book, run, sweep
from lfs_core.errors import LFSError
from lfs_core.util.files import reason

COMMANDS = (
    explain, methods, evaluate, index, retrieve,
    fit, fit_deep, fit_autoencoder, fit_head, train,
    run, sweep, book, study, ledger, export,
)  # fmt: skip
WHOLE = (explain, retrieve, train, run, export)  # they write all at the end, and keep nothing else


def told(command: Callable[..., None]) -> Callable[..., None]:
    """The command, of which an error of ours or the system's, or Ctrl-C, is one message."""

    @functools.wraps(command)
    def run_command(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except LFSError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of the output has closed it
                raise
            where = f"{error.filename}: " if error.filename else ""
            typer.echo(f"Error: {where}{reason(error)}.", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            kept = ". What is done is kept: the same command goes on from here."
            lost = "; nothing was written."
            typer.echo(f"Interrupted{lost if command in WHOLE else kept}")
            raise typer.Exit(130) from None

    return run_command


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(told(command))


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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that it cannot show ends no command
            stream.reconfigure(errors="backslashreplace")
    # Processes that we start import no file of the present folder in an installed module's place.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    # Nor is a program of the present folder run in one's place, which Windows looks for first.
    os.environ.setdefault("NoDefaultCurrentDirectoryInExePath", "1")
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("lfs_core").setLevel(logging.INFO)
    app()
