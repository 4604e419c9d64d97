"""Numbers as files keep them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import torch
from torch import Tensor


@overload
def rounded(values: float | None) -> float | None: ...
@overload
def rounded(values: Tensor | Sequence[float]) -> list[Any]: ...
def rounded(values: Tensor | Sequence[float] | float | None) -> list[Any] | float | None:
    """To four decimals, nested as the values are; None for NaN, which JSON does not know."""
    if values is None:
        return None
    # By way of float64: float32 would print its own digits again.
    return _known(torch.as_tensor(values, dtype=torch.float64).round(decimals=4).tolist())


def _known(values: list[Any] | float) -> list[Any] | float | None:
    if isinstance(values, list):
        return [_known(value) for value in values]
    return None if values != values else values
