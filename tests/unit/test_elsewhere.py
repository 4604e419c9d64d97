"""What Windows and macOS ask for, checked wherever the tests run."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import lfs_core as lfs
from lfs_core.search.gallery import index_folder, load_gallery
from lfs_core.training.embedding import store_folder
from lfs_core.util import files
from lfs_core.util.files import file_name

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("lfs_core", "benchmarks", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
OPENING = {"Image", "tarfile", "os", "zipfile"}  # their `open` reads no text


def nameless(text: str) -> Iterator[str]:
    """The calls that read or write text in an encoding that they do not name."""
    for call in ast.walk(ast.parse(text)):
        if not isinstance(call, ast.Call):
            continue
        of = call.func
        name = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", "")
        given = {keyword.arg for keyword in call.keywords}
        if "encoding" in given or name not in ("read_text", "write_text", "open"):
            found = "text" in given and name in ("run", "Popen", "check_output")
        elif name == "open":
            owner = getattr(getattr(of, "value", None), "id", "")
            modes = call.args[not isinstance(of, ast.Attribute) :][:1]
            modes += [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
            binary = any("b" in str(getattr(mode, "value", "b")) for mode in modes)
            found = owner not in OPENING and not binary and bool(modes or owner or call.args)
        else:
            found = len(call.args) <= (name == "write_text")
        if found:
            yield f"line {call.lineno}: {ast.unparse(call)[:60]}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("path.read_text()", 1),
        ("path.read_text('utf-8')", 0),
        ("path.write_text('x')", 1),
        ("path.write_text('x', encoding='utf-8')", 0),
        ("open(path)", 1),
        ("open(path, 'rb')", 0),
        ("path.open('w')", 1),
        ("path.open('wb')", 0),
        ("Image.open(path)", 0),
        ("subprocess.run(line, text=True)", 1),
    ],
)
def test_a_text_without_an_encoding_is_seen(line: str, expected: int) -> None:
    assert len(list(nameless(line))) == expected


def test_every_text_names_its_encoding() -> None:
    """Windows reads and writes another one than Linux and macOS where none is named."""
    found = [
        f"{path.relative_to(ROOT)}, {what}"
        for path in SOURCES
        for what in nameless(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@given(st.text())
def test_names_of_files_are_such_that_every_system_takes_them(text: str) -> None:
    name = file_name(text)
    assert len(name) <= 100 and not name.endswith((".", " "))
    assert not set(name) & set('<>:"/\\|?*\0\n')
    assert PureWindowsPath(name + "-0").name == name + "-0"


def test_a_network_of_any_name_is_kept_below_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    for name in ("timm:resnet18", "/etc/passwd", "..", "a\\b"):
        network = torch.nn.Flatten()
        network.name = name
        folder = store_folder(network, "whole", (16, 16), 40)
        assert folder.parent == tmp_path / "embeddings" and ":" not in folder.name


@pytest.fixture
def replace_as_windows_does(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """`os.replace` refuses to replace a file that is open or mapped."""
    if not Path("/proc/self/maps").exists():
        pytest.skip("asks Linux what is open")
    replace: Callable[..., None] = os.replace
    replaced = []

    def careful(source: str, target: str) -> None:
        held = Path("/proc/self/maps").read_text(encoding="utf-8").split()
        held += [os.readlink(of) for of in Path("/proc/self/fd").iterdir() if of.is_symlink()]
        if str(target) in held:
            raise PermissionError(13, "The file is in use", str(target))
        replaced.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", careful)
    yield replaced


class Mean(torch.nn.Module):
    name, image_size, framing = "mean", 8, "whole"

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :12] - 0.5


def test_what_was_read_can_be_replaced(
    replace_as_windows_does: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pictures" / "a").mkdir(parents=True)
    for k in range(3):
        pixels = np.random.default_rng(k).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / "a" / f"{k}.png")
    path = tmp_path / "a.gallery"
    gallery = index_folder(tmp_path / "pictures", Mean(), progress=False)
    gallery.save(path)
    held = load_gallery(path)
    index_folder(tmp_path / "pictures", Mean(), held, progress=False).save(path)
    decoder = tmp_path / "decoder.safetensors"
    lfs.save_decoder(lfs.LinearDecoder(4, (2, 2), 1), decoder)
    again = lfs.load_decoder(decoder)
    lfs.save_decoder(again, decoder)
    assert replace_as_windows_does == ["a.gallery"] * 2 + ["decoder.safetensors"] * 2


def test_who_has_a_file_open_is_told_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: str) -> None:
        raise PermissionError(13, "The file is in use", str(target))

    decoder = tmp_path / "decoder.safetensors"
    lfs.save_decoder(lfs.LinearDecoder(4, (2, 2), 1), decoder)
    before = decoder.read_bytes()
    monkeypatch.setattr(files.os, "replace", refuse)
    with pytest.raises(lfs.LFSError, match=r"Cannot write .*decoder.*\(The file is in use\)"):
        lfs.save_decoder(lfs.LinearDecoder(4, (2, 2), 1), decoder)
    assert decoder.read_bytes() == before and [*tmp_path.iterdir()] == [decoder]


SCRIPT = """
import sys, warnings
warnings.simplefilter("ignore", EncodingWarning)  # of other packages
warnings.filterwarnings("error", category=EncodingWarning, module="lfs_core")
from lfs_core.cli import main
for line in sys.argv[1:]:
    sys.argv = ["lfs", *line.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, line
"""


@pytest.mark.slow
def test_commands_run_where_no_encoding_is_the_default(tmp_path: Path) -> None:
    for k in range(20):
        pixels = np.random.default_rng(k).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        path = tmp_path / "pictures" / f"class {k % 10}".replace(" ", "") / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    lines = [
        "index pictures --embedder efficientnet-lite0",
        f"retrieve {path} --gallery pictures.gallery --top 2 --bottom 1",
        "fit --images pictures --embedder efficientnet-lite0 --size 8 -o fitted.safetensors",
        "evaluate --pairs pictures --number 4 --seeds 1 --embedder efficientnet-lite0 "
        "--explainer edges --metric insertion -o out.json",
    ]
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", SCRIPT, *lines],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
