"""A real browser, and Jupyter for it to open."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from lfs_core.book.pdf import find_chromium

PATIENCE = 60_000  # milliseconds that anything may take, on a machine that has much to do
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium. Without one the tests are skipped, except in continuous integration."""
    chromium = find_chromium()
    if not chromium:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("no Chromium found; install it to test the book's pages")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        new_context = opened.new_context

        def patient(**options: object) -> BrowserContext:
            context = new_context(**options)
            context.set_default_timeout(PATIENCE)
            return context

        opened.new_context = patient
        yield opened
        opened.close()


TOKEN = "of-a-test"
APPS = {  # what serves, what it is told, and where it shows a notebook
    "lab": ("jupyterlab", "--notebook-dir={}", "lab/tree/{}?reset&"),
    "notebook": ("notebook", "--notebook-dir={}", "notebooks/{}?"),
    "voila": ("voila", "{}", "voila/render/{}?"),
}


@pytest.fixture(scope="module")
def serve(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str, str], str]]:
    """Serves a notebook of one cell by JupyterLab, plain Jupyter or Voilà."""
    with ExitStack() as opened:

        def start(app: str, cell: str) -> str:
            folder = tmp_path_factory.mktemp(app)
            return opened.enter_context(served(app, cell, folder))

        yield start


@contextmanager
def served(app: str, cell: str, folder: Path) -> Iterator[str]:
    """The address of a notebook of one cell; the server has settings of its own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip())])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    (folder / "notebooks").mkdir()
    nbformat.write(notebook, folder / "notebooks" / "view.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module, where, path = APPS[app]
    command = [sys.executable, "-m", module, "--no-browser", f"--port={port}"]
    command += [where.format(folder / "notebooks")]
    if app != "voila":
        command += ["--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}", "--allow-root"]
    own = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "IPYTHONDIR")}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log)
        try:
            _wait_for(port, server, folder / "log")
            yield f"http://127.0.0.1:{port}/{path.format('view.ipynb')}token={TOKEN}"
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(60)
            server.kill()
            server.wait()


def _wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    for _ in range(1500):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.2)
    pytest.fail(f"Jupyter did not start:\n{log.read_text(encoding='utf-8')}")
