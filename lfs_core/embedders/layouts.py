"""Where in a layer's output the places of an image are: maps, maps with channels last, tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from lfs_core.util.networks import Embedder, embed
from lfs_core.util.vectors import PREFIX

Kind = Literal["channels first", "channels last", "tokens", "tokens before batch"]

HALVINGS = 6  # of a grid by later layers, at most
WITHIN = re.compile(r"attn|attention|mhsa", re.IGNORECASE)  # what is inside has no maps of places


@dataclass(frozen=True)
class Layout:
    """How a layer's output holds a grid of places.

    Attributes:
        kind: (B,c,h,w); (B,h,w,c); (B,N,c); or (N,B,c).
        grid: (h,w).
        before: of tokens, how many stand before those of the places, row by row: of the class, of
            distillation, registers.
    """

    kind: Kind
    grid: tuple[int, int]
    before: int = 0

    def maps(self, output: Tensor) -> Tensor:
        """The places of an output, (B,c,h,w)."""
        if self.kind == "channels first":
            return output
        if self.kind == "channels last":
            return output.movedim(-1, 1)
        tokens = output.transpose(0, 1) if self.kind == "tokens before batch" else output
        return tokens[:, self.before :].mT.unflatten(-1, self.grid)

    def put_back(self, maps: Tensor, output: Tensor) -> Tensor:
        """The output with other maps (B,c,h,w) in it, a copy."""
        if self.kind == "channels first":
            return maps.clone()
        if self.kind == "channels last":
            return maps.movedim(1, -1).contiguous()
        batch_first = self.kind == "tokens"
        tokens = output if batch_first else output.transpose(0, 1)
        whole = torch.cat([tokens[:, : self.before].detach(), maps.flatten(2).mT], dim=1)
        return whole if batch_first else whole.transpose(0, 1).contiguous()


@dataclass(frozen=True, eq=False)
class Seen:
    """One call of a layer: which, what it returned for two images, and how that is laid out.

    Attributes:
        name, module: the layer.
        call: in which of its calls, from 1.
        layout: None if the output holds no grid of places that is known.
        reaches: whether the embedding depends on what is at the places, so far as gradients tell.
    """

    name: str
    module: nn.Module
    call: int
    output: Tensor
    layout: Layout | None
    reaches: bool = True


def look(network: nn.Module, image: Tensor) -> list[Seen]:
    """All calls of layers that return something spread out, in the order of the computation.

    What is inside an attention is left out, if anything else is found.

    Args:
        network: any network.
        image: (3,H,W) in [0,1].

    Raises:
        LFSError: as `embed`.
    """
    found: list[Seen] = []
    counts: dict[nn.Module, int] = {}
    sides = _sides(network, image)
    grid: tuple[int, int] | None = None
    inside = [f"{name}." for name, of in network.named_modules() if name and _attends(name, of)]
    with ExitStack() as hooks:

        def watch(name: str, module: nn.Module) -> None:
            def see(module: nn.Module, inputs: object, output: object) -> None:
                nonlocal grid
                counts[module] = counts.get(module, 0) + 1
                if isinstance(output, Tensor) and output.ndim in (3, 4):
                    layout = layout_of(module, output.shape, sides, grid)
                    if layout is None and output.ndim == 4:
                        return
                    if layout and output.ndim == 4 and not _is_inside(name, inside):
                        grid = layout.grid
                    found.append(Seen(name, module, counts[module], output, layout))

            hooks.callback(module.register_forward_hook(see).remove)

        for name, module in network.named_modules():
            watch(name, module)
        # A gradient of the images is asked for so that a `Network` runs in PyTorch.
        images = image.detach().clone().expand(2, -1, -1, -1).requires_grad_()
        with torch.enable_grad():
            h = embed(network, images)
    outside = [of for of in found if not _is_inside(of.name, inside)]
    if any(of.layout for of in outside):
        found = outside
    return _with_reach(found, h)


def layout_of(
    module: nn.Module, shape: Sequence[int], sides: Sequence[int], grid: tuple[int, int] | None
) -> Layout | None:
    """How the output of a layer for two images holds places, if it does.

    Args:
        module: the layer.
        shape: of the output, (2,c,h,w), (2,h,w,c), (2,N,c) or (N,2,c).
        sides: (H,W) of the images.
        grid: of the maps that were seen last.
    """
    if len(shape) == 4:
        if shape[0] != 2:
            return None
        first, last = fits(shape[2:], sides), fits(shape[1:3], sides)
        if first and last:  # as many channels as places a side
            first = not isinstance(module, nn.Linear | nn.LayerNorm)
        elif not first and not last:  # a network that resizes what it is given
            first = any(isinstance(part, nn.Conv2d) for part in module.modules())
            first = first and shape[2] * shape[3] > 1
        if first:
            return Layout("channels first", (shape[2], shape[3]))
        return Layout("channels last", (shape[1], shape[2])) if last else None
    count = shape[1] if shape[0] == 2 else shape[0]
    if 2 not in shape[:2]:
        return None
    kind: Kind = "tokens" if shape[0] == 2 else "tokens before batch"
    for h, w in _grids(grid, sides, count):
        if h * w > 1 and 0 <= count - h * w <= PREFIX:
            return Layout(kind, (h, w), count - h * w)
    return None


def fits(grid: Sequence[int], sides: Sequence[int]) -> bool:
    """Whether more than one place, (h,w), can be those of an image (H,W), up to rounding."""
    (h, w), (H, W) = grid, sides
    return h * w > 1 and h <= H and w <= W and abs(h * W - w * H) <= max(H, W)


def _grids(grid: tuple[int, int] | None, sides: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Grids of this number of tokens: that of maps seen before, or half of it; else the image's."""
    if grid is not None:
        return [(-(-grid[0] // 2**k), -(-grid[1] // 2**k)) for k in range(HALVINGS)]
    return [
        (h, h * sides[1] // sides[0])
        for h in range(min(count, sides[0]), 0, -1)
        if h * sides[1] % sides[0] == 0 and h * h * sides[1] // sides[0] <= count
    ][:1]


def _sides(network: Embedder, image: Tensor) -> tuple[int, int]:
    size = getattr(network, "image_size", None)
    if isinstance(size, int):
        return size, size
    return tuple(size) if size else (image.shape[-2], image.shape[-1])


def _attends(name: str, module: nn.Module) -> bool:
    return bool(WITHIN.search(name.rpartition(".")[2]) or WITHIN.search(type(module).__name__))


def _is_inside(name: str, attentions: Sequence[str]) -> bool:
    return name.startswith(tuple(attentions)) if attentions else False


def _with_reach(found: list[Seen], h: Tensor) -> list[Seen]:
    """The same, with whether the embeddings depend on what is at the places."""
    if not h.requires_grad or not found:
        return found
    draw = torch.randn(h.shape, generator=torch.Generator().manual_seed(0))
    learning = [of for of in found if of.output.requires_grad]
    with torch.enable_grad():
        gradients = torch.autograd.grad(
            (h * draw.to(h)).sum(), [of.output for of in learning], allow_unused=True
        )
    reached = set()
    for of, gradient in zip(learning, gradients, strict=True):
        if gradient is not None and (of.layout.maps(gradient) if of.layout else gradient).any():
            reached.add(id(of))
    return [replace(of, reaches=id(of) in reached) for of in found]
