"""What is kept is found as it was written, or is said to be damaged and found no more."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.util.kept import keep, keep_json, keep_tensors, kept, kept_json, kept_tensors
from lfs_core.util.tensors import read_tensors, write_tensors

TENSORS = {"maps": torch.arange(12.0).view(3, 4), "none": torch.zeros(0, 5), "one": torch.tensor(7)}


@settings(max_examples=20, deadline=None)
@given(content=st.binary(max_size=50), value=st.recursive(st.floats(allow_nan=False), st.lists))
def test_what_is_kept_is_found(
    content: bytes, value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("kept") / "new" / "file"
    assert kept(path) is kept_json(path) is kept_tensors(path) is None
    keep(path, content)
    assert kept(path) == content
    assert keep_json(path, value) == kept_json(path) == value


def test_the_same_gives_the_same_bytes(tmp_path: Path) -> None:
    for k in range(20):
        write_tensors(tmp_path / str(k), TENSORS, {"about": "all"})
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_tensors_come_back(tmp_path: Path) -> None:
    keep_tensors(tmp_path / "file", {**TENSORS, "turned": TENSORS["maps"].T}, {"a": "b"})
    tensors, about = kept_tensors(tmp_path / "file")
    assert about == {"a": "b"} and torch.equal(tensors["turned"], TENSORS["maps"].T)
    assert all(torch.equal(tensors[name], of) for name, of in TENSORS.items())


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(0, 255))
def test_no_damage_goes_unnoticed(
    place: float, change: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A byte that is changed anywhere, or all that follows cut off where the change is 0."""
    path = tmp_path_factory.mktemp("kept") / "file"

    def damage() -> None:
        content = bytearray(path.read_bytes())
        at = int(place * len(content))
        content[at] ^= change
        path.write_bytes(content if change else content[:at])

    keep(path, b"content")
    damage()
    assert kept(path) is None and not path.exists()

    keep_tensors(path, TENSORS, {"problems": "none"})
    damage()
    found = kept_tensors(path)
    if found is not None:  # the name of the checksum was changed, and nothing else
        assert found[1]["problems"] == "none"
        assert all(torch.equal(found[0][name], of) for name, of in TENSORS.items())


def test_damage_is_said_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for path in (tmp_path / "a", tmp_path / "b"):
        path.write_text("something else", encoding="utf-8")
    assert kept(tmp_path / "a") is None and kept_tensors(tmp_path / "b") is None
    assert caplog.messages == [
        f"{tmp_path / name} in the cache is damaged; it is made again." for name in "ab"
    ]


def test_files_of_others_are_read_and_damaged_ones_named(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(TENSORS, tmp_path / "theirs")
    assert torch.equal(read_tensors(tmp_path / "theirs")[0]["maps"], TENSORS["maps"])
    write_tensors(tmp_path / "ours", TENSORS, {})
    content = (tmp_path / "ours").read_bytes()
    (tmp_path / "ours").write_bytes(content[:-1] + b"\7")
    with pytest.raises(lfs.LFSError, match="ours is damaged: its checksum is wrong"):
        read_tensors(tmp_path / "ours")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux what is mapped")
def test_a_file_that_was_read_is_neither_open_nor_mapped(tmp_path: Path) -> None:
    """Windows replaces no file that is."""
    path = tmp_path / "some_tensors"
    write_tensors(path, TENSORS, {})
    held = read_tensors(path)
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    assert held and path.name not in maps
    opened = [of.readlink() for of in Path("/proc/self/fd").iterdir() if of.exists()]
    assert path not in opened
