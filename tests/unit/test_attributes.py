"""Attributes that explain a match, on drawn images whose shared attribute is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

import lfs_core as lfs
from lfs_core.search.attributes import Attributes

COLOURS = {"red": (1.0, 0.1, 0.1), "green": (0.1, 1.0, 0.1), "blue": (0.1, 0.1, 1.0)}
SIZES = {"small": 4, "large": 9}
SHAPES = ("disc", "square", "cross")
NAMES = (*COLOURS, *SIZES, *SHAPES)
KINDS = list(itertools.product(COLOURS, SIZES, SHAPES))
SIDE = 24


def drawn(kind: tuple[str, str, str], random: np.random.Generator) -> np.ndarray:
    """(3,24,24): a coloured shape near the middle, with some noise."""
    colour, size, shape = kind
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 - random.uniform(-1, 1, (2, 1, 1))
    r = SIZES[size]
    inside = {
        "disc": x**2 + y**2 <= r**2,
        "square": np.maximum(abs(x), abs(y)) <= 0.85 * r,
        "cross": (np.minimum(abs(x), abs(y)) <= 0.3 * r) & (np.maximum(abs(x), abs(y)) <= r),
    }[shape]
    painted = inside * np.array(COLOURS[colour])[:, None, None]
    return np.clip(painted + random.normal(0, 0.03, (3, SIDE, SIDE)), 0, 1)


def labels_of(kinds: list[tuple[str, str, str]]) -> torch.Tensor:
    return torch.tensor([[name in kind for name in NAMES] for kind in kinds])


def coded(kinds: list[tuple[str, str, str]], mixing: np.ndarray, noise: float) -> torch.Tensor:
    """Embeddings (N,16): a number for each attribute, and noise, in a turned basis."""
    random = np.random.default_rng(len(kinds))
    numbers = random.normal(0, noise, (len(kinds), 16))
    numbers[:, : len(NAMES)] += labels_of(kinds).numpy()
    return torch.from_numpy(numbers @ mixing)


def test_the_attribute_that_a_pair_shares_explains_it() -> None:
    """Of codes whose right answer is known: every pair that shares one attribute."""
    mixing = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0]
    known = Attributes.fit(coded(KINDS * 30, mixing, 0.05), labels_of(KINDS * 30), NAMES)
    each = coded(KINDS, mixing, 0.02)
    right = total = 0
    for i, j in itertools.combinations(range(len(KINDS)), 2):
        shared = set(KINDS[i]) & set(KINDS[j])
        if len(shared) == 1:
            best, *_ = known.explain(each[i], each[j])
            total += 1
            right += best.name in shared and best.shared > 0.5
    assert total > 40 and right / total > 0.9


def test_drawn_images_and_a_network_that_sees_colour_only() -> None:
    """Two red images of other size and shape match by red, and never by a size or shape."""
    random = np.random.default_rng(1)
    images = torch.from_numpy(np.stack([drawn(kind, random) for kind in KINDS * 8])).float()

    def colour_only(images: torch.Tensor) -> torch.Tensor:
        return images.amax(dim=(2, 3)) - images.amax(dim=(2, 3)).mean(dim=1, keepdim=True) + 0.1

    h = colour_only(images)
    known = Attributes.fit(h, labels_of(KINDS * 8), NAMES)
    for i, j in itertools.combinations(range(len(KINDS)), 2):
        if KINDS[i][0] == KINDS[j][0]:
            best = max(known.explain(h[i], h[j]), key=lambda of: of.shared)
            assert best.name == KINDS[i][0] and best.shared > 0.8


def test_probes_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(2)
    h = random.normal(size=(60, 5))
    labels = random.random((60, 2)) < 0.4
    known = Attributes.fit(torch.from_numpy(h), torch.from_numpy(labels), ["x", "y"], ridge=0.1)
    unit = h / np.linalg.norm(h, axis=1, keepdims=True)
    penalty = 0.1 * unit.var(axis=0).sum() / 5 * 60
    expected = Ridge(alpha=penalty).fit(unit, labels.astype(float)).predict(unit)
    np.testing.assert_allclose(known.scores(torch.from_numpy(h)), expected, atol=1e-9)


def test_the_fall_by_hand() -> None:
    """Two latents, each an attribute; the pair shares the first only."""
    known = Attributes(
        ("first", "second"), torch.eye(2).double(), torch.zeros(2).double(), *torch.ones(2, 2)
    )
    first, second = known.explain(torch.tensor([3.0, 4.0]), torch.tensor([3.0, -4.0]))
    assert (first.name, second.name) == ("first", "second")
    # The cosine is (9 - 16) / 25; without the first -1, without the second 1.
    assert first.fall == pytest.approx(-7 / 25 + 1) and second.fall == pytest.approx(-7 / 25 - 1)


def test_what_cannot_be_fitted() -> None:
    with pytest.raises(lfs.LFSError, match="they must be"):
        Attributes.fit(torch.rand(4, 3), torch.ones(4, 2), ["x"])
    with pytest.raises(lfs.LFSError, match="None of the images have the attribute 'x'"):
        Attributes.fit(torch.rand(4, 3), torch.zeros(4, 1), ["x"])
