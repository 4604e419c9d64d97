"""What methods share that pair the places of two images."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import normalize

from lfs_core.embedders import Embedder, embed, embedder_name
from lfs_core.embedders.network import Network
from lfs_core.errors import LFSError
from lfs_core.util.own_code import told

CHUNK = 16  # derivatives with one pass; more are no faster and take more memory


def summed(matches: Tensor, grid: tuple[int, int]) -> Tensor:
    """What each place says with all places of the other image, (P,2,h,w).

    Args:
        matches: (P,K,K).
        grid: rows and columns of the K places.
    """
    return torch.stack([matches.sum(dim=2), matches.sum(dim=1)], dim=1).unflatten(-1, grid)


def of_each(images: Tensor, of: Callable[[Tensor], Tensor]) -> Tensor:
    """A function of images (P,2,3,H,W), one by one, each different image once: (P,2,...).

    Args:
        images: (P,2,3,H,W).
        of: of one image (3,H,W).
    """
    different, which = images.detach().flatten(0, 1).unique(dim=0, return_inverse=True)
    return torch.stack([of(image) for image in different])[which].unflatten(0, (-1, 2))


def moved(network: Embedder, image: Tensor, parts: Tensor, unit: bool = False) -> Tensor:
    """By how much an embedding moves, to first order, as its image moves along each part.

    The product of the Jacobian with each part, by derivatives taken forwards: each costs about one
    pass. A Jacobian row by row would cost one pass back for each latent.

    Args:
        network: to explain.
        image: (3,H,W) in [0,1], where the derivatives are taken.
        parts: (K,3,H,W).
        unit: of the embedding divided by its length.

    Returns:
        (K,D).

    Raises:
        LFSError: the network has a step without such derivatives.
    """

    def along(some: Tensor) -> Tensor:
        """Of parts (n,3,H,W), with one pass of the image: (n,D)."""
        run = Forwards(network, len(some)).eval()

        def embedding(images: Tensor) -> Tensor:
            h = embed(run, images)
            return normalize(h, dim=-1) if unit else h

        def one(part: Tensor) -> Tensor:
            return torch.func.jvp(embedding, (image[None],), (part[None],))[1][0]

        return torch.func.vmap(one)(some)

    try:
        # Fast forms of attention have no such derivatives; nothing is taken backwards.
        with _without_warning(), sdpa_kernel(SDPBackend.MATH), torch.no_grad():
            return torch.cat([along(some) for some in parts.split(CHUNK)])
    except Exception as error:
        raise LFSError(
            f"Derivatives of {embedder_name(network)!r} cannot be taken forwards "
            f"({told(error)}); the method needs a network with gradients of that kind."
        ) from error


class Forwards(nn.Module):
    """A network in PyTorch, with derivatives taken forwards, as it may be counted.

    A `Network` would leave PyTorch where no gradient is taken backwards.

    Args:
        network: any.
        derivatives: how many are taken in addition to one pass.
    """

    def __init__(self, network: Embedder, derivatives: int) -> None:
        super().__init__()
        self.network, self.name = network, embedder_name(network)
        self.passes = derivatives + isinstance(network, Network)  # more than its calls

    def forward(self, images: Tensor) -> object:
        """What the network returns of images (B,3,H,W)."""
        if isinstance(self.network, Network):
            return self.network.in_torch(self.network.resized(images))
        return self.network(images)


@contextmanager
def _without_warning() -> Iterator[None]:
    """Without what PyTorch says of a part of its own as it takes its first derivative forwards."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".torch.jit.script. is deprecated")
        yield
