"""Eq. 1: decoders from embedding to image, fitted, saved and loaded.

Errors are mean squared errors per pixel value, with pixels in [0,1]: Eq. 1 divided by the number
of pixel values and images.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from lfs_core.errors import LFSError
from lfs_core.training.loop import train
from lfs_core.training.rows import Rows
from lfs_core.util.modules import save_module, stored_module

Batches = Iterable[tuple[Tensor, Tensor]]

DROPOUT = 0.5  # of the MLP's hidden layer
BATCH = 1024  # images that are summed or decoded at once
GCV_RIDGES = tuple(10 ** (k / 2) for k in range(-16, 7))


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
        cls,
        embeddings: Tensor | Batches,
        images: Tensor | None = None,
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
        return moments.solve(ridge)


class Moments:
    """Sums over embeddings and images, from which every linear decoder between them follows.

    Attributes:
        n: number of images.
        image_size: (h,w).
        latent_min, latent_max: (D,), each latent's range.
    """

    @classmethod
    def of(cls, embeddings: Tensor | Batches, images: Tensor | None = None) -> Moments:
        """Sum over (N,D) and (N,3,h,w), or over an iterable of batches of them.

        Raises:
            LFSError: no data, shapes that do not fit, or NaN.
        """
        moments = cls()
        for h, x in in_batches(embeddings, images):
            moments.add(h, x)
        if moments.n == 0:
            raise LFSError("There is no image to fit the decoder to.")
        return moments

    def __init__(self) -> None:
        self.n = 0
        self._eigen: tuple[Tensor, Tensor, Tensor] | None = None

    def add(self, embeddings: Tensor, images: Tensor) -> None:
        """Add a batch, (B,D) and (B,3,h,w)."""
        h, x = training_pair(embeddings, images)
        if self.n == 0:
            self.image_size = tuple(x.shape[2:])
            # Shifting by the first embedding and by mid-grey keeps the sums well conditioned.
            self._origin = h[0].double()
            latents, values = h.shape[1], x[0].numel()
            self._h, self._x = self._origin.new_zeros(latents), self._origin.new_zeros(values)
            self._hh = self._origin.new_zeros(latents, latents)
            self._hx = self._origin.new_zeros(latents, values)
            self._xx = 0.0
            self.latent_min, self.latent_max = h[0].clone(), h[0].clone()
        if tuple(x.shape[2:]) != self.image_size or h.shape[1] != len(self._h):
            raise LFSError(f"A batch {tuple(h.shape)}, {tuple(x.shape)} differs in shape.")
        self.latent_min = self.latent_min.minimum(h.amin(0))
        self.latent_max = self.latent_max.maximum(h.amax(0))
        h, x = h.double() - self._origin, x.double().flatten(1) - 0.5
        self._hh.addmm_(h.T, h)
        self._hx.addmm_(h.T, x)
        self._h += h.sum(0)
        self._x += x.sum(0)
        self._xx += x.square().sum().item()
        self.n += len(h)
        self._eigen = None

    @property
    def latent_mean(self) -> Tensor:
        """(D,), float64."""
        return self._h / self.n + self._origin

    @property
    def mean_image(self) -> Tensor:
        """(3·h·w,), float64."""
        return self._x / self.n + 0.5

    @property
    def variances(self) -> Tensor:
        """(D,), of the latents along their principal directions, smallest first."""
        return self._spectrum()[0] / self.n

    def whitening(self, ridge: float) -> Tensor:
        """(D,D): (h - mean) @ it has variance 1 along all directions that the ridge spares."""
        s, directions, _ = self._spectrum()
        return directions * (self.n / (s + ridge)).sqrt()

    def gcv(self, ridge: float) -> float:
        """Generalised cross-validation's estimate of the error (Golub, Heath and Wahba 1979)."""
        s, _, hx = self._spectrum()
        kept = s / (s + ridge)
        explained = hx.square().sum(1) / s.clamp_min(s[-1] * 1e-15)
        total = self._xx - self._x.square().sum().item() / self.n
        residual = total - (explained * (2 * kept - kept.square())).sum().item()
        freedom = self.n - 1 - kept.sum().item()
        return math.inf if freedom <= 0 else self.n * residual / freedom**2 / len(self._x)

    def weight(self, ridge: float) -> Tensor:
        """W^T of ridge regression, (D,3·h·w), float64.

        Raises:
            LFSError: the ridge is negative, or the system singular.
        """
        s, directions, hx = self._spectrum()
        if not (math.isfinite(ridge) and ridge >= 0):
            raise LFSError(f"ridge is {ridge}; it must be a finite number >= 0.")
        if s[0] + ridge <= 1e-12 * s[-1]:
            raise LFSError("The latents are linearly dependent; fit with a larger ridge.")
        return directions @ (hx / (s + ridge)[:, None])

    def solve(self, ridge: float) -> LinearDecoder:
        """The ridge regression from embeddings to images, as a decoder.

        Its factors are those of reduced-rank ridge regression (Mukherjee and Zhu 2011), so that
        every `LinearDecoder.reduced` is optimal too.

        Raises:
            LFSError: as `weight`.
        """
        weight = self.weight(ridge)
        s, _, hx = self._spectrum()
        fitted = hx / (s + ridge).sqrt()[:, None]
        leading = torch.linalg.svd(fitted, full_matrices=False).Vh  # (r, 3hw)
        decoder = LinearDecoder(len(s), self.image_size, rank=len(leading))
        decoder.up.data = leading.T.float().contiguous()
        decoder.down.data = (leading @ weight.T).float()
        decoder.latent_mean.copy_(self.latent_mean)
        decoder.mean_image.copy_(self.mean_image)
        decoder.latent_min.copy_(self.latent_min)
        decoder.latent_max.copy_(self.latent_max)
        return decoder

    def error(self, weight: Tensor, latent_mean: Tensor, mean_image: Tensor) -> float:
        """Mean squared error per pixel value of (h - latent_mean) W^T + mean_image, uncut.

        Args:
            weight: W^T, (D,3·h·w).
            latent_mean: (D,).
            mean_image: (3·h·w,).
        """
        weight, m = weight.double(), latent_mean.double() - self._origin
        mu = mean_image.double() - 0.5
        h = self._h - self.n * m  # sum of the centred embeddings
        hh = self._hh - m.outer(self._h) - h.outer(m)
        he = h.outer(mu) - self._hx + m.outer(self._x)  # with the errors of the mean image
        total = (hh @ weight + 2 * he).mul_(weight).sum().item()
        return total / (self.n * len(mu)) + self.error_of_picture(mean_image)

    def error_of_picture(self, picture: Tensor) -> float:
        """Mean squared error per pixel value of showing one picture (3·h·w,) for every image."""
        mu = picture.double() - 0.5
        total = self._xx - 2 * mu @ self._x + self.n * mu @ mu
        return total.item() / (self.n * len(mu))

    def _spectrum(self) -> tuple[Tensor, Tensor, Tensor]:
        """Eigenvalues (D,) and directions (D,D) of the latents; the images along them (D,3hw)."""
        if self._eigen is None:
            s, directions = torch.linalg.eigh(self._hh - self._h.outer(self._h) / self.n)
            hx = directions.T @ (self._hx - self._h.outer(self._x) / self.n)
            self._eigen = (s.clamp_min(0), directions, hx)
        return self._eigen


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
        embeddings: Tensor | Rows,
        images: Tensor | None = None,
        *,
        validation: tuple[Tensor, Tensor] | Rows,
        width: int | None = None,
        seed: int = 0,
        **options: object,
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
        rows = embeddings if isinstance(embeddings, Rows) else Rows.of(embeddings, images)
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


DECODERS: dict[str, type[Decoder]] = {
    cls.kind: cls for cls in (LinearDecoder, MLPDecoder, ConvDecoder)
}


def decoding_error(
    decoder: Decoder, embeddings: Tensor | Batches, images: Tensor | None = None
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
        for h, x in in_batches(embeddings, images):
            h, x = training_pair(h, x)
            total += (decoder(h) - x).square().sum().item()
            values += x.numel()
    return total / values


def in_batches(
    embeddings: Tensor | Batches, images: Tensor | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Arrays in batches; an iterable of batches as it is."""
    if images is None:
        return iter(embeddings)
    if len(embeddings) != len(images):
        training_pair(embeddings, images)  # says what does not fit
    starts = range(0, max(1, len(embeddings)), BATCH)
    return ((embeddings[k : k + BATCH], images[k : k + BATCH]) for k in starts)


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
    about = {"kind": decoder.kind, "config": decoder.config}
    save_module(path, "decoder", decoder.state_dict(), decoder.info, **about)


def load_decoder(name: str | os.PathLike) -> Decoder:
    """Load a decoder that ships with the package, by name, or one from a file, by path.

    Raises:
        LFSError: there is no such decoder, or the file is not one.
    """
    shipped = {
        Path(f.name).stem: f for f in files("lfs_core").joinpath("weights", "decoders").iterdir()
    }
    path = Path(str(shipped.get(os.fspath(name), name)))
    if not path.is_file():
        raise LFSError(
            f"There is no decoder {os.fspath(name)!r}: give a file, or one of {sorted(shipped)}; "
            "`lfs fit` makes one for another network."
        )
    with stored_module(path, "decoder") as (header, tensors):
        decoder = DECODERS[header["kind"]](**header["config"])
        decoder.load_state_dict(tensors)
        decoder.info = header["info"]
    return decoder.eval().requires_grad_(False)
