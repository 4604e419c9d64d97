"""The last maps of a network: the last layer whose output still says where in the image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lfs_core.embedders import embed
from lfs_core.errors import LFSError


class LastMaps:
    """Takes the last maps of a network as it embeds images.

    They are those of the last module, in the order of the computation, that returns (B,c,h,w)
    with more than one place.

    Args:
        network: any `nn.Module` that embeds images.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._place: tuple[nn.Module, int] | None = None

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (...,c,h,w), a leaf that gradients reach, and the embeddings (...,D) made of them.

        Both are on the CPU, wherever the network is.

        Args:
            images: (...,3,H,W) in [0,1].

        Raises:
            LFSError: the network has no such layer, or is not one that PyTorch runs.
        """
        # A gradient of the images is asked for so that a `Network` runs in PyTorch.
        batch = images.shape[:-3]
        images = images.detach().flatten(0, -4).clone().requires_grad_()
        with torch.enable_grad():
            if self._place is None:
                self._place = self._find(images[:1])
            layer, call = self._place
            taken: list[Tensor] = []
            calls = 0

            def take(module: nn.Module, inputs: object, output: Tensor) -> Tensor | None:
                nonlocal calls
                calls += 1
                if calls != call:
                    return None
                taken.append(output.detach().cpu().unflatten(0, batch).requires_grad_())
                # A copy, as the next step may be one that writes into its input.
                return taken[0].flatten(0, -4).to(output.device, copy=True)

            with layer.register_forward_hook(take):
                h = embed(self.network, images)
        return taken[0], h.unflatten(0, batch)

    def _find(self, images: Tensor) -> tuple[nn.Module, int]:
        """The layer, and in which of its calls it returns the last maps."""
        counts: dict[nn.Module, int] = {}
        last: list[tuple[nn.Module, int] | None] = []  # None for tokens

        def look(module: nn.Module, inputs: object, output: object) -> None:
            counts[module] = counts.get(module, 0) + 1
            if not isinstance(output, Tensor):
                return
            if output.ndim == 4 and output.shape[-2] * output.shape[-1] > 1:
                last.append((module, counts[module]))
            elif output.ndim == 3 and output.shape[1] > 1:
                last.append(None)

        hooks = [module.register_forward_hook(look) for module in self.network.modules()]
        try:
            embed(self.network, images)
        finally:
            for hook in hooks:
                hook.remove()
        if not last:
            raise LFSError("no layer of it returns maps (B,c,h,w).")
        place = last[-1]
        if place is None:
            raise LFSError("it ends in tokens (B,N,c), not in maps (B,c,h,w).")
        return place


def pooled_head(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """What makes an embedding, up to its length, of the mean (B,c) of the last maps.

    A network says so by a method `project`; else the mean is taken to be the embedding.
    """
    return getattr(network, "project", nn.Identity())
