"""The maps inside a network and its embeddings, from one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from lfs_core.embedders import Embedder, device_of, embed, embedder_name
from lfs_core.embedders.layouts import Layout, fits, look
from lfs_core.embedders.network import Network
from lfs_core.errors import LFSError
from lfs_core.util.networks import must_go_one_by_one


class Tapped(Network):
    """A network that returns the embeddings and the outputs of some of its layers.

    Args:
        network: the network.
        layers: names of modules of it.
    """

    def __init__(self, network: Network, layers: Sequence[str]) -> None:
        super().__init__(f"{network.name}-tapped", network.image_size, network.framing)
        self.network, self.layers = network, tuple(layers)

    # The checks of types are off: with its maps it cannot stand where a network is asked for.
    if TYPE_CHECKING:

        def __call__(self, images: Tensor) -> list[Tensor]:  # type: ignore[override]
            """As `forward`."""

    def in_torch(self, images: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        """Embeddings (B,D), and what each layer returns."""
        modules = {name: self.network.get_submodule(name) for name in self.layers}
        with _taken(modules) as maps:
            h = self.network.in_torch(images)
        return h, *(maps[name] for name in self.layers)

    def forward(self, images: Tensor) -> list[Tensor]:  # type: ignore[override]
        """Embeddings and maps of images (B,3,H,W) in [0,1]."""
        images = self.resized(images)
        if images.device.type != "cpu":
            return list(self.in_torch(images))
        return self._on_runtime(images.detach().float())

    def extra_repr(self) -> str:
        """The layers, which decide what the network returns."""
        return ", ".join(self.layers)


class Taps:
    """Embeddings and maps of any network, from one pass.

    Args:
        embedder: the network.
        layers: names of modules of it; without any, the images stand for the maps, so that a
            black box will do.

    Raises:
        LFSError: the network has no such module.
    """

    def __init__(self, embedder: Embedder, layers: Sequence[str]) -> None:
        known = dict(embedder.named_modules()) if isinstance(embedder, nn.Module) else {}
        for name in layers:
            if name not in known:
                raise LFSError(f"{embedder_name(embedder)!r} has no layer {name!r}.")
        self.embedder, self.layers = embedder, tuple(layers)
        self._modules = {name: known[name] for name in layers}
        self._layouts: dict[tuple[str, torch.Size], Layout] = {}
        self._tapped = Tapped(embedder, layers) if isinstance(embedder, Network) else None

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Embeddings (B,D) and maps (B,c,h,w), of images (B,3,H,W) in [0,1]; on the CPU."""
        if not self.layers:
            return embed(self.embedder, images).float(), [images.cpu()]
        if self._tapped is None:
            if must_go_one_by_one(self.embedder):
                raise LFSError(f"{embedder_name(self.embedder)!r} takes images one by one only.")
            with _taken(self._modules) as maps:
                h = embed(self.embedder, images)
            taken = [maps[name].cpu().float() for name in self.layers]
        else:
            h, *taken = (of.cpu() for of in self._tapped(images.to(device_of(self.embedder))))
        return h.float(), [
            self._maps(name, of, images) for name, of in zip(self.layers, taken, strict=True)
        ]

    def _maps(self, name: str, output: Tensor, images: Tensor) -> Tensor:
        """What a layer has returned, as maps (B,c,h,w)."""
        sides = getattr(self._tapped, "image_size", None)
        sides = images.shape[-2:] if sides is None else (sides, sides)
        first, last = output.shape[2:], output.shape[1:3]
        if output.ndim == 4 and fits(first, sides) and not fits(last, sides):
            return output
        if not self._layouts.keys() >= {(name, images.shape[-2:])}:
            for seen in look(cast("nn.Module", self.embedder), images[0]):
                if seen.layout:
                    self._layouts[seen.name, images.shape[-2:]] = seen.layout
        layout = self._layouts.get((name, images.shape[-2:]))
        if layout is None:
            raise LFSError(
                f"Layer {name!r} of {embedder_name(self.embedder)!r} returns "
                f"{tuple(output.shape)}, in which no grid of places is known."
            )
        return layout.maps(output)


def find_layers(embedder: Embedder, image_size: int | tuple[int, int], cells: int) -> list[str]:
    """The layers to read: the coarsest that still tells `cells` places a side apart, and the last.

    Args:
        embedder: the network; a black box has none.
        image_size: side of its images, in pixels, or (H,W).
        cells: places along each side, 2 or more.
    """
    if not isinstance(embedder, nn.Module):
        return []
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    sides: dict[str, int] = {}  # in the order of the computation
    for seen in look(embedder, noise[0]):
        if seen.layout and seen.name and any(True for _ in seen.module.parameters()):
            sides[seen.name] = min(seen.layout.grid)

    def coarsest(cells: int) -> list[str]:
        """The last of the layers with the fewest places that are enough, in no other such layer."""
        enough = [side for side in sides.values() if side >= cells]
        names = [name for name, side in sides.items() if enough and side == min(enough)]
        outermost = min((name.count(".") for name in names), default=0)
        return [name for name in names if name.count(".") == outermost][-1:]

    return list(dict.fromkeys(coarsest(cells) + coarsest(2)))


@contextmanager
def _taken(layers: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """What these layers return meanwhile, by name."""
    maps: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for name, layer in layers.items():

            def take(module: nn.Module, inputs: object, output: Tensor, name: str = name) -> None:
                maps[name] = output

            hooks.callback(layer.register_forward_hook(take).remove)
        yield maps
