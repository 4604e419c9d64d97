"""Running notebooks for the book: what is cached, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from tiny import write_notebook

import lfs_core as lfs
from lfs_core.book import build as book
from lfs_core.book import run
from lfs_core.util import code


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small notebook that counts how often it ran, in the current folder."""
    monkeypatch.chdir(tmp_path)
    count = "from lfs_core import relevance\nrelevance, 1\n"
    count += "from pathlib import Path\nruns = Path('runs')\nruns.open('a').write('x');"
    return write_notebook(tmp_path / "notebooks" / "01_small.ipynb", "p: float = 0.3", count)


@pytest.mark.slow
def test_a_notebook_runs_once_and_again_when_something_changed(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    manifest = book.execute(notebook, tmp_path / "executed")
    assert manifest["parameters"] == {"p": 0.3}
    stored = tmp_path / "executed" / "01_small" / "manifest.json"
    assert manifest == json.loads(stored.read_text(encoding="utf-8"))
    book.execute(notebook, tmp_path / "executed")
    assert runs.read_text(encoding="utf-8") == "x"

    core = tmp_path / "lfs_core"
    core.mkdir()
    (core / "__init__.py").touch()
    for text, times in (("x = 1", 2), ("x = 1  # as before", 2), ("x = 2", 3)):
        (core / "relevance.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(code, "CORE", core)
        book.execute(notebook, tmp_path / "executed")
        assert runs.read_text(encoding="utf-8") == "x" * times
    (core / "mapping.py").write_text("nobody_imports = this", encoding="utf-8")
    book.execute(notebook, tmp_path / "executed")
    assert runs.read_text(encoding="utf-8") == "xxx"

    content = nbformat.read(notebook, as_version=4)
    content.cells[1].outputs = [new_output("stream", text="stored")]
    nbformat.write(content, notebook)
    book.execute(notebook, tmp_path / "executed")
    assert runs.read_text(encoding="utf-8") == "xxx"  # stored outputs are no input
    content.cells[0].source = "p: float = 0.4"
    nbformat.write(content, notebook)
    book.execute(notebook, tmp_path / "executed")
    assert runs.read_text(encoding="utf-8") == "xxxx"


@pytest.mark.slow
def test_where_only_prose_changed_that_alone_is_renewed(notebook: Path, tmp_path: Path) -> None:
    book.execute(notebook, tmp_path / "executed")
    copy = book.executed_copy("01_small", tmp_path / "executed")
    before = nbformat.read(copy, as_version=4).cells
    content = nbformat.read(notebook, as_version=4)
    content.cells.insert(1, new_markdown_cell("A new sentence."))
    content.cells[2].source = "# And a new comment.\n" + content.cells[2].source
    content.cells[2].metadata["mystnb"] = {"figure": {"caption": "A new caption."}}
    nbformat.write(content, notebook)
    for _ in range(2):
        manifest = book.execute(notebook, tmp_path / "executed")
        after = nbformat.read(copy, as_version=4).cells
        assert (tmp_path / "runs").read_text(encoding="utf-8") == "x"
        assert [cell.source for cell in after] == [cell.source for cell in content.cells]
        assert after[2].metadata["mystnb"] == content.cells[2].metadata["mystnb"]
        assert after[2].outputs == before[1].outputs and after[2].execution_count == 2
        assert manifest["seconds"] > 0 and "01_small.ipynb" in manifest["files"]
        run.check_executed(copy)
    written = copy.stat().st_mtime_ns
    book.execute(notebook, tmp_path / "executed")
    assert copy.stat().st_mtime_ns == written


@pytest.mark.slow
def test_a_failing_notebook_stops_the_build(notebook: Path, tmp_path: Path) -> None:
    content = nbformat.read(notebook, as_version=4)
    content.cells.append(new_code_cell("1 / 0"))
    nbformat.write(content, notebook)
    for _ in range(2):  # and it does not count as done
        with pytest.raises(lfs.LFSError, match=r"(?s)01_small\.ipynb failed.*ZeroDivision"):
            book.execute(notebook, tmp_path / "executed")


@pytest.mark.slow
def test_a_failed_run_does_not_pass_for_the_good_one_before_it(
    notebook: Path, tmp_path: Path
) -> None:
    good = notebook.read_text(encoding="utf-8")
    book.execute(notebook, tmp_path / "executed")
    content = nbformat.read(notebook, as_version=4)
    content.cells.append(new_code_cell("1 / 0"))
    nbformat.write(content, notebook)
    with pytest.raises(lfs.LFSError):
        book.execute(notebook, tmp_path / "executed")
    notebook.write_text(good, encoding="utf-8")
    book.execute(notebook, tmp_path / "executed")
    run.check_executed(book.executed_copy("01_small", tmp_path / "executed"))


def test_a_cell_that_was_not_executed_is_refused(notebook: Path) -> None:
    with pytest.raises(lfs.LFSError, match="was not executed"):
        run.check_executed(notebook)


def test_storing_outputs_leaves_pictures_out(notebook: Path, tmp_path: Path) -> None:
    content = nbformat.read(notebook, as_version=4)
    content.cells[1].execution_count = 2
    content.cells[1].outputs = [
        new_output("display_data", {"image/png": "AAAA", "text/plain": "<Figure>"}),
        new_output("stream", name="stderr", text="progress"),
        new_output("stream", name="stdout", text="0.97"),
    ]
    executed = tmp_path / "executed.ipynb"
    nbformat.write(content, executed)
    book.store_outputs(executed, notebook)
    outputs = nbformat.read(notebook, as_version=4).cells[1].outputs
    assert [o.get("data") or o.get("text") for o in outputs] == [{"text/plain": "<Figure>"}, "0.97"]
    stored = nbformat.read(notebook, as_version=4)
    stored.cells[1].metadata["tags"] = ["nbval-ignore-output"]
    nbformat.write(stored, notebook)
    book.store_outputs(executed, notebook)
    assert nbformat.read(notebook, as_version=4).cells[1].outputs == []


def test_a_manifest_says_what_the_notebook_worked_on(notebook: Path, tmp_path: Path) -> None:
    content = nbformat.read(notebook, as_version=4)
    content.cells[0].source = 'images: str = "demo"'
    nbformat.write(content, notebook)
    manifest = book.execute(notebook, tmp_path / "executed")
    assert manifest["tier"] == "demo" and manifest["network"] == "efficientnet-lite0"


def test_pages_are_built_again_when_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    def jupyter_book(source: Path, work: Path, builder: str) -> Path:
        site = work / "site"
        site.mkdir(exist_ok=True)
        (site / "index.html").write_text(
            (source / "index.md").read_text(encoding="utf-8"), encoding="utf-8"
        )
        built.append(builder)
        if "wrong" in (source / "index.md").read_text(encoding="utf-8"):
            raise lfs.LFSError("a warning")
        return site

    monkeypatch.setattr(book, "jupyter_book", jupyter_book)
    source, page = tmp_path / "source", tmp_path / "html" / "index.html"
    source.mkdir()
    for text, builds in (("one", 1), ("one", 1), ("two", 2), ("one", 3)):
        (source / "index.md").write_text(text, encoding="utf-8")
        book.build_pages(source, tmp_path)
        assert page.read_text(encoding="utf-8") == text and len(built) == builds
    (source / "picture.png").write_bytes(b"new")
    book.build_pages(source, tmp_path)
    assert len(built) == 4
    (source / "index.md").write_text("wrong", encoding="utf-8")
    for builds in (5, 6):  # what failed is no success the next time
        with pytest.raises(lfs.LFSError, match="a warning"):
            book.build_pages(source, tmp_path)
        assert len(built) == builds
