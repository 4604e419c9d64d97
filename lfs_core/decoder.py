"""Eq. 1: decoders from embedding to image, fitted, saved and loaded.

Errors are mean squared errors per pixel value, with pixels in [0,1]: Eq. 1 divided by the number
of pixel values and images.
"""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm

from lfs_core.errors import LFSError
from lfs_core.files import replacing

Batches = Iterable[tuple[Tensor, Tensor]]


class Decoder(nn.Module):
    """D: embeddings (B,D) -> images (B,3,h,w) in [0,1].

    Attributes:
        config: what `__init__` was given, so that a saved decoder can be built again.
        info: where the decoder comes from: embedder, data, seed, loss, versions.
        latent_min, latent_max: (D,), each latent's range over the training data.
    """

    kind: ClassVar[str]

    def __init__(self, latent_dim: int, image_size: tuple[int, int], **config: int) -> None:
        super().__init__()
        self.latent_dim, self.image_size = latent_dim, tuple(image_size)
        self.config = {"latent_dim": latent_dim, "image_size": self.image_size, **config}
        self.info: dict[str, object] = {}
        self.register_buffer("latent_min", torch.zeros(latent_dim))
        self.register_buffer("latent_max", torch.ones(latent_dim))

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


class LinearDecoder(Decoder):
    """D(h) = W h + b: the paper's decoder without hidden layers (Fig. 3).

    It is kept as W = up · down, two factors of rank r <= D with the most important direction
    first, and as the means of the training data, through which every rank must go.
    """

    kind = "linear"

    def __init__(self, latent_dim: int, image_size: tuple[int, int], rank: int) -> None:
        super().__init__(latent_dim, image_size, rank=rank)
        values = 3 * math.prod(image_size)
        self.up = nn.Parameter(torch.zeros(values, rank), requires_grad=False)
        self.down = nn.Parameter(torch.zeros(rank, latent_dim), requires_grad=False)
        self.register_buffer("latent_mean", torch.zeros(latent_dim))
        self.register_buffer("mean_image", torch.zeros(values))

    def pixels(self, h: Tensor) -> Tensor:
        """W h + b, (B,3,h,w), unbounded."""
        values = (h - self.latent_mean) @ self.down.T @ self.up.T + self.mean_image
        return values.unflatten(1, (3, *self.image_size))

    @property
    def weight(self) -> Tensor:
        """W, (3·h·w, D)."""
        return self.up @ self.down

    @property
    def bias(self) -> Tensor:
        """b, (3·h·w,)."""
        return self.mean_image - self.weight @ self.latent_mean

    def reduced(self, rank: int) -> LinearDecoder:
        """The decoder of this rank that fits the training data best."""
        if not 1 <= rank <= self.up.shape[1]:
            raise LFSError(f"rank is {rank}; it must lie in [1, {self.up.shape[1]}].")
        decoder = LinearDecoder(self.latent_dim, self.image_size, rank)
        state = self.state_dict() | {"up": self.up[:, :rank], "down": self.down[:rank]}
        decoder.load_state_dict(state)
        return decoder

    @classmethod
    def fit(
        cls, embeddings: Tensor | Batches, images: Tensor | None = None, *, ridge: float = 1.0
    ) -> Self:
        """Minimise Eq. 1 + ridge · |W|^2 in closed form; the intercept is not penalised.

        One pass over the data, whose sums alone are kept in memory. The factors are those of
        reduced-rank ridge regression (Mukherjee and Zhu 2011), so that `reduced` is optimal.

        Args:
            embeddings: (N,D); or an iterable of pairs of batches, (embeddings, images).
            images: (N,3,h,w), uint8 or floats in [0,1]; left out with an iterable.
            ridge: >= 0, in units of squared latents summed over the N embeddings.

        Raises:
            LFSError: no data, shapes that do not fit, NaN, or a singular system.
        """
        batches = [(embeddings, images)] if images is not None else embeddings
        if not (math.isfinite(ridge) and ridge >= 0):
            raise LFSError(f"ridge is {ridge}; it must be a finite number >= 0.")
        n, shape = 0, None
        for h, x in batches:
            h, x = training_pair(h, x)
            if shape is None:
                shape = x.shape[1:]
                # Shifting by the first embedding and by mid-grey keeps the sums well conditioned.
                origin = h[0].double()
                hh = torch.zeros(h.shape[1], h.shape[1], dtype=torch.float64)
                hx = torch.zeros(h.shape[1], shape.numel(), dtype=torch.float64)
                h_sum, x_sum = hh.new_zeros(len(hh)), hh.new_zeros(shape.numel())
                latent_min, latent_max = h[0].clone(), h[0].clone()
            if x.shape[1:] != shape or h.shape[1] != len(hh):
                raise LFSError(f"A batch {tuple(h.shape)}, {tuple(x.shape)} differs in shape.")
            latent_min = latent_min.minimum(h.amin(0))
            latent_max = latent_max.maximum(h.amax(0))
            h, x = h.double() - origin, x.double().flatten(1) - 0.5
            hh += h.T @ h
            hx += h.T @ x
            h_sum += h.sum(0)
            x_sum += x.sum(0)
            n += len(h)
        if n == 0:
            raise LFSError("There is no image to fit the decoder to.")
        hh -= h_sum.outer(h_sum) / n
        hx -= h_sum.outer(x_sum) / n
        hh.diagonal().add_(ridge)
        cholesky, failed = torch.linalg.cholesky_ex(hh)
        if failed:
            raise LFSError("The latents are linearly dependent; fit with a larger ridge.")
        weight = torch.cholesky_solve(hx, cholesky)  # (D, 3hw)
        directions = torch.linalg.svd(cholesky.T @ weight, full_matrices=False).Vh  # (r, 3hw)
        decoder = cls(len(hh), tuple(shape[1:]), rank=len(directions))
        decoder.up.data = directions.T.float().contiguous()
        decoder.down.data = (directions @ weight.T).float()
        decoder.latent_mean.copy_(h_sum / n + origin)
        decoder.mean_image.copy_(x_sum / n + 0.5)
        decoder.latent_min.copy_(latent_min)
        decoder.latent_max.copy_(latent_max)
        return decoder


class ConvDecoder(Decoder):
    """A deep decoder: a linear layer, then transposed convolutions that double the side.

    It learns how an image differs from the mean image, so that it starts from a picture.
    """

    kind = "conv"

    def __init__(
        self, latent_dim: int, image_size: tuple[int, int] = (40, 40), channels: int = 256
    ) -> None:
        super().__init__(latent_dim, image_size, channels=channels)
        self.register_buffer("latent_mean", torch.zeros(latent_dim))
        self.register_buffer("latent_std", torch.ones(latent_dim))
        self.register_buffer("mean_image", torch.full((3, *image_size), 0.5))
        grid = (-(-image_size[0] // 8), -(-image_size[1] // 8))  # three doublings, rounded up
        layers: list[nn.Module] = [
            nn.Linear(latent_dim, channels * math.prod(grid)),
            nn.Unflatten(1, (channels, *grid)),
        ]
        for divisor in (1, 2, 4):
            wide = channels // divisor
            layers += [nn.GELU(), nn.ConvTranspose2d(wide, wide // 2, 4, stride=2, padding=1)]
        layers += [nn.GELU(), nn.Conv2d(channels // 8, 3, 3, padding=1)]
        self.layers = nn.Sequential(*layers)

    def pixels(self, h: Tensor) -> Tensor:
        """(B,3,h,w) in [0,1] by its sigmoid."""
        height, width = self.image_size
        change = self.layers((h - self.latent_mean) / self.latent_std)[..., :height, :width]
        return torch.sigmoid(self.mean_image.logit(eps=0.01) + change)

    @classmethod
    def fit(
        cls,
        embeddings: Tensor,
        images: Tensor,
        validation: tuple[Tensor, Tensor],
        *,
        epochs: int = 30,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        channels: int = 256,
        seed: int = 0,
        progress: bool = True,
    ) -> Self:
        """Minimise Eq. 1 by AdamW; keep the weights of the epoch with the lowest held-out error.

        Args:
            embeddings: (N,D).
            images: (N,3,h,w), uint8 or floats in [0,1].
            validation: held-out embeddings and images, likewise.
            epochs: passes over the data; the learning rate falls to 0 along a cosine.
            batch_size: images a step.
            learning_rate: AdamW's, at the start.
            channels: width of the first layer, a multiple of 8.
            seed: of the initial weights and the order of the images.
            progress: show a progress bar.

        Returns:
            The decoder; `decoder.info["history"]` lists (training, held-out) error by epoch.

        Raises:
            LFSError: no data, shapes that do not fit, or NaN.
        """
        h, x = training_pair(embeddings, images)
        held_out = training_pair(*validation)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            decoder = cls(h.shape[1], tuple(x.shape[2:]), channels=channels)
            decoder.latent_min.copy_(h.amin(0))
            decoder.latent_max.copy_(h.amax(0))
            decoder.latent_mean.copy_(h.mean(0))
            decoder.latent_std.copy_(h.std(0, correction=0).clamp_min(1e-6))
            decoder.mean_image.copy_(x.mean(0))
            optimizer = torch.optim.AdamW(decoder.parameters(), learning_rate)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
            best, history = math.inf, []
            for _ in (bar := tqdm(range(epochs), "ConvDecoder", disable=not progress)):
                total = 0.0
                for batch in torch.randperm(len(h)).split(batch_size):
                    loss = nn.functional.mse_loss(decoder.pixels(h[batch]), x[batch])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    total += loss.item() * len(batch)
                schedule.step()
                history.append((total / len(h), decoding_error(decoder, *held_out)))
                bar.set_postfix(train=f"{history[-1][0]:.4f}", held_out=f"{history[-1][1]:.4f}")
                if history[-1][1] < best:
                    best = history[-1][1]
                    weights = {k: v.clone() for k, v in decoder.state_dict().items()}
        decoder.load_state_dict(weights)
        decoder.info = {"seed": seed, "epochs": epochs, "history": history}
        return decoder.eval().requires_grad_(False)


DECODERS: dict[str, type[Decoder]] = {cls.kind: cls for cls in (LinearDecoder, ConvDecoder)}


def decoding_error(decoder: Decoder, embeddings: Tensor, images: Tensor) -> float:
    """Mean squared error per pixel value of D(h) against the images (Eq. 1)."""
    h, x = training_pair(embeddings, images)
    with torch.no_grad():
        total = sum(
            (decoder(hs) - xs).square().sum().item()
            for hs, xs in zip(h.split(256), x.split(256), strict=True)
        )
    return total / x.numel()


def training_pair(embeddings: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """Embeddings (N,D) and images (N,3,h,w) in [0,1], both float32 and finite.

    Raises:
        LFSError: there is none, the shapes do not fit, or a value is out of range.
    """
    h, x = torch.as_tensor(embeddings), torch.as_tensor(images)
    if h.ndim != 2 or x.ndim != 4 or x.shape[1] != 3 or len(h) != len(x) or len(h) == 0:
        raise LFSError(
            f"Embeddings {tuple(h.shape)} and images {tuple(x.shape)} do not fit; "
            "a decoder is fitted to (N,D) and (N,3,h,w) with N > 0."
        )
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    h = h.float()
    if not h.isfinite().all() or not (x.min() >= 0 and x.max() <= 1):
        raise LFSError("Embeddings must be finite, and images uint8 or floats in [0, 1].")
    return h, x


def save_decoder(decoder: Decoder, path: str | os.PathLike) -> None:
    """Write a decoder as fp16 safetensors with a JSON header; the file appears whole or not."""
    versions = {"torch": torch.__version__, "python": platform.python_version()}
    header = {
        "kind": decoder.kind,
        "config": decoder.config,
        "info": {"versions": versions} | decoder.info,
    }
    tensors = {name: t.half().contiguous() for name, t in decoder.state_dict().items()}
    with replacing(path) as new:
        save_file(tensors, new, {"lfs_decoder": json.dumps(header)})


def load_decoder(name: str | os.PathLike) -> Decoder:
    """Load a decoder that ships with the package, by name, or one from a file, by path.

    Raises:
        LFSError: there is no such decoder, or the file is not one.
    """
    shipped = {Path(f.name).stem: f for f in files("lfs_core").joinpath("weights").iterdir()}
    path = Path(str(shipped.get(os.fspath(name), name)))
    if not path.is_file():
        raise LFSError(
            f"There is no decoder {os.fspath(name)!r}: give a file, or one of {sorted(shipped)}; "
            "`lfs fit` makes one for another network."
        )
    try:
        with safe_open(path, "pt") as file:
            header = json.loads(file.metadata()["lfs_decoder"])
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        decoder = DECODERS[header["kind"]](**header["config"])
        decoder.load_state_dict(tensors)
    except (SafetensorError, TypeError, KeyError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise LFSError(f"{path} is not a decoder saved by lfs_core ({reason}).") from error
    decoder.info = header["info"]
    return decoder.eval().requires_grad_(False)
