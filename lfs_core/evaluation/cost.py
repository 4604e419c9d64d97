"""What an explanation costs: passes through the network, and time in units of two passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from lfs_core.comparators.places import Forwards
from lfs_core.datasets.images import ImageLike, read_pair
from lfs_core.embedders import embed
from lfs_core.embedders.taps import Tapped
from lfs_core.errors import LFSError
from lfs_core.explanation import PairExplainer


@dataclass
class Passes:
    """Images that went through a network.

    Attributes:
        forward: how many were embedded; a derivative taken forwards counts as one more.
        backward: for how many gradients reached the image.
    """

    forward: int = 0
    backward: int = 0


@contextmanager
def counted(network: nn.Module) -> Iterator[Passes]:
    """Count the images that go through a network inside the `with` block."""
    passes = Passes()

    def reached(gradient: Tensor) -> None:
        passes.backward += len(gradient)

    with ExitStack() as hooks:

        def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if isinstance(module, Forwards) and module.network is network:
                passes.forward += module.passes
            # With its maps the network is run by another module, not called itself.
            runs = isinstance(module, Tapped) and module.network is network
            if not (runs or module is network):
                return
            passes.forward += len(inputs[0])
            if inputs[0].requires_grad:
                hooks.callback(inputs[0].register_hook(reached).remove)

        hooks.enter_context(register_module_forward_pre_hook(look))
        yield passes


@dataclass(frozen=True)
class Cost:
    """What explaining one pair costs.

    Attributes:
        forward: images through the network, and derivatives taken forwards.
        backward: images through the network backwards.
        seconds: the median time.
        two_passes: the median time of embedding the two images, in seconds.
        completeness_error: of the explanation, where its method promises a sum.
    """

    forward: int
    backward: int
    seconds: float
    two_passes: float
    completeness_error: float | None = None

    @property
    def ratio(self) -> float:
        """Time in units of two forward passes."""
        return self.seconds / self.two_passes


def measure_cost(
    explainer: PairExplainer,
    pairs: Sequence[tuple[ImageLike, ImageLike]],
    patience: float = 2.0,
) -> Cost:
    """The cost of explaining a pair; explanations and two bare passes take turns.

    Explain another pair first: what a method makes only once, such as masks, is not part of the
    cost of a pair. What it remembers of an image is: so every round explains a pair of new images.

    Args:
        explainer: any method; its network must be an `nn.Module`.
        pairs: one for each round, of images that are all different.
        patience: in seconds; no further round begins after it.

    Raises:
        LFSError: there is no pair; or the network is not an `nn.Module`, so that its passes
            cannot be counted.
    """
    if not pairs:
        raise LFSError("There is no pair to explain, and so no cost.")
    network = explainer.embedder
    if not isinstance(network, nn.Module):
        raise LFSError("Passes are counted in an nn.Module; wrap the network in one.")
    size = getattr(network, "image_size", None)
    _embed(network, read_pair(*pairs[0], size))
    times, bare = [], []
    begin = time.perf_counter()
    for pair in pairs:
        both = read_pair(*pair, size)
        start = time.perf_counter()
        with counted(network) as passes:
            explanation = explainer(*pair)
        times.append(time.perf_counter() - start)
        bare.append(_seconds(partial(_embed, network, both)))
        if time.perf_counter() - begin > patience:
            break
    return Cost(
        passes.forward,
        passes.backward,
        float(np.median(times)),
        float(np.median(bare)),
        explanation.completeness_error,
    )


@torch.no_grad()
def _embed(network: nn.Module, images: Tensor) -> None:
    embed(network, images)


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
