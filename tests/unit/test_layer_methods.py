"""SIMExpert, Grad-CAM and Tummala's maps against closed forms, loops and a second Grad-CAM."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from skimage.data import astronaut, chelsea
from torch import Tensor, nn
from torch.nn import functional

import lfs_core as lfs
from lfs_core.comparators.base import Comparator
from lfs_core.comparators.gradcam import GradCAM
from lfs_core.comparators.simexpert import SimExpert
from lfs_core.comparators.tummala import Tummala
from lfs_core.embedders import Embedder

SIMILAR, DISSIMILAR = -1.0, 1.0  # thresholds that make every pair so
LAYER_METHODS = [
    partial(SimExpert),
    partial(SimExpert, form="raw"),
    partial(GradCAM),
    partial(Tummala),
    partial(Tummala, variant="gradient"),
]


class Pixels(nn.Module):
    """The mean colour: its last maps are the image itself."""

    name = "pixels"

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        return self.maps(images).mean(dim=(2, 3))


class Headed(nn.Module):
    """A convolution, the mean of its c maps, a random affine map to D numbers; in float64.

    Attributes:
        last: what is done with these D numbers.
    """

    name = "headed"

    def __init__(
        self, seed: int = 0, c: int = 5, D: int = 4, last: nn.Module | None = None
    ) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.layers = nn.Sequential(nn.Conv2d(3, c, 3, stride=2, padding=1), nn.ReLU())
            self.head = nn.Linear(c, D)
        self.last = last or nn.Identity()
        self.double()
        # About some image's average, so that embeddings point everywhere.
        f = self.layers(noise(1, 3, 16, 16, seed=99).double()).mean(dim=(2, 3))
        self.head.bias.data = -(f @ self.head.weight.T)[0].detach()

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.head(self.layers(images.double()).mean(dim=(2, 3))))


class Affine(Headed):
    """It says what its head is."""

    name = "affine"

    def project(self, pooled: Tensor) -> Tensor:
        return self.head(pooled)


class Spatial(Headed):
    """It tells places apart, so that each place of a map has a gradient of its own."""

    name = "spatial"

    def forward(self, images: Tensor) -> Tensor:
        maps = self.layers(images.double())
        ramp = torch.linspace(0, 2, maps.shape[-1], dtype=maps.dtype)
        return self.last(self.head((maps * ramp).mean(dim=(2, 3))))


class UnitLength(nn.Module):
    def forward(self, h: Tensor) -> Tensor:
        return functional.normalize(h)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def evidence(explain: Comparator, images: Tensor) -> np.ndarray:
    """What a method finds in pairs (P,2,3,H,W), on its own grid: (P,2,h,w)."""
    return explain.evidence(explain.see(images)).values.detach().numpy()


def maps_of(network: Headed, images: Tensor) -> np.ndarray:
    """The last maps (2,c,h,w) of one pair (1,2,3,H,W), without hooks."""
    with torch.no_grad():
        return network.layers(images[0].double()).numpy()


def weights_of(network: Headed) -> tuple[np.ndarray, np.ndarray]:
    """The head's A (D,c) and b (D,)."""
    return network.head.weight.detach().numpy(), network.head.bias.detach().numpy()


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return sum(a * b) / math.sqrt(sum(a * a) * sum(b * b))


def of_hand() -> Tensor:
    """Two images of two places and three colours, with means (3,4,0) and (0,4,3)."""
    one = [[[6.0, 0.0]], [[4.0, 4.0]], [[-1.0, 1.0]]]
    other = [[[1.0, -1.0]], [[8.0, 0.0]], [[0.0, 6.0]]]
    return torch.tensor([[one, other]])


@pytest.fixture(scope="module")
def face_pairs() -> Tensor:
    """(2,2,3,160,160): two crops about one face, and that face and a cat's."""
    face, cat = (torch.tensor(x).movedim(-1, 0) / 255 for x in (astronaut(), chelsea()))
    crops = [face[:, 30:190, 145:305], face[:, 40:200, 150:310], cat[:, 50:210, 120:280]]
    return torch.stack([crops[0], crops[1], crops[0], crops[2]]).unflatten(0, (2, 2))


# SIMExpert


def test_simexpert_by_hand() -> None:
    """<K_z, f of the other> / (2 * 5 * 5); the cosine is 16 / 25."""
    explain = SimExpert(Pixels())
    found = explain.evidence(explain.see(of_hand()))
    np.testing.assert_allclose(found.values[0], [[[13 / 50, 19 / 50]], [[35 / 50, -3 / 50]]])
    np.testing.assert_allclose(found.promised_sums, [[0.64, 0.64]], atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    c=st.integers(1, 7),
    D=st.integers(1, 7),
    size=st.tuples(st.integers(8, 13), st.integers(8, 13)),
    last=st.sampled_from([nn.Identity(), UnitLength()]),
)
def test_simexpert_sums_to_the_cosine_of_any_affine_head(
    seed: int, c: int, D: int, size: tuple, last: nn.Module
) -> None:
    network = Affine(seed, c, D, last)
    images = noise(2, 3, *size, seed=seed)
    h = network(images)
    assume(h.any(dim=1).all())  # an embedding of 0 has no cosine, and is refused
    e = SimExpert(network)(*images)
    assert e.completeness_error <= 1e-9
    expected = torch.cosine_similarity(*h, dim=0).item()
    assert e.signed_maps.sum(dim=(1, 2)).tolist() == pytest.approx([expected] * 2, abs=1e-9)
    assert e.similarity == pytest.approx(expected, abs=1e-9)


def test_simexpert_sums_to_facenets_cosine(facenet: Embedder, face_pairs: Tensor) -> None:
    explanations = SimExpert(facenet).batch([tuple(pair) for pair in face_pairs])
    assert [e.is_similar for e in explanations] == [True, False]
    with torch.no_grad():
        h = facenet(face_pairs.flatten(0, 1)).unflatten(0, (2, 2))
    for e, (h1, h2) in zip(explanations, h, strict=True):
        assert e.completeness_error <= 1e-6
        expected = (h1 @ h2).item()  # they have length 1
        assert e.signed_maps.sum(dim=(1, 2)).tolist() == pytest.approx([expected] * 2, abs=1e-6)


def test_simexpert_sums_to_the_cosine_of_a_retrieval_network() -> None:
    network = lfs.load_embedder("efficientnet-lite0-cub")
    images = functional.interpolate(noise(2, 3, 9, 9), (224, 224), mode="bilinear")
    e = SimExpert(network)(*images)
    with torch.no_grad():
        expected = torch.cosine_similarity(*network(images), dim=0).item()
    assert e.completeness_error <= 1e-6
    assert e.signed_maps.sum(dim=(1, 2)).tolist() == pytest.approx([expected] * 2, abs=1e-6)


@pytest.mark.parametrize("form", ["folded", "raw"])
@pytest.mark.parametrize("seed", range(3))
def test_simexpert_place_by_place(form: str, seed: int) -> None:
    network = Affine(seed)
    images = noise(1, 2, 3, 8, 10, seed=seed)
    A, b = weights_of(network)
    K = maps_of(network, images)
    _, c, height, width = K.shape
    found = evidence(SimExpert(network, form=form), images)[0]
    f = [np.array([K[i, k].mean() for k in range(c)]) for i in range(2)]
    whole = f if form == "raw" else [A @ f[i] + b for i in range(2)]
    for i in range(2):
        for y in range(height):
            for x in range(width):
                at = K[i, :, y, x] if form == "raw" else A @ K[i, :, y, x] + b
                lengths = np.linalg.norm(whole[0]) * np.linalg.norm(whole[1])
                share = sum(at * whole[1 - i]) / (height * width * lengths)
                assert found[i, y, x] == pytest.approx(share, abs=1e-12)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), cosine(*whole), atol=1e-12)


def test_raw_promises_the_cosine_of_the_average_maps() -> None:
    network, images = Affine(1), noise(2, 3, 8, 10)
    e = SimExpert(network, form="raw")(*images)
    expected = cosine(*maps_of(network, images[None]).mean(axis=(2, 3)))
    assert e.promised_sums.tolist() == pytest.approx([expected] * 2)
    assert e.completeness_error <= 1e-12
    assert abs(expected - e.similarity) > 0.01  # which is not the network's


def test_with_no_head_raw_equals_folded() -> None:
    images = noise(2, 3, 9, 8)
    folded, raw = (SimExpert(Pixels(), form=form)(*images) for form in ("folded", "raw"))
    torch.testing.assert_close(folded.signed_maps, raw.signed_maps, atol=1e-12, rtol=0)
    assert folded.promised_sums.tolist() == pytest.approx(raw.promised_sums.tolist(), abs=1e-7)


@pytest.mark.parametrize(
    "network",
    [
        Affine(last=nn.ReLU()),  # after the affine map
        Headed(),  # no word of its head, and another width
        Headed(c=4),  # the same width
    ],
)
def test_heads_that_cannot_be_folded(network: nn.Module) -> None:
    images = noise(2, 3, 8, 8)
    with pytest.raises(lfs.LFSError, match=rf"{network.name}.*no affine map.*form=\"raw\""):
        SimExpert(network)(*images)
    assert SimExpert(network, form="raw")(*images).completeness_error <= 1e-12


@pytest.mark.parametrize("threshold", [-0.2, 0.2])
def test_what_speaks_for_the_decision_sums_to_its_margin(threshold: float) -> None:
    """The surplus of each place over its even share of xi_1, either way, and then enlarged."""
    network, images = Affine(3), noise(2, 3, 8, 8)
    similarity = torch.cosine_similarity(*network(images), dim=0).item()
    explain = SimExpert(network, similarity_threshold=similarity - threshold)
    e = explain(*images)
    assert e.is_similar == (threshold > 0)
    values = explain.evidence(explain.see(images[None])).values[0]
    surplus = values - (similarity - threshold) / values[0].numel()
    np.testing.assert_allclose(surplus.sum(dim=(1, 2)), threshold, atol=1e-9)
    towards = (surplus if threshold > 0 else -surplus).clamp_min(0)
    larger = nn.functional.interpolate(towards[:, None], (8, 8), mode="bilinear")[:, 0]
    np.testing.assert_allclose(e.maps, larger / larger.amax((1, 2), keepdim=True), atol=1e-6)


# Grad-CAM


def test_gradcam_by_hand() -> None:
    """The gradient of the cosine on f_1 is (f_2 / 5 - 0.64 f_1 / 5) / 5, half for each place."""
    found = evidence(GradCAM(Pixels()), of_hand())[0]
    np.testing.assert_allclose(found, [[[-0.1752, 0.1752]], [[0.2904, -0.2904]]], atol=1e-6)


def second_gradcam(network: nn.Module, layer: nn.Module, pair: Tensor) -> np.ndarray:
    """The package `pytorch_grad_cam`, for each image with the other's embedding fixed."""
    with torch.no_grad():
        h = network(pair)
    # Gradients of the images are asked for so that FaceNet runs in PyTorch.
    pair = pair.clone().requires_grad_()
    targets = [lambda e, h=h[1 - k]: torch.cosine_similarity(e, h, dim=0) for k in range(2)]
    with pytorch_grad_cam.GradCAM(network, [layer]) as cam:
        cam(pair, targets)
        seen = cam.activations_and_grads
        activations, gradients = (x[0].numpy() for x in (seen.activations, seen.gradients))
        return cam.get_cam_image(pair, layer, targets, activations, gradients)


@pytest.mark.parametrize("kind", [Affine, Spatial])
@pytest.mark.parametrize("seed", range(3))
def test_gradcam_is_that_of_another_package(kind: type[Headed], seed: int) -> None:
    network, pair = kind(seed), noise(2, 3, 10, 12, seed=seed)
    found = evidence(GradCAM(network), pair[None])[0]
    assert found.min() < 0 < found.max()
    np.testing.assert_allclose(found, second_gradcam(network, network.layers[1], pair), rtol=1e-6)


def test_gradcam_of_facenet_is_that_of_another_package(
    facenet: Embedder, face_pairs: Tensor
) -> None:
    found = evidence(GradCAM(facenet), face_pairs)
    for k, pair in enumerate(face_pairs):
        expected = second_gradcam(facenet, facenet.network.block8, pair)
        np.testing.assert_allclose(found[k], expected, atol=1e-4 * np.abs(expected).max())


# Tummala and Suresh


def test_tummalas_differences_by_hand() -> None:
    """The means differ by (1,2,0), scaled (0.5,1,0)."""
    one = [[[4.0, 0.0]], [[2.0, 2.0]], [[-5.0, 7.0]]]  # means 2, 2, 1
    other = [[[0.0, 2.0]], [[6.0, 2.0]], [[1.0, 1.0]]]  # means 1, 4, 1
    pair = torch.tensor([[one, other]])
    found = evidence(Tummala(Pixels(), similarity_threshold=DISSIMILAR), pair)[0]
    np.testing.assert_allclose(found, [[[4, 2]], [[6, 3]]])
    found = evidence(Tummala(Pixels(), similarity_threshold=SIMILAR), pair)[0]
    np.testing.assert_allclose(found, [[[0, 7]], [[1, 2]]])  # 2 - 5 is below 0


def test_tummalas_gradients_by_hand() -> None:
    """The distance is the square root of 5, its gradient (1,-2,0) over that, half a place."""
    one = [[[4.0, 0.0]], [[2.0, 2.0]], [[-5.0, 7.0]]]
    other = [[[0.0, 2.0]], [[6.0, 2.0]], [[1.0, 1.0]]]
    pair, by = torch.tensor([[one, other]]), {"variant": "gradient"}
    found = evidence(Tummala(Pixels(), similarity_threshold=DISSIMILAR, **by), pair)[0]
    np.testing.assert_allclose(found, np.array([[[0, 0]], [[6, 1]]]) / 5**0.5, rtol=1e-6)
    found = evidence(Tummala(Pixels(), similarity_threshold=SIMILAR, **by), pair)[0]
    np.testing.assert_allclose(found, np.array([[[0, 2]], [[0, 0]]]) / 5**0.5, atol=1e-6)


@pytest.mark.parametrize("threshold", [SIMILAR, DISSIMILAR])
@pytest.mark.parametrize("variant", ["difference", "gradient"])
def test_tummala_channel_by_channel(variant: str, threshold: float) -> None:
    network, images = Affine(2), noise(1, 2, 3, 8, 10)
    A, b = weights_of(network)
    K = maps_of(network, images)
    _, c, height, width = K.shape
    f = K.reshape(2, c, -1).mean(axis=-1)
    h = [A @ f[i] + b for i in range(2)]
    gaps = [abs(f[0, k] - f[1, k]) for k in range(c)]
    found = evidence(Tummala(network, variant, similarity_threshold=threshold), images)[0]
    for i in range(2):
        expected = np.zeros((height, width))
        for k in range(c):
            if variant == "difference":
                weight = (gaps[k] - min(gaps)) / (max(gaps) - min(gaps))
                weight = 1 - weight if threshold == SIMILAR else weight
            else:
                apart = (h[i] - h[1 - i]) / np.linalg.norm(h[0] - h[1])
                weight = sum(A[:, k] * apart) / (height * width)
                weight = -weight if threshold == SIMILAR else weight
            expected += weight * K[i, k]
        np.testing.assert_allclose(found[i], expected.clip(0), atol=1e-12)
    assert (found > 0).any()


@pytest.mark.parametrize("kind", [Affine, Spatial])
def test_the_distance_of_unit_vectors_has_the_gradient_of_their_cosine(kind: type[Headed]) -> None:
    """|h_1 - h_2|^2 = 2 - 2 s, so that the distance changes by -1 / distance as the cosine by 1."""
    network = kind(4, last=UnitLength())
    images = noise(1, 2, 3, 8, 10)
    distance = torch.dist(*network(images[0])).item()
    cam = evidence(GradCAM(network), images) / distance
    for threshold, expected in ((SIMILAR, cam), (DISSIMILAR, -cam)):
        found = evidence(Tummala(network, "gradient", similarity_threshold=threshold), images)
        np.testing.assert_allclose(found, expected.clip(0), atol=1e-12)
    assert (cam > 0).any() and (cam < 0).any()


def test_facenets_distance_too(facenet: Embedder, face_pairs: Tensor) -> None:
    found = evidence(Tummala(facenet, "gradient"), face_pairs)
    cam = evidence(GradCAM(facenet), face_pairs) * [[[[1.0]]], [[[-1.0]]]]  # similar, dissimilar
    for values, expected in zip(found.reshape(4, -1), cam.clip(0).reshape(4, -1), strict=True):
        np.testing.assert_allclose(values / values.max(), expected / expected.max(), atol=1e-4)


def test_an_identical_pair() -> None:
    images = noise(1, 1, 3, 8, 10).expand(1, 2, 3, 8, 10)
    network = Affine(5)
    shares = evidence(SimExpert(network), images)[0]
    np.testing.assert_allclose(shares.sum(axis=(1, 2)), 1, atol=1e-12)
    np.testing.assert_allclose(shares[0], shares[1])
    everything = evidence(Tummala(network), images)[0]  # no channel differs, so that all count
    np.testing.assert_allclose(everything, maps_of(network, images).sum(axis=1), atol=1e-12)
    apart = Tummala(network, similarity_threshold=DISSIMILAR)
    assert (evidence(apart, images) == 0).all()


@pytest.mark.parametrize(("difference", "same"), [(0, True), (1e-9, True), (1e-3, False)])
@pytest.mark.parametrize("threshold", [SIMILAR, DISSIMILAR])
def test_embeddings_that_only_rounding_tells_apart_have_no_gradient(
    difference: float, same: bool, threshold: float
) -> None:
    explain = Tummala(Affine(5), "gradient", similarity_threshold=threshold)
    image = noise(3, 8, 10).double()
    other = image.clone()
    other[0, :4] += difference
    found = evidence(explain, torch.stack([image, other])[None])
    assert np.isfinite(found).all() and (found == 0).all() == same


# All of them


@pytest.mark.parametrize("threshold", [SIMILAR, DISSIMILAR])
@pytest.mark.parametrize("method", LAYER_METHODS)
def test_swapping_and_batching(method: partial, threshold: float) -> None:
    explain = method(Affine(6), similarity_threshold=threshold)
    images = noise(3, 2, 3, 8, 10)
    found, swapped = evidence(explain, images), evidence(explain, images.flip(1))
    np.testing.assert_allclose(found, swapped[:, ::-1], atol=1e-12)
    assert np.abs(found).max() > 1e-3
    for k in range(3):
        np.testing.assert_allclose(found[k], evidence(explain, images[[k]])[0], atol=1e-12)


@pytest.mark.parametrize("method", LAYER_METHODS)
def test_images_without_anything(method: partial) -> None:
    """Grey, and black."""
    grey, black, coloured = torch.full((3, 8, 10), 0.5), torch.zeros(3, 8, 10), noise(3, 8, 10)
    explain = method(Affine(7))
    for e in explain.batch([(grey, black), (black, black), (grey, coloured), (coloured, black)]):
        assert e.maps.isfinite().all() and e.maps.min() >= 0 and e.maps.max() <= 1
        assert e.completeness_error is None or e.completeness_error <= 1e-6
    with pytest.raises(lfs.LFSError, match="embedding 0, which has no cosine"):
        method(Pixels())(grey, black)  # the mean colour


@pytest.mark.parametrize(
    ("method", "option", "known"),
    [(SimExpert, "form", "'folded' or 'raw'"), (Tummala, "variant", "'difference' or 'gradient'")],
)
def test_options(method: type[Comparator], option: str, known: str) -> None:
    with pytest.raises(lfs.LFSError, match=f"{option} is 'best'; it must be {known}"):
        method(Pixels(), **{option: "best"})
    for value in known.split(" or "):
        value = value.strip("'")
        assert method(Pixels(), **{option: value}).settings()[option] == value


def test_tummala_does_not_tell_for_from_against() -> None:
    e = Tummala(Affine())(*noise(2, 3, 8, 10))
    assert e.signed_maps is None and e.promised_sums is None
    assert not Tummala.verified and SimExpert.verified
