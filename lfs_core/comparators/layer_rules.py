"""Rules of layer-wise relevance propagation: a network runs as ever, and its gradients become LRP.

In each step the output keeps its value, and its gradient is replaced so that activation times
gradient is the activation's relevance. A step without a rule is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import batch_norm
from torch.overrides import TorchFunctionMode

from lfs_core.comparators.layer_attention import attended, divided, halved, weighed
from lfs_core.comparators.layer_steps import (
    ACTIVATIONS,
    AS_THEY_ARE,
    GATES,
    MATRICES,
    PRODUCTS,
    SUMS,
    in_place_of,
    tensors_in,
    without_weights,
)
from lfs_core.comparators.layer_sums import WeightedSums
from lfs_core.errors import LFSError

Rule = Literal["epsilon-plus", "epsilon"]

UNNAMED = "a step that PyTorch does not name"


class LayerRules(TorchFunctionMode):
    """While it is entered, steps of PyTorch on tensors that need gradients follow the rules of LRP.

    Convolutions follow z+ by "epsilon-plus". All other sums, and convolutions by "epsilon", follow
    epsilon. Both are those of `WeightedSums`. A batch norm is joined to the sum before it; for
    attention see `layer_attention`.

    Args:
        network: its name, for refusals.
        rule: of convolutions.
        epsilon: times the root mean square of a layer's output, of each image.

    Attributes:
        read: what the first weighted sums read where that is an image (B,3,h,w).
    """

    def __init__(self, network: str, rule: Rule, epsilon: float) -> None:
        super().__init__()
        self.network = network
        self.read: list[Tensor] = []
        self._known: dict[int, Tensor] = {}
        self._images: dict[int, Tensor] = {}
        self._sums = WeightedSums(rule == "epsilon-plus", epsilon)

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
        if name == "scaled_dot_product_attention":
            return weighed(func, args, kwargs)
        if name == "multi_head_attention_forward":
            found = attended(self._sums, func, args, kwargs)
            if found is None:
                raise self._refusal("an attention with keys or values of its own")
            return found
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
            return self._sums.normed(
                output, **signature(batch_norm).bind(*args, **kwargs).arguments
            )
        if name == "layer_norm" and len(given) == 1:
            return divided(*args, **kwargs)
        if name in PRODUCTS and len(given) == 1:
            return output
        if name in MATRICES and len(given) == 2:
            return halved(output)
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

        return self._sums.sum(apply, x, weight, bias, convolution=name == "conv2d")

    def _refusal(self, step: str) -> LFSError:
        from lfs_core.comparators import explainers_without

        others = ", ".join(
            name for name in explainers_without("layers", "training") if name != "lrp"
        )
        return LFSError(
            f"lrp cannot explain {self.network!r}: it has no rule for {step}. Methods that ask no "
            f"more of a network than its gradients: {others}."
        )
