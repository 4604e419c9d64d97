"""Pixel flipping against a loop that flips one superpixel after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.evaluation.metrics.selectivity import (
    FILLS,
    area,
    enlarged,
    flip_curves,
    flip_ranks,
    superpixels,
)

SIZE, GRID = 16, 4


def network(images: torch.Tensor) -> torch.Tensor:
    """(B,3,16,16) -> (B,48): coarse colours with both signs."""
    return torch.nn.functional.avg_pool2d(images, 4).flatten(1) - 0.4


def loop(images: np.ndarray, ranks: np.ndarray, both: bool, filling: np.ndarray) -> list[float]:
    """The curve of one pair, a flip at a time, with NumPy alone."""
    changed = images.copy()

    def cosine() -> float:
        h = changed.reshape(2, 3, GRID, 4, GRID, 4).mean(axis=(3, 5)).reshape(2, -1) - 0.4
        return float(h[0] @ h[1] / np.linalg.norm(h[0]) / np.linalg.norm(h[1]))

    curve = [cosine()]
    for step in range(5):
        for side in range(1 + both):
            row, column = np.argwhere(ranks[side] == step)[0]
            block = np.s_[side, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            changed[block] = filling[block]
        curve.append(cosine())
    return curve


@pytest.mark.parametrize("fill", FILLS)
def test_curves_are_those_of_a_loop(fill: str) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 2, 3, SIZE, SIZE, generator=generator)
    ranks = flip_ranks(torch.rand(2, 3, 2, GRID, GRID, generator=generator))
    both = torch.tensor([True, False, True])
    curves = flip_curves(network, images, ranks, both, fill=fill, flips=range(6), seed=3)
    assert curves.shape == (2, 3, 6)
    h = network(images.flatten(0, 1)).unflatten(0, (-1, 2))
    few = flip_curves(network, images, ranks, both, fill=fill, flips=(0, 2, 5), seed=3, h=h)
    torch.testing.assert_close(few, curves[..., [0, 2, 5]])
    filling = FILLS[fill](images, torch.Generator().manual_seed(3)).numpy()
    for method in range(2):
        for k in range(3):
            expected = loop(images[k].numpy(), ranks[method, k].numpy(), bool(both[k]), filling[k])
            np.testing.assert_allclose(curves[method, k], expected, atol=1e-5)


def test_what_superpixels_are_replaced_by() -> None:
    images = torch.rand(2, 2, 3, SIZE, SIZE)
    filled = {n: f(images, torch.Generator().manual_seed(0)) for n, f in FILLS.items()}
    assert all(x.shape == images.shape for x in filled.values())
    assert (filled["black"] == 0).all() and (filled["grey"] == 0.5).all()
    np.testing.assert_allclose(
        filled["mean"][1, 0, :, 3, 5], images[1, 0].mean(dim=(1, 2)), atol=1e-6
    )
    assert (filled["noise"][0, 0] == filled["noise"][1, 1]).all()  # the same for every image
    assert 0.4 < filled["noise"].mean() < 0.6
    first, second = filled["own-noise"].unbind(1)
    assert (first == first[0]).all() and (second == second[0]).all()  # of every pair
    assert abs(torch.corrcoef(torch.stack([first[0].flatten(), second[0].flatten()]))[0, 1]) < 0.1
    assert filled["blur"].std() < images.std() / 3
    np.testing.assert_allclose(filled["blur"].mean(), images.mean(), atol=0.02)


def test_ranks_follow_the_scores_and_ties_are_drawn() -> None:
    scores = torch.tensor([[0.1, 0.9], [0.5, 0.3]])
    assert flip_ranks(scores).tolist() == [[3, 0], [1, 2]]
    assert flip_ranks(-scores).tolist() == [[0, 3], [2, 1]]
    even = torch.zeros(8, 8)
    drawn = [flip_ranks(even, seed) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert sorted(drawn[0].flatten().tolist()) == list(range(64))


@given(st.integers(0, 1000))
def test_ranks_are_an_order(seed: int) -> None:
    scores = torch.from_numpy(np.random.default_rng(seed).integers(0, 4, (2, 3, 3)).astype(float))
    for of_map, ranks in zip(scores, flip_ranks(scores, seed), strict=True):
        in_order = of_map.flatten()[ranks.flatten().argsort()]
        assert (in_order.diff() <= 0).all()


def test_superpixels_and_blocks_undo_each_other() -> None:
    cells = torch.rand(GRID, GRID)
    torch.testing.assert_close(superpixels(enlarged(cells, (SIZE, SIZE)), GRID), cells)
    assert enlarged(torch.arange(4).reshape(2, 2), (2, 4)).tolist() == [[0, 0, 1, 1], [2, 2, 3, 3]]
    maps = torch.rand(2, 3, SIZE, SIZE)
    expected = maps.reshape(2, 3, GRID, 4, GRID, 4).mean(dim=(3, 5))
    torch.testing.assert_close(superpixels(maps, GRID), expected)


def test_areas_by_hand() -> None:
    assert area(torch.tensor([1.0, 0.5, 0.0])).item() == 0.5
    assert area(torch.tensor([[1.0, 0, 0, 0], [1, 1, 1, 1]])).tolist() == pytest.approx([1 / 6, 1])
    assert area(torch.tensor([1.0, 0.5, 0.0]), (0, 1, 4)).item() == pytest.approx(1.5 / 4)


def test_a_better_order_has_a_smaller_area() -> None:
    """The network reads one corner; who knows it makes the similarity fall at once."""

    def corner(images: torch.Tensor) -> torch.Tensor:
        return images[..., :4, :4].flatten(1)

    images = torch.rand(1, 1, 3, SIZE, SIZE).expand(1, 2, -1, -1, -1).contiguous()
    scores = torch.zeros(2, 1, 2, GRID, GRID)
    scores[0, ..., 0, 0], scores[1, ..., 0, 0] = 1, -1
    curves = flip_curves(corner, images, flip_ranks(scores), torch.tensor([False]), flips=range(5))
    assert curves[0, 0, 1] < 0.95 and (curves[1] > 0.999).all()
    assert area(curves)[0, 0] < area(curves)[1, 0]


def test_refusals() -> None:
    images, ranks = torch.rand(1, 2, 3, 8, 8), torch.zeros(1, 1, 2, 2, 2)
    one = torch.tensor([True])
    with pytest.raises(lfs.LFSError, match=r"no fill 'water'.*noise"):
        flip_curves(network, images, ranks, one, fill="water")
    with pytest.raises(lfs.LFSError, match="do not fit"):
        flip_curves(network, images, ranks.repeat(1, 2, 1, 1, 1), one)
    for flips in ((), range(6), (-1, 2)):
        with pytest.raises(lfs.LFSError, match="there are 4 superpixels"):
            flip_curves(network, images, ranks, one, flips=flips)
    with pytest.raises(lfs.LFSError, match="NaN"):
        flip_ranks(torch.full((2, 2), torch.nan))
