"""Running a notebook with other parameters: what is refused, what is written, what goes wrong."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, get_args, get_origin

import nbformat
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import started, wait_for
from tiny import write_notebook
from typer.testing import CliRunner

import lfs_core as lfs
from lfs_core import cli
from lfs_core.book import run
from lfs_core.book.parameters import Parameters, allowed, check_parameters, parse_parameters

PARAMETERS = 'p: float = 0.3  # size\nfaces: str = "demo"  # photographs\nseed: int = 0  # of all'
SHOWN = (
    "import sys, numpy as np, pandas as pd\n"
    "from myst_nb import glue\n"
    "glue('square', p * p, display=False)\n"
    "glue('rounded', f'{p:.1f}', display=False)\n"
    "glue('word', 'none', display=False)\n"
    "glue('of numpy', np.float64(p), display=False)\n"
    "print(sys.executable)\nprint(open('note.txt').read())",
    "index = pd.MultiIndex.from_tuples([('a', 1), ('b', 2)])\n"
    "pd.DataFrame({'third': [p / 3, np.nan], 'name': ['x', '0.25']}, index=index)",
    "from lfs_core.book.arrays import keep\nkeep(square=np.full((2, 3), p * p))",
    "from IPython.display import HTML, Image, display\n"
    f"display(Image(data={base64.b64encode(b'one')!r}, format='png'), metadata={{}})\n"
    f"display(Image(data={base64.b64encode(b'two')!r}, format='jpeg'), metadata={{}})\n"
    "display(HTML('<b>bold</b>'))",
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A current folder, apart from the notebooks."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "note.txt").write_text("a note", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, here: Path) -> Path:
    """The folder of a run, where another kernel has the name of ours."""
    folder = tmp_path_factory.mktemp("run")
    kernel = folder / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(
        json.dumps({"argv": ["false"], "display_name": "Python 3", "language": "python"}),
        encoding="utf-8",
    )
    notebook = write_notebook(folder / "01_shown.ipynb", PARAMETERS, *SHOWN, figure="fig-one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        patch.chdir(here)
        run.run_notebook(notebook, {"p": 0.7}, folder / "runs" / "p=0.7")
    return folder / "runs" / "p=0.7"


def test_everything_lies_in_one_folder(done: Path) -> None:
    figures = {"fig-one.png", "fig-one.jpg", "fig-one.html"}
    others = {"01_shown.ipynb", "numbers.json", "arrays.npz", "manifest.json"}
    assert {path.name for path in done.iterdir()} == figures | others
    assert {path.name for path in done.parent.iterdir()} == {"p=0.7", ".lock"}  # nothing half done
    run.check_executed(done / "01_shown.ipynb")
    assert (done / "fig-one.png").read_bytes() == base64.b64encode(b"one")
    assert (done / "fig-one.jpg").read_bytes() == base64.b64encode(b"two")
    assert "<b>bold</b>" in (done / "fig-one.html").read_text(encoding="utf-8")
    with np.load(done / "arrays.npz") as arrays:
        np.testing.assert_array_equal(arrays["square"], np.full((2, 3), 0.7 * 0.7))


def test_numbers_are_kept_in_full(done: Path) -> None:
    from lfs_core.book.outputs import flat

    numbers = json.loads((done / "numbers.json").read_text(encoding="utf-8"))
    glued = {"square": 0.7 * 0.7, "rounded": 0.7, "word": "none", "of numpy": 0.7}
    assert numbers["glued"] == glued
    table = numbers["tables"]["cell-03"]
    assert table["index"] == [["a", 1], ["b", 2]] and table["columns"] == ["third", "name"]
    assert table["data"] == [[pytest.approx(0.7 / 3, rel=1e-14), "x"], [None, "0.25"]]
    assert flat(numbers) == {
        "square": 0.7 * 0.7,
        "rounded": 0.7,
        "of numpy": 0.7,
        "cell-03: a 1, third": pytest.approx(0.7 / 3, rel=1e-14),
        "cell-03: b 2, name": 0.25,
    }


def test_the_manifest_says_what_it_was_made_from(done: Path) -> None:
    manifest = json.loads((done / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["notebook"] == "01_shown"
    assert manifest["parameters"] == {"p": 0.7, "faces": "demo", "seed": 0}
    assert (manifest["tier"], manifest["network"], manifest["seed"]) == (
        "demo",
        "facenet-casia",
        0,
    )
    assert manifest["versions"]["lfs-core"] and manifest["seconds"] > 0
    assert len(manifest["key"]) == 64 and "01_shown" in manifest["code"]["of"]
    assert "lfs_core.book.kernel" in manifest["code"]["modules"]
    assert set(manifest["files"]) == {path.name for path in done.iterdir()} - {"manifest.json"}


def test_the_kernel_is_of_this_interpreter_and_runs_in_the_current_folder(done: Path) -> None:
    cell = nbformat.read(done / "01_shown.ipynb", as_version=4).cells[2]
    assert cell.outputs[-1].text.splitlines() == [sys.executable, "a note"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1 / 0", r"small\.ipynb failed in cell \[4\]: ZeroDivisionError: division by zero"),
        ("import os; os.kill(os.getpid(), 9)", r"kernel of small\.ipynb ended before.*killed it"),
        ("get_ipython().kernel.do_shutdown(True)", "kernel of small"),  # as `restart` does
    ],
    ids=["error", "killed", "restarted"],
)
def test_a_run_that_fails_keeps_the_good_one_and_says_how_far_it_came(
    cell: str, reason: str, tmp_path: Path
) -> None:
    wait = "import time; time.sleep(3600)"  # for the kernel to be gone
    sources = ("print('first')", cell, wait if "shutdown" in cell else "1")
    notebook = write_notebook(tmp_path / "small.ipynb", "p: float = 0.3", *sources)
    folder = tmp_path / "runs" / "p"
    good = run.Outcome(json.dumps(nbformat.v4.new_notebook()), None, 1.0, {})
    run.write_run(folder, run.origin(notebook, {}), good)
    before = (folder / "manifest.json").read_bytes()
    with pytest.raises(lfs.LFSError, match=f"(?s){reason}.*cells up to there: .*p.failed.ipynb"):
        run.run_notebook(notebook, {"p": 0.5}, folder)
    assert (folder / "manifest.json").read_bytes() == before
    kept = nbformat.read(tmp_path / "runs" / "p.failed.ipynb", as_version=4)
    assert any(o.get("text") == "first\n" for c in kept.cells for o in c.get("outputs", ()))
    run.write_run(folder, run.origin(notebook, {}), good)
    assert not (tmp_path / "runs" / "p.failed.ipynb").exists()


@pytest.mark.slow
def test_an_interrupted_run_says_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C, which a terminal sends to all that belongs to a command."""
    tell = "import os, pathlib; pathlib.Path('started').write_text(str(os.getpid()))"
    source = f"{tell}\nimport time; time.sleep(3600)"
    write_notebook(tmp_path / "long.ipynb", "p: float = 0.3", source)
    command = [sys.executable, "-c", "from lfs_core.cli import main; main()", "run", "long.ipynb"]
    there = tmp_path / "started"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(command, cwd=tmp_path, start_new_session=True, **pipes) as process:
        wait_for(lambda: there.is_file() and there.read_text(encoding="utf-8"))
        time.sleep(0.3)  # in the middle of the cell
        os.killpg(process.pid, signal.SIGINT)
        said, errors = process.communicate(timeout=600)
    assert process.returncode == 130 and said == "Interrupted; nothing was written.\n"
    told = [line for line in errors.splitlines() if not line.startswith("Executing:")]
    assert "Traceback" not in errors and not any(told), errors
    assert {path.name for path in tmp_path.iterdir()} == {"long.ipynb", "started"}
    wait_for(lambda: not psutil.pid_exists(int(there.read_text(encoding="utf-8"))))


def test_whoever_writes_at_once_a_folder_is_whole(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "small.ipynb", "p: float = 0.3", "1")
    origin = run.origin(notebook, {})
    outcomes = [
        run.Outcome(notebook.read_text(encoding="utf-8"), None, float(k), {}) for k in range(40)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda outcome: run.write_run(tmp_path / "run", origin, outcome), outcomes))
    assert run.read_manifest(tmp_path / "run")["seconds"] in range(40)
    run.check_folder(tmp_path / "run")
    assert {path.name for path in tmp_path.iterdir()} == {"small.ipynb", "run", ".lock"}


@pytest.mark.parametrize("spoil", ["other folder", "a note of mine", "a file", "broken manifest"])
def test_what_no_run_has_written_is_not_replaced(
    spoil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = write_notebook(tmp_path / "small.ipynb", "p: float = 0.3", "1")
    folder = tmp_path / "mine"
    mine = folder / "mine.txt"
    if spoil == "a file":
        mine = folder
    elif spoil == "other folder":
        folder.mkdir()
    else:
        good = run.Outcome(notebook.read_text(encoding="utf-8"), None, 1.0, {})
        run.write_run(folder, run.origin(notebook, {}), good)
        mine = folder / "manifest.json" if spoil == "broken manifest" else mine
    mine.write_text("mine", encoding="utf-8")
    monkeypatch.setattr(run, "execute", lambda *_: pytest.fail("it ran"))
    with pytest.raises(lfs.LFSError, match=r"holds other things|no manifest"):
        run.run_notebook(notebook, {}, folder)
    assert mine.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["q=1"], r"(?s)takes no q\. It takes.*p=0\.3  \(number, 0 to 1\): size.*seed=0"),
        (["pairs=4"], "takes no pairs"),  # of another notebook
        (["seed=1.5"], "seed = '1.5': .*integer"),
        (["seed=true"], "seed = 'true'"),
        (["p=yes"], "p = 'yes': .*number"),
        (["p="], "p = ''"),
        (["p=1.5"], "less than or equal to 1"),
        (["p=nan"], "finite"),
        (["p=inf"], "finite"),
        (["faces="], "faces = ''"),
        (["p=2", "seed=-1"], "p = '2'.*seed = '-1'"),
        (["p"], "'p' gives no parameter a value"),
        (["p=0.1", "p=0.1"], "p is given twice"),
    ],
)
def test_texts_that_are_no_parameters(texts: list[str], message: str, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "small.ipynb", PARAMETERS, "1")
    with pytest.raises(lfs.LFSError, match=message):
        run.parse_values(notebook, texts)


def test_texts_that_are_parameters(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "small.ipynb", PARAMETERS, "1")
    values = run.parse_values(notebook, ["p=1", "faces=a=b", "seed=7"])
    assert values == {"p": 1.0, "faces": "a=b", "seed": 7} and isinstance(values["p"], float)
    assert run.parse_values(notebook, []) == {}


def values_of(name: str) -> st.SearchStrategy:
    """Everything that a parameter can be."""
    schema = Parameters.model_json_schema()["properties"][name]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    bounds = schema.get("minimum"), schema.get("maximum")
    if name == "every":
        return st.sampled_from([1, 2, 4, 5, 10, 20])
    return {
        "number": lambda: st.floats(*bounds),
        "integer": lambda: st.integers(*bounds),
        "string": lambda: st.text(st.characters(codec="utf-8"), min_size=1),
    }[schema["type"]]()


@pytest.mark.parametrize("name", Parameters.model_fields)
def test_the_text_of_a_value_is_read_as_that_value(name: str) -> None:
    @settings(deadline=None)
    @given(values_of(name))
    def check(value: object) -> None:
        check_parameters(**{name: value})
        read = parse_parameters({name: str(value)})[name]
        assert read == value and type(read) is type(value)

    check()


@pytest.mark.parametrize("name", Parameters.model_fields)
def test_every_parameter_says_what_it_is_and_what_it_may_be(name: str) -> None:
    field = Parameters.model_fields[name]
    assert field.description
    if get_origin(field.annotation) is Literal:
        assert all(str(value) in allowed(name) for value in get_args(field.annotation))
    else:
        words = {float: "number, ", int: "whole number, ", str: "text"}
        assert allowed(name).startswith(words[field.annotation])


@pytest.mark.parametrize(
    ("name", "stem"),
    [("06", "06_evaluation"), ("06b", "06b_others"), ("01_to", "01_toy"), ("07_last", "07_last")],
)
def test_a_notebook_is_found_by_number_or_name(
    name: str, stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "NOTEBOOKS", tmp_path)
    for known in ("01_toy", "06_evaluation", "06b_others", "07_last"):
        write_notebook(tmp_path / f"{known}.ipynb", "p: float = 0.3")
    assert run.find_notebook(name) == tmp_path / f"{stem}.ipynb"
    assert run.find_notebook(str(tmp_path / "07_last.ipynb")) == tmp_path / "07_last.ipynb"
    for wrong, message in {
        "0": "'0' names 4 notebooks",
        "9": r"(?s)'9' names no notebooks.*01_toy\n",
        "no.ipynb": "no notebook no.ipynb",
    }.items():
        with pytest.raises(lfs.LFSError, match=message):
            run.find_notebook(wrong)
    monkeypatch.setattr(run, "NOTEBOOKS", tmp_path / "nowhere")
    with pytest.raises(lfs.LFSError, match="come with the project's sources"):
        run.find_notebook(name)


def test_what_is_no_notebook_of_ours(tmp_path: Path) -> None:
    (tmp_path / "broken.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match=r"broken\.ipynb is no notebook"):
        run.parameters_of(tmp_path / "broken.ipynb")
    notebook = write_notebook(tmp_path / "small.ipynb", "q: float = 0.3", "1")
    with pytest.raises(lfs.LFSError, match=r"q = 0\.3"):
        run.parameters_of(notebook)


def test_the_book_has_a_table_of_every_notebooks_parameters() -> None:
    notebooks = sorted(run.NOTEBOOKS.glob("[0-9]*.ipynb"))
    tables = run.parameters_markdown(notebooks).split("**{doc}")[1:]
    assert len(tables) == len(notebooks) >= 7
    for notebook, table in zip(notebooks, tables, strict=True):
        names = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
        assert f"/notebooks/{notebook.stem}`" in table and names == list(
            run.parameters_of(notebook)
        )
    decoder = next(line for line in tables[5].splitlines() if line.startswith("| `decoder`"))
    assert '| "linear" or "mlp" or "conv" |' in decoder


def test_folders_are_named_after_parameters() -> None:
    assert run.short_name({}) == "defaults"
    assert run.short_name({"p": 0.5, "pair": 4}) == "p=0.5,pair=4"
    odd = [run.short_name({"faces": path}) for path in ("../a/b", "../a_b", "x" * 300, "x" * 299)]
    assert len(set(odd)) == 4
    assert all(len(name) < 120 and os.sep not in name for name in odd)


def test_the_command_gives_what_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(run, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(run, "run_notebook", lambda *given: asked.append(given))
    notebook = write_notebook(tmp_path / "03_faces.ipynb", "pair: int = 0\np: float = 0.3")
    command = ["run", "03", "-p", "pair=4", "-p", "p=0.5"]
    assert CliRunner().invoke(cli.app, command).exit_code == 0
    assert CliRunner().invoke(cli.app, [*command, "-o", "here"]).exit_code == 0
    folder = Path("runs") / "03_faces" / "pair=4,p=0.5"
    values = {"pair": 4, "p": 0.5}
    assert asked == [(notebook, values, folder), (notebook, values, Path("here"))]


def test_an_earlier_run_stays_where_another_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where somebody has one of the new files open for a moment."""
    notebook = write_notebook(tmp_path / "small.ipynb", "p: float = 0.3", "1")
    folder, origin = tmp_path / "run", run.origin(notebook, {})
    first, second = (
        run.Outcome(notebook.read_text(encoding="utf-8"), None, k, {}) for k in (1.0, 2.0)
    )
    run.write_run(folder, origin, first)
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if Path(source).name == "new":
            raise PermissionError(13, "Access is denied", str(source))
        replace(source, target)

    monkeypatch.setattr(run.os, "replace", refuse)
    with pytest.raises(lfs.LFSError, match=r"Cannot write .*run \(Access is denied\)"):
        run.write_run(folder, origin, second)
    assert run.read_manifest(folder)["seconds"] == 1
    assert {path.name for path in tmp_path.iterdir()} == {"small.ipynb", "run", ".lock"}
