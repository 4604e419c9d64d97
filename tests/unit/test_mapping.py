"""Eq. 4 and the difference map against closed forms."""

from __future__ import annotations

import pytest
import torch

import lfs_core as lfs
from lfs_core.mapping import display_map
from lfs_core.variants import multiply, perturb_on_sphere


@pytest.fixture
def linear() -> tuple[torch.Tensor, lfs.Decoder]:
    """A weight (3*4*5, 6) and a decoder that multiplies with it."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(60, 6, generator=generator, dtype=torch.float64)
    return weight, lambda h: (h @ weight.T + 0.5).reshape(-1, 3, 4, 5)


def test_perturb_is_equation_4() -> None:
    h, R = [1.0, -2.0], [0.5, 1.0]
    assert lfs.perturb(h, R, 0.3).tolist() == pytest.approx([1.15, -1.7])


def test_perturb_shares_one_relevance_between_the_images_of_a_pair() -> None:
    h, R = torch.randn(2, 7), torch.rand(7)
    torch.testing.assert_close(lfs.perturb(h, R, 1.0) - h, R.expand(2, 7))


def test_multiplying_and_staying_on_the_sphere_by_hand() -> None:
    h, R = torch.tensor([3.0, -4.0]), torch.tensor([1.0, 0.5])
    assert multiply(h, R, 0.5).tolist() == pytest.approx([4.5, -5])
    # Added: (3.5, -3.75), of length 5.1296; h has length 5.
    assert perturb_on_sphere(h, R, 0.5).tolist() == pytest.approx([3.41157, -3.65525], abs=1e-4)


def test_on_the_sphere_the_length_of_embeddings_stays() -> None:
    h, R = torch.randn(4, 2, 9), torch.rand(4, 1, 9)
    torch.testing.assert_close(perturb_on_sphere(h, R, 0.7).norm(dim=-1), h.norm(dim=-1))
    torch.testing.assert_close(perturb_on_sphere(h, R, 0.0), h)
    for rule in (multiply, perturb_on_sphere):
        with pytest.raises(lfs.LFSError, match=r"\[0, 1\]"):
            rule(h, R, 1.5)


def test_linear_decoder_gives_p_w_r(linear: tuple) -> None:
    weight, decoder = linear
    h, R = torch.randn(3, 6).double(), torch.rand(3, 6).double()
    found = lfs.difference_map(decoder, h, lfs.perturb(h, R, 0.3))
    expected = (0.3 * R @ weight.T).abs().reshape(3, 3, 4, 5).mean(dim=1)
    torch.testing.assert_close(found, expected)


def test_with_a_linear_decoder_both_images_share_a_map_and_p_cancels(linear: tuple) -> None:
    _, decoder = linear
    h, R = torch.randn(2, 6).double(), torch.rand(6).double()
    shown = [
        display_map(lfs.difference_map(decoder, h, lfs.perturb(h, R, p)), (8, 10))
        for p in (0.01, 1.0)
    ]
    torch.testing.assert_close(shown[0][0], shown[0][1])
    torch.testing.assert_close(shown[0], shown[1])


def test_any_number_of_leading_axes(linear: tuple) -> None:
    _, decoder = linear
    h, h_p = torch.randn(2, 3, 2, 6).double()
    maps = lfs.difference_map(decoder, h, h_p)
    assert maps.shape == (3, 2, 4, 5)
    torch.testing.assert_close(maps[1, 0], lfs.difference_map(decoder, h[1, 0], h_p[1, 0]))


def test_a_decoder_is_compared_before_it_is_cut() -> None:
    decoder = lfs.LinearDecoder(1, (2, 2), rank=1)
    decoder.up.data.fill_(10)
    decoder.down.data.fill_(1)
    h = torch.tensor([[1.0]])
    assert decoder(h).max() == 1  # cut, although W h = 10
    assert lfs.difference_map(decoder, h, h + 1).tolist() == [[[10, 10], [10, 10]]]


def test_display_map_peaks_at_one_and_keeps_zero() -> None:
    maps = display_map(torch.stack([torch.rand(4, 4) * 7, torch.zeros(4, 4)]), (9, 13))
    assert maps.shape == (2, 9, 13)
    assert maps[0].max() == 1 and maps[0].min() >= 0
    assert (maps[1] == 0).all()


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_p_out_of_range(p: float) -> None:
    with pytest.raises(lfs.LFSError, match=r"p is .* \[0, 1\]"):
        lfs.perturb([1.0], [1.0], p)


def test_widths_that_differ() -> None:
    with pytest.raises(lfs.LFSError, match="number of latents"):
        lfs.perturb(torch.ones(3), torch.ones(4), 0.3)


def test_a_decoder_that_returns_no_images() -> None:
    with pytest.raises(lfs.LFSError, match=r"must return \(B,3,h,w\)"):
        lfs.difference_map(lambda h: h, torch.ones(2, 3), torch.ones(2, 3))
