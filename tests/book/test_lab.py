"""The retrieval explorer live: JupyterLab, a kernel and a browser."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from crops import write_crops
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

TOKEN = "of-a-test"
CELL = """
import sys
sys.path.insert(0, {tests!r})
import os
os.environ["LFS_CACHE"] = {cache!r}
from crops import make_explorer
make_explorer({crops!r})
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """JupyterLab with settings of its own, and a notebook that shows the explorer."""
    folder = tmp_path_factory.mktemp("lab")
    write_crops(folder / "crops")
    paths = {"tests": Path(__file__).parents[1], "cache": folder / "cache"}
    cell = CELL.format(crops=str(folder / "crops"), **{k: str(v) for k, v in paths.items()})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip())])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    (folder / "notebooks").mkdir()
    nbformat.write(notebook, folder / "notebooks" / "explorer.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", f"--IdentityProvider.token={TOKEN}", "--allow-root"]
    command += [f"--notebook-dir={folder / 'notebooks'}"]
    own = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "IPYTHONDIR")}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log)
        try:
            _wait_for(port, server, folder / "log")
            yield f"http://127.0.0.1:{port}/lab/tree/explorer.ipynb?token={TOKEN}&reset", folder
        finally:
            server.terminate()
            server.wait(20)


def _wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server.poll() is None, log.read_text()
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture
def explorer(lab: tuple[str, Path], browser: Browser) -> Iterator[Locator]:
    """The explorer as the notebook's output."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(lab[0])
    page.locator(".jp-Notebook .jp-Cell").wait_for(timeout=60_000)
    page.get_by_text("| Idle").wait_for(timeout=60_000)  # the kernel is there
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    shown = page.locator(".jp-OutputArea .lfs-explorer")
    shown.locator(".lfs-hit").first.wait_for(timeout=90_000)
    yield shown
    page.close()


def test_the_explorer_is_alive(explorer: Locator, lab: tuple[str, Path]) -> None:
    page: Page = explorer.page
    hits = explorer.locator(".lfs-panel .lfs-hit")
    expect(hits).to_have_count(20 + 5)
    expect(explorer.locator(".lfs-place")).to_have_text("1 / 25")
    expect(explorer.locator(".lfs-ap", has_text=re.compile(r"^AP \d"))).to_have_count(24)
    expect(explorer.locator(".lfs-panel img[src^='data:']")).to_have_count(25)

    explorer.locator(".lfs-list button", has_text="coffee/03.png").click()
    expect(explorer.locator(".lfs-head .lfs-title")).to_have_text("coffee/03.png")
    hits.nth(1).click()
    dialog = explorer.get_by_role("dialog")
    expect(dialog.locator("canvas")).to_have_count(2)
    expect(dialog).to_contain_text("Method: ramps.")
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("> .lfs-title")).to_contain_text("rank 3,")
    page.keyboard.press("Escape")

    expect(hits.nth(1)).to_be_focused()
    page.keyboard.press("d")
    page.keyboard.press("d")  # which in JupyterLab deletes a cell
    page.keyboard.press("ArrowRight")
    expect(hits.nth(2)).to_be_focused()
    expect(explorer).to_have_count(1)

    explorer.get_by_role("tab", name="Ranking").click()
    expect(explorer.locator(".lfs-square-hit")).to_have_count(24)
    expect(explorer.locator(".lfs-detail polyline")).to_have_count(2)
    explorer.get_by_role("tab", name="Top 20").click()

    files = explorer.locator("input[type=file]")
    (lab[1] / "letter.png").write_text("not an image")
    files.set_input_files([lab[1] / "letter.png"])
    expect(explorer.get_by_role("alert").first).to_have_text(
        "letter.png is not an image that can be read."
    )
    expect(explorer.locator(".lfs-head .lfs-title")).to_have_text("coffee/03.png")

    Image.open(lab[1] / "crops" / "coffee" / "03.png").rotate(5).save(lab[1] / "turned.png")
    noise = np.random.default_rng(0).integers(0, 256, (1400, 1400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(lab[1] / "noise.png")  # 5.9 MB: near what Jupyter can take
    files.set_input_files([lab[1] / "noise.png", lab[1] / "turned.png"])
    expect(explorer.locator(".lfs-place")).to_have_text("2 / 2 of your images", timeout=20_000)
    expect(explorer.locator(".lfs-head .lfs-title")).to_have_text("turned.png")
    expect(explorer.get_by_role("alert").first).to_be_empty()
    expect(hits.first).to_contain_text("coffee")
    hits.first.click()
    expect(dialog.locator("canvas")).to_have_count(2)
