"""Any image, from anywhere, to RGB pixels in [0, 1]."""

from __future__ import annotations

import io
import logging
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, TypeGuard

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from lfs_core.errors import ImageError, printable

FileLike = str | os.PathLike[str] | IO[bytes]
ImageLike = FileLike | Image.Image | np.ndarray | torch.Tensor

log = logging.getLogger(__name__)

MAX_SIDE = 1024  # px; larger photographs are reduced as they are read
MIN_SIDE = 8  # px; below this there is nothing to explain
ANIMATED = {"AVIF", "GIF", "PNG", "TIFF", "WEBP"}  # formats whose further frames are pictures too
PATIENCE = 2  # seconds after which a message says that it waits for a pipe


def load_image(source: ImageLike, max_side: int = MAX_SIDE) -> Image.Image:
    """Read an image as upright 8-bit RGB, at most `max_side` pixels a side.

    Turns EXIF-rotated photographs upright, lays transparency on white, scales 16-bit grey to
    8 bits, and takes the first frame of an animation and the first page of a TIFF. What is left out
    so, or is nearly black since its 16 bits hold fewer, is said in the log.

    Args:
        source: a path, an open binary file, a PIL image, an array (H,W), (H,W,3) or (H,W,4), or a
            tensor (3,H,W) or (1,H,W). Arrays and tensors hold uint8, or floats in [0, 1]. A pipe
            and an open file are read once, to their end.
        max_side: largest side of the result, in pixels.

    Raises:
        ImageError: the source is missing, not an image, truncated, too small or out of range.
    """
    if is_file(source):
        return _decoded(_read(source), shown_name(source), max_side)
    if isinstance(source, Image.Image):
        _check_shape(source.size, "the PIL image", max_side)
        image = _to_rgb(ImageOps.exif_transpose(source), "the PIL image")
    else:
        pixels = (_pixels(source) * 255).round().byte()
        _check_shape(pixels.shape[:0:-1], f"the {type(source).__name__}", max_side)
        image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    return _reduced(image, max_side)


def is_file(source: object) -> TypeGuard[FileLike]:
    """Whether an image is given as a path or an open binary file, and not by its pixels."""
    return isinstance(source, str | os.PathLike) or hasattr(source, "read")


def shown_name(source: ImageLike) -> str:
    """What errors call an image: its path, or what an open file says it is called."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return str(getattr(source, "name", "the open file")) if is_file(source) else "the photograph"


def held(source: ImageLike) -> ImageLike:
    """An image that can be read again: what comes by a pipe or an open file is read now.

    Raises:
        ImageError: as `load_image`.
    """
    if not is_file(source):
        return source
    if isinstance(source, str | os.PathLike) and (
        Path(source).is_file() or not Path(source).exists()  # that it is missing is said later
    ):
        return source
    return load_image(source)


def to_tensor(source: ImageLike, size: int | tuple[int, int] | None = None) -> torch.Tensor:
    """Read an image as a float tensor (3,H,W) in [0, 1]; floats are taken as exact.

    Args:
        source: as for `load_image`.
        size: if given, the image is resized to `size` x `size` pixels, or to (H,W).

    Raises:
        ImageError: as `load_image`.
    """
    if is_file(source) or isinstance(source, Image.Image):
        pixels = _pixels(np.asarray(load_image(source)))
    else:
        pixels = _pixels(source)
    sides = (size, size) if isinstance(size, int) else size
    if sides is not None and pixels.shape[1:] != tuple(sides):
        pixels = torch.nn.functional.interpolate(
            pixels[None], tuple(sides), mode="bilinear", antialias=True
        )[0].clamp(0, 1)
    return pixels


def read_pair(
    image_a: ImageLike, image_b: ImageLike, size: int | tuple[int, int] | None = None
) -> torch.Tensor:
    """Two images as a network reads them, (2,3,H,W) in [0,1].

    Args:
        image_a: as for `load_image`.
        image_b: likewise.
        size: if given, both are resized to it, as by `to_tensor`; the network's `image_size`.

    Raises:
        ImageError: an image cannot be read, or the two differ in size.
    """
    images = [to_tensor(image, size) for image in (image_a, image_b)]
    if images[0].shape != images[1].shape:
        sizes = " and ".join(f"{image.shape[2]}x{image.shape[1]}" for image in images)
        raise ImageError(
            f"The images are {sizes} pixels; give two of one size, or set `image_size` "
            "on the embedder."
        )
    return torch.stack(images)


def shrink(images: torch.Tensor, size: int) -> torch.Tensor:
    """Images (N,3,H,W) uint8, averaged down to (N,3,size,size) uint8: what decoders learn."""
    small = torch.nn.functional.interpolate(images.float(), (size, size), mode="area")
    return small.round().byte()


def _read(source: FileLike) -> bytes:
    """The content of a file, read once; a message says when it waits for a pipe."""
    name = shown_name(source)
    opened = None if isinstance(source, str | os.PathLike) else source
    path = Path(name)
    kept = opened is None and path.is_file()
    try:
        with nullcontext() if kept else _told_of_waiting(name):
            content = opened.read() if opened else path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist.") from None
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder, not an image.") from None
    except PermissionError:
        raise ImageError(f"{name} may not be read: permission denied.") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be read ({error}).") from None
    if not isinstance(content, bytes):
        raise ImageError(f"{name} is open as text; open it in binary mode, as open(..., 'rb').")
    if not content:
        once = "" if kept else ": nothing is left in it; a pipe and an open file are read once"
        raise ImageError(f"{name} is not an image that can be read{once}.")
    return content


@contextmanager
def _told_of_waiting(name: str) -> Iterator[None]:
    """Say so if what is done in this block takes longer than `PATIENCE`."""
    words = "Waiting for an image from %s ... (Ctrl-C ends it)"
    timer = threading.Timer(PATIENCE, log.warning, [words, name])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _decoded(content: bytes, name: str, max_side: int) -> Image.Image:
    """A file's content as an image; PIL's many errors become one that names the file."""
    try:
        with warnings.catch_warnings():
            # PIL warns above 89 megapixels and refuses above 179; the refusal is enough.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                _check_shape(image.size, name, max_side)  # now: JPEG's is another afterwards
                if image.format in ANIMATED and getattr(image, "is_animated", False):
                    log.warning(
                        "%s has several frames or pages; the first is read.", printable(name)
                    )
                image.draft("RGB", (max_side, max_side))  # JPEG decodes at a fraction of its size
                upright = ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not an image that can be read.") from None
    except Image.DecompressionBombError:
        raise ImageError(f"{name} has more than 178 million pixels; reduce it first.") from None
    except ImageError:
        raise
    except Exception as error:  # Pillow's readers raise many
        raise ImageError(f"{name} is damaged or cut short ({error!r}).") from None
    return _reduced(_to_rgb(upright, name), max_side)


def _reduced(image: Image.Image, max_side: int) -> Image.Image:
    if max(image.size) > max_side:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return image


def _pixels(source: object) -> torch.Tensor:
    """An array or tensor, checked, as (3,H,W) float32 in [0, 1]."""
    kind, shape = type(source).__name__, tuple(getattr(source, "shape", ()))
    if not isinstance(source, np.ndarray | torch.Tensor):
        raise ImageError(
            f"Cannot read an image from {kind}: give a path, a PIL image, an array or a tensor."
        )
    x = torch.as_tensor(source.copy() if isinstance(source, np.ndarray) else source.detach().cpu())
    if isinstance(source, np.ndarray):
        usable = x.ndim == 2 or (x.ndim == 3 and shape[-1] in (3, 4))
        x = x[None] if x.ndim == 2 else x.movedim(-1, 0)
    else:
        usable = x.ndim == 3 and shape[0] in (1, 3)
    if not usable:
        raise ImageError(
            f"The {kind} has shape {shape}; an array is (H,W), (H,W,3) or (H,W,4), "
            "a tensor (3,H,W) or (1,H,W)."
        )
    if min(x.shape[1:]) < MIN_SIDE:
        raise ImageError(_too_small(f"the {kind}", x.shape[2], x.shape[1]))
    if x.dtype.is_floating_point:
        if not (x.min() >= 0 and x.max() <= 1):  # NaN fails both
            raise ImageError(f"The {kind} holds floats outside [0, 1] or NaN; scale it first.")
        x = x.float()
    elif x.dtype in (torch.uint8, torch.uint16):
        x = x.float() / (255 if x.dtype == torch.uint8 else 65535)
    else:
        raise ImageError(f"The {kind} is {x.dtype}; images are uint8, or floats in [0, 1].")
    if len(x) == 4:  # transparency lies on white
        x = x[:3] * x[3] + 1 - x[3]
    return x.expand(3, -1, -1)


def _too_small(name: str, width: int, height: int) -> str:
    return f"{name} is {width}x{height} pixels; images need at least {MIN_SIDE} a side."


def _check_shape(size: Sequence[int], name: str, max_side: int) -> None:
    """Raise an ImageError that names the true size of an image that is, or becomes, too small."""
    width, height = size
    if min(size) < MIN_SIDE:
        raise ImageError(_too_small(name, width, height))
    least = round(min(size) * max_side / max(size))
    if max(size) > max_side and least < MIN_SIDE:
        raise ImageError(
            f"{name} is {width}x{height} pixels; reduced to {max_side} pixels, as images are, its "
            f"short side has {least}, and at least {MIN_SIDE} are needed. Cut a part out of it."
        )


def _tell_dark(highest: int, name: str) -> None:
    """Say so if 16-bit values are so low that they may be of 12 or fewer bits."""
    if 0 < highest < 1 << 12:
        log.warning(
            "%s holds 16-bit values of at most %d, and is read as nearly black. If they are of "
            "fewer bits, as some cameras give them, scale them first.",
            printable(name),
            highest,
        )


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):  # 16-bit grey; PIL's own conversion would clip at 255
        array = np.asarray(image).astype(np.int64)
        if array.min() < 0 or array.max() > 65535:
            raise ImageError(f"{name} holds integers outside the 16-bit range.")
        _tell_dark(int(array.max()), name)
        return Image.fromarray((array >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ImageError(f"{name} holds floating-point pixels of unknown range; save it as 8-bit.")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
