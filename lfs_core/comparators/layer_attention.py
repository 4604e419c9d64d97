"""Rules of layer-wise relevance propagation for attention, layer norms and products of matrices.

After Ali et al. (2022): what an attention weighs by, and what a layer norm divides by, are held
constant, so that all relevance goes to what is weighed and divided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from lfs_core.comparators.layer_sums import WeightedSums


def halved(product: Tensor) -> Tensor:
    """A product of two factors that take half of its relevance each (Achtibat et al. 2024)."""
    return (product + product.detach()) / 2


def divided(
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """A layer norm, as torch's of this signature, that divides by a constant."""
    over = tuple(range(-len(normalized_shape), 0))
    centred = x - x.mean(dim=over, keepdim=True)
    found = centred / (centred.detach().square().mean(dim=over, keepdim=True) + eps).sqrt()
    found = found if weight is None else found * weight
    return found if bias is None else found + bias


def weighed(
    func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Tensor:
    """`scaled_dot_product_attention` whose weights are constants: values take all."""
    given = dict(zip(("query", "key", "value"), args, strict=False)) | dict(kwargs)
    query, key = (given.pop(name).detach() for name in ("query", "key"))
    return func(query, key, given.pop("value"), *args[3:], **given)


def attended(
    sums: WeightedSums,
    func: Callable[..., tuple[Tensor, Tensor | None]],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> tuple[Tensor, Tensor | None] | None:
    """`multi_head_attention_forward` whose weights are constants; sums of values have their rule.

    Returns:
        As the function; None where it has keys or values of its own, for which there is no rule.
    """
    given = signature(func).bind(*args, **kwargs).arguments
    if any(given.get(name) is not None for name in ("bias_k", "bias_v", "static_k", "static_v")):
        return None
    weight, bias = _of_values(given)
    # Images come first in a sum, for which epsilon is that of each image.
    value = _swapped(sums.sum(linear, _swapped(given["value"]), weight, bias, convolution=False))
    width = given["embed_dim_to_check"] // given["num_heads"]
    constants = {name: given[name].detach() for name in ("query", "key", "value")}
    out, add = given["out_proj_weight"], given["out_proj_bias"]
    static = value.reshape(len(value), -1, width).transpose(0, 1)
    plain = {"static_v": static, "out_proj_weight": torch.eye(len(out)).to(out)}
    found, weights = func(**given | constants | plain | {"out_proj_bias": None})
    return _swapped(sums.sum(linear, _swapped(found), out, add, convolution=False)), weights


def _of_values(given: Mapping[str, Any]) -> tuple[Tensor, Tensor | None]:
    """Weight and constant of the sum that makes values."""
    bias = given["in_proj_bias"]
    weight = given["v_proj_weight"] if given.get("use_separate_proj_weight") else None
    weight = given["in_proj_weight"].chunk(3)[2] if weight is None else weight
    return weight, None if bias is None else bias.chunk(3)[2]


def _swapped(x: Tensor) -> Tensor:
    """(T,B,W) as (B,T,W), and back; one text (T,W) as it is."""
    return x.transpose(0, 1) if x.ndim == 3 else x
