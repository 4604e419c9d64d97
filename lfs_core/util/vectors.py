"""What a network returns, in whatever wrapping, as vectors (B,D)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from math import isqrt
from typing import Any, cast

import torch
from torch import Tensor

from lfs_core.errors import LFSError

# Under these names networks return embeddings; the first that is there is taken.
NAMES = (
    "image_embeds",
    "embeddings",
    "embedding",
    "pooler_output",
    "x_norm_clstoken",
    "features",
    "feature",
    "last_hidden_state",
)
PREFIX = 5  # tokens at most that stand before those of places: of class, distillation, registers


def as_vectors(output: object, count: int, name: str) -> Tensor:
    """Embeddings (B,D), float32 or float64, of what a network has returned for B images.

    Tensors and arrays can be (B,D), (B,D,1,1) or the like, or a list of B vectors. From a mapping,
    a data class or a named tuple the entry named in `NAMES` is read. From other tuples and lists
    the first that can be read is. Of `last_hidden_state` (B,N,D), the class token is taken if one
    token or more stand before those of a square of places, else the mean.

    Args:
        output: what was returned.
        count: B.
        name: the network's, for errors.

    Raises:
        LFSError: it holds no (B,D).
    """
    found = _find(output, count)
    if found is None:
        raise LFSError(
            f"{name!r} turned {count} images into {_described(output)}; it must return (B,D): "
            "one vector for each image."
        )
    if found.is_complex():
        raise LFSError(f"{name!r} returns complex numbers; embeddings must be real.")
    found = found.clone() if found.is_inference() else found
    return found if found.dtype == torch.float64 else found.float()


def _find(output: object, count: int) -> Tensor | None:
    if isinstance(output, Tensor) or hasattr(output, "__array__"):
        return _flat(_tensor(output), count)
    named = _named(output)
    if named is not None:
        for key in NAMES:
            if named.get(key) is not None:
                tokens = _tokens(named[key], count) if key == "last_hidden_state" else None
                return _find(named[key], count) if tokens is None else tokens
        output = list(named.values())
    if not isinstance(output, tuple | list):
        return None
    if len(output) == count and all(getattr(of, "ndim", 0) == 1 for of in output):
        return _flat(torch.stack([_tensor(one) for one in output]), count)
    readable = (_find(one, count) for one in output)
    return next((one for one in readable if one is not None), None)


def _named(output: object) -> Mapping[str, object] | None:
    if isinstance(output, Mapping):
        return output
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        return {of.name: getattr(output, of.name) for of in dataclasses.fields(output)}
    if isinstance(output, tuple) and hasattr(output, "_asdict"):
        return output._asdict()
    return None


def _flat(found: Tensor, count: int) -> Tensor | None:
    """(B,D) of (B,D,1,1) and the like; None of anything else."""
    if found.ndim < 2 or len(found) != count or sum(side > 1 for side in found.shape[1:]) > 1:
        return None
    return found if found.ndim == 2 else found.reshape(count, -1)


def _tokens(found: object, count: int) -> Tensor | None:
    """(B,D) of tokens (B,N,D); None of what is none."""
    if not (isinstance(found, Tensor) and found.ndim == 3 and len(found) == count):
        return None
    before = found.shape[1] - isqrt(found.shape[1]) ** 2
    if before > PREFIX:
        return None
    return found[:, 0] if before else found.mean(dim=1)


def _tensor(found: object) -> Tensor:
    """A tensor as it is, or a copy of an array, which may be read only or turned round."""
    if isinstance(found, Tensor):
        return found
    return torch.from_numpy(cast("Any", found).__array__().copy())


def _described(output: object) -> str:
    if hasattr(output, "shape"):
        return str(tuple(output.shape))
    named = _named(output)
    if named is not None:
        inside = [f"{key} {_described(one)}" for key, one in named.items() if one is not None]
    elif isinstance(output, tuple | list):
        inside = [_described(one) for one in output[:4]]
    else:
        return type(output).__name__
    return f"{type(output).__name__} of {', '.join(inside) or 'nothing'}"
