"""A sweep: what is refused, what survives, what is done again, and what is gathered."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import dask
import distributed  # noqa: F401 - it must know its settings before one is changed
import pytest
from tiny import write_notebook
from typer.testing import CliRunner

import lfs_core as lfs
from lfs_core import cli
from lfs_core.book import run
from lfs_core.book.sweep import Point, parse_axes, sweep
from lfs_core.evaluation.workers import local_cluster
from lfs_core.util import code

PARAMETERS = 'p: float = 0.3  # size\ndecoder: str = "linear"  # which\nseed: int = 0  # of all'
COUNT = "from pathlib import Path\nPath('runs.txt').open('a').write(f'{p} {decoder}\\n');"
GLUE = (
    "import pandas as pd\nfrom myst_nb import glue\n"
    "glue('square', p * p, display=False)\n"
    "glue('same', 7, display=False)\n"
    "pd.DataFrame({'length': [len(decoder)]}, index=['name'])"
)
FAIL = (
    "import os\n"
    "if not Path('healed').exists():\n"
    "    if p == 0.1 and decoder == 'conv':\n        raise ValueError('a <b>bad</b> cell')\n"
    "    if p == 0.5 and decoder == 'linear':\n        os.kill(os.getpid(), 9)"
)
First = tuple[list[Point], str, set[str]]
AXES = {"p": [0.1, 0.5], "decoder": ["linear", "conv"]}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("here")


@pytest.fixture(scope="module", autouse=True)
def core(here: Path) -> Iterator[None]:
    """A core that stays as it is, whatever is written to the project meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code, "CORE", here / "lfs_core")
        patch.setattr(run, "RESULTS", here / "results")
        yield


@pytest.fixture(scope="module")
def notebook(here: Path) -> Path:
    """Two of the four points of `AXES` fail until there is a file `healed`."""
    return write_notebook(here / "06_small.ipynb", PARAMETERS, COUNT, GLUE, FAIL)


@pytest.fixture(scope="module")
def first(notebook: Path, here: Path) -> First:
    """The points of a first sweep, its page, and the files next to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        points = sweep(notebook, AXES, here / "runs")
    beside = {path.name for path in (here / "runs").iterdir()}
    return points, (here / "runs" / "page.html").read_text(encoding="utf-8"), beside


@pytest.mark.slow
def test_a_failing_cell_and_a_killed_kernel_stop_nothing_else(first: First, here: Path) -> None:
    points, page, _ = first
    assert [point.values for point in points] == [
        {"p": p, "decoder": decoder} for p in (0.1, 0.5) for decoder in ("linear", "conv")
    ]
    good, error, killed, last = points
    assert good.failed is None and last.failed is None
    assert "ValueError: a <b>bad</b> cell" in error.failed
    assert "kernel of 06_small.ipynb ended" in killed.failed
    assert good.numbers == pytest.approx({"square": 0.01, "same": 7, "cell-03: name, length": 6})
    assert last.numbers == pytest.approx({"square": 0.25, "same": 7, "cell-03: name, length": 4})
    for point in points:
        assert (here / "runs" / point.folder).is_dir() == (point.failed is None)
    assert "a &lt;b&gt;bad&lt;/b&gt; cell" in page and "<b>bad" not in page


@pytest.mark.slow
def test_again_only_what_failed_is_run_and_the_numbers_are_gathered(
    first: First, notebook: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    (here / "healed").touch()
    before = (here / "runs.txt").read_text(encoding="utf-8").splitlines()
    assert len(before) == 4
    points = sweep(notebook, AXES, here / "runs")
    assert (here / "runs.txt").read_text(encoding="utf-8").splitlines()[4:] == [
        "0.1 conv",
        "0.5 linear",
    ]
    assert not list((here / "runs").glob("*.failed.ipynb"))

    assert json.loads((here / "runs" / "table.json").read_text(encoding="utf-8"))["axes"] == AXES
    with (here / "runs" / "table.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(float(row["p"]), row["decoder"], row["failed"]) for row in rows] == [
        (p, decoder, "") for p in (0.1, 0.5) for decoder in ("linear", "conv")
    ]
    for row, point in zip(rows, points, strict=True):
        assert float(row["square"]) == pytest.approx(float(row["p"]) ** 2)
        assert float(row["cell-03: name, length"]) == len(row["decoder"])
        assert float(row["seconds"]) == point.seconds > 0

    more = sweep(notebook, AXES | {"p": [0.5]}, here / "runs")  # of those that are there
    assert [point.numbers["square"] for point in more] == [0.25, 0.25]
    assert len((here / "runs.txt").read_text(encoding="utf-8").splitlines()) == 6


@pytest.mark.slow
def test_the_page_needs_nothing_else_and_its_links_lead_somewhere(first: First) -> None:
    _, page, beside = first
    links = [unquote(link).removesuffix("/") for link in re.findall(r'href="([^"]+)"', page)]
    assert len(links) == 2 + 2 + 2  # tables, folders, notebooks that failed
    assert set(links) <= beside
    assert "src=" not in page
    assert "square" in page.split("The same at every point")[0]
    assert "same" in page.split("The same at every point")[1]
    assert "light dark" in page and page.count("<svg") == page.count("</svg>") >= 2


@pytest.mark.slow
def test_workers_of_a_cluster_give_the_same_numbers_and_may_die(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kill = "import os\nif seed == 2: os.kill(os.getppid(), 9)"  # the process that runs the task
    notebook = write_notebook(tmp_path / "small.ipynb", PARAMETERS, GLUE, kill)
    alone = sweep(notebook, {"p": [0.1, 0.7]}, tmp_path / "alone")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        local_cluster(2) as cluster,
    ):
        address = cluster.scheduler_address
        both = sweep(notebook, {"p": [0.1, 0.7]}, tmp_path / "both", scheduler=address)
        lost = sweep(notebook, {"seed": [2, 1]}, tmp_path / "lost", scheduler=address)
    assert [point.numbers for point in both] == [point.numbers for point in alone]
    assert [point.failed is None for point in both] == [True, True]
    assert "was killed" in lost[0].failed and lost[1].failed is None
    with pytest.raises(lfs.LFSError, match="No Dask scheduler answers"):
        sweep(notebook, {"p": [0.2]}, tmp_path / "none", scheduler="tcp://127.0.0.1:1")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "no axis"),
        (["p="], "axis 'p=' is empty"),
        (["p"], "axis 'p' is empty"),
        (["p=,"], "is empty"),
        (["p=0.1,,0.3"], "p = ''"),
        (["p=0.1", "p=0.3"], "axis p is given twice"),
        (["p=0.1,0.10"], r"axis p names 0\.1 twice"),
        (["p=0.1,often"], "p = 'often'"),
        (["seed=1,1.5"], "seed = '1.5'"),
        (["p=0.1,2"], "less than or equal to 1"),
        (["decoder=linear,resnet"], "'linear', 'mlp' or 'conv'"),
        (["pairs=1,2"], "takes no pairs"),
    ],
)
def test_grids_that_are_refused(texts: list[str], message: str, notebook: Path) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        parse_axes(notebook, texts)


def test_the_command_is_read_as_it_is_written(
    notebook: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(*given: object) -> list[Point]:
        asked.append(given)
        return [Point({"p": 0.1}, "p=0.1", None if len(asked) == 1 else "broken", 1.0, {})]

    monkeypatch.setattr(run, "NOTEBOOKS", here)
    monkeypatch.setattr("lfs_core.book.sweep.sweep", answer)
    command = "sweep 06 --grid p=0.1,0.3,0.5 decoder=linear,conv --jobs 2"
    assert CliRunner().invoke(cli.app, command.split()).exit_code == 0
    axes = {"p": [0.1, 0.3, 0.5], "decoder": ["linear", "conv"]}
    assert asked == [(notebook, axes, Path("runs/06_small"), 2, None)]
    command = "sweep 06 --grid seed=1,2 --grid p=0.1 -o here --scheduler tcp://there:1"
    assert CliRunner().invoke(cli.app, command.split()).exit_code == 1  # a point failed
    axes = {"seed": [1, 2], "p": [0.1]}
    assert asked[1:] == [(notebook, axes, Path("here"), 1, "tcp://there:1")]
    assert CliRunner().invoke(cli.app, ["sweep", "06"]).exit_code == 2  # no grid
