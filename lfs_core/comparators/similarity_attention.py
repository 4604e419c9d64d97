"""Similarity attention: Grad-CAM of a score in which latents count by how near two images are."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.embedders import Embedder
from lfs_core.embedders.last_maps import LastMaps
from lfs_core.errors import LFSError
from lfs_core.explanation import Words

Score = Literal["shared", "own"]

ROUNDING = 1e-6  # of an embedding's length; what is nearer is the same


class SimilarityAttention(Comparator):
    """ReLU sum_k w_k A_k over the last maps, w_k the mean gradient of a score on map k.

    Latent j of embeddings f of length one has the weight w_j = 1 - |f1_j - f2_j| if a pair is
    called similar, and |f1_j - f2_j| if not. The score is sum_j w_j f1_j f2_j by "shared", and
    sum_j w_j f_j of each image by "own". Gradients also pass through the weights.

    Reconstructed: the authors' own formula for pairs could not be read. For triplets it is known by
    a second implementation, whose score is "own". `of_several` is for triplets and quadruplets.

    Latents of long embeddings differ by little, so that weights of similar pairs are near 1, and
    "shared" is near Grad-CAM. Where two embeddings are equal, "shared" is at its maximum, and the
    map is 0.

    Siamese networks with consistent attention (Zheng et al. 2019) pool gradients likewise, those of
    a layer that is trained to tell same from different. Without that layer there is nothing of it
    to add here. Both also train networks by their maps, which is left out.

    Args:
        embedder: the network to explain.
        score: "shared" or "own".
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range, or the network has no layers.
    """

    method = "similarity-attention"
    title = "Similarity attention"
    words: ClassVar[Words] = {"score": {"shared": "a shared score", "own": "each image's score"}}
    source = "Zheng et al. 2019"
    verified = False
    needs = frozenset({"gradients", "layers"})
    signed = False

    def __init__(
        self,
        embedder: Embedder,
        score: Score = "shared",
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if score not in get_args(Score):
            raise LFSError(
                f"score is {score!r}; it must be {' or '.join(map(repr, get_args(Score)))}."
            )
        self.score = score

    def evidence(self, pairs: Pairs) -> Evidence:
        """The attention of each image, (P,2,h,w), >= 0, for the decision taken."""
        a, b = normalize(pairs.h, dim=-1).unbind(1)
        weights = pair_weights(a, b, pairs.is_similar[:, None])
        scores = weights * a * b if self.score == "shared" else weights * (a + b)
        if self.score == "shared":
            scores = scores * ((a - b).detach().norm(dim=-1, keepdim=True) > ROUNDING)
        return Evidence(attention(scores.sum(), pairs.maps))

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"score": self.score}


def pair_weights(a: Tensor, b: Tensor, is_similar: Tensor) -> Tensor:
    """How much each latent counts for a pair: what is near, if it is similar; else what is apart.

    Args:
        a: (...,D) of length one.
        b: likewise.
        is_similar: bool, broadcast with the two.

    Returns:
        (...,D) in [-1,2].
    """
    apart = (a - b).abs()
    return torch.where(is_similar, 1 - apart, apart)


def several_weights(f: Tensor) -> Tensor:
    """How much each latent counts for a triplet or quadruplet: the product of its pairs' weights.

    Args:
        f: embeddings (3,D) of an anchor, one like it and one unlike it, or (4,D) with a second
            one unlike it, which is also unlike the first.

    Returns:
        (D,).

    Raises:
        LFSError: there are neither three nor four.
    """
    if len(f) not in (3, 4):
        raise LFSError(f"There are {len(f)} images; give 3, or 4: an anchor, like it, unlike it.")
    near, far = torch.tensor(True), torch.tensor(False)
    weights = pair_weights(f[0], f[1], near) * pair_weights(f[0], f[2], far)
    return weights if len(f) == 3 else weights * pair_weights(f[2], f[3], far)


def of_several(embedder: torch.nn.Module, images: Tensor) -> Tensor:
    """The attention of a triplet's or quadruplet's images: what tells like from unlike.

    The score of each image is sum_j w_j f_j, with the weights of `several_weights`. That the two
    unlike the anchor are the third pair of a quadruplet follows the loss of such networks.

    Args:
        embedder: the network.
        images: (3,3,H,W) or (4,3,H,W) in [0,1], in the order of `several_weights`.

    Returns:
        (3,h,w) or (4,h,w), >= 0, at the size of the last maps.

    Raises:
        LFSError: there are neither three nor four, or the network has no layers.
    """
    if not isinstance(embedder, torch.nn.Module):
        raise LFSError("Similarity attention needs a network with layers; this one is a black box.")
    maps, h = LastMaps(embedder)(images)
    f = normalize(h, dim=-1)
    weights = several_weights(f)
    return torch.stack([attention((weights * own).sum(), maps)[k] for k, own in enumerate(f)])


def attention(score: Tensor, maps: Tensor) -> Tensor:
    """ReLU of the sum of maps (...,c,h,w), each times the mean gradient of a score: (...,h,w)."""
    (gradient,) = torch.autograd.grad(score, maps, retain_graph=True)
    return ((gradient.mean(dim=(-2, -1), keepdim=True) * maps).sum(dim=-3)).relu().detach()
