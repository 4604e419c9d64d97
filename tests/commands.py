"""The command line, as tests ask it."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from lfs_core.cli import main


def run(*arguments: object, cwd: str | Path = ".") -> subprocess.CompletedProcess:
    """Run `lfs` with these arguments in this process, where PyTorch is there already."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        chdir(cwd),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["lfs", *map(str, arguments)])
        patch.setattr(logging.root, "handlers", [])  # as in a new process
        patch.setattr(logging.getLogger("lfs_core"), "level", logging.NOTSET)
        try:
            code = main()
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess(arguments, code or 0, out.getvalue(), err.getvalue())


def run_process(*arguments: object) -> subprocess.CompletedProcess:
    """Run `lfs` with these arguments in a new process."""
    command = [sys.executable, "-c", "from lfs_core.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=1200)
