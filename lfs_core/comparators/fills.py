"""What stands in for the content of an image where a method takes it away."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from lfs_core.errors import LFSError

Fill = Literal["mean", "grey", "black"]

FILL_WORDS = {"mean": "filled with the mean colour", "grey": "filled grey", "black": "filled black"}
LEVELS = {"grey": 0.5, "black": 0.0}


def check_fill(name: str, fill: str) -> None:
    """Raise an LFSError unless `fill` is one of `Fill`."""
    if fill not in get_args(Fill):
        raise LFSError(f"{name} is {fill!r}; it must be one of {', '.join(get_args(Fill))}.")


def plain(images: Tensor, fill: Fill) -> Tensor:
    """Images of one colour each, to replace images (B,3,H,W) in [0,1].

    Args:
        images: (B,3,H,W).
        fill: "mean", each image's own mean colour; "grey", 0.5; or "black", 0.

    Returns:
        (B,3,H,W); an image that has one colour already is its own mean, to the last bit.
    """
    if fill == "mean":
        # In float64, for float32 would round the mean of equal numbers away from them.
        colour = images.double().mean(dim=(2, 3), keepdim=True).to(images.dtype)
    else:
        colour = images.new_tensor(LEVELS[fill])
    return colour.expand_as(images)
