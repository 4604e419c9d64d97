"""Parts taken away: images through the same lines as before, and things worked out by hand."""

from __future__ import annotations

import pytest
import torch
from small_network import Small
from torch import Tensor

import lfs_core as lfs
from lfs_core.causal import causal_map
from lfs_core.comparators.causal import draw_sets, shared_map
from lfs_core.comparators.occlusion import Occlusion
from lfs_core.parts import causal, left, occlusion, shared, whole, wholes
from lfs_core.things.windows import Windows
from lfs_core.util.windows import tiles

SIDE, GRID = 16, 4
A, B = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
WINDOWS = tiles((SIDE, SIDE), [GRID])


class Sum:
    """h is the sum of the vectors of the parts that are there."""

    def __init__(self, vectors: Tensor) -> None:
        self.vectors, self.parts = vectors, tuple("abcdefgh"[: len(vectors)])

    def without(self, sets: Tensor) -> Tensor:
        return (~sets).to(self.vectors) @ self.vectors


def mean(image: Tensor) -> Tensor:
    return image.mean(dim=(1, 2), keepdim=True).expand_as(image)


@pytest.fixture(scope="module")
def network() -> Small:
    return Small()


def test_the_causal_map_of_windows_is_that_of_the_image(network: Small) -> None:
    found = causal(Windows(network, A, WINDOWS, mean(A)))
    expected = causal_map(network, A[None], WINDOWS, mean(A)[None])[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_the_shared_map_of_windows_is_that_of_the_image(network: Small) -> None:
    sets = draw_sets(len(WINDOWS), 50, seed=0)
    found = shared(Windows(network, A, WINDOWS, mean(A)), sets)
    expected = shared_map(network, A[None], WINDOWS, mean(A)[None], sets)[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_occlusion_of_windows_is_that_of_the_image(network: Small) -> None:
    method = Occlusion(network, grid=GRID)
    expected = method.evidence(method.see(torch.stack([A, B])[None])).values[0].flatten(1)
    found = occlusion(*(Windows(network, of, WINDOWS, mean(of)) for of in (A, B)))
    torch.testing.assert_close(torch.stack(found), expected, atol=1e-5, rtol=0)


def test_by_hand() -> None:
    thing = Sum(torch.tensor([[3.0, 0], [0, 4]]))
    assert whole(thing).tolist() == pytest.approx([0.6, 0.8])
    torch.testing.assert_close(causal(thing), torch.tensor([[0.6, -0.2], [-0.4, 0.8]]))
    of_a, of_b = occlusion(thing, Sum(torch.tensor([[1.0, 0], [1, 0]])))
    torch.testing.assert_close(of_a, torch.tensor([0.6, -0.4]))
    torch.testing.assert_close(of_b, torch.zeros(2))  # one part alone points the same way


def test_nothing_left_has_the_cosine_0() -> None:
    thing = Sum(torch.eye(3))
    assert not left(thing, torch.ones(1, 3, dtype=torch.bool)).any()


@pytest.mark.parametrize(
    ("vectors", "sentence"),
    [
        (torch.ones(1, 2), "one part"),
        (torch.ones(0, 2), "no parts"),
        (torch.zeros(3, 2), "is 0"),
        (torch.full((3, 2), torch.nan), "NaN"),
        (torch.ones(3, 4), "4 and 2 numbers"),
    ],
)
def test_what_cannot_be_explained_is_refused(vectors: Tensor, sentence: str) -> None:
    with pytest.raises(lfs.LFSError, match=sentence):
        wholes(Sum(vectors), Sum(torch.ones(2, 2)))


def test_wrong_sets_and_answers_are_refused() -> None:
    thing = Sum(torch.eye(3))
    for sets in (torch.ones(2, 3), torch.ones(2, 4, dtype=torch.bool)):
        with pytest.raises(lfs.LFSError, match="must be"):
            left(thing, sets)
    thing.without = lambda sets: torch.ones(3)  # type: ignore[method-assign]
    with pytest.raises(lfs.LFSError, match="must return"):
        causal(thing)
    with pytest.raises(lfs.LFSError, match="above 0"):
        shared(thing, torch.ones(2, 3, dtype=torch.bool), ridge=0)
