"""The causal map: what is left of an image without a window, worked out by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.causal import causal_map, evidence
from lfs_core.comparators.causal import Causal, to_pixels
from lfs_core.evaluation.cost import counted
from lfs_core.util.windows import tiles

SIDE = 8
A, B, OTHER = torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


class Linear(torch.nn.Module):
    """h = W x: without a window, h loses W times what the window held."""

    name = "linear"

    def __init__(self) -> None:
        super().__init__()
        self.W = torch.randn(5, 3 * SIDE**2, generator=torch.Generator().manual_seed(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self.W.T


def unit(h: torch.Tensor) -> torch.Tensor:
    return h / h.norm(dim=-1, keepdim=True)


@settings(deadline=None, max_examples=30)
@given(
    height=st.integers(4, 13),
    width=st.integers(4, 13),
    grids=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    shifted=st.booleans(),
)
def test_every_tiling_covers_every_pixel_once(
    height: int, width: int, grids: list[int], shifted: bool
) -> None:
    windows = tiles((height, width), grids, shifted)
    assert windows.shape[1:] == (height, width) and windows.flatten(1).any(dim=1).all()
    assert (windows.sum(dim=0) == len(grids) * (1 + shifted)).all()


def test_windows_are_where_they_should_be() -> None:
    rows = [int(window.any(dim=1).nonzero()[0]) for window in tiles((8, 8), [2], True)]
    heights = [int(window.any(dim=1).sum()) for window in tiles((8, 8), [2], True)]
    assert rows == [0, 0, 4, 4] + [0] * 3 + [2] * 3 + [6] * 3
    assert heights == [4] * 4 + [2] * 3 + [4] * 3 + [2] * 3


def test_a_linear_network_loses_what_the_window_held() -> None:
    network, windows = Linear(), tiles((SIDE, SIDE), [2, 4])
    baseline = torch.full((1, 3, SIDE, SIDE), 0.25)
    C = causal_map(network, A[None], windows, baseline)
    held = (A - baseline[0]) * windows[:, None]
    h = network(A[None])
    expected = unit(h) - unit(h - held.flatten(1) @ network.W.T)
    torch.testing.assert_close(C[0], expected)


@pytest.mark.parametrize("partner", [B, OTHER])
def test_evidence_is_the_fall_of_the_cosine(partner: torch.Tensor) -> None:
    network, windows = Linear(), tiles((SIDE, SIDE), [4])
    black = torch.zeros(1, 3, SIDE, SIDE)
    o = network(partner[None])[0]
    found = evidence(causal_map(network, A[None], windows, black)[0], o)
    whole = torch.cosine_similarity(network(A[None]), o)
    without = torch.cosine_similarity(network(A * ~windows[:, None]), o)
    torch.testing.assert_close(found, whole - without, atol=1e-6, rtol=0)


def test_weights_choose_latents() -> None:
    C, o = torch.randn(7, 5), unit(torch.randn(5))
    only = torch.eye(5)[2]
    torch.testing.assert_close(evidence(C, 3 * o, only), C[:, 2] * o[2])
    halves = evidence(C, o, only) + evidence(C, o, 1 - only)
    torch.testing.assert_close(halves, evidence(C, o))


def test_pixels_have_the_mean_of_their_windows() -> None:
    windows = tiles((4, 4), [1, 2])
    values = torch.tensor([16.0, 4.0, 0.0, 0.0, 8.0])  # 1 a pixel; then 1, 0, 0 and 2 a pixel
    expected = torch.full((4, 4), 0.5)
    expected[:2, :2], expected[2:, 2:] = 1, 1.5
    torch.testing.assert_close(to_pixels(values, windows), expected)


def test_with_one_tiling_it_is_occlusion() -> None:
    network = Linear()
    own = Causal(network, grid=4, scales=1, shifted=False)
    other = lfs.load_explainer("occlusion", network, grid=4)
    pairs = own.see(torch.stack([A, B])[None])
    step = SIDE // 4  # each cell has step * step pixels, which share its evidence
    cells = own.evidence(pairs).values[..., ::step, ::step] * step**2
    torch.testing.assert_close(cells, other.evidence(pairs).values, atol=1e-6, rtol=1e-4)


def test_an_image_is_passed_once_for_all_its_partners() -> None:
    network = Linear()
    network.one_by_one = False  # so that it is not tried out
    explain = Causal(network, grid=4, scales=2)
    windows = 16 + 25 + 4 + 9
    with counted(network) as passes:
        explain(A, B)
    assert passes.forward == 2 + 2 * (windows + 1)
    with counted(network) as passes:
        explain(B, A)
        explain(A, B)
    assert passes.forward == 2 + 2
    with counted(network) as passes:
        explain(A, OTHER)
    assert passes.forward == 2 + windows + 1


def test_the_relevance_of_eq_2_weighs_the_latents() -> None:
    network = Linear()
    found = Causal(network, grid=4, scales=1, shifted=False, relevance="paper")(A, B)
    h = network(torch.stack([A, B]))
    R = lfs.relevance(*h, similar=found.is_similar)
    windows = tiles((SIDE, SIDE), [4])
    mean = A.mean(dim=(1, 2), keepdim=True).expand_as(A)[None]
    C = causal_map(network, A[None], windows, mean)[0]
    expected = to_pixels((C * R * unit(h[1])).sum(dim=1), windows)
    torch.testing.assert_close(found.signed_maps[0].float(), expected, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"grid": 6, "scales": 3}, "must be a multiple"),
        ({"scales": 0}, "must be a multiple"),
        ({"relevance": "truth"}, "'fall' or one of"),
        ({"fill": "pink"}, "fill is 'pink'"),
        ({"grid": 16}, "1 to 8"),
    ],
)
def test_what_cannot_be_is_refused(options: dict, said: str) -> None:
    with pytest.raises(lfs.LFSError, match=said):
        Causal(Linear(), **options)(A, B)
