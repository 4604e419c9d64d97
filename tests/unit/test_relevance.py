"""Eq. 2-3 against the paper's printed numbers, a loop over latents, and their properties."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import lfs_core as lfs
from lfs_core.variants import RELEVANCES, contribution

H1 = [1.2, 1.9, 2.3, 3.1, 2.0, 2.1, 2.2]
pairs = array_shapes(min_dims=1, max_dims=3, max_side=6).flatmap(
    lambda shape: st.tuples(
        *[arrays(np.float64, shape, elements=st.floats(-10, 10, width=32)) for _ in range(2)]
    )
)


def by_the_paper(h1: list[float], h2: list[float], similar: bool) -> list[float]:
    """Algorithm 1, step 2, latent by latent; distances closer than rounding are equal."""
    distances = [abs(a - b) for a, b in zip(h1, h2, strict=True)]
    low, high = min(distances), max(distances)
    rounding = 16 * sys.float_info.epsilon * max(map(abs, [*h1, *h2]))
    scaled = [(d - low) / (high - low) if high - low > rounding else 0.0 for d in distances]
    return [1 - d if similar else d for d in scaled]


def test_the_papers_similar_example_to_the_digit() -> None:
    R = lfs.relevance(H1, [1.1, 3.0, 2.5, 4.0, 1.3, 1.4, 1.9], similar=True)
    assert [f"{r:.1f}" for r in R] == ["1.0", "0.0", "0.9", "0.2", "0.4", "0.4", "0.8"]


def test_the_papers_dissimilar_example_to_the_digit() -> None:
    R = lfs.relevance(H1, [2.0, 1.5, 2.7, 0.3, 2.5, 1.6, 2.5], similar=False)
    assert [f"{r:.2f}" for r in R] == ["0.20", "0.04", "0.04", "1.00", "0.08", "0.08", "0.00"]


@given(pairs, st.booleans())
def test_batched_equals_the_loop_over_latents(
    pair: tuple[np.ndarray, np.ndarray], similar: bool
) -> None:
    h1, h2 = (torch.from_numpy(h) for h in pair)
    R = lfs.relevance(h1, h2, similar)
    expected = [
        by_the_paper(a.tolist(), b.tolist(), similar)
        for a, b in zip(h1.reshape(-1, h1.shape[-1]), h2.reshape(-1, h1.shape[-1]), strict=True)
    ]
    torch.testing.assert_close(R.reshape(-1, h1.shape[-1]), torch.tensor(expected).double())


@given(pairs)
def test_range_symmetry_and_complement(pair: tuple[np.ndarray, np.ndarray]) -> None:
    h1, h2 = (torch.from_numpy(h) for h in pair)
    similar, dissimilar = lfs.relevance(h1, h2, True), lfs.relevance(h1, h2, False)
    assert ((similar >= 0) & (similar <= 1)).all()
    torch.testing.assert_close(similar + dissimilar, torch.ones_like(similar))
    torch.testing.assert_close(similar, lfs.relevance(h2, h1, True))


def test_one_decision_for_each_pair() -> None:
    h1, h2 = torch.randn(2, 5, 4)
    similar = torch.tensor([True, False, True, False, False])
    R = lfs.relevance(h1, h2, similar)
    for k in range(5):
        torch.testing.assert_close(R[k], lfs.relevance(h1[k], h2[k], bool(similar[k])))


@pytest.mark.parametrize("h2", [[1.0, -2.0, 3.0], [2.0, -1.0, 4.0]])
def test_equal_distances(h2: list[float]) -> None:
    """D+ = D-: identical embeddings, and embeddings that differ by the same everywhere."""
    h1 = [1.0, -2.0, 3.0]
    assert lfs.relevance(h1, h2, similar=True).tolist() == [1, 1, 1]
    assert lfs.relevance(h1, h2, similar=False).tolist() == [0, 0, 0]


def test_integers_are_read_as_numbers() -> None:
    assert lfs.relevance([0, 0, 0], [0, 1, 2], similar=False).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_not_finite(bad: float) -> None:
    with pytest.raises(lfs.LFSError, match="NaN or infinity"):
        lfs.relevance([1.0, bad], [0.0, 0.0])


@pytest.mark.parametrize(
    ("h1", "h2"),
    [(torch.ones(3), torch.ones(4)), (torch.ones(2, 3), torch.ones(3)), (torch.ones(0),) * 2],
)
def test_shapes_that_do_not_fit(h1: torch.Tensor, h2: torch.Tensor) -> None:
    with pytest.raises(lfs.LFSError, match="shape"):
        lfs.relevance(h1, h2)


@given(st.integers(0, 100), st.sampled_from([torch.float32, torch.float64]))
def test_rounding_is_no_difference(seed: int, dtype: torch.dtype) -> None:
    """The same image, once alone and once in a batch: its embeddings differ in the last place."""
    h = torch.randn(512, dtype=dtype, generator=torch.Generator().manual_seed(seed))
    again = torch.nextafter(h, torch.tensor(torch.inf, dtype=dtype))
    assert (lfs.relevance(h, again, similar=True) == 1).all()
    assert (lfs.relevance(h, again, similar=False) == 0).all()
    further = h.clone()
    further[0] += 1e-3  # what is more than rounding counts
    assert lfs.relevance(h, further, similar=False)[0] == 1


def test_arguing_takes_the_threshold_of_the_network() -> None:
    """Of three latents with 0.3, 0.2 and 0.5 of a cosine of 1 a third of xi_1 = 0.75 is 0.25."""
    h = torch.tensor([0.3, 0.2, 0.5]).sqrt()
    assert RELEVANCES["arguing"](h, h, True, 0, 0.75).tolist() == [1, 0, 1]
    assert RELEVANCES["arguing"](h, h, True, 0, 0.3).tolist() == [1, 1, 1]


def test_decisions_that_do_not_fit() -> None:
    with pytest.raises(lfs.LFSError, match="one for each pair"):
        lfs.relevance(torch.ones(3, 4), torch.ones(3, 4), torch.tensor([True, False]))


def test_contribution_by_hand() -> None:
    """The products are 2, -1 and 0.5; the largest speaks most for a match."""
    R = contribution([1.0, 1.0, 0.5], [2.0, -1.0, 1.0], similar=True)
    assert R.tolist() == pytest.approx([1, 0, 0.5])
    R = contribution([1.0, 1.0, 0.5], [2.0, -1.0, 1.0], similar=False)
    assert R.tolist() == pytest.approx([0, 1, 0.5])


@given(pairs, st.integers(0, 3))
def test_what_is_put_in_the_place_of_relevance(pair: tuple, seed: int) -> None:
    h1, h2 = (torch.from_numpy(x) for x in pair)
    similar = torch.rand(h1.shape[:-1], generator=torch.Generator().manual_seed(1)) > 0.5
    R = {name: rule(h1, h2, similar, seed) for name, rule in RELEVANCES.items()}
    assert all(r.shape == h1.shape and r.min() >= 0 and r.max() <= 1 for r in R.values())
    torch.testing.assert_close(R["paper"], lfs.relevance(h1, h2, similar))
    assert (R["constant"] == 1).all()
    torch.testing.assert_close(R["inverted"], lfs.relevance(h1, h2, ~similar))
    # Shuffled: the same values, in one order for all pairs.
    torch.testing.assert_close(R["shuffled"].sort(dim=-1).values, R["paper"].sort(dim=-1).values)
    # Random: the same for all pairs, and the seed's own.
    assert (R["random"] == R["random"].reshape(-1, h1.shape[-1])[0]).all()
    assert torch.equal(R["random"], RELEVANCES["random"](h1, h2, similar, seed))


def test_random_relevance_is_the_seeds_own() -> None:
    h = torch.randn(2, 512)
    drawn = [RELEVANCES["random"](h[0], h[1], True, seed) for seed in (0, 1)]
    assert torch.corrcoef(torch.stack(drawn))[0, 1].abs() < 0.2
    shuffled = [RELEVANCES["shuffled"](h[0], h[1], True, seed) for seed in (0, 1)]
    assert torch.corrcoef(torch.stack(shuffled))[0, 1].abs() < 0.2
