"""The last maps of a network: the last layer whose output still says where in the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from lfs_core.embedders import embed
from lfs_core.embedders.layouts import Seen, look
from lfs_core.errors import LFSError
from lfs_core.util.networks import must_go_one_by_one
from lfs_core.util.vectors import PREFIX


class NoMapsError(LFSError):
    """A network has no layer whose output says where in the image it comes from."""


class LastMaps:
    """Takes the last maps of a network as it embeds images.

    They are those of the last module, in the order of the computation, whose output has places of
    the image on which the embedding depends. In a transformer that reads only its class token, they
    are the input of its last attention.

    Args:
        network: any `nn.Module` that embeds images.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._places: dict[torch.Size, Seen] = {}  # by the images' size

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (...,c,h,w), a leaf that gradients reach, and the embeddings (...,D) made of them.

        Both are on the CPU, wherever the network is.

        Args:
            images: (...,3,H,W) in [0,1].

        Raises:
            NoMapsError: the network has no such layer, or is not one that PyTorch runs.
            LFSError: as `embed`.
        """
        if must_go_one_by_one(self.network):
            raise NoMapsError("it takes images one by one only.")
        # A gradient of the images is asked for so that a `Network` runs in PyTorch.
        batch, size = images.shape[:-3], images.shape[-2:]
        images = images.detach().flatten(0, -4).clone().requires_grad_()
        with torch.enable_grad():
            if size not in self._places:
                self._places[size] = _last(look(self.network, images[0]))
            place = self._places[size]
            layout = place.layout
            assert layout is not None
            taken: list[Tensor] = []
            calls = 0

            def take(module: nn.Module, inputs: object, output: Tensor) -> Tensor | None:
                nonlocal calls
                calls += 1
                if calls != place.call:
                    return None
                maps = layout.maps(output.detach()).cpu()
                maps = maps if maps.dtype == torch.float64 else maps.float()
                taken.append(maps.unflatten(0, batch).requires_grad_())
                # A copy, as the next step may be one that writes into its input.
                return layout.put_back(taken[0].flatten(0, -4).to(output), output)

            with place.module.register_forward_hook(take):
                h = embed(self.network, images)
        return taken[0], h.unflatten(0, batch)


def _last(found: Sequence[Seen]) -> Seen:
    """The last maps of those seen, without what was seen in them."""
    usable = [of for of in found if of.layout is not None]
    reaching = [of for of in usable if of.reaches]
    spread = [of for of in found if of.reaches and (of.layout or of.output.shape[1] > PREFIX + 1)]
    if spread and spread[-1].layout is None:
        raise NoMapsError(
            f"it ends in {spread[-1].output.shape[1]} tokens (B,N,c), which are no grid of places "
            "that is known."
        )
    if not usable:
        raise NoMapsError("no layer of it returns maps (B,c,h,w), (B,h,w,c) or tokens (B,N,c).")
    return replace((reaching or usable)[-1], output=torch.empty(0))


def pooled_head(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """What makes an embedding, up to its length, of the mean (B,c) of the last maps.

    A network says so by a method `project`; else the mean is taken to be the embedding.
    """
    return getattr(network, "project", nn.Identity())
