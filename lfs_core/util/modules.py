"""Modules in files: safetensors, fp16 where that holds the numbers, with a JSON header."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from lfs_core.errors import LFSError
from lfs_core.util.tensors import read_tensors, write_tensors

Module = TypeVar("Module", bound=nn.Module)


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
        tensors: of its state; floats are kept in half precision, which those that it cannot hold
            are not.
        info: where the module comes from; the versions are added where it does not name them.
        header: what else is needed to build it again, ready for JSON.

    Raises:
        LFSError: the file cannot be written, or the module has numbers that are not finite.
    """
    check_finite(tensors, f"the {kind}")
    versions = {"torch": torch.__version__, "python": platform.python_version()}
    text = json.dumps(header | {"info": {"versions": versions, **info}})
    stored = {name: _compact(tensor) for name, tensor in tensors.items()}
    write_tensors(path, stored, {_marker(kind): text})


def _compact(tensor: Tensor) -> Tensor:
    """Floats in half precision, if it holds them: its largest number is 65,504."""
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if half.isfinite().all() else tensor


@contextmanager
def stored_module(
    path: str | os.PathLike, kind: str
) -> Iterator[tuple[dict[str, Any], dict[str, Tensor]]]:
    """Give the header and the tensors of a file, from which the block builds the module again.

    Raises:
        LFSError: the file was not written by `save_module` for this kind, or is damaged: what it
            holds cannot be read, is not finite, or the block fails on it.
    """
    tensors, about = read_tensors(path, f"a {kind} saved by lfs_core")
    check_finite(tensors, str(path))
    try:
        header = json.loads(about[_marker(kind)])
        yield header, tensors
    except (TypeError, KeyError, ValueError, RuntimeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise LFSError(f"{Path(path)} is not a {kind} saved by lfs_core ({reason}).") from error


def check_finite(tensors: Mapping[str, Tensor], what: str) -> None:
    """Refuse tensors that hold infinity or NaN, which would silently spoil every result.

    Raises:
        LFSError: one does.
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise LFSError(f"{name!r} of {what} holds numbers that are not finite; fit it again.")


def shipped_modules(folder: str) -> dict[str, Path]:
    """The files in a folder of the weights that ship with the package, by name."""
    found = files("lfs_core").joinpath("weights", folder).iterdir()
    return {Path(f.name).stem: Path(str(f)) for f in found}


def load_module(
    name: str | os.PathLike,
    kind: str,
    folder: str,
    maker: str,
    build: Callable[[dict[str, Any]], Module],
) -> Module:
    """Load a module that ships with the package, by name, or one from a file, by path.

    Args:
        name: or path.
        kind: as in `save_module`.
        folder: of those that ship, as in `shipped_modules`.
        maker: the command that makes others.
        build: from a file's header to the module, whose tensors follow.

    Raises:
        LFSError: there is no such module, or the file is not one.
    """
    shipped = shipped_modules(folder)
    path = shipped.get(os.fspath(name), Path(name))
    if not path.is_file():
        raise LFSError(
            f"There is no {kind} {os.fspath(name)!r}: give a file, or one of {sorted(shipped)}; "
            f"`{maker}` makes one for another network."
        )
    with stored_module(path, kind) as (header, tensors):
        module = build(header)
        module.load_state_dict(tensors)
        module.info = header["info"]
    return module.eval().requires_grad_(False)


def _marker(kind: str) -> str:
    return f"lfs_{kind.replace(' ', '_')}"
