"""FGGB: where each latent looks, weighed by how far it argues for a match."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.embedders import embed

COPIES = 16  # of an image in one batch, at most; more are no faster and take more memory


class FGGB(Comparator):
    """Feature-guided gradient backpropagation.

    For each of the D latents of a unit embedding e, g_j is the absolute gradient of e_j on the
    image. It is averaged over the colour channels and scaled to a length of 1 over the image. The
    evidence is the sum of (c_j - xi_1 / D) * g_j, where c_j = e1_j * e2_j are the latents' shares
    of the cosine. The authors show its positive part as similarity map and its negative part as
    dissimilarity map. D passes back for each image; those of an image that is in several pairs of a
    batch are taken once.
    """

    method = "fggb"
    title = "FGGB"
    source = "Lu, Xu, Ebrahimi 2024"
    needs = frozenset({"gradients"})
    cosine_only = True

    def evidence(self, pairs: Pairs) -> Evidence:
        """Sum over latents of (c_j - xi_1 / D) * g_j: (P,2,H,W)."""
        e = normalize(pairs.h.detach(), dim=-1)
        weights = e[:, 0] * e[:, 1] - self.similarity_threshold / e.shape[-1]
        weights = weights[:, None].expand(-1, 2, -1)
        images, index = pairs.images.detach().flatten(0, 1).unique(dim=0, return_inverse=True)
        index = index.unflatten(0, (-1, 2))
        values = torch.empty(*index.shape, *images.shape[-2:])
        for k, image in enumerate(images):
            values[index == k] = self._weighed(image, weights[index == k])
        return Evidence(values)

    def _weighed(self, image: Tensor, weights: Tensor) -> Tensor:
        """Sums (n,H,W) of an image's g_j, each times its weight in (n,D)."""
        # One pass back takes a latent of each copy to the image, faster than one after the other;
        # and faster again, on a CPU, where the channels of a pixel lie side by side.
        copies = image.repeat(min(COPIES, weights.shape[1]), 1, 1, 1)
        copies = copies.contiguous(memory_format=torch.channels_last).requires_grad_()
        with torch.enable_grad():
            e = normalize(embed(self.embedder, copies), dim=-1)
        sums = torch.zeros(len(weights), image[0].numel())
        for latents in torch.arange(e.shape[-1]).split(COPIES):
            each = e[: len(latents), latents].diagonal()
            (gradient,) = torch.autograd.grad(each.sum(), copies, retain_graph=True)
            g = gradient[: len(latents)].abs().mean(dim=1).flatten(1)
            sums += weights[:, latents] @ normalize(g, dim=1)
        return sums.unflatten(1, image.shape[1:])
