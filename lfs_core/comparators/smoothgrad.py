"""SmoothGrad: how strongly the similarity reacts to each pixel, averaged over noisy copies."""

from __future__ import annotations

from typing import ClassVar

import torch
from captum import attr
from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs, SimilarityTo
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words
from lfs_core.mapping import check_unit_interval

BATCH = 32  # noisy copies at a time


class SmoothGrad(Comparator):
    """The absolute gradient of the similarity, averaged over noisy copies and colour channels.

    Gaussian noise is added to an image, and the gradient of its cosine with the other image is
    taken, whose embedding is held fixed and free of noise. The authors average gradients, and show
    magnitudes; their own code averages squares of gradients, and captum, which is followed here,
    absolute values. The noise is the same for every image, so that neither the order of a pair
    nor the other pairs of a batch change a map.

    One pass forward and one back for each image and copy.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        samples: noisy copies of an image, 1 or more.
        noise: its standard deviation in units of pixel value, in [0,1]. The authors advise 0.1 to
            0.2 of the image's range. Noisy pixels may leave [0,1].
        seed: of the noise, 0 or more.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "smoothgrad"
    title = "SmoothGrad"
    words: ClassVar[Words] = {"samples": "{} samples", "noise": "noise {}"}
    source = "Smilkov et al. 2017"
    needs = frozenset({"gradients"})
    signed = False

    def __init__(
        self,
        embedder: Embedder,
        samples: int = 25,
        noise: float = 0.15,
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        for name, value, least in (("samples", samples, 1), ("seed", seed, 0)):
            if value < least:
                raise LFSError(f"{name} is {value}; it must be at least {least}.")
        check_unit_interval("noise", noise)
        self.samples, self.noise, self.seed = samples, noise, seed

    def evidence(self, pairs: Pairs) -> Evidence:
        """Mean absolute gradients (P,2,H,W), in 1 / pixel value."""
        images = pairs.images.detach().flatten(0, 1)
        partners = pairs.partners.detach().flatten(0, 1)
        generator = torch.Generator().manual_seed(self.seed)
        noise = self.noise * torch.randn(self.samples, *images.shape[1:], generator=generator)
        # One image at a time, or rounding would depend on what else is in a batch.
        found = [
            self._smooth(image, partner, noise)
            for image, partner in zip(images, partners, strict=True)
        ]
        return Evidence(torch.stack(found).unflatten(0, (-1, 2)))

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {
            "samples": self.samples,
            "noise": self.noise,
            "seed": self.seed,
        }

    def _smooth(self, image: Tensor, partner: Tensor, noise: Tensor) -> Tensor:
        """The map (H,W) of an image (3,H,W) with a partner (D,), for noise (n,3,H,W)."""
        gradients = attr.Saliency(SimilarityTo(self.embedder)).attribute
        total = torch.zeros_like(image)
        for some in noise.split(BATCH):
            copies = (image + some).requires_grad_()
            found = gradients(copies, additional_forward_args=partner.expand(len(some), -1))
            total += found.sum(dim=0)
        return (total / len(noise)).mean(dim=0)
