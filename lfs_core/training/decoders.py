"""Decoders that are fitted to Eq. 1: linear in closed form, and deep ones that are trained.

Errors are mean squared errors per pixel value, with pixels in [0,1]: Eq. 1 divided by the number
of pixel values and images.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self, overload

import torch
from torch import Tensor, nn

from lfs_core.decoder import Decoder
from lfs_core.errors import LFSError
from lfs_core.training.loop import train
from lfs_core.training.moments import (
    BATCH,
    GCV_RIDGES,
    Batches,
    Moments,
    in_batches,
    training_pair,
)
from lfs_core.training.rows import Array, Rows

DROPOUT = 0.5  # of the MLP's hidden layer


class LinearDecoder(Decoder):
    """D(h) = W h + b: the paper's decoder without hidden layers (Fig. 3).

    It is kept as W = up · down, two factors of rank r <= D with the most important direction
    first, and as the means of the training data, through which every rank must go.
    """

    kind = "linear"
    latent_mean: Tensor
    mean_image: Tensor

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

    @overload
    @classmethod
    def fit(cls, embeddings: Array, images: Array, *, ridge: float | None = None) -> Self: ...
    @overload
    @classmethod
    def fit(cls, embeddings: Batches, *, ridge: float | None = None) -> Self: ...
    @classmethod
    def fit(
        cls,
        embeddings: Array | Batches,
        images: Array | None = None,
        *,
        ridge: float | None = None,
    ) -> Self:
        """Minimise Eq. 1 + ridge · |W|^2 in closed form; the intercept is not penalised.

        One pass over the data, of which only sums are kept in memory.

        Args:
            embeddings: (N,D); or an iterable of pairs of batches, (embeddings, images).
            images: (N,3,h,w), uint8 or floats in [0,1]; left out with an iterable.
            ridge: >= 0, in units of squared latents summed over the N embeddings. Left out, it is
                chosen by generalised cross-validation, which takes the images to be independent:
                where several show one person, choose it on people held out (`fit_decoder`).

        Raises:
            LFSError: no data, shapes that do not fit, NaN, or a singular system.
        """
        moments = Moments.of(embeddings, images)
        if ridge is None:
            ridge = min(GCV_RIDGES, key=moments.gcv)
        return cls.solved(moments, ridge)

    @classmethod
    def solved(cls, moments: Moments, ridge: float) -> Self:
        """The decoder that minimises Eq. 1 + ridge · |W|^2, from sums over the data.

        Raises:
            LFSError: the ridge is negative, or the system singular.
        """
        up, down = moments.solve(ridge)
        decoder = cls(down.shape[1], moments.image_size, rank=len(down))
        decoder.up.data, decoder.down.data = up.float().contiguous(), down.float()
        decoder.latent_mean.copy_(moments.latent_mean)
        decoder.mean_image.copy_(moments.mean_image)
        decoder.latent_min.copy_(moments.latent_min)
        decoder.latent_max.copy_(moments.latent_max)
        return decoder


class DeepDecoder(Decoder):
    """A decoder with hidden layers, trained by AdamW.

    It reads latents that are whitened, so that directions of all sizes are learnt alike, and adds
    what it has learnt to the mean image, so that it starts from a picture.

    Args:
        latent_dim: D.
        image_size: (h,w).
        width: of the hidden layers; left out, the class's own.
    """

    default_width: ClassVar[int]
    latent_mean: Tensor
    whitening: Tensor
    mean_image: Tensor

    def __init__(
        self,
        latent_dim: int,
        image_size: tuple[int, int] = (40, 40),
        width: int | None = None,
    ) -> None:
        width = width or self.default_width
        super().__init__(latent_dim, image_size, width=width)
        self.register_buffer("latent_mean", torch.zeros(latent_dim))
        self.register_buffer("whitening", torch.eye(latent_dim))
        self.register_buffer("mean_image", torch.full((3, *image_size), 0.5))
        self.layers = self._layers(width)

    def _layers(self, width: int) -> nn.Module:
        """From whitened latents (B,D) to a change of the image, (B,3,h,w) in logits."""
        raise NotImplementedError

    def pixels(self, h: Tensor) -> Tensor:
        """(B,3,h,w) in [0,1] by a sigmoid."""
        change = self.layers((h - self.latent_mean) @ self.whitening)
        return torch.sigmoid(self.mean_image.logit(eps=0.01) + change)

    @classmethod
    def untrained(cls, moments: Moments, width: int | None = None) -> Self:
        """A decoder with random weights that whitens latents and adds to the mean image.

        Args:
            moments: of what it is to learn from.
            width: of the hidden layers; left out, the class's own.
        """
        decoder = cls(len(moments.latent_min), moments.image_size, width)
        decoder.latent_min.copy_(moments.latent_min)
        decoder.latent_max.copy_(moments.latent_max)
        decoder.latent_mean.copy_(moments.latent_mean)
        decoder.whitening.copy_(moments.whitening(min(GCV_RIDGES, key=moments.gcv)))
        decoder.mean_image.copy_(moments.mean_image.view_as(decoder.mean_image))
        return decoder

    @classmethod
    def fit(
        cls,
        embeddings: Array | Rows,
        images: Array | None = None,
        *,
        validation: tuple[Array, Array] | Rows,
        width: int | None = None,
        seed: int = 0,
        **options: Any,
    ) -> Self:
        """Minimise Eq. 1 by AdamW; keep the weights of the epoch with the lowest held-out error.

        Args:
            embeddings: (N,D); or rows, of which rows[[0, 5, 7]] is a batch (embeddings, images).
            images: (N,3,h,w), uint8 or floats in [0,1]; left out with rows.
            validation: held-out embeddings and images, or rows.
            width: of the hidden layers; left out, the class's own.
            seed: of the initial weights and the order of the images.
            options: of `training.train`: epochs, batch_size, learning_rate, patience, ssim, ...

        Returns:
            The decoder; `decoder.info["history"]` lists (training, held-out) error by epoch.

        Raises:
            LFSError: no data, shapes that do not fit, or NaN.
        """
        rows = Rows.of(embeddings, images)
        held_out = validation if isinstance(validation, Rows) else Rows.of(*validation)
        moments = Moments.of(rows.batches(BATCH))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            decoder = cls.untrained(moments, width)
        history = train(decoder, rows, held_out, seed=seed, **options)
        decoder.info = {"seed": seed, "history": history}
        return decoder.eval().requires_grad_(False)


class MLPDecoder(DeepDecoder):
    """A deep decoder with one hidden layer."""

    kind = "mlp"
    default_width = 1024

    def _layers(self, width: int) -> nn.Module:
        shape = (3, *self.image_size)
        return nn.Sequential(
            nn.Linear(self.latent_dim, width),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(width, math.prod(shape)),
            nn.Unflatten(1, shape),
        )


class ConvDecoder(DeepDecoder):
    """A deep decoder: a linear layer, then transposed convolutions that double the side."""

    kind = "conv"
    default_width = 128

    def _layers(self, width: int) -> nn.Module:
        height, wide = self.image_size
        # From a grid of about 5x5, by doublings, to the image's size or a little more.
        doublings = max(1, round(math.log2(max(height, wide) / 5)))
        grid = (-(-height // 2**doublings), -(-wide // 2**doublings))
        layers: list[nn.Module] = [
            nn.Linear(self.latent_dim, width * math.prod(grid)),
            nn.Unflatten(1, (width, *grid)),
        ]
        for _ in range(doublings):
            narrow = max(8, width // 2)
            layers += [nn.GELU(), nn.ConvTranspose2d(width, narrow, 4, stride=2, padding=1)]
            width = narrow
        layers += [nn.GELU(), nn.Conv2d(width, 3, 3, padding=1), _Cut(self.image_size)]
        return nn.Sequential(*layers)


class _Cut(nn.Module):
    """The upper left (h,w) of images."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.height, self.width = size

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : self.height, : self.width]


def decoding_error(
    decoder: Decoder, embeddings: Array | Batches, images: Array | None = None
) -> float:
    """Mean squared error per pixel value of D(h) against the images (Eq. 1).

    Args:
        decoder: D.
        embeddings: (N,D); or an iterable of pairs of batches, (embeddings, images).
        images: (N,3,h,w), uint8 or floats in [0,1]; left out with an iterable.

    Raises:
        LFSError: as `training_pair`.
    """
    total, values = 0.0, 0
    with torch.no_grad():
        for batch in in_batches(embeddings, images):
            h, x = training_pair(*batch)
            total += (decoder(h) - x).square().sum().item()
            values += x.numel()
    return total / values
