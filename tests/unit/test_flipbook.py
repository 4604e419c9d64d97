"""The flip-book: what it holds is what pixel flipping measures."""

from __future__ import annotations

import base64
import dataclasses
import io

import numpy as np
import pytest
import torch
from flipped import EVERY, FLIPS, corners, explained_by, flip_book
from PIL import Image

import lfs_core as lfs
from lfs_core.viz.rendering import plotly_text
from lfs_core.viz.views.flipbook import FlipBook


def opened(source: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))) / 255


@pytest.mark.parametrize("similar", [True, False])
def test_curves_are_those_of_images_changed_by_hand(similar: bool) -> None:
    """Independent of `flip_curves`: squares are painted black one by one, and embedded."""
    book = flip_book(similar, fill="black")
    explanations = explained_by(similar)
    for method, e in zip(book.contents["pairs"][0]["methods"], explanations.values(), strict=True):
        for k, flips in enumerate(range(0, FLIPS + 1, EVERY)):
            images = e.images.clone()
            for side in range(1 if similar else 2):
                means = e.maps[side].unflatten(0, (8, 5)).unflatten(2, (8, 5)).mean(dim=(1, 3))
                order = means.flatten().argsort(descending=True)[:flips]
                for cell in order.tolist():
                    row, column = 5 * (cell // 8), 5 * (cell % 8)
                    images[side, :, row : row + 5, column : column + 5] = 0
            expected = torch.cosine_similarity(*corners(images), dim=0).item()
            assert method["curve"][k] == pytest.approx(expected, abs=1e-4)


def test_ranks_say_when_each_superpixel_goes() -> None:
    contents = flip_book(True).contents["pairs"][0]
    for method, e in zip(contents["methods"], explained_by(True).values(), strict=True):
        for ranks, heat in zip(method["ranks"], e.maps, strict=True):
            assert sorted(ranks) == list(range(64))
            means = heat.unflatten(0, (8, 5)).unflatten(2, (8, 5)).mean(dim=(1, 3)).flatten()
            assert (means[np.argsort(ranks)].diff() <= 0).all()


def test_pictures_are_the_images_and_what_replaces_them() -> None:
    contents = flip_book(True, fill="grey").contents["pairs"][0]
    for source, image in zip(contents["pictures"], explained_by(True)["left"].images, strict=True):
        assert np.abs(opened(source) - image.permute(1, 2, 0).numpy()).mean() < 0.03
    for source in contents["replacements"]:
        assert opened(source) == pytest.approx(0.5, abs=0.02)


def test_it_is_light() -> None:
    """With noise, which no codec makes small, at a size that is cut down."""
    images = torch.rand(2, 3, 320, 320, generator=torch.Generator().manual_seed(0))
    e = explained_by(True)["left"]
    big = dataclasses.replace(e, images=images, maps=torch.rand(2, 320, 320))
    cosine = torch.cosine_similarity(*corners(images), dim=0).item()
    big = dataclasses.replace(big, similarity=cosine, is_similar=False)
    book = FlipBook(corners, {name: [big] for name in ("a", "b", "c", "d")})
    assert opened(book.contents["pairs"][0]["pictures"][0]).shape == (160, 160, 3)
    assert len(book.page()) < 500_000 + len(plotly_text())


def test_what_does_not_fit_is_refused() -> None:
    explanations = {name: [e] for name, e in explained_by(True).items()}
    with pytest.raises(lfs.LFSError, match="nothing to show"):
        FlipBook(corners, {})
    with pytest.raises(lfs.LFSError, match="must divide 20"):
        FlipBook(corners, explanations, every=3)
    with pytest.raises(lfs.LFSError, match="at least one method"):
        FlipBook(corners, explanations, shown=0)
    with pytest.raises(lfs.LFSError, match="There is no fill 'pink'"):
        FlipBook(corners, explanations, fill="pink")
    with pytest.raises(lfs.LFSError, match="different images"):
        FlipBook(corners, {**explanations, "other": [explained_by(False)["left"]]})
    with pytest.raises(lfs.LFSError, match="Give the network that they explain"):
        FlipBook(lambda x: x.flatten(1) - 0.5, explanations)


def test_every_pair_has_its_own_curves_and_pictures() -> None:
    """The same as in books of one pair each."""
    both = [explained_by(similar) for similar in (True, False)]
    book = FlipBook(
        corners,
        {name: [of[name] for of in both] for name in ("left", "top")},
        fill="black",
        every=EVERY,
    )
    assert book.contents["names"] == ["left", "top"]
    alone = [flip_book(similar).contents["pairs"][0] for similar in (True, False)]
    assert book.contents["pairs"] == alone
    assert [pair["similar"] for pair in alone] == [True, False]
    assert {pair["threshold"] for pair in alone} == {"0.9"}
