"""What each method works on, found by trying it on small networks of every shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lfs_core.amortised import CausalHead
from lfs_core.comparators import EXPLAINERS, explainer_class, load_explainer
from lfs_core.comparators.base import explain_beside
from lfs_core.embedders import Embedder, embed_all, image_sides, load_embedder
from lfs_core.embedders.taps import find_layers
from lfs_core.errors import LFSError
from lfs_core.explanation import PairExplanation
from lfs_core.training.decoders import LinearDecoder

SIDE = 32  # px
GRID = 4  # windows, cells or superpixels a side
QUICK: dict[str, dict[str, Any]] = {  # options that cost little
    "utkin": {"draws": 4},
    "corrrise": {"masks": 30, "patch": 10},
    "distance-explainer": {"masks": 30, "grid": GRID},
    "integrated-jacobians": {"steps": 3},
    "kernel-shap": {"masks": 40, "grid": GRID},
    "lime": {"masks": 40, "grid": GRID},
    "occlusion": {"grid": GRID},
    "integrated-gradients": {"steps": 3},
    "smoothgrad": {"samples": 3},
    "causal": {"grid": GRID, "scales": 1},
    "bilrp": {"grid": GRID},
    "exclip": {"grid": GRID, "steps": 3},
    "fixlip": {"masks": 40, "grid": GRID},
}
YES, BESIDE = "yes", "an image and a text's embedding"


class _Convolutions(nn.Module):
    """Convolutions, the mean of their maps."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=4, padding=2), nn.ReLU(), nn.Conv2d(8, 12, 3, padding=1)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.maps(images).mean(dim=(2, 3))


class _Headed(_Convolutions):
    """And layers after the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 10))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(super().forward(images))


class _Tupled(nn.Module):
    """Embeddings within a tuple, and more."""

    def __init__(self) -> None:
        super().__init__()
        self.network = _Convolutions()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        h = self.network(images)
        return h[:, :, None, None], h.argmax()


class _Transformer(nn.Module):
    """Tokens of patches, and of a class if that is read."""

    def __init__(self, by_class: bool) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, int(by_class), 16))
        self.norm1, self.norm = nn.LayerNorm(16), nn.LayerNorm(16)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).flatten(2).mT
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        y = self.norm1(x)
        x = self.norm(x + self.attention(y, y, y)[0])
        return x[:, 0] if self.token.numel() else x.mean(dim=1)


class _ChannelsLast(nn.Module):
    """Maps (B,h,w,c), as of Swin."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.mix = nn.Conv2d(3, 12, 4, stride=4), nn.Linear(12, 12)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).movedim(1, -1)
        return self.mix(x).mean(dim=(1, 2))


def _of_numpy(images: Tensor) -> np.ndarray:
    """Means of squares, by NumPy."""
    squares = images.numpy().reshape(len(images), 3, GRID, -1, GRID, images.shape[-1] // GRID)
    return squares.mean(axis=(3, 5)).reshape(len(images), -1) - 0.4


@dataclass(frozen=True)
class Shape:
    """A kind of network.

    Attributes:
        title: for readers.
        make: a network of it.
    """

    title: str
    make: Callable[[], Any]


SHAPES = (
    Shape("convolutions, then their mean", _Convolutions),
    Shape("a head after the mean", _Headed),
    Shape("transformer, class token", lambda: _Transformer(True)),
    Shape("transformer, mean of tokens", lambda: _Transformer(False)),
    Shape("channels last (Swin)", _ChannelsLast),
    Shape("function of NumPy", lambda: _of_numpy),
    Shape("without gradients", lambda: torch.no_grad()(_Convolutions().eval())),
    Shape("tuple, (B,D,1,1)", _Tupled),
    Shape("bfloat16", lambda: _Convolutions().bfloat16()),
    Shape("images not square", lambda: load_embedder(_Convolutions(), image_size=(SIDE, 48))),
    Shape("Euclidean distance", lambda: load_embedder(_Convolutions(), distance="euclidean")),
)


def try_all() -> dict[str, dict[str, str]]:
    """For each method and shape: "yes", or the sentence with which the method refuses.

    The last column is of pairs of an image and an embedding, as of a text, by `explain_beside`.

    Raises:
        LFSError: a map has the wrong size, is flat, or not within [0,1]: a mistake of ours.
    """
    names = [name for name in EXPLAINERS if explainer_class(name).role == "method"]
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    for shape in SHAPES:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = load_embedder(shape.make())
        learnt = _learnt(network)
        for name in names:
            found[name][shape.title] = _tried(name, network, learnt)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = load_embedder(_Convolutions())
    for name in names:
        found[name][BESIDE] = _tried(name, network, _learnt(network), beside=True)
    return found


def markdown(found: dict[str, dict[str, str]]) -> str:
    """What `try_all` found: on how many shapes each method works, and which it refuses and why."""
    reasons: list[str] = []
    lines = ["| Method | Works on | Refuses |", "| --- | --- | --- |"]
    for name, row in found.items():
        refused = []
        for shape, said in row.items():
            if said != YES:
                reason = _general(said, name)
                if reason not in reasons:
                    reasons.append(reason)
                refused.append(f"{shape} ({reasons.index(reason) + 1})")
        works = f"{len(row) - len(refused)} of {len(row)}"
        lines.append(
            f"| {explainer_class(name).title} | {works} | {'; '.join(refused) or 'none'} |"
        )
    shapes = "; ".join(next(iter(found.values())))
    numbered = "\n".join(f"{k}. {of}" for k, of in enumerate(reasons, 1))
    table = "\n".join(lines)
    return (
        f"The kinds of networks: {shapes}.\n\n```{{table}} On how many kinds of networks each "
        f"method works.\n:name: tab-own-networks\n\n{table}\n```\n\nReasons:\n\n{numbered}\n"
    )


def _general(said: str, name: str) -> str:
    """A refusal without the names of the method and of the network."""
    text = re.sub(rf"^{name} (cannot explain '.*?': )?", "", said.partition(" Methods that")[0])
    text = re.sub(r"'_\w+'", "a network", text)
    return text[:1].upper() + text[1:]


def _images(network: Embedder) -> Tensor:
    """Two images (2,3,H,W) of noise."""
    height, width = image_sides(network) if hasattr(network, "image_size") else (SIDE, SIDE)
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))


def _learnt(network: Embedder) -> dict[str, dict[str, object]]:
    """A decoder and a causal head of a network, which have learnt nothing, as options."""
    images = _images(network)
    noise = torch.rand(40, *images.shape[1:], generator=torch.Generator().manual_seed(1))
    h = embed_all(network, noise)
    decoder = LinearDecoder.fit(h, noise[:, :, ::4, ::4])
    size = (images.shape[-2], images.shape[-1])
    layers = find_layers(network, size, GRID)
    channels = [3]
    if layers:
        from lfs_core.embedders.taps import Taps

        channels = [of.shape[1] for of in Taps(network, layers)(images)[1]]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = CausalHead(h.shape[1], GRID, layers, channels, hidden=16)
        for weights in head.write.parameters():
            nn.init.normal_(weights)
    return {
        "explainlfs": {"decoder": decoder},
        "utkin": {"autoencoder": decoder},
        "amortised": {"head": head.eval()},
    }


def _tried(
    name: str, network: Embedder, learnt: dict[str, dict[str, object]], beside: bool = False
) -> str:
    """Whether a method works, or why not."""
    a, b = _images(network)
    try:
        explain = load_explainer(name, network, **QUICK.get(name, {}), **learnt.get(name, {}))
        text = embed_all(network, b[None])[0]
        e = explain_beside(explain, a, text) if beside else explain(a, b)
    except LFSError as error:
        return str(error)
    _check(name, e, 1 if beside else 2)
    return YES


def _check(name: str, e: PairExplanation, sides: int) -> None:
    maps = e.maps[:sides]
    # A signed method may find nothing for the decision, and everything against it.
    told = maps if e.signed_maps is None else e.signed_maps[:sides]
    right = e.maps.shape == (2, *e.images.shape[-2:]) and bool(maps.isfinite().all())
    if not right or maps.min() < 0 or maps.max() > 1 or not told.std(dim=(1, 2)).max() > 0:
        raise LFSError(f"{name} gives no map of the right size in [0,1] that says anything.")
