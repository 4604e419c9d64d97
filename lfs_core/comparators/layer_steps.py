"""What each step of PyTorch does with the relevance of its output in LRP, by its name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def _names(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


AS_THEY_ARE = _names(
    "__add__ __iadd__ __radd__ __rsub__ __sub__ add add_ neg rsub sub sub_",
    "amax mean sum adaptive_avg_pool1d adaptive_avg_pool2d _adaptive_avg_pool2d",
    "adaptive_max_pool2d avg_pool2d max_pool2d interpolate dropout dropout2d feature_dropout",
    "__get__ __getitem__ cat chunk concat expand expand_as flatten flip movedim narrow pad permute",
    "repeat repeat_interleave reshape roll select split split_with_sizes squeeze stack swapaxes t",
    "transpose unbind",
    "unflatten unsqueeze view zero_pad2d",
    "clone contiguous cpu cuda double float to type",
)
"""Linear steps and maxima, whose gradient is their rule; what a constant adds takes its share."""

PRODUCTS = _names(
    "__imul__ __itruediv__ __matmul__ __mul__ __rmatmul__ __rmul__ __rtruediv__ __truediv__ addmm "
    "bmm div div_ einsum matmul mm mul mul_ true_divide"
)
"""Likewise, if one factor is a constant; for two that depend on the image, see `MATRICES`."""

MATRICES = _names("__matmul__ bmm einsum matmul")
"""Products whose two factors may both depend on the image, and then take half each."""

ACTIVATIONS = _names(
    "celu clamp clamp_min clip elu gelu hardswish hardtanh leaky_relu mish prelu relu relu6 relu_ "
    "selu silu tanh"
)
"""Of one number each, 0 at 0: the input takes all the relevance of the output."""

GATES = _names(
    "hardsigmoid linalg_norm linalg_vector_norm norm rsqrt sigmoid softmax sqrt vector_norm"
)
"""They say how much of a signal passes, or what it is divided by, and take no relevance."""

SUMS = _names("conv2d linear")
"""Weighted sums, which have rules of their own."""


def in_place_of(value: Tensor, parts: Tensor, epsilon: float = 0.0) -> Tensor:
    """`value`, with the gradient of `parts`, times value / (parts + epsilon)."""
    value, size = value.detach(), parts.detach()
    if epsilon:
        rms = size.square().mean(dim=tuple(range(1, size.ndim)), keepdim=True).sqrt()
        size = size + epsilon * rms * torch.where(size < 0, -1, 1)
    ratio = torch.where(size == 0, 0, value / size)
    shared = parts * ratio
    return value + (shared - shared.detach())


def without_weights(args: Iterable[Any]) -> tuple[Any, ...]:
    """Arguments in which weights need no gradients, so that only what follows from images does."""

    def plain(of: object) -> object:
        if isinstance(of, nn.Parameter):
            return of.detach()
        return type(of)(map(plain, of)) if isinstance(of, list | tuple) else of

    return tuple(map(plain, args))


def tensors_in(values: Iterable[Any]) -> list[Tensor]:
    """All tensors among values, and among lists and tuples in them."""
    found: list[Tensor] = []
    for of in values:
        if isinstance(of, Tensor):
            found.append(of)
        elif isinstance(of, list | tuple):
            found += tensors_in(of)
    return found
