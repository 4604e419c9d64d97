"""The maps inside a network, beside its embeddings, from one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lfs_core.embedders import Embedder, device_of, embed, embedder_name
from lfs_core.embedders.network import Network
from lfs_core.errors import LFSError


class Tapped(Network):
    """A network that returns what some of its layers return, beside the embeddings.

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
        """Embeddings (B,D), and the maps (B,c,h,w) of each layer."""
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
        self._tapped = Tapped(embedder, layers) if isinstance(embedder, Network) else None

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Embeddings (B,D) and maps (B,c,h,w), of images (B,3,H,W) in [0,1]; on the CPU."""
        if not self.layers:
            return embed(self.embedder, images), [images.cpu()]
        if self._tapped is None:
            with _taken(self._modules) as maps:
                h = embed(self.embedder, images)
            return h, [maps[name].cpu() for name in self.layers]
        h, *taken = (of.cpu() for of in self._tapped(images.to(device_of(self.embedder))))
        return h, taken


def find_layers(embedder: Embedder, image_size: int, cells: int) -> list[str]:
    """The layers to read: the coarsest that still tells `cells` places a side apart, and the last.

    Args:
        embedder: the network; a black box has none.
        image_size: side of its images, in pixels.
        cells: places along each side, 2 or more.
    """
    if not isinstance(embedder, nn.Module):
        return []
    sides: dict[str, int] = {}  # in the order of the computation
    with ExitStack() as hooks:

        def watch(name: str, module: nn.Module) -> None:
            def look(module: nn.Module, inputs: object, output: object) -> None:
                if isinstance(output, Tensor) and output.ndim == 4:
                    sides[name] = min(output.shape[-2:])

            hooks.callback(module.register_forward_hook(look).remove)

        for name, module in embedder.named_modules():
            if name and any(True for _ in module.parameters()):
                watch(name, module)
        # A gradient of the images is asked for so that a `Network` runs in PyTorch.
        noise = torch.rand(1, 3, image_size, image_size, generator=torch.Generator().manual_seed(0))
        embed(embedder, noise.requires_grad_())

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
