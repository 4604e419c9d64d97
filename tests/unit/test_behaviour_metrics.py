"""Partner swap, continuity, patches, mosaics, parts of the face: against answers known by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor

import lfs_core as lfs
from lfs_core.datasets.faces import align_face
from lfs_core.datasets.images import to_tensor
from lfs_core.evaluation.controls.difference import Difference
from lfs_core.evaluation.metrics.base import SIDE, Case, Labels
from lfs_core.evaluation.metrics.continuity import TENTHS, Continuity, Lipschitz, displaced
from lfs_core.evaluation.metrics.mosaic import Mosaic, mosaic
from lfs_core.evaluation.metrics.partner import Partner
from lfs_core.evaluation.metrics.parts import Parts, parts_of, regions, shares
from lfs_core.evaluation.metrics.patch import Patch, pointing, square
from lfs_core.evaluation.metrics.shown import Shown
from lfs_core.evaluation.results import Results

SIZE = 2 * SIDE


def colours(images: Tensor) -> Tensor:
    """A network that reads coarse colours."""
    return torch.nn.functional.avg_pool2d(images, SIZE // 4).flatten(1) - 0.5


def case(
    images: Tensor,
    explain: Callable[[Tensor], Tensor],
    network: Callable[[Tensor], Tensor] = colours,
    same: Tensor | None = None,
    threshold: float = 0.3,
) -> Case:
    h = network(images.flatten(0, 1)).unflatten(0, (-1, 2))
    similarity = torch.cosine_similarity(h[:, 0], h[:, 1])
    same = torch.ones(len(images)).bool() if same is None else same
    labels = Labels(same, similarity, threshold)
    return Case(network, images, h, labels, explain(images), explain, seed=0)


def noise(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


def brightness(images: Tensor) -> Tensor:
    """An explainer that follows each image and nothing else."""
    return torch.nn.functional.adaptive_avg_pool2d(images.mean(dim=2), SIDE)


def difference(images: Tensor) -> Tensor:
    """An explainer that sees where the two images differ."""
    return brightness((images[:, :1] - images[:, 1:]).abs()).expand(-1, 2, -1, -1)


def always(images: Tensor) -> Tensor:
    ramp = torch.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)
    return ramp.expand(len(images), 2, -1, -1)


def alike(images: Tensor) -> Tensor:
    """A network that calls any two images similar."""
    return torch.cat([torch.ones(len(images), 1), 1e-3 * colours(images)], dim=1)


def test_a_map_that_does_not_know_the_partner() -> None:
    for explain in (brightness, always):
        measured = Partner().measure(case(noise(4), explain, alike))
        torch.testing.assert_close(measured, torch.ones(4, 1))


def test_partner_swap_by_hand() -> None:
    images = noise(3)
    measured = Partner().measure(case(images, difference, alike))
    for k in range(3):
        own = difference(images[k : k + 1])[0, 0]
        swapped = torch.stack([images[k, 0], images[(k + 1) % 3, 1]])[None]
        other = difference(swapped)[0, 0]
        expected = spearmanr(own.flatten(), other.flatten()).statistic
        assert measured[k, 0].item() == pytest.approx(expected, abs=1e-5)
    assert (measured < 0.9).all()
    alone = Partner().measure(case(images[:1], difference, alike))
    assert alone.isnan().all()


def test_a_partner_that_changes_the_decision_does_not_count() -> None:
    images = noise(4)
    images[:2, 1] = images[:2, 0]  # similar to themselves, not to each other
    found = case(images, difference)
    assert found.labels.is_similar.tolist()[:2] == [True, True]
    assert Partner().measure(found)[:2].isnan().all()


def test_partner_swap_says_nothing_of_maps_that_are_missing_or_constant() -> None:
    """Their ranks have no relation to anything, which would look like a map that changes."""

    def one_fails(pairs: Tensor) -> Tensor:
        maps = difference(pairs).clone()
        maps[1] = torch.nan
        return maps

    found = case(noise(4), difference, alike)
    whole = Partner().measure(found)
    failed = Partner().measure(replace(found, explain=one_fails))
    assert failed.isnan()[:, 0].tolist() == [False, True, False, False]
    kept = [0, 2, 3]
    torch.testing.assert_close(failed[kept], whole[kept])
    flat = brightness_of_any
    assert Partner().measure(case(noise(4), flat, alike)).isnan().all()
    assert Partner().measure(replace(found, explain=flat)).isnan().all()
    assert Partner().measure(replace(found, maps=flat(found.images))).isnan().all()


def test_displaced_images() -> None:
    image = torch.arange(1.0, 5).expand(1, 1, 4)
    assert displaced(image, 1).tolist() == [[[0, 1, 2, 3]]]
    assert displaced(image, -2).tolist() == [[[3, 4, 0, 0]]]
    assert displaced(image, 0).tolist() == image.tolist()
    assert displaced(image, 4).sum() == displaced(image, -7).sum() == 0
    assert len(TENTHS) == 20 and 0 not in TENTHS
    assert [TENTHS[k] for k in (0, 9, 10, 19)] == [1, 10, -10, -1]


def test_continuity_by_hand() -> None:
    images = noise(2)
    measured = Continuity().measure(case(images, brightness))
    assert measured.shape == (2, 20)
    torch.testing.assert_close(measured[:, 9], measured[:, 10])  # black either way
    for k, tenths in ((0, 1), (6, 7), (13, -7), (19, -1)):
        x = images[0, 0].numpy()
        moved = np.zeros_like(x)
        for column in range(SIZE):
            if 0 <= column - tenths * SIZE // 10 < SIZE:
                moved[..., column] = x[..., column - tenths * SIZE // 10]
        small = [y.mean(0).reshape(SIDE, 2, SIDE, 2).mean((1, 3)) for y in (x, moved)]
        expected = np.sqrt(((small[0] - small[1]) ** 2).mean())
        assert measured[0, k].item() == pytest.approx(expected, abs=1e-5)
    score = Continuity().score(measured, case(images, brightness).labels)
    torch.testing.assert_close(score, (measured[:, 0] + measured[:, 19]) / 2)


def test_a_map_that_moves_with_the_image_stays_behind_by_nothing() -> None:
    follows, stays = (
        Continuity(moved=True).measure(case(noise(2), of)) for of in (brightness, always)
    )
    assert follows.nan_to_num().max() < 1e-5
    # The ramp grows by 1/1600 a place, and a tenth of the width is four places.
    torch.testing.assert_close(stays[:, 0], torch.full((2,), 4 / 1600), rtol=0.01, atol=0)
    unknown = [abs(tenths) > 8 for tenths in TENTHS]
    assert follows[0].isnan().tolist() == unknown
    assert Continuity().measure(case(noise(2), always)).max() == 0  # but it never changes


def test_the_lipschitz_estimate_of_a_known_slope() -> None:
    """Brightness three times as strong changes three times as far; the noise is averaged."""
    images = noise(3) * 0.5 + 0.25
    once, thrice = (
        Lipschitz().measure(case(images, lambda x, by=by: by * brightness(x))) for by in (1, 3)
    )
    torch.testing.assert_close(thrice, 3 * once, rtol=1e-4, atol=1e-5)
    # The mean of 12 equal errors is as far from 0 as one of them through the root of 12.
    assert once.mean().item() == pytest.approx(1 / np.sqrt(12), rel=0.05)
    assert Lipschitz().score(once, None).tolist() == once.max(dim=1).values.tolist()
    assert Lipschitz().measure(case(images, always)).max() == 0


def test_the_patch_test() -> None:
    """Who sees where images differ is right if they are called dissimilar, wrong if similar."""
    images = noise(3)
    never = case(images, difference, threshold=2.0)
    measured = Patch().measure(never)
    torch.testing.assert_close(measured[:, 0], torch.ones(3), atol=0.01, rtol=0)
    assert measured[:, 1].tolist() == [1, 1, 1] and measured[:, 2].tolist() == [0, 0, 0]
    wrong = Patch().measure(case(images, difference, alike))
    assert wrong[:, 0].max() < 0.01 and wrong[:, 1].max() == 0 and wrong[:, 2].min() == 1
    chance = Patch().measure(case(images, lambda x: torch.ones(len(x), 2, SIDE, SIDE), alike))
    assert chance[:, 0].tolist() == [0.5] * 3
    torch.testing.assert_close(chance[:, 1], torch.full((3,), 39 / 64))  # outside 25 of 64


def test_patches_are_grouped_by_the_decision_on_the_changed_copy() -> None:
    """Of two pairs of each kind, the copy of one gets another decision than the pair."""
    results = Results(
        manifest={"threshold": 0.3},
        same=torch.tensor([True, True, False, False]),
        similarity=torch.tensor([0.9, 0.8, 0.1, 0.2]),
        seed=torch.zeros(4),
        measured={
            "gradcam": {
                "patch": torch.tensor(
                    [[0.1, 1.0, 1.0], [0.2, 1.0, 0.0], [0.3, 0.0, 1.0], [0.4, 0.0, 0.0]]
                ),
                "shown": torch.rand(4, 1),
            }
        },
        problems={},
    )
    assert results.scores("patch", "similar").ravel().tolist() == pytest.approx([0.1, 0.3])
    assert results.scores("patch", "dissimilar").ravel().tolist() == pytest.approx([0.2, 0.4])
    assert results.curves("gradcam", "patch", "similar")[:, 1].tolist() == [1, 0]
    means = {row["kind"]: row["mean"] for row in results.rows() if row["metric"] == "patch"}
    assert means == pytest.approx({"similar": 0.2, "dissimilar": 0.3})
    # Other metrics explain the pairs themselves.
    assert results.of_kind("shown", "similar").tolist() == [True, True, False, False]
    assert results.of_kind("patch", None).all()
    with pytest.raises(lfs.LFSError, match="similar or dissimilar"):
        results.of_kind("patch", "alike")


def test_who_compares_pixels_alone_passes_the_patch_test() -> None:
    """Of aligned pictures the difference says it all, whatever the network is."""
    images = noise(4)
    for threshold in (1.0, -1.0):  # all are called dissimilar, all similar
        control = Difference(colours, similarity_threshold=threshold)

        def explain(pairs: Tensor, control: Difference = control) -> Tensor:
            maps = torch.stack([control(*pair).maps for pair in pairs])
            return torch.nn.functional.adaptive_avg_pool2d(maps, SIDE)

        measured = Patch().measure(case(images, explain, threshold=threshold))
        assert measured[:, 0].min() > 0.99
        assert measured[:, 1].tolist() == [1] * 4


def test_the_square() -> None:
    image = noise(1)[0, 0]
    cells = square(image, 5, 0)
    rows, columns = cells.nonzero().T
    assert cells.sum() == 25 and int(rows.max() - rows.min()) == 4 == int(
        columns.max() - columns.min()
    )
    assert torch.equal(cells, square(image, 5, 0))
    drawn = {tuple(square(image, 3, seed).flatten().tolist()) for seed in range(20)}
    assert len(drawn) > 5
    heat = torch.tensor([[1.0, 1.0], [0.0, 0.5]])
    assert pointing(heat, torch.tensor([[True, False], [True, True]])) == 0.5


def test_partners_of_patches_differ_in_the_square_only() -> None:
    images, seen = noise(2), []

    def look(pairs: Tensor) -> Tensor:
        seen.append(pairs)
        return brightness(pairs)

    Patch(side=3).measure(case(images, look))
    pairs = seen[-1]
    torch.testing.assert_close(pairs[:, 0], images[:, 0])
    for k in range(2):
        changed = (pairs[k, 1] != images[k, 0]).any(dim=0)
        cells = square(images[k], 3, 0)
        wide = cells.repeat_interleave(SIZE // 8, 0).repeat_interleave(SIZE // 8, 1)
        assert torch.equal(changed, wide)
        torch.testing.assert_close(pairs[k, 1][:, wide], images[k, 1][:, wide])


def test_the_mosaic_test() -> None:
    """Who finds the one image that is bright is right, wherever it is."""
    images = noise(5) * 0.1
    images[2, 0] += 0.9

    def bright(pairs: Tensor) -> Tensor:
        return (brightness(pairs) > 0.5).float() + 1e-6

    measured = Mosaic().measure(case(images, bright, alike))
    assert measured.shape == (5, 2) and measured[2].tolist() == pytest.approx([1, 1], abs=1e-2)
    assert measured[[0, 1, 4], 0].max() < 0.01  # the bright one is in their mosaics, not theirs
    even = Mosaic().measure(case(images, lambda x: torch.ones(len(x), 2, SIDE, SIDE), alike))
    torch.testing.assert_close(even, torch.full((5, 2), 0.25))
    other = Mosaic().measure(case(images, bright, alike, same=torch.arange(5) > 1))
    assert other[:2].isnan().all() and other[2:].isfinite().all()
    assert Mosaic().measure(case(images[:3], bright, alike)).isnan().all()
    # Similar in the mosaic is not enough; the pair itself must be, too.
    found = case(images, bright, alike)
    similarity = torch.tensor([0.9, 0.1, 0.9, 0.1, 0.9])
    apart = replace(found, labels=replace(found.labels, similarity=similarity))
    assert Mosaic().measure(apart)[:, 0].isnan().tolist() == [False, True, False, True, False]
    odd = torch.rand(4, 2, 3, SIZE + 1, SIZE)
    with pytest.raises(lfs.LFSError, match=r"81x80 pixels.*even"):
        Mosaic().measure(case(odd, brightness, alike))
    cells = torch.arange(4.0).reshape(4, 1, 1, 1)
    assert mosaic(cells).tolist() == [[[0, 1], [2, 3]]]


def test_regions_of_the_face_by_hand() -> None:
    landmarks = torch.tensor([[12.0, 15], [28, 15], [20, 22], [14, 30], [26, 30]])
    eyes, nose, mouth = regions(landmarks)
    assert eyes[15, 12] and eyes[15, 28] and nose[22, 20] and mouth[30, 20] and mouth[30, 14]
    assert not (eyes & nose).any() and not (nose & mouth).any() and not (eyes & mouth).any()
    assert not eyes[15, 20] and not mouth[38, 20] and not nose[2, 2]
    # A disc of radius 0.35 * 16 about each eye.
    assert eyes.sum().item() == pytest.approx(2 * np.pi * 5.6**2, rel=0.15)


def test_shares_by_hand() -> None:
    heat = torch.zeros(4, 4)
    heat[0] = 1
    top, left = torch.zeros(2, 4, 4, dtype=torch.bool)
    top[0], left[:, 0] = True, True
    assert shares(heat, torch.stack([top, left])).tolist() == [4, 1]
    assert shares(torch.ones(4, 4), top[None]).tolist() == [1]


def test_parts_of_a_photograph(astronaut: Path) -> None:
    face = to_tensor(align_face(astronaut))
    found = parts_of(face)
    assert found is not None and found.flatten(1).any(dim=1).all()
    height = [of.nonzero()[:, 0].float().mean() for of in found]
    assert height[0] < height[1] < height[2]  # eyes, nose, mouth, from above
    images = torch.stack([torch.stack([face, face])])

    def at_the_mouth(pairs: Tensor) -> Tensor:
        return found[2].float().expand(len(pairs), 2, -1, -1)

    def network(images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))

    eyes, nose, mouth = Parts().measure(case(images, at_the_mouth, network))[0].tolist()
    assert eyes == nose == 0
    assert mouth == pytest.approx(1 / found[2].float().mean().item(), rel=1e-4)
    empty = torch.zeros(1, 2, 3, 160, 160)
    measured = Parts().measure(case(empty, brightness_of_any, network))
    assert measured.isnan().all()


def brightness_of_any(images: Tensor) -> Tensor:
    return torch.ones(len(images), 2, SIDE, SIDE)


def test_shares_shown() -> None:
    measured = Shown(threshold=0.75).measure(case(noise(2), always))
    torch.testing.assert_close(measured, torch.full((2, 2), 0.25))


def test_refusals() -> None:
    for make, message in (
        (lambda: Continuity(moved="yes"), "true or false"),
        (lambda: Lipschitz(draws=0), "at least one draw"),
        (lambda: Lipschitz(size=0), r"in \(0, 1\]"),
        (lambda: Patch(side=8), "1 to 7 superpixels"),
        (lambda: Shown(threshold=2), "must lie in"),
    ):
        with pytest.raises(lfs.LFSError, match=message):
            make()
