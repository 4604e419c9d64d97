"""KernelSHAP and LIME against games whose Shapley values are known, and plain least squares."""

from __future__ import annotations

import itertools
import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.comparators.base import Comparator
from lfs_core.comparators.kernel_shap import KernelSHAP
from lfs_core.comparators.lime import LIME
from lfs_core.comparators.surrogate import Surrogate
from lfs_core.embedders import Embedder
from lfs_core.evaluation.cost import counted
from lfs_core.explanation import OF_THE_NETWORK

SIZE, GRID = 12, 3
CELLS = GRID * GRID
METHODS = [KernelSHAP, LIME]


class Game:
    """A network whose cosine with a black image is any function of what superpixels show.

    Args:
        worth: from the mean grey of each superpixel (B,K) to (B,) in (-1,1).
    """

    def __init__(self, worth: Embedder, grid: int = GRID) -> None:
        self.worth, self.grid = worth, grid

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        grey = torch.nn.functional.adaptive_avg_pool2d(images.double().mean(dim=1), self.grid)
        worth = self.worth(grey.flatten(1))
        h = torch.stack([worth, (1 - worth**2).sqrt()], dim=1)
        black = images.flatten(1).amax(dim=1, keepdim=True) == 0
        return h.where(~black, torch.tensor([1.0, 0.0], dtype=h.dtype))


def noise(seed: int, *shape: int) -> torch.Tensor:
    """In [0.1,1]: an image that is not black."""
    return 0.1 + 0.9 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def of_first(explain: Comparator, image: torch.Tensor) -> np.ndarray:
    """The evidence (K,) in an image whose partner is black."""
    pair = torch.stack([image, torch.zeros_like(image)])[None]
    return explain.evidence(explain.see(pair)).values[0, 0].flatten().numpy()


def greys(image: torch.Tensor, grid: int = GRID) -> np.ndarray:
    """What superpixels show, and what they show when hidden, is their mean grey: (K,) and ()."""
    return torch.nn.functional.adaptive_avg_pool2d(image.mean(dim=0)[None], grid).flatten().numpy()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_kernel_shap_of_a_sum_is_exact(seed: int) -> None:
    """Where the cosine is a sum over superpixels, each one's term is its Shapley value."""
    weights = torch.from_numpy(np.random.default_rng(seed).uniform(-0.5, 0.5, CELLS) / 3)
    game = Game(lambda grey: 0.05 + grey @ weights)
    image = noise(seed, 3, SIZE, SIZE)
    found = of_first(KernelSHAP(game, masks=60, grid=GRID), image)
    grey = greys(image)
    np.testing.assert_allclose(found, weights.numpy() * (grey - grey.mean()), atol=2e-5)


def test_kernel_shap_of_parts_that_work_together_comes_near_to_all_orders() -> None:
    """Against what showing a superpixel adds, in the mean of all orders of four."""

    def worth(grey: torch.Tensor) -> torch.Tensor:
        a, b, c, d = grey.unbind(dim=1)
        return 0.1 + 0.5 * a * b - 0.4 * c * d**2 + 0.3 * torch.maximum(a, c)

    image = noise(3, 3, SIZE, SIZE)
    grey = greys(image, 2)
    shapley = np.zeros(4)
    orders = list(itertools.permutations(range(4)))
    for order in orders:
        shown = np.full(4, grey.mean())
        for k in order:
            before = worth(torch.from_numpy(shown)[None]).item()
            shown[k] = grey[k]
            shapley[k] += (worth(torch.from_numpy(shown)[None]).item() - before) / len(orders)
    found = of_first(KernelSHAP(Game(worth, 2), masks=4000, grid=2), image)
    np.testing.assert_allclose(found, shapley, atol=0.03 * abs(shapley).max())


def tangled(images: torch.Tensor) -> torch.Tensor:
    """Four numbers of both signs, not linear in any pixel."""
    weights = torch.linspace(0, 900, 4 * images[0].numel()).sin().reshape(4, -1)
    return torch.tanh(images.flatten(1) @ weights.T / 8)


def samples(
    method: type[Surrogate], image: torch.Tensor, partner: torch.Tensor, masks: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What was kept in each sample of the first image (S,K), its cosine (S,), and the evidence."""
    seen = []

    def witness(images: torch.Tensor) -> torch.Tensor:
        seen.extend(images.clone())
        return tangled(images)

    explain = method(witness, masks=masks, grid=GRID)
    evidence = explain.evidence(explain.see(torch.stack([image, partner])[None])).values[0, 0]
    of_image = torch.stack(seen[2 : 2 + masks])
    corners = slice(0, SIZE, SIZE // GRID)
    kept = (of_image == image).all(dim=1)[:, corners, corners].flatten(1)
    cosines = torch.cosine_similarity(tangled(of_image), tangled(partner[None]))
    return kept.double().numpy(), cosines.double().numpy(), evidence.flatten().numpy()


def test_kernel_shap_is_least_squares_that_must_fit_both_ends() -> None:
    kept, cosines, found = samples(KernelSHAP, noise(1, 3, SIZE, SIZE), noise(2, 3, SIZE, SIZE), 90)
    assert kept[0].all() and not kept[1].any()
    sizes = kept[2:].sum(axis=1)
    assert sizes.min() >= 1 and sizes.max() < CELLS
    # The last weight is what the others leave of the gain of all superpixels together.
    gain = cosines[0] - cosines[1]
    free = kept[2:, :-1] - kept[2:, -1:]
    rest = cosines[2:] - cosines[1] - kept[2:, -1] * gain
    expected = np.linalg.lstsq(free, rest, rcond=None)[0]
    expected = np.append(expected, gain - expected.sum())
    np.testing.assert_allclose(found, expected, atol=1e-3 * abs(expected).max())


def test_lime_is_weighted_ridge_regression() -> None:
    kept, cosines, found = samples(LIME, noise(1, 3, SIZE, SIZE), noise(2, 3, SIZE, SIZE), 90)
    assert 0.4 < kept.mean() < 0.6
    ones = np.ones(CELLS)
    lengths = np.maximum(np.linalg.norm(kept, axis=1), 1e-9) * np.linalg.norm(ones)
    distance = 1 - kept @ ones / lengths
    counts = np.exp(-(distance**2) / (2 * 0.25**2))
    A = np.column_stack([kept, np.ones(len(kept))])  # the last is the intercept, not punished
    ridge = np.diag(np.append(ones, 0))
    expected = np.linalg.solve(A.T @ (counts[:, None] * A) + ridge, A.T @ (counts * cosines))
    np.testing.assert_allclose(found, expected[:-1], atol=1e-3 * abs(expected[:-1]).max())


def test_lime_of_a_sum_has_its_signs_and_its_order() -> None:
    weights = torch.linspace(-0.5, 0.5, CELLS).double()
    image = noise(5, 3, SIZE, SIZE)
    term = weights.numpy() * (greys(image) - greys(image).mean())
    found = of_first(LIME(Game(lambda grey: 0.05 + grey @ weights), masks=300, grid=GRID), image)
    large = abs(term) > 0.05 * abs(term).max()
    assert (np.sign(found) == np.sign(term))[large].all() and large.sum() > 5
    assert np.corrcoef(found, term)[0, 1] > 0.999


@pytest.mark.parametrize("method", METHODS)
def test_the_sum_is_kept_where_one_is_promised(method: type[Surrogate]) -> None:
    e = method(tangled, masks=200)(noise(1, 3, SIZE, SIZE), noise(2, 3, SIZE, SIZE))
    if method is LIME:
        assert e.completeness_error is None
        return
    assert e.completeness_error < 1e-4
    whole = tangled(e.images)
    empty = tangled(e.images.mean(dim=(2, 3), keepdim=True).expand_as(e.images))
    gain = torch.cosine_similarity(whole, whole.flip(0)) - torch.cosine_similarity(
        empty, whole.flip(0)
    )
    torch.testing.assert_close(e.promised_sums, gain, atol=1e-5, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_draws_are_the_seeds_and_the_global_state_is_left_alone(method: type[Surrogate]) -> None:
    pair = torch.stack([noise(1, 3, SIZE, SIZE), noise(2, 3, SIZE, SIZE)])[None]

    def found(seed: int) -> torch.Tensor:
        explain = method(tangled, masks=40, grid=GRID, seed=seed)
        return explain.evidence(explain.see(pair)).values

    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    first = found(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(5)
    assert torch.equal(first, found(1)) and not torch.allclose(first, found(2), atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_what_has_no_evidence_has_none_of_rounding_either(method: type[Surrogate]) -> None:
    grey = torch.full((3, SIZE, SIZE), 0.3)
    e = method(tangled, masks=40)(grey, noise(1, 3, SIZE, SIZE))
    assert (e.maps[0] == 0).all() and e.maps[1].max() == 1


@pytest.mark.parametrize(("method", "more"), [(KernelSHAP, 2), (LIME, 0)])
def test_passes_come_in_batches_of_64_at_most(method: type[Surrogate], more: int) -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIZE * SIZE, 4))
    network.one_by_one = False  # so that it is not tried out
    batches = []
    hook = network.register_forward_hook(lambda _m, images, _h: batches.append(len(images[0])))
    with counted(network) as passes:
        method(network, masks=100)(noise(1, 3, SIZE, SIZE), noise(2, 3, SIZE, SIZE))
    hook.remove()
    assert (passes.forward, passes.backward) == (2 + 2 * 100 + more, 0)
    assert batches[1:5] == [64, 36, 64, 36]


def test_superpixels_of_a_size_that_the_grid_does_not_divide() -> None:
    e = LIME(tangled, masks=100)(noise(1, 3, 17, 13), noise(2, 3, 17, 13))
    assert e.maps.shape == e.signed_maps.shape == (2, 17, 13)
    with pytest.raises(lfs.LFSError, match=r"grid of 14 windows a side .* images of 13x17 pixels"):
        LIME(tangled, grid=14)(noise(1, 3, 17, 13), noise(2, 3, 17, 13))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"masks": 1}, "masks is 1; it must be at least 2"),
        ({"grid": 1}, "grid is 1; it must be at least 2"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
        ({"fill": "blur"}, "fill is 'blur'.*mean, grey, black"),
    ],
)
def test_options_out_of_range(method: type[Surrogate], option: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        method(tangled, **option)


@pytest.mark.parametrize("method", [partial(of, masks=30, grid=2, fill="grey") for of in METHODS])
def test_settings_repeat_the_explanation(method: partial) -> None:
    explain, pair = method(tangled), (noise(1, 3, SIZE, SIZE), noise(2, 3, SIZE, SIZE))
    options = {k: of for k, of in explain.settings().items() if k not in OF_THE_NETWORK}
    assert torch.equal(method.func(tangled, **options)(*pair).maps, explain(*pair).maps)
    assert math.isclose(options["similarity_threshold"], 0.3)
