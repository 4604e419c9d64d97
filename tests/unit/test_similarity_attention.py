"""Similarity attention against its gradient by hand, differences, and loops for triplets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lfs_core as lfs
from lfs_core.comparators.gradcam import GradCAM
from lfs_core.comparators.similarity_attention import (
    SimilarityAttention,
    of_several,
    several_weights,
)

SIDE, C, D = 6, 5, 4
SIMILAR, DISSIMILAR = -1.0, 1.0  # thresholds that make every pair so


class MeanThenLinear(nn.Module):
    """Maps, their mean, a linear layer: all in float64."""

    name, image_size = "mean-then-linear", SIDE

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.maps, self.head = nn.Conv2d(3, C, 3), nn.Linear(C, D)
        self.double()

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.maps(images.double()).mean(dim=(2, 3)))


def image(seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((3, SIDE, SIDE)))


NETWORK = MeanThenLinear().eval()
A, B = image(1), image(2)


def unit(f: np.ndarray) -> np.ndarray:
    return f / np.linalg.norm(f)


def parts(x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Maps (C,h,w) and the embedding (D) of an image."""
    with torch.no_grad():
        return NETWORK.maps(x[None])[0].numpy(), NETWORK(x[None])[0].numpy()


def score(f: np.ndarray, g: np.ndarray, similar: bool, which: str) -> float:
    """Of the image with embedding f."""
    a, b = unit(f), unit(g)
    w = 1 - abs(a - b) if similar else abs(a - b)
    return float((w * a * b).sum() if which == "shared" else (w * a).sum())


def by_hand(f: np.ndarray, g: np.ndarray, similar: bool, which: str) -> np.ndarray:
    """The gradient of the scores on f by the rules of calculus."""
    a, b = unit(f), unit(g)
    apart, sign = a - b, np.sign(a - b)
    w = 1 - abs(apart) if similar else abs(apart)
    slope = -sign if similar else sign  # of w, by a
    on_a = w * b + slope * a * b if which == "shared" else w + slope * (a + b)
    return (on_a - a * (a @ on_a)) / np.linalg.norm(f)


def expected(gradient: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """The attention, normalised, of a gradient on the embedding."""
    # A place's share of a mean is one over their number, and so is the mean over places.
    on_maps = gradient @ NETWORK.head.weight.detach().numpy() / maps[0].size
    return np.maximum(np.einsum("c,chw->hw", on_maps, maps), 0)


@pytest.mark.parametrize("which", ["shared", "own"])
@pytest.mark.parametrize("threshold", [SIMILAR, DISSIMILAR])
def test_attention_is_that_of_a_gradient_by_hand(threshold: float, which: str) -> None:
    explain = SimilarityAttention(NETWORK, score=which, similarity_threshold=threshold)
    pairs = explain.see(torch.stack([A, B])[None])
    found = explain.evidence(pairs).values[0]
    (maps_a, f), (maps_b, g) = parts(A), parts(B)
    for k, (maps, own, other) in enumerate(((maps_a, f, g), (maps_b, g, f))):
        gradient = by_hand(own, other, threshold == SIMILAR, which)
        np.testing.assert_allclose(found[k], expected(gradient, maps), atol=1e-6)


@pytest.mark.parametrize("similar", [True, False])
def test_the_gradient_by_hand_is_that_of_differences(similar: bool) -> None:
    (_, f), (_, g) = parts(A), parts(B)
    step = 1e-6
    for which, total in (
        ("shared", lambda x: score(x, g, similar, "shared")),
        ("own", lambda x: score(x, g, similar, "own") + score(g, x, similar, "own")),
    ):
        found = [(total(f + d) - total(f - d)) / (2 * step) for d in step * np.eye(D)]
        np.testing.assert_allclose(by_hand(f, g, similar, which), found, atol=1e-7)


@pytest.mark.parametrize("number", [3, 4])
def test_several_images_by_differences(number: int) -> None:
    """The score of each image, by its embedding, while the weights follow it."""
    images = torch.stack([image(k) for k in range(number)])
    found = of_several(NETWORK, images)
    maps, f = zip(*map(parts, images), strict=True)
    step = 1e-6

    def own_score(f: list[np.ndarray], k: int) -> float:
        u = [unit(of) for of in f]
        w = (1 - abs(u[0] - u[1])) * abs(u[0] - u[2])
        w = w * abs(u[2] - u[3]) if number == 4 else w
        return float(w @ u[k])

    for k in range(number):
        moved = [
            [own_score([*f[:k], f[k] + s * d, *f[k + 1 :]], k) for s in (1, -1)]
            for d in step * np.eye(D)
        ]
        gradient = np.array([(up - down) / (2 * step) for up, down in moved])
        np.testing.assert_allclose(found[k], expected(gradient, maps[k]), atol=1e-6)


def test_similar_pairs_of_long_embeddings_are_near_to_grad_cam() -> None:
    """Each latent differs by little, so that the weights are near 1."""

    class Long(nn.Module):
        name, image_size = "long", 16

        def __init__(self) -> None:
            super().__init__()
            with torch.random.fork_rng():
                torch.manual_seed(1)
                self.maps, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 2000)

        def forward(self, images: Tensor) -> Tensor:
            return self.head(self.maps(images).mean(dim=(2, 3)))

    pair = torch.from_numpy(np.random.default_rng(3).random((2, 3, 16, 16))).float()
    attention, cam = (
        of(Long(), similarity_threshold=-1)(*pair) for of in (SimilarityAttention, GradCAM)
    )
    assert (attention.maps - cam.maps).abs().mean() < 0.05


def test_neither_two_nor_five_images_are_several() -> None:
    with pytest.raises(lfs.LFSError, match="There are 2 images"):
        several_weights(torch.eye(2))
    with pytest.raises(lfs.LFSError, match="black box"):
        of_several(lambda images: images.mean(dim=(2, 3)), torch.rand(3, 3, 8, 8))
    with pytest.raises(lfs.LFSError, match="score is 'none'"):
        SimilarityAttention(NETWORK, score="none")
