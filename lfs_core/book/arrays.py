"""Arrays that a notebook offers for download."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from nbformat import NotebookNode
from numpy.typing import ArrayLike

from lfs_core.errors import LFSError

ARRAYS = "application/vnd.lfs.arrays+npz"


def keep(**arrays: ArrayLike) -> Kept:
    """Keep arrays with the notebook, so that its page and its runs offer them as `arrays.npz`.

    It must be the last expression of a cell, and shows what is kept.

    Args:
        arrays: by name; whatever `numpy.asarray` takes, tensors among them.

    Raises:
        LFSError: there are none, or one is not an array of numbers.
    """
    if not arrays:
        raise LFSError("keep() takes arrays by name: keep(maps=maps).")
    found = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in found.items():
        if array.dtype.kind not in "biuf":
            raise LFSError(f"{name} is no array of numbers but of {array.dtype}.")
    return Kept(found)


@dataclass(frozen=True)
class Kept:
    """Arrays by name. Where the book is built their content becomes part of the output."""

    arrays: Mapping[str, np.ndarray]

    def __repr__(self) -> str:
        named = (
            f"{name} ({','.join(map(str, array.shape))})" for name, array in self.arrays.items()
        )
        return "Kept for download: " + ", ".join(named)

    def _repr_lfs_arrays_(self) -> str:
        return base64.b64encode(npz(self.arrays)).decode()


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as the content of a file for `numpy.load`."""
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def kept(notebook: NotebookNode) -> dict[str, np.ndarray]:
    """The arrays that an executed notebook keeps, by name.

    Raises:
        LFSError: two cells keep arrays under one name.
    """
    found: dict[str, np.ndarray] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if ARRAYS not in output.get("data", {}):
                continue
            with np.load(io.BytesIO(base64.b64decode(output.data[ARRAYS]))) as arrays:
                if twice := found.keys() & arrays.keys():
                    raise LFSError(f"Two cells keep arrays named {', '.join(sorted(twice))}.")
                found |= dict(arrays)
    return found
