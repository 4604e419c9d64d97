"""Files of modules: what was written comes back, and nothing else is taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import lfs_core as lfs
from lfs_core.util.modules import save_module, stored_module


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.safetensors"
    tensors = {"halves": torch.arange(6).view(2, 3).T / 2, "counted": torch.tensor(3)}
    save_module(path, "causal head", tensors, {"seed": 7}, kind="any", config={"grid": 8})
    with stored_module(path, "causal head") as (header, again):
        assert (header["kind"], header["config"]) == ("any", {"grid": 8})
        assert header["info"]["seed"] == 7
        assert header["info"]["versions"]["torch"] == torch.__version__
        assert again["halves"].dtype == torch.float16 and again["counted"].dtype == torch.int64
        assert all(torch.equal(again[name].to(of), of) for name, of in tensors.items())
    with pytest.raises(lfs.LFSError, match="is not a decoder"), stored_module(path, "decoder"):
        pass


def test_versions_that_are_told_stay(tmp_path: Path) -> None:
    save_module(tmp_path / "x", "network", {}, {"versions": {"torch": "of then"}})
    with stored_module(tmp_path / "x", "network") as (header, _):
        assert header["info"]["versions"] == {"torch": "of then"}


def test_a_block_that_fails_names_the_file(tmp_path: Path) -> None:
    save_module(tmp_path / "x", "network", {}, {})
    with (
        pytest.raises(lfs.LFSError, match="x is not a network"),
        stored_module(tmp_path / "x", "network") as (header, _),
    ):
        header["no such key"]
