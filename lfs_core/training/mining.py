"""Similarity mining: what tells like from unlike is hidden, and the rest is asked to tell nothing.

After Zheng, Karanam, Chen, Radke and Wu (2019). A network that can still tell two classes apart
when what it attends to is hidden has evidence that its attention misses. The loss asks for
attention that covers all of it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lfs_core.comparators.similarity_attention import several_weights

SHARPNESS, MIDDLE = 10.0, 0.5  # of the soft mask; attention of MIDDLE is half hidden

Layers = Callable[[Tensor], Tensor]


def mining_loss(read: Tensor, maps: Tensor, groups: Tensor, last: Layers, head: Layers) -> Tensor:
    """How far apart like and unlike still are when what tells them apart is hidden.

    With embeddings f' of the hidden images, a triplet of an anchor a, one like it p and one unlike
    it n has the loss | |f'_a - f'_p| - |f'_a - f'_n| |. This formula is
    from an implementation by others. A quadruplet adds the same for the distance of its two unlike
    ones; that is reconstructed.

    An image is hidden where its attention M is high, by the factor 1 - sigmoid(10 (M - 1/2)).
    Here M is divided by its maximum, so that the two constants need not be learnt. The authors hide
    pixels; here it is what the trained layers read. Gradients pass through the mask, too.

    Args:
        read: (B,c,H,W), what the trained layers read of each image.
        maps: (B,d,h,w), the last maps made of them.
        groups: (3,T) or (4,T), positions of triplets or quadruplets, as `several_weights` orders
            them.
        last: from what is read to last maps.
        head: from last maps to embeddings (B,D) of length one.

    Returns:
        The mean over groups; 0 if there are none.

    Raises:
        LFSError: groups are neither of three nor of four.
    """
    if not groups.shape[1]:
        return maps.sum() * 0
    attended = group_attention(maps[groups], head)
    highest = attended.amax(dim=(-2, -1), keepdim=True)
    attended = attended / torch.where(highest > 0, highest, 1)
    attended = interpolate(attended, read.shape[-2:], mode="bilinear")
    hidden = read[groups] * (1 - torch.sigmoid(SHARPNESS * (attended - MIDDLE)))[:, :, None]
    f = head(last(hidden.flatten(0, 1))).unflatten(0, groups.shape)
    near = _distance(f[0], f[1])
    far = [_distance(f[0], f[2])]
    if len(f) == 4:
        far.append(_distance(f[2], f[3]))
    return torch.stack([(near - of).abs() for of in far]).sum(dim=0).mean()


def group_attention(maps: Tensor, head: Layers) -> Tensor:
    """`of_several` for T triplets or quadruplets at once, with a gradient.

    Args:
        maps: (G,T,d,h,w), last maps of the images of each of T groups.
        head: from last maps (B,d,h,w) to embeddings (B,D) of length one.

    Returns:
        (G,T,h,w), >= 0.
    """
    maps = maps if maps.requires_grad else maps.detach().requires_grad_()
    f = head(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
    scores = (several_weights(f) * f).sum(dim=(1, 2))  # of each image, summed over groups
    found = []
    for k, score in enumerate(scores):
        (gradient,) = torch.autograd.grad(score, maps, create_graph=True)
        weights = gradient[k].mean(dim=(-2, -1), keepdim=True)
        found.append((weights * maps[k]).sum(dim=1).relu())
    return torch.stack(found)


def hard_triplets(f: Tensor, labels: Tensor) -> Tensor:
    """For each class of a batch its first image, the farthest of its class, the nearest of others.

    Args:
        f: (B,D) of length one.
        labels: (B,) classes.

    Returns:
        (3,T) positions; a class with one image has none.
    """
    near = (f @ f.T).detach()
    same = labels[:, None] == labels
    triplets = []
    for label in labels.unique():
        of_class = (labels == label).nonzero()[:, 0]
        if len(of_class) > 1 and len(of_class) < len(labels):
            first = of_class[0]
            like = near[first].masked_fill(~same[first], torch.inf)
            like[first] = torch.inf
            unlike = near[first].masked_fill(same[first], -torch.inf)
            triplets.append(torch.stack([first, like.argmin(), unlike.argmax()]))
    return torch.stack(triplets, dim=1) if triplets else labels.new_empty(3, 0)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """(T,), with a gradient of 0 where two are equal."""
    squares = (a - b).square().sum(dim=-1)
    return squares.clamp_min(torch.finfo(squares.dtype).eps ** 2).sqrt()
