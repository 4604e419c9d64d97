"""Where attributes are in a pair's images, and which of them lies where the match is explained."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from lfs_core.embedders.last_maps import LastMaps
from lfs_core.errors import LFSError
from lfs_core.search.attributes import PRESENT, Attributes


@dataclass(frozen=True)
class Place:
    """How well an attribute's place fits the explanation of a match.

    Attributes:
        name: of the attribute.
        match: cosine of its map with the saliency map, the mean of the two images, in [0,1].
        shared: the lower of the pair's two scores of the attribute; above 0.5 where both have it.
    """

    name: str
    match: float
    shared: float


def attribute_maps(network: nn.Module, images: Tensor, attributes: Attributes) -> Tensor:
    """What each place of the last maps adds to the score of each attribute.

    The embedding's length is held constant. Where an embedding is a linear function of the mean of
    the last maps, places add up to slope times what lies along the attribute's direction.

    Args:
        network: with layers, whose embeddings `attributes` was fitted to.
        images: (B,3,H,W) in [0,1].
        attributes: K of them.

    Returns:
        (B,K,h,w) float64.

    Raises:
        LFSError: the network has no last maps.
    """
    maps, h = LastMaps(network)(images)
    unit = (h / h.detach().norm(dim=-1, keepdim=True)).double()
    along = unit @ attributes.directions.T * attributes.slopes
    found = []
    for score in along.sum(dim=0):
        (gradient,) = torch.autograd.grad(score, maps, retain_graph=True)
        found.append((gradient * maps.detach()).sum(dim=1).double())
    return torch.stack(found, dim=1)


def explain_by_places(
    network: nn.Module, images: Tensor, attributes: Attributes, saliency: Tensor
) -> list[Place]:
    """All attributes by how well their place fits a pair's saliency maps; first those both have.

    After Plummer, Vasileva, Petsiuk, Saenko and Forsyth (2020), who add the match of maps to the
    confidence of an attribute and to what it does elsewhere. Reconstructed: a probe's map stands
    for that of a classifier that was trained to have maps, and the match alone decides among
    attributes that both images have.

    Args:
        network: as of `attribute_maps`.
        images: (2,3,H,W) in [0,1].
        attributes: K of them.
        saliency: (2,H',W'), what explains the match in each image; what is below 0 counts as 0.

    Raises:
        LFSError: shapes are others, or the network has no last maps.
    """
    if images.shape[:2] != (2, 3) or saliency.ndim != 3 or len(saliency) != 2:
        raise LFSError(
            f"images are {tuple(images.shape)} and saliency {tuple(saliency.shape)}; "
            "they must be (2,3,H,W) and (2,H',W')."
        )
    found = attribute_maps(network, images, attributes).clamp_min(0)
    salient = adaptive_avg_pool2d(saliency.double().clamp_min(0), (found.shape[2], found.shape[3]))
    match = torch.cosine_similarity(found.flatten(2), salient[:, None].flatten(2), dim=2)
    with torch.no_grad():
        shared = attributes.scores(LastMaps(network)(images)[1]).amin(dim=0)
    places = [
        Place(*of)
        for of in zip(attributes.names, match.mean(dim=0).tolist(), shared.tolist(), strict=True)
    ]
    return sorted(places, key=lambda of: (of.shared <= PRESENT, -of.match))
