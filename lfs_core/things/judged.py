"""How evidence about parts is judged: by taking parts away in its order, and by a known truth."""

from __future__ import annotations

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.ground_truth import region_auroc
from lfs_core.evaluation.metrics.selectivity import area, flip_ranks
from lfs_core.parts import Thing, left, wholes

__all__ = ["area", "auroc", "deletion", "insertion", "order_of", "share_found"]


def order_of(evidence: Tensor, seed: int = 0) -> Tensor:
    """The parts (K,) by falling evidence (K,), as whole numbers; ties in random order.

    Raises:
        LFSError: evidence is NaN or infinite.
    """
    return flip_ranks(evidence[None], seed)[0].argsort()


def deletion(a: Thing, b: Thing, order: Tensor) -> Tensor:
    """Cosines (K+1,) of a with the whole b, after 0, 1 ... K parts of a are taken away in order.

    The `area` under them is small if the order begins with what makes the two similar (Petsiuk et
    al. 2018); it is the pixel flipping of images.

    Args:
        a: the thing that loses its parts.
        b: the other one.
        order: (K,), each part of a once.

    Raises:
        LFSError: the order does not name each part once; or as `wholes`.
    """
    _, h_b = wholes(a, b)
    return left(a, _first(order, len(a.parts))) @ h_b


def insertion(a: Thing, b: Thing, order: Tensor) -> Tensor:
    """Cosines (K+1,) of a with the whole b, after 0, 1 ... K parts of a are put back in order.

    At first none is there. The `area` under them is large if the order begins with what makes the
    two similar. Arguments and errors are those of `deletion`.
    """
    _, h_b = wholes(a, b)
    return left(a, ~_first(order, len(a.parts))) @ h_b


def _first(order: Tensor, parts: int) -> Tensor:
    """Sets (K+1,K) bool of the first 0, 1 ... K parts."""
    if order.dtype.is_floating_point or sorted(order.tolist()) != list(range(parts)):
        raise LFSError(f"The order must name each of the {parts} parts once, from 0.")
    return order.argsort() < torch.arange(parts + 1)[:, None]


def auroc(evidence: Tensor, truth: Tensor) -> float:
    """Chance that a part that counts has more evidence (K,) than one that does not, in [0,1].

    Of equal ones, half. 1/2 is what guessing gives.

    Args:
        evidence: (K,).
        truth: (K,) bool, which parts count.

    Raises:
        LFSError: all parts count, or none does.
    """
    _check(evidence, truth)
    return region_auroc(evidence[None], truth[None])


def share_found(evidence: Tensor, truth: Tensor) -> float:
    """Of as many strongest parts as there are that count, the share that do, in [0,1].

    Of equal ones at the border, as many as chance would take. Arguments and errors are those of
    `auroc`.
    """
    _check(evidence, truth)
    wanted = int(truth.sum())
    border = evidence.sort(descending=True).values[wanted - 1]
    above, equal = evidence > border, evidence == border
    places = wanted - above.sum()
    found = (truth & above).sum() + places * (truth & equal).sum() / equal.sum()
    return found.item() / wanted


def _check(evidence: Tensor, truth: Tensor) -> None:
    if evidence.shape != truth.shape or not 0 < truth.sum() < len(truth):
        raise LFSError(
            f"Of {len(evidence)} parts, {int(truth.sum())} of {len(truth)} count; some must, and "
            "some must not."
        )
