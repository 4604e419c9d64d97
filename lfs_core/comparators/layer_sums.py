"""Weighted sums under layer-wise relevance propagation, and the batch norms that follow them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from lfs_core.comparators.layer_steps import in_place_of

Apply = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass
class _Weighted:
    """A weighted sum that a batch norm may follow, which then is part of it."""

    output: Tensor
    version: int
    apply: Apply
    inputs: tuple[Tensor, Tensor, Tensor | None]


class WeightedSums:
    """Sums whose gradients are those of their rules: z+ for convolutions if so wanted, or epsilon.

    By z+ relevance goes to what adds to a sum, and to nothing that takes from it. By epsilon a sum
    z goes to its parts, each divided by z, but for a part of |z| / (|z| + epsilon) that is lost.

    Args:
        plus: whether convolutions follow z+.
        epsilon: times the root mean square of a layer's output, of each image.
    """

    def __init__(self, plus: bool, epsilon: float) -> None:
        self.plus, self.epsilon = plus, epsilon
        self._last: _Weighted | None = None

    def sum(
        self, apply: Apply, x: Tensor, weight: Tensor, bias: Tensor | None, convolution: bool
    ) -> Tensor:
        """What `apply` makes of its three inputs, with the gradient of its rule."""
        found = self._propagated(apply, x, weight, bias, convolution)
        self._last = _Weighted(found, found._version, apply, (x, weight, bias))
        return found

    def normed(
        self,
        output: Tensor,
        input: Tensor,
        running_mean: Tensor,
        running_var: Tensor,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
        **_: object,
    ) -> Tensor:
        """A batch norm joined to the sum before it, if it follows one; else as it is."""
        last = self._last
        if last is None or last.output is not input or last.version != input._version:
            return output
        read, weights, offset = last.inputs
        by = (running_var + eps).rsqrt() * (1 if weight is None else weight)
        shift = (0 if bias is None else bias) - running_mean * by
        joined = weights * by.reshape(-1, *[1] * (weights.ndim - 1))
        added = shift if offset is None else offset * by + shift
        return self._propagated(last.apply, read, joined, added, convolution=weights.ndim == 4)

    def _propagated(
        self, apply: Apply, x: Tensor, weight: Tensor, bias: Tensor | None, convolution: bool
    ) -> Tensor:
        if convolution and self.plus:
            z = apply(x.detach(), weight, bias)
            up = None if bias is None else bias.clamp_min(0)
            parts = apply(x.clamp_min(0), weight.clamp_min(0), up)
            if (x.detach() < 0).any():
                parts = parts + apply(x.clamp_max(0), weight.clamp_max(0), None)
        else:
            parts = apply(x, weight, bias)
            z = parts.detach()
        return in_place_of(z, parts, self.epsilon)
