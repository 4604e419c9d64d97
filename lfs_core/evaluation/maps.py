"""Computes the maps of any explainer and checks whether they can be evaluated."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lfs_core.evaluation.metrics.base import SIDE

BATCH = 10  # pairs explained at once; gradients of more take much memory


def maps_of(explainer: Callable[..., object], images: Tensor) -> tuple[Tensor, dict[int, str]]:
    """Maps of pairs, by any explainer.

    Args:
        explainer: called with two images (3,H,W) in [0,1], gives a `PairExplanation` or maps
            (2,H,W); or has a method `batch` that gives a list of these for a list of pairs.
        images: pairs (P,2,3,H,W) in [0,1].

    Returns:
        Maps (P,2,SIDE,SIDE) in [0,1], NaN where there is something wrong; and what is wrong, by the
        pair's position.
    """
    found = torch.full((len(images), 2, SIDE, SIDE), torch.nan)
    problems = {}
    for some in torch.arange(len(images)).split(BATCH):
        for k, given in zip(some.tolist(), _explained(explainer, images[some]), strict=True):
            maps, problem = _checked(given)
            if problem:
                problems[k] = problem
            if maps is not None:
                found[k] = torch.nn.functional.adaptive_avg_pool2d(maps, SIDE)
    return found, problems


def _explained(explainer: Callable[..., object], images: Tensor) -> list[object]:
    """What an explainer returns for each pair, or the error that it raises."""
    pairs = [(a, b) for a, b in images]
    if hasattr(explainer, "batch"):
        try:
            return list(explainer.batch(pairs))
        except Exception:
            pass
    given: list[object] = []
    for pair in pairs:
        try:
            given.append(explainer(*pair))
        except Exception as error:
            given.append(error)
    return given


def _checked(given: object) -> tuple[Tensor | None, str | None]:
    """Maps (2,H,W), or None if they cannot be evaluated; and what is wrong, if anything."""
    if isinstance(given, Exception):
        return None, f"it raised {type(given).__name__}: {given}"
    try:
        maps = torch.as_tensor(getattr(given, "maps", given)).detach().float()
    except (TypeError, ValueError, RuntimeError):
        return None, f"it gave {type(given).__name__}; a PairExplanation or maps (2,H,W) are wanted"
    if maps.ndim != 3 or len(maps) != 2:
        return None, f"its maps have the shape {tuple(maps.shape)}; (2,H,W) is wanted"
    if not maps.isfinite().all():
        return None, "its maps hold NaN or infinity"
    if maps.min() < 0:
        return None, (
            f"its maps go down to {maps.min().item():.3g}; evidence for the decision is >= 0, "
            "what speaks against it is 0"
        )
    if (maps.amax(dim=(1, 2)) == maps.amin(dim=(1, 2))).any():
        return maps, "a map of it is constant, so that its order is drawn"
    return maps, None
