"""Files appear whole, for whom the umask says, or a message says why not."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import NoReturn

import pytest
import torch

import lfs_core as lfs
from lfs_core.util import files
from lfs_core.util.files import check_outputs, replacing
from lfs_core.util.kept import keep
from lfs_core.util.modules import save_module


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_files_are_for_whom_the_umask_says(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        save_module(tmp_path / "decoder", "decoder", {"x": torch.ones(3)}, {})
        keep(tmp_path / "new" / "kept", b"content")
        with replacing(tmp_path / "text") as new:
            new.write_text("text", encoding="utf-8")
    finally:
        os.umask(before)
    found = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {0o666 & ~umask}


def test_what_fails_leaves_the_last_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("the last good one", encoding="utf-8")
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(lfs.LFSError, match=r"Cannot write .*file \(No space left on device\)\."):
        save_module(path, "decoder", {"x": torch.ones(3)}, {})
    assert path.read_text(encoding="utf-8") == "the last good one"
    assert list(tmp_path.iterdir()) == [path]


def test_what_can_be_written_is_known_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_outputs([tmp_path / "one" / "two" / "file"], [])
    check_outputs([tmp_path], [])
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(lfs.LFSError, match=r"Cannot write .*file.x \("):
        check_outputs([tmp_path / "file" / "x"], [])
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(lfs.LFSError, match="No space left"):
        check_outputs([tmp_path / "x"], [])
