"""Where networks meet images: which networks can be used, and how their answers are read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from lfs_core.errors import ImageError, LFSError
from lfs_core.util.own_code import told
from lfs_core.util.vectors import as_vectors

log = logging.getLogger(__name__)

Embedder = Callable[[Tensor], Tensor]
"""(B,3,H,W) in [0,1] -> (B,D).

May have a `name`, and an `image_size`: the side of the images it reads, in pixels, or (H,W).
`framing` is "face" if it reads aligned faces, "centre" if the square in the middle, else "whole". A
`distance` replaces the cosine (see `similarity`). `one_by_one` says whether it must see images one
at a time; if missing, this is tested. A `spread` of its similarities gives a decision's confidence.
"""

IMAGE_SIZE = 160  # px, for networks that do not say what they read
OUTSIDE = 0.25  # how far pixels may leave [0,1], as noise that a method has added
SAME = 2e-2  # of an embedding's length; half precision alone makes a third of it
FITTED = 1e-3  # of the embeddings of noise; other weights differ by far more

_one_by_one: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def embedder_name(embedder: Embedder) -> str:
    """Its `name`, or that of its function or class."""
    return getattr(embedder, "name", getattr(embedder, "__name__", type(embedder).__name__))


def image_sides(embedder: object) -> tuple[int, int]:
    """(H,W) of the images that a network reads, in pixels; squares of `IMAGE_SIZE` by default.

    Raises:
        LFSError: its `image_size` is neither a number nor two.
    """
    size = getattr(embedder, "image_size", None)
    size = IMAGE_SIZE if size is None else size
    sides = (size, size) if isinstance(size, int) else tuple(size) if size else ()
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise LFSError(f"image_size is {size!r}; it must be a number of pixels, or (H,W).")
    return sides


def device_of(embedder: Embedder) -> torch.device | None:
    """Where a network's weights are; None for what has none, which takes images where they are."""
    parameters = embedder.parameters() if isinstance(embedder, nn.Module) else ()
    return next((parameter.device for parameter in parameters), None)


def embed(embedder: Embedder, images: Tensor) -> Tensor:
    """Embeddings (B,D) of images (B,3,H,W), checked; on the CPU, wherever the network is.

    The network gets a copy of the images, in its own precision; `as_vectors` says what it may
    return. Half precision becomes float32, float64 stays.

    Raises:
        LFSError: the network fails, does not return (B,D), or returns NaN or infinity.
    """
    if isinstance(embedder, nn.Module) and embedder.training:
        ready(embedder)
    alone = len(images) > 1 and must_go_one_by_one(embedder)
    parts = [_embed(embedder, some) for some in (images.split(1) if alone else [images])]
    h = parts[0] if len(parts) == 1 else torch.cat(parts)
    if not h.isfinite().all():
        wrong = (~h.isfinite().flatten(1).all(dim=1)).nonzero()[:, 0].tolist()
        raise LFSError(
            f"The embedder returned NaN or infinity for {len(wrong)} of {len(h)} images; check "
            "its weights, its precision and what it divides by."
        )
    return h.cpu()


def _embed(embedder: Embedder, images: Tensor) -> Tensor:
    name = embedder_name(embedder)
    dtype = images.dtype
    if isinstance(embedder, nn.Module):
        own = (p.dtype for p in embedder.parameters() if p.dtype.is_floating_point)
        dtype = next(own, dtype)

    def given(images: Tensor) -> Tensor:
        return images.to(device_of(embedder), dtype, copy=True)

    try:
        output = embedder(given(images))
    except LFSError:
        raise
    except Exception as error:
        if images.requires_grad:  # it may be a function of NumPy, which takes no such tensors
            return _embed(embedder, images.detach())
        raise LFSError(
            f"{name!r} failed on images {tuple(images.shape)}: {told(error)}."
        ) from error
    return as_vectors(output, len(images), name)


def ready(embedder: Embedder) -> None:
    """Switch a network, with all its parts, to evaluation mode."""
    if not isinstance(embedder, nn.Module):
        return
    learning = [part for part in embedder.modules() if part.training]
    if learning:
        embedder.eval()
    if any("Norm" in type(of).__name__ or "Drop" in type(of).__name__ for of in learning):
        log.info("%s was in training mode; it is switched to evaluation.", embedder_name(embedder))


def must_go_one_by_one(embedder: Embedder) -> bool:
    """Whether a network answers differently to images in a batch, as it says or was found."""
    said = getattr(embedder, "one_by_one", None)
    return bool(_found(embedder) if said is None else said)


def _found(embedder: Embedder) -> bool | None:
    try:
        return _one_by_one.get(getattr(embedder, "__self__", embedder))
    except TypeError:  # what nothing can be remembered of
        return None


@torch.no_grad()
def try_out(embedder: Embedder, images: Tensor) -> None:
    """See, once for each network, that it gives one image the same answer alone and in a batch.

    One that does not, or takes no batch, is given images one by one from then on.

    Args:
        embedder: the network.
        images: (B,3,H,W) in [0,1]; one alone says nothing.

    Raises:
        LFSError: it gives another answer each time; or as `embed`.
    """
    ready(embedder)
    said = getattr(embedder, "one_by_one", None)
    if len(images) < 2 or said is not None or _found(embedder) is not None:
        return
    alone = embed(embedder, images[:1])
    try:
        together = embed(embedder, images[:2])[:1]
    except LFSError:  # a network that takes one image only
        together = torch.full_like(alone, torch.inf)
    differs = not _close(alone, together)
    name = embedder_name(embedder)
    if differs and not _close(alone, embed(embedder, images[:1])):
        raise LFSError(
            f"{name!r} gives one image another embedding each time; switch off what it draws at "
            "random, as dropout: call `eval()` on the network inside."
        )
    with suppress(TypeError):  # nothing can be remembered of some
        _one_by_one[getattr(embedder, "__self__", embedder)] = differs
    if differs:
        log.warning(
            "%s answers otherwise to images in a batch than alone; it is given one at a time. If "
            "it holds a network in training mode, call `eval()` on that.",
            name,
        )


def _close(one: Tensor, other: Tensor) -> bool:
    same = one.shape == other.shape
    return same and bool((one - other).norm() <= SAME * one.norm() + 1e-12)


def check_pixels(images: Tensor) -> Tensor:
    """Images (B,3,H,W) as a network of ours reads them: floats in [0,1]; uint8 is divided by 255.

    Raises:
        ImageError: they have another shape, or other values, as 0..255 or -1..1.
    """
    shape = tuple(images.shape)
    if images.ndim != 4 or shape[1] != 3:
        hint = ""
        if images.ndim == 3 and shape[0] == 3:
            hint = "; give one image as (1,3,H,W)"
        elif images.ndim == 4 and shape[3] == 3:
            hint = "; the channels come first: images.permute(0, 3, 1, 2)"
        raise ImageError(f"The images have shape {shape}; a network reads (B,3,H,W){hint}.")
    if images.dtype == torch.uint8:
        return images.float() / 255
    if not images.dtype.is_floating_point:
        raise ImageError(
            f"The images are {images.dtype}; a network reads uint8, or floats in [0,1]."
        )
    if images.numel() and not images.requires_grad:
        low, high = (value.item() for value in images.detach().aminmax())
        if low < -OUTSIDE or high > 1 + OUTSIDE:
            raise ImageError(
                f"The images hold {low:.3g} to {high:.3g}; a network reads floats in [0,1], and "
                "does by itself whatever else it needs."
            )
    return images


def print_of(embedder: Embedder) -> list[float]:
    """Eight numbers that say what a network makes of two images of noise.

    Equal, up to `FITTED`, for the same network on other machines; and another's are others.
    """
    h, w = image_sides(embedder)
    noise = torch.rand(2, 3, h, w, generator=torch.Generator().manual_seed(0))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums come out the same
    try:
        with torch.no_grad():
            found = embed(embedder, noise).double()
    finally:
        torch.set_num_threads(threads)
    draw = torch.Generator().manual_seed(1)
    onto = torch.randn(found.shape[1], 4, generator=draw, dtype=torch.float64)
    return [float(f"{x:.4g}") for x in (found @ onto).flatten().tolist()]


def check_fitted(info: Mapping[str, Any], embedder: Embedder, what: str) -> None:
    """See that a decoder or a head was fitted to this very network.

    By the embeddings of noise, where its `info` says that; else by the network's name.

    Raises:
        LFSError: it was fitted to another.
    """
    name = embedder_name(embedder)
    fitted_to = info.get("embedder", info.get("name", name))
    known = info.get("print")
    if known is None:
        same = fitted_to == name
    else:
        then, now = (torch.tensor(of, dtype=torch.float64) for of in (known, print_of(embedder)))
        same = then.shape == now.shape and bool((then - now).norm() <= FITTED * then.norm())
    if not same:
        other = "another network of that name" if fitted_to == name else repr(fitted_to)
        raise LFSError(
            f"The {what} was fitted to {other}, not to {name!r}; fit one to this network, or "
            "explain that one."
        )
