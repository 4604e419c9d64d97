"""Sums over embeddings and images, from which every linear decoder between them follows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.training.rows import Array

Batches = Iterable[tuple[Array, Array]]

BATCH = 1024  # images that are summed or decoded at once
GCV_RIDGES = tuple(10 ** (k / 2) for k in range(-16, 7))


class Moments:
    """Sums over embeddings and images, from which every linear decoder between them follows.

    Attributes:
        n: number of images.
        image_size: (h,w).
        latent_min, latent_max: (D,), each latent's range.
    """

    @classmethod
    def of(cls, embeddings: Array | Batches, images: Array | None = None) -> Moments:
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

    def add(self, embeddings: Array, images: Array) -> None:
        """Add a batch, (B,D) and (B,3,h,w)."""
        h, x = training_pair(embeddings, images)
        if self.n == 0:
            self.image_size = (x.shape[2], x.shape[3])
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

    def solve(self, ridge: float) -> tuple[Tensor, Tensor]:
        """The ridge regression from embeddings to images, as two factors of its weight W = up down.

        They are those of reduced-rank ridge regression (Mukherjee and Zhu 2011): the first r
        columns of `up` and rows of `down` are the best of rank r.

        Returns:
            up (3·h·w,r) and down (r,D), float64.

        Raises:
            LFSError: as `weight`.
        """
        weight = self.weight(ridge)
        s, _, hx = self._spectrum()
        fitted = hx / (s + ridge).sqrt()[:, None]
        leading = torch.linalg.svd(fitted, full_matrices=False).Vh  # (r, 3hw)
        return leading.T, leading @ weight.T

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


def in_batches(
    embeddings: Array | Batches, images: Array | None = None
) -> Iterator[tuple[Array, Array]]:
    """Arrays in batches; an iterable of batches as it is.

    Raises:
        LFSError: embeddings came without images, or not as many.
    """
    if images is None:
        if isinstance(embeddings, Array):
            raise LFSError("Embeddings came without images: give both, or an iterable of batches.")
        return iter(embeddings)
    h, x = torch.as_tensor(embeddings), torch.as_tensor(images)
    if len(h) != len(x):
        training_pair(h, x)  # says what does not fit
    return ((h[k : k + BATCH], x[k : k + BATCH]) for k in range(0, max(1, len(h)), BATCH))


def training_pair(embeddings: Array, images: Array) -> tuple[Tensor, Tensor]:
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
