"""No command overwrites what it reads, under whatever name that is given again as the output."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest
from commands import run
from links import link
from tiny import write_notebook

import lfs_core as lfs
from lfs_core.book.run import run_notebook
from lfs_core.book.sweep import sweep
from lfs_core.util.files import check_outputs


def as_it_is(path: Path) -> Path:
    return path


def by_a_link(path: Path) -> Path:
    return link(path.with_name("link"), path)


def by_a_hard_link(path: Path) -> Path:
    os.link(path, path.with_name("twin"))
    return path.with_name("twin")


def by_a_linked_folder(path: Path) -> Path:
    return link(path.parent.with_name("linked"), path.parent) / path.name


def by_a_way_round(path: Path) -> Path:
    return path.parent / "." / ".." / path.parent.name / path.name


def through_a_folder_that_writing_makes(path: Path) -> Path:
    return path.parent / "not yet" / ".." / path.name


def from_here(path: Path) -> Path:
    try:
        return Path(os.path.relpath(path))
    except ValueError as error:  # of Windows
        pytest.skip(f"it lies on another drive ({error})")


WAYS = (
    as_it_is, by_a_link, by_a_hard_link, by_a_linked_folder, by_a_way_round,
    through_a_folder_that_writing_makes, from_here,
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_an_output_that_is_an_input_is_refused(way: Callable[[Path], Path], tmp_path: Path) -> None:
    path = tmp_path / "folder" / "pairs.csv"
    path.parent.mkdir()
    path.write_text("the user's", encoding="utf-8")
    output = way(path)
    with pytest.raises(lfs.LFSError, match=r"would overwrite .* an input"):
        check_outputs([tmp_path / "new.json", output], [None, "demo", path])
    if output.exists():  # as what can be read does
        with pytest.raises(lfs.LFSError, match=r"would overwrite .* an input"):
            check_outputs([path], [output])


def test_case_counts_where_it_counts_to_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("the user's", encoding="utf-8")
    other = tmp_path / "PAIRS.csv"
    if other.exists():  # macOS, Windows
        with pytest.raises(lfs.LFSError, match="would overwrite"):
            check_outputs([other], [path])
    else:
        check_outputs([other], [path])


def test_what_is_written_beside_replaces_results_only(tmp_path: Path) -> None:
    named, beside = tmp_path / "out.json", tmp_path / "out.csv"
    check_outputs([named, beside], [])
    beside.write_text("the user's", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match=r"out.csv exists already"):
        check_outputs([named, beside], [])
    named.write_text("of an earlier run", encoding="utf-8")
    check_outputs([named, beside], [])


COMMANDS = {  # and what they would overwrite
    "the table of pairs": (
        "evaluate --pairs x.csv -o x.json --explainer centre --metric selectivity",
        "x.csv",
    ),
    "the decoder of an explainer": (
        "evaluate --pairs demo -o x.json --metric selectivity --explainer"
        " explainlfs,decoder=./x.html",
        "x.html",
    ),
    "the weights of what is evaluated": (
        "evaluate --pairs demo -o x.json --explainer centre --metric selectivity"
        " --embedder resnet50-dml --weights x.json",
        "x.json",
    ),
    "a photograph": (
        "explain x.html y.png -o ./x.html",
        "x.html",
    ),
    "a decoder": (
        "explain y.png y.png -o x.html --method explainlfs,decoder=x.html",
        "x.html",
    ),
    "the network of a fit": (
        "fit --embedder x.safetensors --images . -o x.safetensors",
        "x.safetensors",
    ),
    "beside a fit": (
        "fit-deep --embedder resnet50-dml --weights x.html --images . -o x.safetensors",
        "x.html",
    ),
    "the network of an autoencoder": (
        "fit-autoencoder --embedder x.safetensors --images . -o x.safetensors",
        "x.safetensors",
    ),
    "the network of a head": (
        "fit-head --embedder x.safetensors --images . -o x.safetensors",
        "x.safetensors",
    ),
    "the network of a gallery": (
        "index . --embedder x.safetensors -o x.safetensors",
        "x.safetensors",
    ),
    "the network of an export": (
        "export y.py:network --head x.onnx -o x.onnx",
        "x.onnx",
    ),
    "the weights of a study": (
        "study decoding --data . --weights x.json -o x.json",
        "x.json",
    ),
    "the weights of a ledger": (
        "ledger --embedder facenet-vggface2 --data . -o . --weights multiverse.json",
        "multiverse.json",
    ),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_commands_keep_what_they_read(case: str, tmp_path: Path) -> None:
    command, name = COMMANDS[case]
    (tmp_path / name).write_text("the user's", encoding="utf-8")
    done = run(*command.split(), cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "would overwrite" in done.stderr and "an input" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "the user's"


def test_a_page_does_not_replace_the_gallery_or_the_query(tmp_path: Path) -> None:
    import torch

    from lfs_core.search.gallery import Gallery, Photograph

    photographs = [Photograph(name="a.png", label="a", size=1, modified=0, key="0")]
    load_with = {"embedder": "resnet50-dml", "weights": str(tmp_path / "weights.html")}
    gallery = Gallery(tmp_path, "none", "0", photographs, torch.ones(1, 2), load_with=load_with)
    gallery.save(tmp_path / "gallery.html")
    for name in ("query.html", "weights.html", "decoder.html"):
        (tmp_path / name).write_text("the user's", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name in before:
        asked = ["retrieve", "query.html", "--gallery", "gallery.html", "-o", name]
        done = run(*asked, "--decoder", "decoder.html", cwd=tmp_path)
        assert done.returncode == 1 and f"would overwrite {name}" in done.stderr.replace(
            f"{tmp_path}{os.sep}", ""
        )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_notebook_that_failed_is_no_place_for_its_own_failure(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "again.failed.ipynb", "p: float = 0.3  # size", "p")
    before = notebook.read_bytes()
    with chdir(tmp_path):
        with pytest.raises(lfs.LFSError, match="would overwrite"):
            run_notebook(notebook, {}, tmp_path / "again")
        with pytest.raises(lfs.LFSError, match="would overwrite"):
            sweep(notebook.rename(tmp_path / "table.csv"), {"p": [0.1]}, tmp_path)
    assert (tmp_path / "table.csv").read_bytes() == before
