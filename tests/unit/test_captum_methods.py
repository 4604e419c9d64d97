"""Occlusion and the gradient methods against closed forms, loops and captum called plainly."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from captum import attr
from torch import Tensor, nn

import lfs_core as lfs
from lfs_core.comparators.base import Comparator
from lfs_core.comparators.gradient_x_input import GradientXInput
from lfs_core.comparators.integrated_gradients import IntegratedGradients
from lfs_core.comparators.occlusion import Occlusion
from lfs_core.comparators.smoothgrad import SmoothGrad
from lfs_core.datasets.faces import FaceSet
from lfs_core.embedders import Embedder, embed_all
from lfs_core.evaluation.cost import counted
from lfs_core.explanation import OF_THE_NETWORK

SIZE = 8
DARK = 0.3  # a pixel value that the linear network takes for nothing
METHODS = [
    partial(Occlusion, grid=4),
    partial(IntegratedGradients, steps=6),
    partial(SmoothGrad, samples=5),
    partial(GradientXInput),
]


class Linear(nn.Module):
    """W (x - DARK): D numbers, each a weighted sum of all pixels; in float64."""

    name = "linear"

    def __init__(self, height: int = SIZE, width: int = SIZE, D: int = 5) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(7)
        shape = (D, 3 * height * width)
        self.weight = nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64))

    def forward(self, images: Tensor) -> Tensor:
        return (images.double().flatten(1) - DARK) @ self.weight.T


class Curved(nn.Module):
    """Two convolutions and a linear layer, with kinks and bends; in float64."""

    name = "curved"

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.layers = nn.Sequential(
                nn.Conv2d(3, 6, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(6, 8, 3, stride=2, padding=1),
                nn.Tanh(),
                nn.Flatten(),
                nn.Linear(8 * 16, 5),
            ).double()

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images.double())


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def evidence(explain: Comparator, images: Tensor) -> np.ndarray:
    """What a method finds in pairs (P,2,3,H,W): (P,2,h,w)."""
    return explain.evidence(explain.see(images)).values.detach().numpy()


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return a @ b / np.sqrt((a @ a) * (b @ b))


def embedding(W: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The embedding of an image by the linear network."""
    return W @ (x.ravel() - DARK)


def gradient(W: np.ndarray, x: np.ndarray, partner: np.ndarray) -> np.ndarray:
    """Of the cosine of x's embedding with a partner's, by hand: what is across, of length 1/|e|."""
    e = embedding(W, x)
    length = np.sqrt(e @ e)
    across = partner / np.sqrt(partner @ partner) - cosine(e, partner) * e / length
    return (W.T @ (across / length)).reshape(x.shape)


def sides(images: Tensor, W: np.ndarray) -> list[tuple[int, int, np.ndarray, np.ndarray]]:
    """For each image of pairs: which pair, which side, the image, its partner's embedding."""
    pixels = images.numpy().astype(float)
    return [
        (p, side, pixels[p, side], embedding(W, pixels[p, 1 - side]))
        for p in range(len(pixels))
        for side in range(2)
    ]


def emptied(x: np.ndarray, fill: str) -> np.ndarray:
    """An image of one colour for an image (3,H,W)."""
    if fill == "mean":
        return np.stack([np.full(channel.shape, channel.mean()) for channel in x])
    return np.full(x.shape, {"grey": 0.5, "black": 0.0}[fill])


def test_gradient_x_input_by_hand() -> None:
    network, images = Linear(), noise(3, 2, 3, SIZE, SIZE)
    W = network.weight.detach().numpy()
    found = evidence(GradientXInput(network), images)
    for p, side, x, partner in sides(images, W):
        expected = (gradient(W, x, partner) * x).sum(axis=0)
        np.testing.assert_allclose(found[p, side], expected, atol=1e-6)


@pytest.mark.parametrize("fill", ["mean", "grey", "black"])
@pytest.mark.parametrize(("height", "width", "grid"), [(8, 8, 4), (10, 13, 4), (9, 8, 8)])
def test_occlusion_window_by_window(height: int, width: int, grid: int, fill: str) -> None:
    """Also of sizes that do not divide by the grid."""
    network, images = Linear(height, width), noise(2, 2, 3, height, width)
    W = network.weight.detach().numpy()
    found = evidence(Occlusion(network, grid=grid, fill=fill), images)
    assert found.shape == (2, 2, grid, grid)
    for p, side, x, partner in sides(images, W):
        for i in range(grid):
            for j in range(grid):
                covered, empty = x.copy(), emptied(x, fill)
                for row in range(height):
                    for column in range(width):
                        if row * grid // height == i and column * grid // width == j:
                            covered[:, row, column] = empty[:, row, column]
                lost = cosine(embedding(W, x), partner) - cosine(embedding(W, covered), partner)
                assert found[p, side, i, j] == pytest.approx(lost, abs=2e-6)


@pytest.mark.parametrize("baseline", ["mean", "grey", "black"])
def test_integrated_gradients_by_quadrature(baseline: str) -> None:
    network, images = Linear(), noise(2, 2, 3, SIZE, SIZE)
    W = network.weight.detach().numpy()
    explain = IntegratedGradients(network, baseline=baseline, steps=100)
    found = explain.evidence(explain.see(images))
    points = (np.arange(2000) + 0.5) / 2000
    for p, side, x, partner in sides(images, W):
        empty = emptied(x, baseline)
        slopes = [gradient(W, empty + t * (x - empty), partner) for t in points]
        expected = ((x - empty) * np.mean(slopes, axis=0)).sum(axis=0)
        np.testing.assert_allclose(
            found.values[p, side], expected, atol=1e-4 * abs(expected).max() + 1e-6
        )
        promised = cosine(embedding(W, x), partner) - cosine(embedding(W, empty), partner)
        assert found.promised_sums[p, side] == pytest.approx(promised, abs=1e-6)


def test_smoothgrad_in_a_loop_over_its_draws() -> None:
    network, images = Linear(), noise(2, 2, 3, SIZE, SIZE)
    W = network.weight.detach().numpy()
    found = evidence(SmoothGrad(network, samples=7, noise=0.2, seed=5), images)
    generator = torch.Generator().manual_seed(5)
    draws = torch.randn(7, 3, SIZE, SIZE, generator=generator).numpy().astype(float)
    for p, side, x, partner in sides(images, W):
        total = np.zeros((SIZE, SIZE))
        for draw in draws:
            total += abs(gradient(W, x + 0.2 * draw, partner)).mean(axis=0)
        np.testing.assert_allclose(found[p, side], total / 7, rtol=1e-4, atol=1e-7)


def test_smoothgrad_without_noise_is_the_absolute_gradient() -> None:
    network, images = Linear(), noise(1, 2, 3, SIZE, SIZE)
    W = network.weight.detach().numpy()
    found = evidence(SmoothGrad(network, samples=3, noise=0), images)
    for p, side, x, partner in sides(images, W):
        expected = abs(gradient(W, x, partner)).mean(axis=0)
        np.testing.assert_allclose(found[p, side], expected, rtol=1e-4, atol=1e-7)


def test_captum_called_plainly_image_by_image() -> None:
    network, images = Curved(), noise(3, 2, 3, SIZE, SIZE)
    found = {
        "product": evidence(GradientXInput(network), images),
        "windows": evidence(Occlusion(network, grid=4, fill="black"), images),
        "path": evidence(IntegratedGradients(network, baseline="grey", steps=20), images),
        "noisy": evidence(SmoothGrad(network, samples=6, noise=0.1, seed=2), images),
    }
    for p in range(3):
        for side in range(2):
            x = images[p, side][None].requires_grad_()
            partner = network(images[p, 1 - side][None]).detach()

            def similarity(some: Tensor, partner: Tensor = partner) -> Tensor:
                return torch.cosine_similarity(network(some), partner)

            product = attr.InputXGradient(similarity).attribute(x)
            windows = attr.Occlusion(similarity).attribute(x, (3, 2, 2), strides=(3, 2, 2))
            path = attr.IntegratedGradients(similarity).attribute(x, baselines=0.5, n_steps=20)
            with torch.random.fork_rng():
                torch.manual_seed(2)
                noisy = attr.NoiseTunnel(attr.Saliency(similarity)).attribute(
                    x, nt_samples=6, stdevs=0.1
                )
            expected = {
                "product": product.sum(dim=1),
                "windows": windows[:, 0, ::2, ::2],
                "path": path.sum(dim=1),
                "noisy": noisy.mean(dim=1),
            }
            for name, values in expected.items():
                np.testing.assert_allclose(
                    found[name][p, side], values[0].detach(), rtol=1e-4, atol=2e-6, err_msg=name
                )


def test_integrated_gradients_come_nearer_to_their_sum_with_more_steps() -> None:
    pairs = [tuple(noise(2, 3, SIZE, SIZE, seed=seed)) for seed in range(8)]

    def error(steps: int) -> float:
        explained = IntegratedGradients(Curved(), steps=steps).batch(pairs)
        return np.mean([e.completeness_error for e in explained])

    errors = [error(steps) for steps in (1, 16, 256)]
    assert errors[0] > 5 * errors[1] > 20 * errors[2] and errors[2] < 2e-4


@pytest.mark.slow
def test_integrated_gradients_of_facenet_are_complete(facenet: Embedder, faces: FaceSet) -> None:
    """To about 0.1 with 32 steps, of a cosine: FaceNet is steep near the empty image."""
    coarse, fine = (
        IntegratedGradients(facenet, steps=steps)(*faces.images[:2]) for steps in (2, 32)
    )
    of_empty = embed_all(facenet, fine.images.mean((2, 3), keepdim=True).expand(-1, -1, 160, 160))
    h = embed_all(facenet, fine.images)
    for side in range(2):
        promised = fine.similarity - torch.cosine_similarity(of_empty[side], h[1 - side], dim=0)
        assert fine.promised_sums[side].item() == pytest.approx(promised.item(), abs=1e-5)
    assert fine.completeness_error < 0.12 and coarse.completeness_error > 0.24
    assert fine.signed_maps.abs().sum() > 1  # nothing would be complete where little is promised


def test_occlusion_of_facenet_window_by_window(facenet: Embedder, faces: FaceSet) -> None:
    e = Occlusion(facenet, grid=2, fill="grey")(*faces.images[:2])
    h = embed_all(facenet, e.images)
    lost = torch.zeros(2, 2, 2)
    for side in range(2):
        for i in range(2):
            for j in range(2):
                covered = e.images[side].clone()
                covered[:, 80 * i : 80 * (i + 1), 80 * j : 80 * (j + 1)] = 0.5
                after = torch.cosine_similarity(
                    embed_all(facenet, covered[None])[0], h[1 - side], 0
                )
                lost[side, i, j] = e.similarity - after
    # Spreading moves evidence between windows, and loses none.
    torch.testing.assert_close(
        e.signed_maps.sum(dim=(1, 2)).float(), lost.sum(dim=(1, 2)), atol=1e-5, rtol=0
    )
    corners = e.signed_maps[:, [[0, 0], [-1, -1]], [[0, -1], [0, -1]]].float()
    torch.testing.assert_close(corners / corners.sum(), lost / lost.sum(), atol=1e-4, rtol=1e-3)


def test_occlusion_marks_what_the_network_reads() -> None:
    """A network that sees the upper right quarter alone."""

    def quarter(images: Tensor) -> Tensor:
        return images[..., :4, 4:].flatten(1) - 0.5

    found = evidence(Occlusion(quarter, grid=4), noise(2, 2, 3, SIZE, SIZE))
    assert (found[:, :, :2, 2:] != 0).all()
    found[:, :, :2, 2:] = 0
    assert (found == 0).all()


def test_evidence_speaks_for_a_match_where_it_raises_the_cosine() -> None:
    """The left halves are alike, the right halves opposite."""

    def colours(images: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(images, 2).flatten(1) - 0.5

    one = torch.full((3, SIZE, SIZE), 0.8)
    other = one.clone()
    other[:, :, SIZE // 2 :] = 0.3
    found = evidence(Occlusion(colours, grid=2, fill="grey"), torch.stack([one, other])[None])
    assert (found[..., 0] > 0).all() and (found[..., 1] < 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_equals_one_by_one_and_swapping_swaps(method: partial) -> None:
    images, explain = noise(40, 2, 3, SIZE, SIZE), method(Curved())
    together = evidence(explain, images)  # more images than fit one batch
    scale = abs(together).max()
    for p in (0, 17, 39):
        alone = evidence(explain, images[p : p + 1])[0]
        swapped = evidence(explain, images[p : p + 1].flip(1))[0]
        np.testing.assert_allclose(together[p], alone, atol=1e-6 * scale)
        np.testing.assert_allclose(swapped[::-1], alone, atol=1e-6 * scale)


@pytest.mark.parametrize("method", METHODS)
def test_the_partner_matters(method: partial) -> None:
    x, one, other = noise(3, 3, SIZE, SIZE)
    explain = method(Curved())
    maps = [evidence(explain, torch.stack([x, y])[None])[0, 0] for y in (one, other)]
    assert np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1] < 0.98


@pytest.mark.parametrize("method", METHODS)
def test_an_identical_pair_and_constant_images(method: partial) -> None:
    explain, x = method(Curved()), noise(3, SIZE, SIZE)
    e = explain(x, x)
    assert e.is_similar and e.maps.isfinite().all()
    torch.testing.assert_close(e.maps[0], e.maps[1], atol=1e-4, rtol=0)
    grey, black = (torch.full_like(x, level) for level in (0.3, 0.0))
    for pair in ((grey, black), (black, black), (grey, x)):
        assert explain(*pair).maps.isfinite().all()


def test_what_has_no_evidence_has_none_of_rounding_either() -> None:
    """Not a map of noise blown up to 1."""
    network, x = Curved(), noise(3, SIZE, SIZE)
    grey = torch.full_like(x, 0.3)
    assert (Occlusion(network, grid=4)(grey, x).maps[0] == 0).all()
    assert (IntegratedGradients(network, steps=3)(grey, x).maps[0] == 0).all()
    assert (GradientXInput(network)(x, x).maps == 0).all()
    assert (GradientXInput(network)(x, x * 0.999).maps.amax(dim=(1, 2)) == 1).all()


def test_occlusion_passes_over_what_a_runtime_rounds_differently_in_every_batch() -> None:
    def jittery(images: Tensor) -> Tensor:
        h = images.mean(dim=(2, 3)) - torch.tensor([0.2, 0.4, 0.6])
        h[:, 0] += 3e-8 * torch.arange(len(h))
        return h

    grey, x = torch.full((3, SIZE, SIZE), 0.3), noise(3, SIZE, SIZE)
    e = Occlusion(jittery, grid=2)(grey, x)
    assert (e.signed_maps[0] == 0).all() and (e.signed_maps[1] != 0).any()


def test_smoothgrads_seed() -> None:
    images, network = noise(1, 2, 3, SIZE, SIZE), Curved()
    first, again, other = (
        evidence(SmoothGrad(network, samples=4, seed=seed), images) for seed in (1, 1, 2)
    )
    assert (first == again).all() and abs(first - other).max() > 1e-3 * first.max()


@pytest.mark.parametrize("method", METHODS)
def test_the_global_random_state_is_left_alone(method: partial) -> None:
    torch.manual_seed(11)
    numpys, torchs = np.random.get_state()[1].copy(), torch.random.get_rng_state()
    evidence(method(Curved()), noise(1, 2, 3, SIZE, SIZE))
    assert torch.equal(torch.random.get_rng_state(), torchs)
    assert (np.random.get_state()[1] == numpys).all()


@pytest.mark.parametrize(
    ("method", "forward", "backward"),
    [
        (partial(Occlusion, grid=4), 2 + 2 + 2 * 16, 0),
        (partial(IntegratedGradients, steps=6), 2 + 2 * 6 + 2, 2 * 6),
        (partial(SmoothGrad, samples=5), 2 + 2 * 5, 2 * 5),
        (partial(GradientXInput), 2, 2),
    ],
)
def test_passes_through_the_network(method: partial, forward: int, backward: int) -> None:
    network = Curved()
    network.one_by_one = False  # so that it is not tried out
    with counted(network) as passes:
        method(network)(*noise(2, 3, SIZE, SIZE))
    assert (passes.forward, passes.backward) == (forward, backward)


def test_occlusion_runs_without_a_graph_in_batches_of_64_at_most() -> None:
    batches = []

    def watched(images: Tensor) -> Tensor:
        assert not torch.is_grad_enabled()
        batches.append(len(images))
        return images.flatten(1) - 0.4

    evidence(Occlusion(watched), noise(1, 2, 3, SIZE, SIZE))
    assert batches == [2, 2, 64, 64]
    batches.clear()
    evidence(Occlusion(watched, grid=2), noise(40, 2, 3, SIZE, SIZE))
    assert batches == [80] * 6  # no more than the images of the pairs


@pytest.mark.parametrize(
    "method", [partial(IntegratedGradients, steps=40), partial(SmoothGrad, samples=40)]
)
def test_gradients_are_taken_in_batches_of_32_at_most(method: partial) -> None:
    batches = []

    def watched(images: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            batches.append(len(images))
        return images.flatten(1) - 0.4

    explain = method(watched)
    evidence(explain, noise(3, 2, 3, SIZE, SIZE))
    assert batches == [6] + [32, 8] * 6


def test_images_of_a_size_that_the_grid_does_not_divide() -> None:
    def colours(images: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(images, 4).flatten(1) - 0.5

    e = Occlusion(colours)(*noise(2, 3, 100, 75))
    assert e.maps.shape == e.signed_maps.shape == (2, 100, 75)
    assert e.maps.amax(dim=(1, 2)).tolist() == [1, 1]


def test_settings_repeat_the_explanation() -> None:
    network, images = Curved(), noise(2, 3, SIZE, SIZE)
    for explain, options in (
        (Occlusion(network, grid=2, fill="black"), {"grid": 2, "fill": "black"}),
        (IntegratedGradients(network, "grey", 3), {"baseline": "grey", "steps": 3}),
        (SmoothGrad(network, 3, 0.3, 4), {"samples": 3, "noise": 0.3, "seed": 4}),
        (GradientXInput(network), {}),
    ):
        settings = {k: of for k, of in explain.settings().items() if k not in OF_THE_NETWORK}
        assert settings.items() >= options.items()
        assert torch.equal(type(explain)(network, **settings)(*images).maps, explain(*images).maps)


@pytest.mark.parametrize(
    ("method", "option", "message"),
    [
        (Occlusion, {"grid": 0}, r"grid is 0; it must be at least 1"),
        (Occlusion, {"fill": "noise"}, r"fill is 'noise'.*mean, grey, black"),
        (IntegratedGradients, {"steps": 0}, r"steps is 0; it must be at least 1"),
        (IntegratedGradients, {"baseline": "blur"}, r"baseline is 'blur'.*mean, grey, black"),
        (SmoothGrad, {"samples": 0}, r"samples is 0; it must be at least 1"),
        (SmoothGrad, {"seed": -1}, r"seed is -1; it must be at least 0"),
        (SmoothGrad, {"noise": -0.1}, r"noise is -0.1.*\[0, 1\]"),
        (SmoothGrad, {"noise": float("nan")}, r"noise is nan.*\[0, 1\]"),
        (GradientXInput, {"map_threshold": 2}, r"map_threshold is 2"),
    ],
)
def test_options_out_of_range(method: type[Comparator], option: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        method(Curved(), **option)


def test_more_windows_than_pixels() -> None:
    with pytest.raises(lfs.LFSError, match=r"grid is 9, but the images have 8x8 pixels"):
        Occlusion(Curved(), grid=9)(*noise(2, 3, SIZE, SIZE))
