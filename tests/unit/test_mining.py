"""Similarity mining against closed forms and loops, its gradient, and its option in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

import lfs_core as lfs
from lfs_core.comparators.similarity_attention import of_several
from lfs_core.embedders.efficientnet import MetricNetwork
from lfs_core.training import metric_learning
from lfs_core.training.mining import group_attention, hard_triplets, mining_loss

SIDE, IN, C, D = 6, 3, 5, 4


class Tiny(nn.Module):
    """What is read -> last maps, half as large -> mean -> unit embeddings, all in float64."""

    name, image_size = "tiny", SIDE

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.maps = nn.Conv2d(IN, C, 2, stride=2, bias=bias)
            self.linear = nn.Linear(C, D, bias=bias)
        self.double()

    def last(self, read: Tensor) -> Tensor:
        return self.maps(read)

    def head(self, maps: Tensor) -> Tensor:
        return normalize(self.linear(maps.mean(dim=(2, 3))))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.last(images.double()))

    def loss(self, read: Tensor, groups: Tensor) -> Tensor:
        return mining_loss(read, self.last(read), groups, self.last, self.head)


def drawn(number: int, side: int = SIDE) -> Tensor:
    return torch.from_numpy(np.random.default_rng(number).normal(size=(number, IN, side, side)))


def unit(f: np.ndarray) -> np.ndarray:
    return f / np.linalg.norm(f)


@pytest.mark.parametrize("size", [3, 4])
def test_where_all_is_equally_hidden_the_loss_is_that_of_the_embeddings(size: int) -> None:
    """One place only, and no constants: hiding it changes lengths, and not directions."""
    network, read = Tiny(bias=False), drawn(size, 2)
    groups = torch.arange(size)[:, None]
    with torch.no_grad():
        f = network.head(network.last(read)).numpy()
    near, far = np.linalg.norm(f[0] - f[1]), np.linalg.norm(f[0] - f[2])
    expected = abs(near - far)
    if size == 4:
        expected += abs(near - np.linalg.norm(f[2] - f[3]))
    assert network.loss(read, groups).item() == pytest.approx(expected, abs=1e-9)


def looped_loss(network: Tiny, read: np.ndarray) -> float:
    """Of one triplet, its attention by differences."""
    w = network.linear.weight.detach().numpy()
    b = network.linear.bias.detach().numpy()
    maps = network.last(torch.from_numpy(read)).detach().numpy()
    means = maps.mean(axis=(2, 3))

    def score(moved: np.ndarray, k: int) -> float:
        f = [unit(w @ (moved if j == k else of) + b) for j, of in enumerate(means)]
        return float((1 - abs(f[0] - f[1])) * abs(f[0] - f[2]) @ f[k])

    hidden = []
    for k, own in enumerate(maps):
        step = 1e-6 * np.eye(C)
        slopes = [score(means[k] + s, k) - score(means[k] - s, k) for s in step]
        attended = np.maximum(np.einsum("c,chw->hw", slopes, own), 0)
        attended = attended / (attended.max() or 1)
        large = interpolate(torch.from_numpy(attended)[None, None], SIDE, mode="bilinear")
        hidden.append(read[k] * (1 - 1 / (1 + np.exp(-10 * (large[0, 0].numpy() - 0.5)))))
    again = network.last(torch.from_numpy(np.stack(hidden))).detach().numpy()
    f = [unit(w @ of.mean(axis=(1, 2)) + b) for of in again]
    return abs(np.linalg.norm(f[0] - f[1]) - np.linalg.norm(f[0] - f[2]))


def test_the_loss_is_the_mean_of_those_of_loops() -> None:
    network, read = Tiny(), drawn(5)
    groups = torch.tensor([[0, 3], [1, 4], [2, 0]])
    expected = np.mean([looped_loss(network, read[of].numpy()) for of in groups.T])
    assert network.loss(read, groups).item() == pytest.approx(expected, abs=1e-6)


def test_its_gradient_reaches_the_weights_and_is_that_of_differences() -> None:
    """Also through the mask, as the attention depends on the weights."""
    network, read = Tiny(), drawn(3)
    groups = torch.arange(3)[:, None]
    network.loss(read, groups).backward()
    for weight in (network.maps.weight, network.linear.weight):
        assert weight.grad is not None
        flat, step = weight.data.view(-1), 1e-6
        found = []
        for k in range(len(flat)):
            losses = []
            for sign in (1, -1):
                flat[k] += sign * step
                losses.append(network.loss(read, groups).item())
                flat[k] -= sign * step
            found.append((losses[0] - losses[1]) / (2 * step))
        assert np.abs(found).max() > 1e-3
        np.testing.assert_allclose(weight.grad.view(-1), found, atol=1e-6)


@pytest.mark.parametrize("size", [3, 4])
def test_attention_is_that_of_the_method(size: int) -> None:
    network, images = Tiny().eval(), drawn(size).sigmoid()
    found = group_attention(network.last(images)[:, None], network.head)[:, 0]
    torch.testing.assert_close(found.float(), of_several(network, images).float())


def test_triplets_are_the_hardest() -> None:
    f = normalize(torch.tensor([[1.0, 0], [1, 0.2], [1, 2], [1, 0.3], [0, 1], [-1, 0]]), dim=1)
    found = hard_triplets(f, torch.tensor([4, 4, 4, 2, 2, 7]))
    assert found.tolist() == [[3, 0], [4, 2], [1, 3]]  # classes 2 and 4; 7 has one image
    assert hard_triplets(f, torch.arange(6)).shape == (3, 0)
    assert hard_triplets(f, torch.zeros(6)).shape == (3, 0)


def test_no_groups_and_groups_of_two() -> None:
    network, read = Tiny(), drawn(3)
    loss = network.loss(read, torch.empty(3, 0, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0
    with pytest.raises(lfs.LFSError, match="give 3, or 4"):
        network.loss(read, torch.zeros(2, 1, dtype=torch.long))


def test_last_maps_of_the_trained_network() -> None:
    torch.manual_seed(0)
    network, early = MetricNetwork("x"), torch.rand(2, 112, 14, 14)
    with torch.no_grad():
        last = metric_learning._last_maps(network, early)
        torch.testing.assert_close(last.mean(dim=(2, 3)), network.pooled(early))
        torch.testing.assert_close(
            metric_learning._of_last_maps(network, last), network.late(early)
        )


@pytest.mark.slow
def test_training_with_mining_is_told_and_changes_the_weights() -> None:
    maps, labels = torch.rand(2, 8, 112, 14, 14), ["a"] * 4 + ["b"] * 4
    prints = []
    for mining in (0.0, 0.0, 1.0):
        with metric_learning._seeded(0):
            network = MetricNetwork("x")
            losses = metric_learning._train(network, maps, labels, 1, False, mining)
        assert np.isfinite(losses).all()
        prints.append(network.fingerprint())
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("mining", [-0.1, float("nan"), float("inf")])
def test_weights_out_of_range(mining: float) -> None:
    with pytest.raises(lfs.LFSError, match="mining is"):
        metric_learning.train_network("nowhere", name="x", mining=mining)
