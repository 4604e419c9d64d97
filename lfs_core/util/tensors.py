"""Files of tensors that say so when a single bit of them is no longer what was written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.util.files import reason, replacing

CHECKSUM = "lfs_checksum"  # a tensor: texts are written in random order, and bytes would differ


def write_tensors(
    path: str | os.PathLike, tensors: Mapping[str, Tensor], about: Mapping[str, str]
) -> None:
    """Write tensors and some texts as safetensors; the file appears whole or not at all.

    Raises:
        LFSError: the file cannot be written.
    """
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as new:
        save_file({**stored, CHECKSUM: _checksum(stored, about)}, new, dict(about))


def read_tensors(
    path: str | os.PathLike, what: str = "a file of tensors"
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file of safetensors, and its texts.

    Files without a checksum are taken as they are. The file is not kept open or mapped: on every
    system it can be replaced.

    Args:
        path: the file.
        what: it should be, for the error.

    Raises:
        LFSError: it cannot be read, is not such a file, or is damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            about = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise LFSError(f"{Path(path)} is not {what} ({reason(error)}).") from error
    told = tensors.pop(CHECKSUM, None)
    right = _checksum(tensors, about).tolist()
    if told is not None and told.reshape(-1).view(torch.uint8).tolist() != right:
        raise LFSError(f"{Path(path)} is damaged: its checksum is wrong.")
    return tensors, about


def _checksum(tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> Tensor:
    kinds = [(name, str(of.dtype), list(of.shape)) for name, of in sorted(tensors.items())]
    told = hashlib.blake2b(json.dumps([kinds, sorted(about.items())]).encode(), digest_size=16)
    for _, of in sorted(tensors.items()):
        if of.numel():
            told.update(of.reshape(-1).view(torch.uint8).numpy().data)
    return torch.tensor(list(told.digest()), dtype=torch.uint8)
