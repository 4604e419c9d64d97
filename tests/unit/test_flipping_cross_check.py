"""Pixel flipping and ROAD against the libraries that users know."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics.perturbation_confidence import (
    PerturbationConfidenceMetric,
    RemoveMostRelevantFirst,
)
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from torch import Tensor, nn

from lfs_core.evaluation.metrics.base import SIDE, Case, Labels
from lfs_core.evaluation.metrics.road import NOISE, PERCENTS, Road, impute
from lfs_core.evaluation.metrics.selectivity import enlarged, flip_curves, flip_ranks

SIZE, GRID = 16, 4
CELL = 3 * (SIZE // GRID) ** 2  # values in a superpixel


class Similarity(nn.Module):
    """A network with one output: the similarity to a partner that stays."""

    def __init__(self, embedder: nn.Module, partner: Tensor) -> None:
        super().__init__()
        self.embedder = embedder
        self.partner = partner

    def forward(self, images: Tensor) -> Tensor:
        return torch.cosine_similarity(self.embedder(images), self.partner, dim=1)[:, None]


@pytest.fixture
def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = nn.Conv2d(3, 12, 2, stride=2)
        layers = nn.Tanh(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(192, 16, bias=False)
        first.weight.data.mul_(5)
        first.bias.data = -0.4 * first.weight.data.sum(dim=(1, 2, 3))  # both signs
        return nn.Sequential(first, *layers).eval()


def coarse(pairs: int, size: int, seed: int) -> Tensor:
    """Pairs (P,2,3,size,size) of a few colours, so that the network tells them apart."""
    cells = torch.rand(pairs, 2, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return cells.repeat_interleave(size // 4, -1).repeat_interleave(size // 4, -2)


@pytest.mark.parametrize(("fill", "baseline"), [("black", 0.0), ("grey", 0.5)])
def test_pixel_flipping_is_that_of_quantus(network: nn.Module, fill: str, baseline: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its import
        import quantus

    images = coarse(3, SIZE, seed=1)
    scores = torch.rand(1, 3, 2, GRID, GRID, generator=torch.Generator().manual_seed(2))
    curves = flip_curves(
        network,
        images,
        flip_ranks(scores),
        torch.zeros(3, dtype=torch.bool),
        fill=fill,
        flips=range(GRID**2 + 1),
    )[0]
    step = SIZE  # it must divide the pixels, and so cannot be a superpixel of three colours
    flipping = quantus.PixelFlipping(
        features_in_step=step, normalise=False, perturb_baseline=baseline, disable_warnings=True
    )
    for k, (image, partner) in enumerate(images):
        model = Similarity(network, network(partner[None]).detach()).eval()
        heat = enlarged(scores[0, k, 0], (SIZE, SIZE)).expand(3, -1, -1)
        theirs = flipping(
            model,
            x_batch=image[None].numpy(),
            y_batch=np.array([0]),
            a_batch=heat[None].numpy(),
            channel_first=True,
            softmax=False,
            device="cpu",
        )[0]
        np.testing.assert_allclose(
            curves[k, 1:], theirs[CELL // step - 1 :: CELL // step], atol=1e-5
        )
        assert curves[k].std() > 0.05  # there is something to agree on


def test_imputation_is_that_of_grad_cam() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 24, 30, generator=generator)
    for share in (0.1, 0.5, 0.9):
        missing = torch.rand(24, 30, generator=generator) < share
        theirs = NoisyLinearImputer(noise=0)(image, (~missing).float())
        torch.testing.assert_close(impute(image, missing), theirs, atol=1e-5, rtol=0)
        noisy = NoisyLinearImputer(noise=NOISE)(image, (~missing).float())
        assert (impute(image, missing) - noisy).abs().max() < 6 * NOISE


def test_road_is_that_of_grad_cam(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its threshold is a percentile of the enlarged map."""
    monkeypatch.setattr("lfs_core.evaluation.metrics.road.NOISE", 0.0)
    images = coarse(2, 2 * SIDE, seed=3)
    maps = coarse(2, SIDE, seed=4)[:, :, 0]
    maps += 0.001 * torch.rand(maps.shape, generator=torch.Generator().manual_seed(5))  # no ties
    h = network(images.flatten(0, 1)).detach().unflatten(0, (-1, 2))
    similarity = torch.cosine_similarity(h[:, 0], h[:, 1], dim=-1)
    labels = Labels(torch.ones(2, dtype=torch.bool), similarity, -1.0)  # similar: one is changed
    ours = Road().measure(Case(network, images, h, labels, maps, lambda others: others, 0))
    for k in range(2):
        model = Similarity(network, h[k, 1])
        heat = enlarged(maps[k, 0], images.shape[-2:]).numpy()[None]
        for step, percent in enumerate(PERCENTS):
            removing = RemoveMostRelevantFirst(100 - percent, NoisyLinearImputer(noise=0))
            theirs = PerturbationConfidenceMetric(removing)(
                images[k, :1], heat, [lambda output: output[0]], model, return_diff=False
            )
            assert ours[k, 1 + step].item() == pytest.approx(theirs[0], abs=1e-5)
    assert (ours.std(dim=1) > 0.01).all()
