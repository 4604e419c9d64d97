"""Weights from a local file: read as tensors, never run as code, and held to fit the network."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lfs_core.errors import AssetError

NOT_WEIGHTS = (
    OSError,
    EOFError,
    RuntimeError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    SafetensorError,
    struct.error,
)
"""What PyTorch and safetensors raise at damaged and other files."""


def read_weights(path: str | os.PathLike, allowed: Sequence[Any] = ()) -> object:
    """What a file of `torch.save` holds, or the tensors of a `.safetensors` file.

    Args:
        path: the file.
        allowed: classes and functions that it may use in addition to tensors and plain values, as
            `torch.serialization.safe_globals` takes them.

    Raises:
        AssetError: the file is missing, holds something else, or asks for other code to be run.
    """
    path = Path(path)
    if not path.is_file():
        raise AssetError(f"There is no file {path}; give that of the network's weights.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(list(allowed)):
            return torch.load(path, map_location="cpu", weights_only=True)
    except NOT_WEIGHTS as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise AssetError(
            f"{path} cannot be read as weights ({reason}). Give a file of tensors, written by "
            "PyTorch or safetensors; nothing in it may ask for code to be run."
        ) from error


def read_state(path: str | os.PathLike) -> dict[str, Tensor]:
    """A network's tensors by name, from a file that holds nothing else.

    Raises:
        AssetError: as `read_weights`, or the file holds something else.
    """
    state = read_weights(path)
    if not is_state(state):
        raise AssetError(
            f"{path} does not hold a network's tensors by name; "
            "write `network.state_dict()` to it, and nothing else."
        )
    return state


def is_state(found: object) -> TypeGuard[dict[str, Tensor]]:
    """Whether this is a network's tensors by name."""
    return (
        isinstance(found, Mapping)
        and len(found) > 0
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in found.items())
    )


def check_fit(
    found: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    path: str | os.PathLike,
    expected: str,
) -> None:
    """Check that a file's tensors match the network's names and shapes.

    Args:
        found: the file's tensors by name.
        wanted: the network's tensors by the file's names.
        path: the file.
        expected: what it should hold, in words.

    Raises:
        AssetError: a tensor is missing, left over or of another shape.
    """
    problem = _misfit(found, wanted)
    if problem:
        first, tensor = next(iter(found.items()), ("none", torch.empty(0)))
        raise AssetError(
            f"{path} holds another network: {problem}; its first layer is `{first}` "
            f"{tuple(tensor.shape)}, of {len(found)} tensors. Expected is {expected}."
        )


def _misfit(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str | None:
    """The first difference between the names and shapes of tensors, in words."""
    for key, tensor in wanted.items():
        if key not in found:
            if key.endswith("num_batches_tracked"):  # files of old lack it, and nothing reads it
                continue
            return f"`{key}` is missing"
        if found[key].shape != tensor.shape:
            return f"`{key}` is {tuple(found[key].shape)}, not {tuple(tensor.shape)}"
    extra = next((key for key in found if key not in wanted), None)
    return extra and f"`{extra}` is left over"
