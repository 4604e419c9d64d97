"""xSSAB, FGGB and integrated Jacobians, against maps written by hand and plain loops."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import lfs_core as lfs
from lfs_core.comparators.fggb import COPIES, FGGB
from lfs_core.comparators.integrated_jacobians import BATCH, IntegratedJacobians
from lfs_core.comparators.xssab import XSSAB
from lfs_core.datasets.faces import FaceSet

SIDE = 8  # the smallest that is read
PIXELS = 3 * SIDE**2
D = 21  # more latents than one batch of copies, and no multiple of it
METHODS = [XSSAB, FGGB, IntegratedJacobians]
rng = np.random.default_rng(5)
W1, B1 = rng.normal(size=(12, PIXELS)) / 8, rng.normal(size=12)
W2 = rng.normal(size=(D, 12))
LINEAR = rng.normal(size=(D, PIXELS))

Embed = Callable[[np.ndarray], np.ndarray]


class Tiny(nn.Module):
    """A layer of tanh and a linear one, whose embeddings have any length."""

    name = "tiny"
    image_size = SIDE

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = nn.Linear(PIXELS, 12), nn.Linear(12, D, bias=False)
        for parameter, values in (
            (self.hidden.weight, W1),
            (self.hidden.bias, B1),
            (self.last.weight, W2),
        ):
            parameter.data = torch.from_numpy(values).float()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(self.hidden(images.flatten(1))))


def linear(images: torch.Tensor) -> torch.Tensor:
    """(B,3,8,8) -> (B,21), of any length."""
    return images.flatten(1) @ torch.from_numpy(LINEAR).float().T


linear.image_size = SIDE


def tiny_unit(x: np.ndarray) -> np.ndarray:
    """The unit embedding (D,) of pixels (192,) by `Tiny`, in float64."""
    h = W2 @ np.tanh(W1 @ x + B1)
    return h / np.linalg.norm(h)


def image(seed: int) -> np.ndarray:
    """(8,8,3) in [0,1]."""
    return np.random.default_rng(seed).random((SIDE, SIDE, 3))


def pixels(e: lfs.PairExplanation) -> list[np.ndarray]:
    """Both images as (192,) in the network's order, float64."""
    return [x.double().flatten().numpy() for x in e.images]


def differences(f: Embed, x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """The Jacobian (D,192) of f at x by central differences."""
    return np.stack([(f(x + d) - f(x - d)) / (2 * step) for d in step * np.eye(len(x))], axis=1)


def linear_jacobian(x: np.ndarray) -> np.ndarray:
    """That of Wx / |Wx|, by hand: (W - e e^T W) / |Wx|."""
    h = LINEAR @ x
    e = h / np.linalg.norm(h)
    return (LINEAR - np.outer(e, e @ LINEAR)) / np.linalg.norm(h)


def unit_linear(x: np.ndarray) -> np.ndarray:
    return LINEAR @ x / np.linalg.norm(LINEAR @ x)


NETWORKS = {
    "linear, by hand": (linear, unit_linear, linear_jacobian),
    "tiny, by differences": (Tiny(), tiny_unit, lambda x: differences(tiny_unit, x)),
}


def colour_mean(values: np.ndarray) -> np.ndarray:
    """(192,) -> (8,8)."""
    return values.reshape(3, SIDE, SIDE).mean(axis=0)


def check_maps(e: lfs.PairExplanation, expected: list[np.ndarray]) -> None:
    """Signed maps are as expected, and maps show the evidence for the decision."""
    for found, shown, values in zip(e.signed_maps, e.maps, expected, strict=True):
        np.testing.assert_allclose(found, values, atol=2e-5 * abs(values).max())
        towards = np.maximum(values if e.is_similar else -values, 0)
        np.testing.assert_allclose(shown, towards / towards.max(), atol=1e-4)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("threshold", [-0.2, 0.0, 0.3, 0.9])
def test_xssab(network: str, threshold: float) -> None:
    embedder, unit, jacobian = NETWORKS[network]
    e = XSSAB(embedder, similarity_threshold=threshold)(image(1), image(2))
    a, b = pixels(e)
    supports, opposes = [], []
    for j in range(D):
        (supports if unit(a)[j] * unit(b)[j] >= threshold / D else opposes).append(j)
    assert supports and (opposes or threshold < 0)
    parts = [sum(unit(a)[j] * unit(b)[j] for j in some) for some in (supports, opposes)]
    assert sum(parts) == pytest.approx(e.similarity, abs=1e-5)
    expected = []
    for own, partner in ((a, b), (b, a)):
        gradients = np.zeros((2, PIXELS))
        for total, some in zip(gradients, (supports, opposes), strict=True):
            for j in some:
                total += unit(partner)[j] * jacobian(own)[j]
        expected.append(colour_mean(abs(gradients[0])) - colour_mean(abs(gradients[1])))
    check_maps(e, expected)


def test_xssab_goes_back_from_two_parts_of_the_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the threshold they add up to it, for all pairs at once."""
    taken, gradient_of = [], torch.autograd.grad

    def record(output: torch.Tensor, *args: object, **options: object) -> tuple[torch.Tensor, ...]:
        taken.append(output.item())
        return gradient_of(output, *args, **options)

    monkeypatch.setattr(torch.autograd, "grad", record)
    pairs = [(image(1), image(2)), (image(3), image(4))]
    for threshold in (-1.0, -0.1, 0.0, 0.5, 1.0):
        taken.clear()
        found = XSSAB(Tiny(), similarity_threshold=threshold).batch(pairs)
        assert len(taken) == 2
        assert sum(taken) == pytest.approx(sum(e.similarity for e in found), abs=1e-5)


def test_a_latent_at_its_share_of_the_threshold_argues_for_a_match() -> None:
    """One latent that is 0 in both images, where 0 is the threshold, and one above it."""

    def two(images: torch.Tensor) -> torch.Tensor:
        return images[:, :2, 0, 0] - torch.tensor([0.5, 0.0])

    a, b = image(1), image(2)
    a[0, 0, :2], b[0, 0, :2] = (0.5, 1.0), (0.75, 1.0)
    e = XSSAB(two, similarity_threshold=0.0)(a, b)
    # Of (0, 1) and (1, 4) / sqrt 17 both latents argue for a match. The first one's gradient, by
    # the first colour, is 1 / sqrt 17; the second one's is 0, as e_2 is at its greatest.
    assert e.signed_maps[0, 0, 0].item() == pytest.approx(1 / np.sqrt(17) / 3, rel=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.9])
def test_fggb(network: str, threshold: float) -> None:
    embedder, unit, jacobian = NETWORKS[network]
    e = FGGB(embedder, similarity_threshold=threshold)(image(1), image(2))
    a, b = pixels(e)
    expected = []
    for own in (a, b):
        total, rows = np.zeros((SIDE, SIDE)), jacobian(own)
        for j in range(D):
            g = colour_mean(abs(rows[j]))
            share = unit(a)[j] * unit(b)[j] - threshold / D
            total += share * g / np.sqrt((g**2).sum())
        expected.append(total)
    check_maps(e, expected)


def test_fggb_takes_an_image_of_several_pairs_once() -> None:
    class Counting(Tiny):
        images, one_by_one = 0, False

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.images += len(images)
            return super().forward(images)

    network = Counting()
    pairs = [(image(1), image(2)), (image(3), image(1)), (image(1), image(1))]
    explain = FGGB(network)
    together = explain.batch(pairs)
    assert network.images == 2 * len(pairs) + 3 * COPIES
    for pair, e in zip(pairs, together, strict=True):
        torch.testing.assert_close(e.signed_maps, explain(*pair).signed_maps)


def test_fggb_of_fewer_latents_than_copies() -> None:
    def few(images: torch.Tensor) -> torch.Tensor:
        return linear(images)[:, :3]

    e = FGGB(few, similarity_threshold=0.0)(image(1), image(2))
    a, b = (LINEAR[:3] @ x for x in pixels(e))
    unit_a, unit_b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    rows = (LINEAR[:3] - np.outer(unit_a, unit_a @ LINEAR[:3])) / np.linalg.norm(a)
    g = abs(rows).reshape(3, 3, SIDE, SIDE).mean(axis=1)
    g /= np.sqrt((g**2).sum(axis=(1, 2), keepdims=True))
    expected = np.einsum("j,jhw->hw", unit_a * unit_b, g)
    np.testing.assert_allclose(e.signed_maps[0], expected, atol=1e-5)


REFERENCES = {
    "black": lambda x: np.zeros(PIXELS),
    "grey": lambda x: np.full(PIXELS, 0.5),
    "mean": lambda x: x.reshape(3, -1).mean(axis=1).repeat(SIDE**2),
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_integrated_jacobians_on_a_circle(reference: str) -> None:
    """The embedding is an angle, w x + 0.3, so that the integral can be solved by hand."""
    w = rng.normal(size=PIXELS) / 8

    def circle(images: torch.Tensor) -> torch.Tensor:
        angle = images.flatten(1) @ torch.from_numpy(w).float() + 0.3
        return 2 * torch.stack([angle.cos(), angle.sin()], dim=1)

    e = IntegratedJacobians(circle, reference=reference)(image(1), image(2))

    def unit(x: np.ndarray) -> np.ndarray:
        return np.array([np.cos(w @ x + 0.3), np.sin(w @ x + 0.3)])

    a, b = pixels(e)
    from_a, from_b = REFERENCES[reference](a), REFERENCES[reference](b)
    score = (unit(a) - unit(from_a)) @ (unit(b) - unit(from_b))
    # J is (e(x) - e(r)) w^T / (w x - w r), so each pixel has its part of w x - w r.
    expected = [
        3 * colour_mean((x - r) * w) / (w @ (x - r)) * score for x, r in ((a, from_a), (b, from_b))
    ]
    check_maps(e, expected)
    np.testing.assert_allclose(e.promised_sums, [score, score], atol=1e-6)
    assert e.completeness_error < 1e-5


@pytest.mark.parametrize("reference", REFERENCES)
def test_integrated_jacobians_are_the_sums_of_all_pairs_of_pixels(reference: str) -> None:
    """Jacobians by differences, integrated in 100 steps; each of the 192 x 192 pairs of pixels."""
    e = IntegratedJacobians(Tiny(), reference=reference, steps=32)(image(1), image(2))
    a, b = pixels(e)
    from_a, from_b = REFERENCES[reference](a), REFERENCES[reference](b)

    def integrated(r: np.ndarray, x: np.ndarray) -> np.ndarray:
        steps = (np.arange(100) + 0.5) / 100
        return np.mean([differences(tiny_unit, r + t * (x - r)) for t in steps], axis=0)

    J_a, J_b = integrated(from_a, a), integrated(from_b, b)
    A = np.empty((PIXELS, PIXELS))
    for i in range(PIXELS):
        for j in range(PIXELS):
            A[i, j] = (a - from_a)[i] * (J_a[:, i] @ J_b[:, j]) * (b - from_b)[j]
    for found, sums in zip(e.signed_maps, (A.sum(axis=1), A.sum(axis=0)), strict=True):
        expected = 3 * colour_mean(sums)
        np.testing.assert_allclose(found, expected, atol=1e-4 * abs(expected).max())
    score = (tiny_unit(a) - tiny_unit(from_a)) @ (tiny_unit(b) - tiny_unit(from_b))
    assert A.sum() == pytest.approx(score, abs=1e-4)
    np.testing.assert_allclose(e.promised_sums, [score, score], atol=1e-5)


def test_more_steps_come_nearer_to_the_promise() -> None:
    errors = [
        IntegratedJacobians(Tiny(), steps=steps)(image(1), image(2)).completeness_error
        for steps in (1, 2, 4, 8)
    ]
    assert all(later < earlier / 2 for earlier, later in pairwise(errors))
    assert errors[-1] < 1e-5


def test_batches_of_the_network_stay_small() -> None:
    """And captum does not warn of them."""
    sizes = []

    class Watched(Tiny):
        one_by_one = False  # so that it is not tried out

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            sizes.append(len(images))
            return super().forward(images)

    pairs = [(image(k), image(k + 50)) for k in range(20)]
    explain = IntegratedJacobians(Watched(), steps=3)
    together = explain.batch(pairs)
    assert sizes[0] == 2 * len(pairs) > BATCH and max(sizes[1:]) <= BATCH
    for k in (0, 15, 19):
        alone = explain(*pairs[k]).signed_maps
        torch.testing.assert_close(together[k].signed_maps, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_swapped_pair_has_swapped_maps_and_a_batch_is_a_loop(method: type) -> None:
    explain = method(Tiny())
    pairs = [(image(k), image(k + 1)) for k in range(4)]
    for pair, together in zip(pairs, explain.batch(pairs), strict=True):
        alone, swapped = explain(*pair), explain(*pair[::-1])
        scale = alone.signed_maps.abs().max().item()
        for other in (together.signed_maps, swapped.signed_maps.flip(0)):
            torch.testing.assert_close(alone.signed_maps, other, atol=1e-4 * scale, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_identical_and_constant_images(method: type) -> None:
    explain = method(Tiny())
    black, grey = (np.full((SIDE, SIDE, 3), level) for level in (0.0, 0.5))
    same, *constant = explain.batch(
        [(image(1), image(1)), (black, black), (grey, grey), (black, image(1)), (grey, image(1))]
    )
    assert same.similarity == pytest.approx(1)
    torch.testing.assert_close(same.signed_maps[0], same.signed_maps[1])
    for e in constant:
        assert e.maps.isfinite().all() and e.signed_maps.isfinite().all()


def test_an_identical_pair_by_xssab() -> None:
    """All c_j = e_j^2 argue for a match at xi_1 = 0, and their sum is at its greatest: 1."""
    e = XSSAB(Tiny(), similarity_threshold=0.0)(image(1), image(1))
    assert e.signed_maps.abs().max() < 1e-5


def test_an_image_that_is_the_reference_has_no_evidence() -> None:
    grey = np.full((SIDE, SIDE, 3), 0.5)
    e = IntegratedJacobians(Tiny(), reference="grey")(grey, image(1))
    assert (e.signed_maps[0] == 0).all()
    # Nothing is shared with an image that has not moved from the reference.
    assert e.promised_sums.abs().max() < 1e-6 and e.signed_maps[1].abs().max() < 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_weights_that_learn_are_given_no_gradient(method: type) -> None:
    network = Tiny()
    assert all(parameter.requires_grad for parameter in network.parameters())
    method(network)(image(1), image(2))
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("name", ["xssab", "fggb", "integrated-jacobians"])
def test_a_black_box_is_refused_with_methods_that_work(name: str) -> None:
    def black_box(images: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(images.detach().numpy().mean(axis=(2, 3)))

    with pytest.raises(lfs.LFSError, match=r"'black_box'.*gradients.*any network: .*occlusion"):
        lfs.load_explainer(name, black_box)(image(1), image(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": "white"}, "reference is 'white'; it must be one of mean, grey, black"),
        ({"steps": 0}, "steps is 0; it must be at least 1"),
    ],
)
def test_options_out_of_range(options: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        IntegratedJacobians(Tiny(), **options)


def test_options_are_settings() -> None:
    e = IntegratedJacobians(Tiny(), reference="black", steps=5)(image(1), image(2))
    assert e.settings["reference"] == "black" and e.settings["steps"] == 5


class FirstLatents(nn.Module):
    """The first six latents of FaceNet."""

    image_size = 160

    def __init__(self, facenet: nn.Module) -> None:
        super().__init__()
        self.facenet = facenet

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.facenet(images)[:, :6]


def test_fggb_on_facenet(facenet: nn.Module, faces: FaceSet) -> None:
    """Latent by latent, on the image as it is."""
    network = FirstLatents(facenet)
    a, b = faces.images[:2].float() / 255
    e = FGGB(network)(a, b)
    x = a[None].clone().requires_grad_()
    unit = network(x)[0] / network(x)[0].norm()
    with torch.no_grad():
        partner = network(b[None])[0]
    shares = unit.detach() * partner / partner.norm() - 0.3 / 6
    expected = torch.zeros(160, 160)
    for j in range(6):
        (gradient,) = torch.autograd.grad(unit[j], x, retain_graph=True)
        g = gradient[0].abs().mean(dim=0)
        expected += shares[j] * g / g.norm()
    scale = expected.abs().max().item()
    torch.testing.assert_close(e.signed_maps[0].float(), expected, atol=1e-3 * scale, rtol=0)


@pytest.mark.slow
def test_integrated_jacobians_nearly_keep_their_promise(facenet: nn.Module, faces: FaceSet) -> None:
    """On FaceNet, of which rectifiers make a rough line."""
    a, b = faces.images[:2].float() / 255
    e = IntegratedJacobians(facenet, steps=24)(a, b)
    assert e.promised_sums[0] == pytest.approx(e.promised_sums[1])
    assert e.completeness_error < 0.03 * e.signed_maps.abs().sum(dim=(1, 2)).min()
