"""Eq. 1: what a decoder from embedding to image is; loaded and saved.

The paper's decoder without hidden layers (Fig. 3) is D(h) = W h + b, `LinearDecoder`. How decoders
are fitted stands in `training/decoders.py`.
"""

from __future__ import annotations

import os
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from lfs_core.errors import LFSError

DECODERS = {  # each kind with its name for readers
    "linear": ("linear", "lfs_core.training.decoders:LinearDecoder"),
    "mlp": ("MLP", "lfs_core.training.decoders:MLPDecoder"),
    "conv": ("convolutional", "lfs_core.training.decoders:ConvDecoder"),
}


class Decoder(nn.Module):
    """D: embeddings (B,D) -> images (B,3,h,w) in [0,1].

    Attributes:
        config: what `__init__` was given, so that a saved decoder can be built again.
        info: where the decoder comes from: embedder, data, seed, loss, versions.
        latent_min, latent_max: (D,), each latent's range over the training data.
    """

    kind: ClassVar[str]
    latent_min: Tensor
    latent_max: Tensor

    def __init__(self, latent_dim: int, image_size: tuple[int, int], **config: int) -> None:
        super().__init__()
        self.latent_dim, self.image_size = latent_dim, (image_size[0], image_size[1])
        self.config = {"latent_dim": latent_dim, "image_size": self.image_size, **config}
        self.info: dict[str, Any] = {}
        self.register_buffer("latent_min", torch.zeros(latent_dim))
        self.register_buffer("latent_max", torch.ones(latent_dim))

    if TYPE_CHECKING:

        def __call__(self, h: Tensor) -> Tensor:
            """As `forward`."""

    def forward(self, h: Tensor) -> Tensor:
        """The image of each embedding, cut to [0,1].

        Raises:
            LFSError: the embeddings are not (B,D) with this decoder's D.
        """
        if h.ndim != 2 or h.shape[1] != self.latent_dim:
            raise LFSError(
                f"This decoder reads embeddings (B,{self.latent_dim}), not {tuple(h.shape)}; "
                "it was fitted to another network."
            )
        return self.pixels(h).clamp(0, 1)

    def pixels(self, h: Tensor) -> Tensor:
        """The decoder's output (B,3,h,w) before it is cut to [0,1]."""
        raise NotImplementedError


def decoder_class(kind: str) -> type[Decoder]:
    """The class of decoders of a kind.

    Raises:
        LFSError: there is no such kind.
    """
    if kind not in DECODERS:
        raise LFSError(f"There is no decoder {kind!r}; choose one of {list(DECODERS)}.")
    return resolve_name(DECODERS[kind][1])


def decoder_title(kind: str) -> str:
    """The name for readers of decoders of a kind; of another name, itself."""
    return DECODERS[kind][0] if kind in DECODERS else kind.replace("_", " ")


def save_decoder(decoder: Decoder, path: str | os.PathLike[str]) -> None:
    """Write a decoder as fp16 safetensors with a JSON header; the file appears whole or not."""
    from lfs_core.util.modules import save_module

    about: dict[str, Any] = {"kind": decoder.kind, "config": decoder.config}
    save_module(path, "decoder", decoder.state_dict(), decoder.info, **about)


def load_decoder(name: str | os.PathLike[str], network: str | None = None) -> Decoder:
    """Load a decoder that ships with the package, by name, or one from a file, by path.

    Args:
        name: or path.
        network: the name of the network that it is for, by which a refusal offers others.

    Raises:
        LFSError: there is no such decoder, or the file is not one.
    """
    from lfs_core.util.modules import load_module

    return load_module(
        name,
        "decoder",
        "decoders",
        "lfs fit",
        lambda header: decoder_class(header["kind"])(**header["config"]),
        network,
    )
