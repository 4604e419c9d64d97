"""Folders as people have them: which files are photographs, whose they are, and what is said."""

from __future__ import annotations

import logging
import os
import unicodedata
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from links import link, pipe
from PIL import Image, features
from torchvision.datasets import ImageFolder

import lfs_core as lfs
from lfs_core.datasets.folders import find_photographs, folder_name, folder_names
from lfs_core.errors import printable
from lfs_core.training.embedding import embed_folders
from lfs_core.util.reading import read_text

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Save a picture of one colour, told from others by its seed, below the folder F."""

    def save(name: str | bytes, seed: int = 0, **options: object) -> Path:
        path = tmp_path / "F" / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = tuple(np.random.default_rng(seed).integers(0, 256, 3).tolist())
        with path.open("wb") as file:
            Image.new("RGB", (20, 20), colour).save(file, **{"format": "PNG", **options})
        return path

    return save


def classes(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): who for path, who in find_photographs(folder)}


def test_what_is_hidden_or_a_systems_own_is_passed_over_and_counted(
    put: Put, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put("anna/0.png")
    for name in (
        "anna/.ipynb_checkpoints/0-checkpoint.png", "anna/@eaDir/0.png/THUMB_M.jpg",
        ".thumbnails/x.png", "$RECYCLE.BIN/x.png", "__MACOSX/anna/0.png", "anna/._0.png",
        "System Volume Information/x.png", "ben/#recycle/1.png", "Thumbs.db",
    ):  # fmt: skip
        put(name)
    put("ben/@anna.png")  # a name like others
    assert classes(tmp_path / "F") == {"anna/0.png": "anna", "ben/@anna.png": "ben"}
    (line,) = caplog.messages
    assert "9 hidden or system items were passed over" in line and ", ..." in line
    # A folder that is named is read, whatever its name and those above it.
    assert len(find_photographs(tmp_path / "F" / ".thumbnails")) == 1


def test_the_class_is_the_first_level_below_the_folder(put: Put, tmp_path: Path) -> None:
    for k, who in enumerate(("anna", "ben", "carl")):
        for year in ("2019", "2020"):
            put(f"{who}/{year}/{who}.png", k)
    reference = ImageFolder(str(tmp_path / "F"))
    expected = {path: reference.classes[k] for path, k in reference.samples}
    found = {str(path): who for path, who in find_photographs(tmp_path / "F")}
    assert found == expected and set(found.values()) == {"anna", "ben", "carl"}


def test_linked_classes_are_followed_and_circles_do_no_harm(
    put: Put, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put("../store/anna/1.png")
    put("ben/2.png", 1)
    folder = tmp_path / "F"
    link(folder / "anna", "../store/anna")
    link(folder / "carl.png", "../store/anna/1.png")
    circles = {"ben/up": folder, "ben/above": tmp_path, "ben/self": folder / "ben", "x": folder}
    for name, target in circles.items():
        link(folder / name, target)
    link(folder / "ben" / "knot", "knot")
    assert classes(folder) == {"anna/1.png": "anna", "ben/2.png": "ben", "carl.png": "carl.png"}
    assert "4 links were not followed" in caplog.text
    reference = ImageFolder(str(folder.parent / "store"))
    assert reference.classes == ["anna"]


def test_a_link_to_nothing_is_told_of(put: Put, tmp_path: Path) -> None:
    put("anna/1.png")
    link(tmp_path / "F" / "anna" / "gone.png", "nowhere.png")
    data = embed_folders(Mean(), [tmp_path / "F"], progress=False)
    assert len(data) == 1
    (reason,) = data.skipped.values()
    assert "cannot be opened (No such file" in reason


def test_what_pillow_reads_is_read_and_the_rest_is_counted(
    put: Put, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    formats = {"a.jpg": "JPEG", "b.jfif": "JPEG", "c.jpe": "JPEG", "e.JP2": "JPEG2000"}
    formats |= {"d.avif": "AVIF"} if features.check("avif") else {}
    formats |= {"f.ppm": "PPM", "g": "JPEG", "h.MPO": "MPO"}
    for name, kind in formats.items():
        put(f"x/{name}", format=kind)
    for name in ("e.heic", "f.HEIC", "notes.txt", "README", "film.mpg", "drawing.eps"):
        (tmp_path / "F" / "x" / name).write_bytes(b"\0\0\0\x18ftypheic" + bytes(300))
    pipe(tmp_path / "F" / "x" / "pipe.png")
    with caplog.at_level(logging.WARNING):
        found = classes(tmp_path / "F")
    assert set(found) == {f"x/{name}" for name in formats}
    for path, _ in find_photographs(tmp_path / "F"):  # as `lfs explain` does
        assert lfs.load_image(path).size == (20, 20)
    line = caplog.messages[0]
    assert "7 files were not read" in line and "2 .heic" in line and "1 without a suffix" in line
    assert "convert .heic to JPEG or PNG" in line


class Mean(torch.nn.Module):
    """An embedder: the mean colour."""

    name, image_size, framing = "mean", 16, "whole"

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))


def test_a_list_of_identities_as_people_write_it(put: Put, tmp_path: Path) -> None:
    names = ("1.png", "2.png", "my photo.png", unicodedata.normalize("NFD", "Zoë.png"))
    for k, name in enumerate(names):
        put(name, k)
    put(os.fsencode("Stra") + b"\xdfe.png", 9)
    listed = tmp_path / "F_identity.txt"
    text = "1.png 7\r\n\r\n2.png\t7\r\nmy photo.png  8\r\n  \r\nZoë.png 9\r\n"
    expected = {"7", "8", "Stra?e.png", "9"}
    for content in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16")):
        listed.write_bytes(content)
        for folder in (tmp_path / "F", Path("."), Path("../F")):
            with chdir(tmp_path / "F"):
                assert {printable(who) for _, who in find_photographs(folder)} == expected
    listed.write_bytes(text.encode() + b"Stra\xdfe.png 10\n")  # as the file is called
    assert {who for _, who in find_photographs(tmp_path / "F")} == {"7", "8", "9", "10"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1.png 7\nM\xfcller.png 8\n", "line 2 is not UTF-8"),
        (b"1.png\n", "line 1: '1.png' is no name of a file and of who"),
        (b"a.png 7\n", "names none of the 1 photographs.*move it away"),
        (b"\n", "names none of the 1 photographs"),
    ],
)
def test_a_list_that_cannot_be_used(content: bytes, message: str, put: Put, tmp_path: Path) -> None:
    put("1.png")
    (tmp_path / "F_identity.txt").write_bytes(content)
    with pytest.raises(lfs.ImageError, match=message):
        find_photographs(tmp_path / "F")


def test_a_name_in_two_forms_of_unicode_is_one_class(put: Put, tmp_path: Path) -> None:
    for k, form in enumerate(("NFC", "NFD")):
        put(f"{unicodedata.normalize(form, '김민지 é')}/{k}.png", k)
    assert set(classes(tmp_path / "F").values()) == {unicodedata.normalize("NFC", "김민지 é")}


def test_names_that_are_not_utf8(put: Put, tmp_path: Path) -> None:
    folder = tmp_path / "F"
    put(b"Stra\xdfe/1.png")
    put(b"Stra\xdfe/b\xe4d.png").write_bytes(b"no image")
    data = embed_folders(Mean(), [folder], progress=False)
    assert [printable(who) for who in data.identities] == ["F/Stra?e"]
    ((path, reason),) = data.skipped.items()
    assert Path(path).is_file() and reason == "this file is not an image that can be read."
    with pytest.raises(lfs.ImageError, match=r"F/Stra\?e/b\?d.png is not an image"):
        lfs.load_image(path)


def test_what_is_kept_of_a_file_names_no_other(put: Put, tmp_path: Path) -> None:
    for name in ("secret_name.png", "../G/holiday.png"):
        put(name).write_bytes(b"no image, twice")
        put(Path(name).with_name("good.png"))
    for folder, name in (("F", "secret_name.png"), ("G", "holiday.png")):
        data = embed_folders(Mean(), [tmp_path / folder], progress=False)
        assert data.skipped == {
            str(tmp_path / folder / name): "this file is not an image that can be read."
        }


def test_what_folders_are_called(tmp_path: Path) -> None:
    (tmp_path / "F").mkdir()
    with chdir(tmp_path / "F"):
        assert [folder_name(name) for name in (".", "../F", "../F/", "..", "/")] == [
            "F", "F", "F", tmp_path.name, Path(tmp_path.anchor).as_posix(),
        ]  # fmt: skip
    assert folder_names(["a/F", "b/F", "a/F"]) == ["a/F", "b/F", "a/F"]
    assert folder_names([]) == []


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3), min_size=1, max_size=4))
def test_folders_that_differ_have_names_that_differ(paths: list[list[str]]) -> None:
    folders = ["/" + "/".join(parts) for parts in paths]
    names = folder_names(folders)
    for one, name in zip(folders, names, strict=True):
        assert Path(os.path.abspath(one)).as_posix().endswith(name)
        for other, its in zip(folders, names, strict=True):
            assert (one == other) == (name == its)


@given(st.text())
def test_texts_are_read_as_they_were_written(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            if "\ufeff" not in text[:1]:
                path.write_bytes(text.encode(encoding))
                assert read_text(path) == text
        path.write_bytes(text.encode() + b"\xdf")
        assert os.fsencode(read_text(path)[-1:]) == b"\xdf" or text.startswith("\ufeff")


@given(st.text(st.characters(exclude_categories=())))
def test_anything_can_be_printed(text: str) -> None:
    assert printable(text).encode().decode() == printable(text)
    if text.isprintable():
        assert printable(text) == text
    assert str(lfs.LFSError(text)) == printable(text)
