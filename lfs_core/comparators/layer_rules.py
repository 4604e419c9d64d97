"""Rules of layer-wise relevance propagation: a network runs as ever, and its gradients become LRP.

In each step the output keeps its value, and its gradient is replaced so that activation times
gradient is the activation's relevance. A step without a rule is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import batch_norm
from torch.overrides import TorchFunctionMode

from lfs_core.comparators.layer_steps import (
    ACTIVATIONS,
    AS_THEY_ARE,
    GATES,
    PRODUCTS,
    SUMS,
    in_place_of,
    tensors_in,
    without_weights,
)
from lfs_core.errors import LFSError

Rule = Literal["epsilon-plus", "epsilon"]

UNNAMED = "a step that PyTorch does not name"

Apply = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass
class _Weighted:
    """A weighted sum that a batch norm may follow, which then is part of it."""

    output: Tensor
    version: int
    apply: Apply
    inputs: tuple[Tensor, Tensor, Tensor | None]


class LayerRules(TorchFunctionMode):
    """While it is entered, steps of PyTorch on tensors that need gradients follow the rules of LRP.

    Convolutions follow z+ by "epsilon-plus": relevance goes to what adds to a sum, and to nothing
    that takes from it. All other sums, and convolutions by "epsilon", follow epsilon: a sum z goes
    to its parts, each divided by z, but for a part of |z| / (|z| + epsilon) that is lost. A batch
    norm is joined to the sum before it.

    Args:
        network: its name, for refusals.
        rule: of convolutions.
        epsilon: times the root mean square of a layer's output, of each image.

    Attributes:
        read: what the first weighted sums read where that is an image (B,3,h,w).
    """

    def __init__(self, network: str, rule: Rule, epsilon: float) -> None:
        super().__init__()
        self.network, self.rule, self.epsilon = network, rule, epsilon
        self.read: list[Tensor] = []
        self._known: dict[int, Tensor] = {}
        self._images: dict[int, Tensor] = {}
        self._weighted: _Weighted | None = None

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        """Called by PyTorch in place of `func`."""
        if not torch.is_grad_enabled():
            return func(*args, **(kwargs or {}))
        args, kwargs = without_weights(args), kwargs or {}
        kwargs = dict(zip(kwargs, without_weights(kwargs.values()), strict=True))
        given = [of for of in tensors_in((*args, *kwargs.values())) if of.requires_grad]
        output = self._ruled(func, args, kwargs, given) if given else func(*args, **kwargs)
        made = [of for of in tensors_in([output]) if of.requires_grad]
        if made and not all(of.is_leaf or id(of) in self._known for of in given):
            raise self._refusal(UNNAMED)
        self._known |= {id(of): of for of in made}
        if given and all(of.is_leaf or id(of) in self._images for of in given):
            self._images |= {id(of): of for of in made if of.ndim == 4 and of.shape[1] == 3}
        return output

    def check(self, h: Tensor) -> None:
        """Raise an LFSError unless embeddings were made by steps that have rules."""
        if id(h) not in self._known:
            raise self._refusal(UNNAMED)

    def _is_image(self, of: Tensor) -> bool:
        """Whether nothing but colours and size have changed in images (B,3,H,W) so far."""
        return of.ndim == 4 and of.shape[1] == 3 and (of.is_leaf or id(of) in self._images)

    def _ruled(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        given: list[Tensor],
    ) -> object:
        """The output of a step on tensors that need gradients, with the gradient of its rule."""
        name = getattr(func, "__name__", str(func))
        if name in SUMS and len(given) == 1 and given[0] is args[0]:
            return self._sum(func, name, args, kwargs)
        before = given[0].clone() if name in ACTIVATIONS else None  # it may work in place
        output = func(*args, **kwargs)
        if name in AS_THEY_ARE or not any(of.requires_grad for of in tensors_in([output])):
            return output
        if before is not None:
            return in_place_of(output, before)
        if name in GATES:
            return output.detach()
        if name == "normalize":
            return in_place_of(output, given[0])
        if name == "batch_norm":
            return self._normed(output, **signature(batch_norm).bind(*args, **kwargs).arguments)
        if name in PRODUCTS and len(given) == 1:
            return output
        raise self._refusal(
            "the product of two parts of it" if name in PRODUCTS else f"the step {name!r}"
        )

    def _sum(
        self, func: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        x, weight = args[:2]
        bias = args[2] if len(args) > 2 else kwargs.pop("bias", None)
        if self._is_image(x) and not any(of is x for of in self.read):
            self.read.append(x)

        def apply(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
            return func(x, weight, bias, *args[3:], **kwargs)

        found = self._propagated(apply, x, weight, bias, plus=name == "conv2d")
        self._weighted = _Weighted(found, found._version, apply, (x, weight, bias))
        return found

    def _propagated(
        self,
        apply: Apply,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        plus: bool,
    ) -> Tensor:
        """A weighted sum, with the gradient of its rule."""
        if plus and self.rule == "epsilon-plus":
            z = apply(x.detach(), weight, bias)
            up = None if bias is None else bias.clamp_min(0)
            parts = apply(x.clamp_min(0), weight.clamp_min(0), up)
            if (x.detach() < 0).any():
                parts = parts + apply(x.clamp_max(0), weight.clamp_max(0), None)
        else:
            parts = apply(x, weight, bias)
            z = parts.detach()
        return in_place_of(z, parts, self.epsilon)

    def _normed(
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
        """A batch norm joined to the sum before it, if it follows one."""
        last = self._weighted
        if last is None or last.output is not input or last.version != input._version:
            return output
        read, weights, offset = last.inputs
        by = (running_var + eps).rsqrt() * (1 if weight is None else weight)
        shift = (0 if bias is None else bias) - running_mean * by
        joined = weights * by.reshape(-1, *[1] * (weights.ndim - 1))
        added = shift if offset is None else offset * by + shift
        return self._propagated(last.apply, read, joined, added, plus=weights.ndim == 4)

    def _refusal(self, step: str) -> LFSError:
        from lfs_core.comparators import explainers_without

        others = ", ".join(
            name for name in explainers_without("layers", "training") if name != "lrp"
        )
        return LFSError(
            f"lrp cannot explain {self.network!r}: it has no rule for {step}. Methods that ask no "
            f"more of a network than its gradients: {others}."
        )
