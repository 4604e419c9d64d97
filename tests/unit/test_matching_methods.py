"""PAIR-X, BiLRP, exCLIP, activation decomposition and FIxLIP, by hand and by brute force."""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import normalize

import lfs_core as lfs
from lfs_core.comparators.fixlip import sets_of
from lfs_core.comparators.pairx import mutual_nearest
from lfs_core.comparators.places import moved, of_each
from lfs_core.evaluation.cost import counted
from lfs_core.util.windows import tiles

SIDE, GRID, D = 16, 4, 24
PLACES = GRID**2


class Patches(nn.Module):
    """Each patch of 4x4 pixels by itself, then the mean: it does not see where a patch is."""

    name = "patches"
    image_size = SIDE

    def __init__(self, rectified: bool = False, biased: bool = True) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(4)
            self.maps = nn.Sequential(
                nn.Conv2d(3, 20, 4, stride=4, bias=biased),
                nn.ReLU() if rectified else nn.Tanh(),
                nn.Conv2d(20, D, 1, bias=biased),
            )
            self.head = nn.Linear(D, 10, bias=biased)
        self.double()

    def forward(self, images: Tensor) -> Tensor:
        return self.project(self.maps(images).mean(dim=(2, 3)))

    def project(self, pooled: Tensor) -> Tensor:
        return self.head(pooled)


class Spread(nn.Module):
    """A corner, and no place is seen by itself."""

    name = "spread"
    image_size = SIDE

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(5)
            self.layers = nn.Sequential(
                nn.Conv2d(3, 6, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(6 * SIDE**2, 7)
            )
        self.double()

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


def pair(seed: int = 1) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(2, 3, SIDE, SIDE, generator=draw, dtype=torch.float64).float()


def by_place(values: Tensor) -> Tensor:
    """Sums over each place: (...,H,W) -> (...,K)."""
    return values.flatten(-2) @ tiles((SIDE, SIDE), [GRID]).flatten(1).to(values).T


def evidence_of(name: str, network: nn.Module, images: Tensor, **options: object) -> Tensor:
    """The evidence (2,h,w) in a pair, as the method finds it."""
    explain = lfs.load_explainer(name, network, **options)
    return explain.evidence(explain.see(images[None])).values[0].detach()


def close(found: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    scale = expected.abs().max().item()
    torch.testing.assert_close(found.double(), expected.double(), atol=tolerance * scale, rtol=0)


# Activation decomposition


@pytest.mark.parametrize("form", ["folded", "raw"])
def test_activation_decomposition_adds_up_to_simexpert_and_the_cosine(form: str) -> None:
    network, images = Patches(), pair()
    e = lfs.load_explainer("activation-decomposition", network, form=form)(*images)
    S_1, S_2 = evidence_of("simexpert", network, images, form=form).flatten(1)
    close(e.matches.sum(dim=1), S_1)
    close(e.matches.sum(dim=0), S_2)
    pooled = network.maps(images.double()).mean(dim=(2, 3))
    seen = network(images.double()) if form == "folded" else pooled
    assert e.matches.sum().item() == pytest.approx(torch.cosine_similarity(*seen, dim=0).item())
    torch.testing.assert_close(
        e.maps, lfs.load_explainer("simexpert", network, form=form)(*images).maps
    )


def test_activation_decomposition_by_hand() -> None:
    network, images = Patches(), pair()
    e = lfs.load_explainer("activation-decomposition", network)(*images)
    K1, K2 = network.maps(images.double()).flatten(2)
    A, b = network.head.weight, network.head.bias
    e1, e2 = network(images.double())
    for z, w in product((0, 3, 9), (0, 5, 15)):
        share = (A @ K1[:, z] + b) @ (A @ K2[:, w] + b) / PLACES**2 / (e1.norm() * e2.norm())
        assert e.matches[z, w].item() == pytest.approx(share.item(), rel=1e-5)
        alike = torch.cosine_similarity(K1[:, z], K2[:, w], dim=0)
        assert e.likeness[z, w].item() == pytest.approx(alike.item(), rel=1e-5)


def test_activation_decomposition_says_what_it_cannot_fold() -> None:
    class Bent(Patches):
        def forward(self, images: Tensor) -> Tensor:
            return torch.tanh(super().forward(images))

    with pytest.raises(lfs.LFSError, match="activation-decomposition cannot fold"):
        lfs.load_explainer("activation-decomposition", Bent())(*pair())
    assert lfs.load_explainer("activation-decomposition", Bent(), form="raw")(*pair()).matches.any()


# BiLRP


def test_bilrp_of_a_linear_network_splits_the_dot_product() -> None:
    """Each place's part of an embedding is the embedding of that place alone."""

    class Linear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            draw = torch.Generator().manual_seed(2)
            self.W = nn.Parameter(torch.randn(9, 3 * SIDE**2, generator=draw, dtype=torch.float64))

        def forward(self, images: Tensor) -> Tensor:
            return images.flatten(1) @ self.W.T

    network, images = Linear(), pair()
    e = lfs.load_explainer("bilrp", network, grid=GRID)(*images)
    windows = tiles((SIDE, SIDE), [GRID])[:, None]
    a, b = (network((image * windows).double()).detach() for image in images)
    h = network(images.double()).detach()
    close(e.matches, a @ b.T / h.norm(dim=1).prod())
    assert e.matches.sum().item() == pytest.approx(e.similarity, abs=1e-6)
    close(e.likeness, normalize(a) @ normalize(b).T)
    sums = evidence_of("bilrp", network, images, grid=GRID).flatten(1)
    close(sums, torch.stack([e.matches.sum(dim=1), e.matches.sum(dim=0)]))


def test_bilrp_is_gradient_times_input_of_every_latent() -> None:
    """Row by row of the Jacobian, backwards."""
    network, images = Spread(), pair()
    e = lfs.load_explainer("bilrp", network, grid=GRID)(*images)
    parts = []
    for image in images.double():
        J = torch.func.jacrev(lambda x: network(x[None])[0])(image)  # (7,3,H,W)
        parts.append(by_place((J * image).sum(dim=1)).detach())  # (7,K)
    h = network(images.double()).detach()
    close(e.matches, torch.einsum("mk,ml->kl", *parts) / h.norm(dim=1).prod())


def test_bilrp_keeps_the_cosine_where_there_are_no_biases() -> None:
    network = Patches(rectified=True, biased=False)
    e = lfs.load_explainer("bilrp", network, grid=2)(*pair())
    assert e.matches.sum().item() == pytest.approx(e.similarity, abs=1e-6)
    assert e.matches.shape == (4, 4) and e.grid == (2, 2)


# exCLIP


@pytest.mark.parametrize("reference", ["mean", "grey", "black"])
def test_exclip_is_integrated_jacobians_by_places(reference: str) -> None:
    """Its sums are what the method without places finds, whose derivatives go backwards."""
    network, images, options = Spread(), pair(), {"reference": reference, "steps": 12}
    e = lfs.load_explainer("exclip", network, grid=GRID, **options)(*images)
    whole = lfs.load_explainer("integrated-jacobians", network, **options)(*images)
    for of, dim in ((0, 1), (1, 0)):
        close(e.matches.sum(dim=dim), by_place(whole.signed_maps[of]), 1e-4)
    score = whole.promised_sums[0].item()
    assert e.matches.sum().item() == pytest.approx(score, rel=1e-4)
    assert e.promised_sums.tolist() == pytest.approx([score, score], rel=1e-5)
    assert e.completeness_error < 1e-4 * abs(score)


def test_exclip_by_whole_jacobians() -> None:
    network, images, steps = Spread(), pair(), 3
    e = lfs.load_explainer("exclip", network, grid=GRID, steps=steps, reference="grey")(*images)
    unit = lambda x: normalize(network(x[None]), dim=-1)[0]  # noqa: E731
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    parts = []
    for image in images.double():
        start = torch.full_like(image, 0.5)
        J = sum(
            w / 2 * torch.func.jacrev(unit)(start + (n + 1) / 2 * (image - start))
            for n, w in zip(nodes, weights, strict=True)
        )
        parts.append(by_place((J * (image - start)).sum(dim=1)).detach())
    close(e.matches, parts[0].T @ parts[1])
    close(e.likeness, normalize(parts[0].T) @ normalize(parts[1].T).T)


# PAIR-X


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), ties=st.booleans())
def test_mutual_nearest_is_opencvs_cross_check(seed: int, ties: bool) -> None:
    """With ties OpenCV may choose others, and as few."""
    draw = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(n, 6, generator=draw) for n in (20, 17))
    if ties:
        a[5:], b[3] = a[4], a[4]
    found = mutual_nearest(a, b)
    assert (found.sum(dim=0) <= 1).all() and (found.sum(dim=1) <= 1).all()
    matches = cv2.BFMatcher(cv2.NORM_L2, crossCheck=True).match(a.numpy(), b.numpy())
    expected = {(match.queryIdx, match.trainIdx) for match in matches}
    if not ties:
        assert {tuple(place) for place in found.nonzero().tolist()} == expected
    else:
        assert found.sum() == len(expected)


def test_pairx_ranks_by_lrp_in_a_network_of_rectifiers() -> None:
    """Relevance is redistributed layer by layer in proportion to what each unit gave (LRP-0)."""

    class Rectified(nn.Module):
        """Maps of 8x8, of which the last are 4x4: cells of both can be asked for."""

        def __init__(self) -> None:
            super().__init__()
            with torch.random.fork_rng():
                torch.manual_seed(6)
                self.first = nn.Sequential(nn.Conv2d(3, 12, 2, stride=2), nn.ReLU())
                self.second = nn.Conv2d(12, 14, 2, stride=2, bias=False)
                self.rectify = nn.ReLU()
                self.last = nn.Linear(14, 9, bias=False)

        def forward(self, images: Tensor) -> Tensor:
            return self.last(self.rectify(self.second(self.first(images))).mean(dim=(2, 3)))

    network, images = Rectified(), pair()
    e = lfs.load_explainer("pairx", network, cells=8)(*images)
    assert e.grid == (8, 8)
    features = network.first(images).detach().double().requires_grad_()
    h = network.double()(images.double()).detach().requires_grad_()
    (start,) = torch.autograd.grad(torch.cosine_similarity(h[0], h[1], dim=0), h)
    R = h.detach() * start  # (2,9), what each latent has of the similarity's gradient
    W = network.last.weight.detach()
    hidden = network.rectify(network.second(features)).detach()  # (2,14,4,4)
    pooled = hidden.mean(dim=(2, 3))
    R = pooled * ((R / (pooled @ W.T)) @ W)  # (2,14)
    R = hidden / 16 * (R / pooled.where(pooled > 0, 1))[..., None, None]  # each place its share
    cells = nn.functional.unfold(features.detach(), 2, stride=2)  # (2,12*4,16)
    V = network.second.weight.detach().flatten(1)  # (14,12*4)
    z = torch.einsum("nj,bjp->bnp", V, cells)
    R = R.flatten(2) / z.where(z > 0, 1)
    R = cells * torch.einsum("nj,bnp->bjp", V, R)
    R = nn.functional.fold(R, (8, 8), 2, stride=2)  # (2,12,8,8)
    a, b = R.abs().sum(dim=1).flatten(1)
    flat = features.detach().flatten(2).mT.float().numpy()
    matches = cv2.BFMatcher(cv2.NORM_L2, crossCheck=True).match(*flat)
    expected = torch.zeros(64, 64, dtype=torch.float64)
    for match in matches:
        expected[match.queryIdx, match.trainIdx] = a[match.queryIdx] * b[match.trainIdx]
    assert len(matches) > 8
    close(e.matches, expected, 1e-4)
    alike = normalize(torch.from_numpy(flat), dim=-1)
    close(e.likeness, alike[0] @ alike[1].T)
    assert lfs.load_explainer("pairx", network, cells=4)(*images).grid == (4, 4)
    assert lfs.load_explainer("pairx", network, cells=9)(*images).grid in ((8, 8), (4, 4))


def test_pairx_finds_nothing_relevant_between_equal_embeddings() -> None:
    image = pair()[0]
    e = lfs.load_explainer("pairx", Patches())(image, image)
    assert not e.matches.any() and e.likeness.diagonal().min() > 1 - 1e-5


# FIxLIP


def values_of(network: nn.Module, images: Tensor, kept: Tensor, grid: int) -> Tensor:
    """Cosines (m,m) of a with no more than some places, and b likewise, one by one."""
    windows = tiles((SIDE, SIDE), [grid])
    plain = images.double().mean(dim=(2, 3), keepdim=True).float().expand_as(images)
    units = []
    for image, grey in zip(images, plain, strict=True):
        shown = [torch.where((windows & ~some[:, None, None]).any(0), grey, image) for some in kept]
        units.append(normalize(network(torch.stack(shown).double()), dim=-1).detach())
    return units[0] @ units[1].T


@pytest.mark.parametrize("p", [0.5, 0.7])
def test_fixlip_over_all_sets_is_the_weighted_banzhaf_interaction(p: float) -> None:
    """By its definition: the mean of second differences over all sets of the other places."""
    network, images = Spread(), pair()
    e = lfs.load_explainer("fixlip", network, grid=2, masks=16, p=p)(*images)
    sets = list(product((0, 1), repeat=4))
    v = values_of(network, images, torch.tensor(sets) > 0, 2)
    place = {some: k for k, some in enumerate(sets)}

    def chance(some: tuple[int, ...], apart: int) -> float:
        others = [kept for k, kept in enumerate(some) if k != apart]
        return p ** sum(others) * (1 - p) ** (len(others) - sum(others))

    def with_(some: tuple[int, ...], k: int) -> int:
        return place[*some[:k], 1, *some[k + 1 :]]

    full = len(sets) - 1
    evidence = evidence_of("fixlip", network, images, grid=2, masks=16, p=p)[0].flatten()
    for k in range(4):
        alone = 0.0
        for S in (some for some in sets if not some[k]):
            alone += chance(S, k) * (v[with_(S, k), full] - v[place[S], full]).item()
        assert evidence[k].item() == pytest.approx(alone, abs=1e-5)
        for l in range(4):  # noqa: E741
            mean = 0.0
            for S, T in product(sets, sets):
                if not S[k] and not T[l]:
                    s, t, sk, tl = place[S], place[T], with_(S, k), with_(T, l)
                    second = v[sk, tl] - v[sk, t] - v[s, tl] + v[s, t]
                    mean += chance(S, k) * chance(T, l) * second.item()
            assert e.matches[k, l].item() == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("masks", [16, 12])
def test_fixlip_is_one_fit_to_all_crossed_values(masks: int, within: bool) -> None:
    """Exactly, over all sets and over drawn ones; with pairs within an image, over all sets."""
    network, images, p = Spread(), pair(), 0.6
    e = lfs.load_explainer("fixlip", network, grid=2, masks=masks, p=p, seed=3)(*images)
    kept, weights = sets_of(4, masks, p, 3)
    v = values_of(network, images, kept, 2)
    rows, heavy = [], []
    for s, t in product(range(len(kept)), repeat=2):
        S, T = kept[s].double(), kept[t].double()
        row = [torch.ones(1), S, T, torch.outer(S, T).flatten()]
        if within:
            row += [torch.outer(of, of)[*torch.triu_indices(4, 4, 1)] for of in (S, T)]
        rows.append(torch.cat(row))
        heavy.append((weights[s] * weights[t]).sqrt())
    X, root = torch.stack(rows), torch.stack(heavy)[:, None]
    fitted = torch.linalg.lstsq(root * X, root * v.flatten()[:, None], driver="gelsd").solution
    same = torch.allclose(fitted[9:25, 0].unflatten(0, (4, 4)), e.matches, atol=1e-6)
    assert same or (within and masks < 16)


def test_sets_keep_places_as_often_as_they_should() -> None:
    kept, weights = sets_of(4, 16, 0.3, 0)
    assert len({tuple(some) for some in kept.tolist()}) == 16
    assert weights.sum().item() == pytest.approx(1)
    torch.testing.assert_close(weights @ kept.double(), torch.full((4,), 0.3).double())
    drawn, alike = sets_of(64, 4000, 0.3, 0)
    assert drawn.shape == (4000, 64) and (alike == 1).all()
    assert drawn.double().mean().item() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("fixlip", {"masks": 1}, "masks is 1; it must be at least 2"),
        ("fixlip", {"p": 1.0}, "p is 1.0; it must lie between 0 and 1"),
        ("fixlip", {"fill": "pink"}, "fill is 'pink'"),
        ("pairx", {"cells": 1}, "cells is 1; it must be at least 2"),
        ("exclip", {"steps": 0}, "steps is 0; it must be at least 1"),
        ("bilrp", {"grid": 17}, "A grid of 17 windows a side does not fit"),
    ],
)
def test_options_out_of_range_are_refused(name: str, options: dict, said: str) -> None:
    with pytest.raises(lfs.LFSError, match=said):
        lfs.load_explainer(name, Patches(), **options)(*pair())


# What they share


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pairx", {"cells": 4}),
        ("activation-decomposition", {}),
        ("bilrp", {"grid": GRID}),
        ("exclip", {"grid": GRID, "steps": 4, "reference": "grey"}),
        ("fixlip", {"grid": GRID, "masks": 200, "fill": "grey"}),
    ],
)
def test_places_that_change_places_are_found(name: str, options: dict) -> None:
    """The network does not see where a patch is, so that each finds its own, a little darker."""
    image = pair()[0]
    order = torch.randperm(PLACES, generator=torch.Generator().manual_seed(0))
    patches = nn.functional.unfold(image[None], 4, stride=4)[..., order]
    moved_about = nn.functional.fold(patches, (SIDE, SIDE), 4, stride=4)[0] * 0.97
    e = lfs.load_explainer(name, Patches(), **options)(image, moved_about)
    torch.testing.assert_close(e.likeness.argmax(dim=0), order)


def test_derivatives_forwards_are_the_jacobians_and_are_counted() -> None:
    network, image = Spread(), pair()[0]
    parts = torch.rand(20, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(8))
    J = torch.func.jacrev(lambda x: network(x[None])[0])(image.double()).flatten(1)
    with counted(network) as passes:
        found = moved(network, image, parts)
    close(found, parts.double().flatten(1) @ J.T.detach())
    assert passes.forward == 20 + 2 and passes.backward == 0  # one pass for each chunk of 16


def test_a_step_without_derivatives_forwards_is_said() -> None:
    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: object, gradient: Tensor) -> Tensor:
            return gradient * 2

    class Stepped(Spread):
        def forward(self, images: Tensor) -> Tensor:
            return Own.apply(super().forward(images))

    with pytest.raises(lfs.LFSError, match="Derivatives of 'spread' cannot be taken forwards"):
        lfs.load_explainer("bilrp", Stepped())(*pair())


def test_an_image_of_several_pairs_is_looked_at_once() -> None:
    seen = []

    def mean(image: Tensor) -> Tensor:
        seen.append(image)
        return image.mean(dim=(1, 2))

    a, b = pair()
    found = of_each(torch.stack([torch.stack([a, b]), torch.stack([b, a])]), mean)
    assert len(seen) == 2
    torch.testing.assert_close(found[0].flip(0), found[1])
    torch.testing.assert_close(found[0, 0], a.mean(dim=(1, 2)))
