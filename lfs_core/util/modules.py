"""Modules in files: fp16 safetensors, with a JSON header that says how to build them again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.util.tensors import read_tensors, write_tensors


def save_module(
    path: str | os.PathLike,
    kind: str,
    tensors: Mapping[str, Tensor],
    info: Mapping[str, object],
    /,
    **header: object,
) -> None:
    """Write a module; the file appears whole or not at all.

    Args:
        path: the file.
        kind: "decoder", "causal head" or "network", which `stored_module` asks for again.
        tensors: of its state; floats are kept in half precision.
        info: where the module comes from; the versions are added where it does not name them.
        header: what else is needed to build it again, ready for JSON.

    Raises:
        LFSError: the file cannot be written.
    """
    versions = {"torch": torch.__version__, "python": platform.python_version()}
    text = json.dumps(header | {"info": {"versions": versions, **info}})
    stored = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    write_tensors(path, stored, {_marker(kind): text})


@contextmanager
def stored_module(
    path: str | os.PathLike, kind: str
) -> Iterator[tuple[dict[str, Any], dict[str, Tensor]]]:
    """Give the header and the tensors of a file, from which the block builds the module again.

    Raises:
        LFSError: the file was not written by `save_module` for this kind, or is damaged: what it
            holds cannot be read, or the block fails on it.
    """
    tensors, about = read_tensors(path, f"a {kind} saved by lfs_core")
    try:
        header = json.loads(about[_marker(kind)])
        yield header, tensors
    except (TypeError, KeyError, ValueError, RuntimeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise LFSError(f"{Path(path)} is not a {kind} saved by lfs_core ({reason}).") from error


def _marker(kind: str) -> str:
    return f"lfs_{kind.replace(' ', '_')}"
