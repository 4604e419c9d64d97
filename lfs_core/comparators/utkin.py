"""Utkin, Kovalev and Kasimov's prototypes and autoencoder, reconstructed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.decoder import load_decoder
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words
from lfs_core.mapping import difference_map
from lfs_core.util.networks import check_fitted
from lfs_core.util.threads import one_thread

BATCH = 1024  # embeddings decoded at a time
ROUNDING = 1e-6  # of an embedding's length; latents nearer to the prototype's are the same


class Utkin(Comparator):
    """Latents that an image shares with its class are disturbed, decoded, and watched.

    The authors compare an embedding with the prototype of its class, and call the latents important
    in which the two are close. The decoder of an autoencoder, whose code is trained to be the
    embedding, shows which pixels change with them. A later paper averages the changes over
    perturbations. This much is in their abstracts. The formulas could not be checked and are
    reconstructed. The prototype c is the mean embedding of a class; J are the |J| latents with the
    smallest |h_j - c_j|. Gaussian noise is added to h on J, T times. The map is the mean of
    |D(h + noise) - D(h)| over draws and colour channels. The noise is the same for every image.

    A pair may come without other images of its class. Its two images then stand for their class,
    and their mean is the prototype: our reading, under which both images have the same J.

    The method explains why an image belongs to its class. For a pair called dissimilar it does the
    same, image by image, and does not say what tells the two apart.

    D is trained on codes and given embeddings, which an encoder of small images only approaches.
    How well D decodes embeddings is in its `info`: of faces better than the mean image, but of
    the bird and car networks, whose classes it has not seen, worse.

    No passes beyond those that embed the images; 2T decodings an image.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        autoencoder: the decoder of an autoencoder fitted to that network's embeddings (see
            `lfs_core.training.autoencoder`), or its name or file; or any callable
            (B,D) -> (B,3,h,w). Left out, the one that ships for the network.
        prototypes: mean embeddings of classes (K,D), as `class_prototypes` makes them; each image
            is compared with the nearest by cosine. Left out, the mean of the pair is the prototype.
        important: |J|, the number of latents, or their share in (0,1]; at least one is taken.
        noise: its standard deviation in units of the root mean square of the embedding's latents,
            above 0.
        draws: T, 1 or more.
        seed: of the noise, 0 or more.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range, no autoencoder ships for the network, or the one
            given belongs to another network; when it explains, if prototypes or `important` do not
            fit the embeddings.
    """

    method = "utkin"
    title = "Utkin et al."
    words: ClassVar[Words] = {
        "noise": "noise {}",
        "draws": "{} draws",
    }
    source = "Utkin, Kovalev, Kasimov 2021"
    verified = False
    needs = frozenset({"training", "class images"})
    signed = False
    of_embeddings = False

    def __init__(
        self,
        embedder: Embedder,
        autoencoder: Callable[[Tensor], Tensor] | str | os.PathLike | None = None,
        prototypes: Tensor | None = None,
        important: int | float = 0.1,
        noise: float = 0.25,
        draws: int = 20,
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        for name, value, least in (("draws", draws, 1), ("seed", seed, 0)):
            if value < least:
                raise LFSError(f"{name} is {value}; it must be at least {least}.")
        if not (important >= 1 if isinstance(important, int) else 0 < important <= 1):
            raise LFSError(
                f"important is {important}; it must be a number of latents, 1 or more, or their "
                "share, above 0.0 and up to 1.0."
            )
        if not noise > 0:
            raise LFSError(f"noise is {noise}; it must be above 0.")
        if prototypes is not None and (prototypes.ndim != 2 or len(prototypes) == 0):
            raise LFSError(f"prototypes are {tuple(prototypes.shape)}; they must be (K,D).")
        self.autoencoder = self._decoder(autoencoder)
        self.prototypes, self.important, self.noise = prototypes, important, noise
        self.draws, self.seed = draws, seed

    @torch.no_grad()
    def evidence(self, pairs: Pairs) -> Evidence:
        """Mean changes of pixels (P,2,h,w), >= 0, in units of pixel value."""
        h = pairs.h.float()
        shared = nearest_latents(h, self._prototypes_of(h), self._count(h.shape[-1]))
        size = self.noise * h.square().mean(dim=-1, keepdim=True).sqrt()
        generator = torch.Generator().manual_seed(self.seed)
        noise = torch.randn(self.draws, h.shape[-1], generator=generator)
        with one_thread():
            total = sum(
                difference_map(
                    self.autoencoder,
                    h.expand(len(some), *h.shape),
                    h + size * shared * some[:, None, None],
                ).sum(dim=0)
                for some in noise.split(max(1, BATCH // h[..., 0].numel()))
            )
        return Evidence(torch.as_tensor(total) / self.draws)

    def settings(self) -> dict[str, object]:
        """The settings of this explainer; for prototypes that were given, their number."""
        return super().settings() | {
            "autoencoder": getattr(self.autoencoder, "info", {}),
            "prototypes": "mean of the pair" if self.prototypes is None else len(self.prototypes),
            "important": self.important,
            "noise": self.noise,
            "draws": self.draws,
            "seed": self.seed,
        }

    def _decoder(
        self, autoencoder: Callable[[Tensor], Tensor] | str | os.PathLike | None
    ) -> Callable[[Tensor], Tensor]:
        """A decoder as it is; by name or file; or the one that ships for the network."""
        if autoencoder is None:
            try:
                autoencoder = load_decoder(f"{self.embedder_name}-autoencoder")
            except LFSError as error:
                raise LFSError(
                    f"No autoencoder ships for {self.embedder_name!r}. Make its decoder with "
                    "`lfs fit-autoencoder` and give the file as `autoencoder`."
                ) from error
        elif isinstance(autoencoder, str | os.PathLike):
            autoencoder = load_decoder(autoencoder, self.embedder_name)
        check_fitted(getattr(autoencoder, "info", {}), self.embedder, "autoencoder")
        if isinstance(autoencoder, nn.Module):
            autoencoder.eval()
        return autoencoder

    def _prototypes_of(self, h: Tensor) -> Tensor:
        """The prototype of each image, of a shape that broadcasts to that of h (P,2,D)."""
        if self.prototypes is None:
            return h.mean(dim=1, keepdim=True)
        if self.prototypes.shape[1] != h.shape[-1]:
            raise LFSError(
                f"prototypes are {tuple(self.prototypes.shape)}, and {self.embedder_name!r} has "
                f"{h.shape[-1]} latents; they must be embeddings by this network."
            )
        c = self.prototypes.to(h)
        unit = nn.functional.normalize
        return c[(unit(h, dim=-1) @ unit(c, dim=-1).T).argmax(dim=-1)]

    def _count(self, latents: int) -> int:
        """|J|."""
        if not isinstance(self.important, int):
            return max(1, round(self.important * latents))
        if self.important > latents:
            raise LFSError(
                f"important is {self.important}, and {self.embedder_name!r} has {latents} latents; "
                "give fewer, or a share."
            )
        return self.important


def class_prototypes(embeddings: Tensor, labels: Sequence[str]) -> Tensor:
    """The mean embedding of each class.

    Args:
        embeddings: (N,D).
        labels: N names of classes.

    Returns:
        (K,D), the classes in the order of their names.

    Raises:
        LFSError: there is none, or not one label for each embedding.
    """
    if len(embeddings) != len(labels) or len(labels) == 0:
        raise LFSError(f"{len(labels)} labels do not fit embeddings {tuple(embeddings.shape)}.")
    names = sorted(set(labels))
    of = torch.tensor([names.index(label) for label in labels])
    return torch.stack([embeddings[of == k].mean(dim=0) for k in range(len(names))])


def nearest_latents(h: Tensor, prototypes: Tensor, count: int) -> Tensor:
    """J: the latents in which embeddings are nearest to prototypes; of equals, the first.

    Args:
        h: (...,D).
        prototypes: of a shape that broadcasts to h's.
        count: |J|, up to D.

    Returns:
        (...,D) bool.
    """
    distance = (h - prototypes).abs()
    # Equal embeddings may differ by rounding, which must not choose.
    distance = distance * (distance > ROUNDING * h.norm(dim=-1, keepdim=True))
    chosen = distance.argsort(dim=-1, stable=True)[..., :count]
    return torch.zeros_like(h, dtype=torch.bool).scatter(-1, chosen, True)
