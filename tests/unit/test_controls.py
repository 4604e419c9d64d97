"""Controls: maps that ignore the network, or the pair."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
import torch
from scipy.stats import kstest
from skimage.color import rgb2gray
from skimage.filters import sobel

import lfs_core as lfs
from lfs_core.datasets.faces import FaceSet
from lfs_core.datasets.scenes import load_scenes
from lfs_core.evaluation.controls import mean_map
from lfs_core.evaluation.controls.centre import Centre, centre_prior
from lfs_core.evaluation.controls.edges import Edges
from lfs_core.evaluation.controls.mean_map import MeanMap
from lfs_core.evaluation.controls.random import Random

SIZE = 16


def embedder(images: torch.Tensor) -> torch.Tensor:
    """Six numbers of both signs: the mean of each half of each colour channel, less 0.5."""
    return images.unflatten(2, (2, -1)).mean(dim=(3, 4)).flatten(1) - 0.5


embedder.name = "tiny"


def decoder(h: torch.Tensor) -> torch.Tensor:
    """(B,6) -> (B,3,2,4), not linear."""
    return torch.tanh(h).reshape(-1, 3, 2, 1).expand(-1, 3, 2, 4) ** 2


def image(seed: int) -> np.ndarray:
    """A random picture whose halves have colours of their own."""
    random = np.random.default_rng(seed)
    halves = random.integers(0, 200, (2, 1, 3)).repeat(SIZE // 2, axis=0)
    return (halves + random.integers(0, 56, (SIZE, SIZE, 3))).astype(np.uint8)


PAIRS = [(image(k), image(k + 1)) for k in range(0, 24, 2)]


def test_centre_is_symmetric_and_highest_in_the_middle() -> None:
    prior = centre_prior((5, 9))
    assert prior.shape == (5, 9) and prior[2, 4] == 1 and prior.argmax() == 2 * 9 + 4
    assert torch.allclose(prior, prior.flip(0)) and torch.allclose(prior, prior.flip(1))
    # A quarter of each side, from the centre outwards, is one standard deviation.
    assert prior[1, 4].item() == pytest.approx(torch.tensor(-0.5).exp().item())
    assert prior[2, 2].item() == pytest.approx(torch.tensor(-0.5).exp().item())


def test_centre_is_the_same_for_every_image() -> None:
    first, second = (e.maps for e in Centre(embedder).batch(PAIRS[:2]))
    assert torch.equal(first, second) and torch.equal(*first)
    torch.testing.assert_close(first[0], centre_prior((SIZE, SIZE)) / centre_prior((16, 16)).max())


def test_edges_are_scikit_images() -> None:
    photographs = [skimage.data.astronaut()[:90, 180:300], skimage.data.coffee()[100:190, :120]]
    for found, photograph in zip(Edges(embedder)(*photographs).maps, photographs, strict=True):
        # Other weights of red, green and blue than the usual ones are part of rgb2gray.
        grey = photograph / 255 @ np.array([0.299, 0.587, 0.114])
        expected = sobel(grey)
        np.testing.assert_allclose(found, expected / expected.max(), atol=2e-3)
        other = sobel(rgb2gray(photograph))
        assert np.corrcoef(found.numpy().ravel(), other.ravel())[0, 1] > 0.99


def test_edges_of_a_step_and_of_even_pictures() -> None:
    step = np.zeros((SIZE, SIZE, 3), np.uint8)
    step[:, 5:] = 180
    even = np.full((SIZE, SIZE, 3), 77, np.uint8)
    maps = Edges(embedder)(step, even).maps
    expected = torch.zeros(SIZE, SIZE)
    expected[:, 4:6] = 1
    torch.testing.assert_close(maps[0], expected)
    assert (maps[1] == 0).all()


@pytest.mark.parametrize("grey", [1, 77, 254, 255])
def test_resizing_leaves_no_edges_in_even_pictures(grey: int) -> None:
    def resized(images: torch.Tensor) -> torch.Tensor:
        return embedder(images)

    resized.image_size = 22
    even = np.full((37, 53, 3), grey, np.uint8)
    assert (Edges(resized)(even, even).maps == 0).all()


def test_random_maps_differ_by_image_and_seed_and_by_nothing_else() -> None:
    explain = Random(embedder)
    a, b, c = image(1), image(2), image(3)
    maps = explain(a, b).maps
    assert not torch.allclose(maps[0], maps[1], atol=0.1)
    torch.testing.assert_close(explain(c, a).maps[1], maps[0])
    torch.testing.assert_close(explain.batch([(c, c), (b, a)])[1].maps, maps.flip(0))
    torch.testing.assert_close(Random(embedder, similarity_threshold=1)(a, b).maps, maps)
    assert not torch.allclose(Random(embedder, seed=1)(a, b).maps, maps, atol=0.1)
    nearly = a.copy()
    nearly[0, 0, 0] ^= 1
    assert not torch.allclose(explain(nearly, b).maps[0], maps[0], atol=0.1)


def test_random_maps_are_uniform_noise_on_a_grid() -> None:
    values = []
    for a, b in PAIRS:
        found = Random(embedder, grid=SIZE)(a, b).maps  # a grid as fine as the image, unchanged
        values += [(x / x.max()).flatten() for x in found]
    assert len(values) == 24
    noise = torch.cat(values).numpy()
    assert kstest(noise, "uniform").pvalue > 0.01  # the greatest of 256 is nearly 1
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 0.05
    one = Random(embedder, grid=1)(*PAIRS[0]).maps
    assert (one == 1).all()


def test_random_leaves_the_global_generators_alone() -> None:
    state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    Random(embedder)(*PAIRS[0])
    assert torch.equal(torch.random.get_rng_state(), state[0])
    assert (np.random.get_state()[1] == state[1]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"grid": 0}, "grid is 0; it must be at least 1"), ({"seed": -1}, "seed is -1")],
)
def test_random_options_out_of_range(options: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        Random(embedder, **options)


def mean_by_hand(
    pairs: list[tuple[np.ndarray, np.ndarray]], is_similar: bool
) -> tuple[np.ndarray, int]:
    """The mean of the maps of those pairs with a decision, one by one; and of how many pairs."""
    explain = lfs.ExplainLFS(embedder, decoder)
    found = [e for e in itertools.starmap(explain, pairs) if e.is_similar == is_similar]
    return sum(m.numpy() for e in found for m in e.maps) / (2 * len(found)), len(found)


@pytest.mark.parametrize("batch", [32, 3])
def test_mean_map_is_the_mean_of_other_pairs_with_that_decision(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mean_map, "BATCH", batch)
    explain = MeanMap(embedder, PAIRS, decoder)
    asked = [(image(100 + k), image(200 + k)) for k in range(8)]
    decisions = set()
    for e in explain.batch(asked):
        expected, count = mean_by_hand(PAIRS, e.is_similar)
        assert 1 < count < len(PAIRS) - 1
        for found in e.maps:
            np.testing.assert_allclose(found, expected / expected.max(), atol=1e-5)
        assert e.signed_maps is None and e.settings["pairs"] == len(PAIRS)
        decisions.add(e.is_similar)
    assert decisions == {True, False}


def test_mean_map_leaves_out_pairs_that_show_one_of_the_images() -> None:
    explain = MeanMap(embedder, PAIRS, decoder)
    for a, b in [PAIRS[2], PAIRS[3][::-1], (image(300), PAIRS[4][0]), (PAIRS[5][1], PAIRS[6][0])]:
        e = explain(a, b)
        others = [
            pair for pair in PAIRS if not any(np.array_equal(x, y) for x in pair for y in (a, b))
        ]
        assert len(others) < len(PAIRS)
        expected, _ = mean_by_hand(others, e.is_similar)
        np.testing.assert_allclose(e.maps[0], expected / expected.max(), atol=1e-5)
        torch.testing.assert_close(e.maps, explain(b, a).maps)


def test_mean_map_without_other_pairs_of_the_decision() -> None:
    picture = image(1)
    explain = MeanMap(embedder, [(picture, 255 - picture)], decoder)
    with pytest.raises(lfs.LFSError, match="no other pair that 'tiny' calls similar; give some"):
        explain(image(2), image(2))
    with pytest.raises(lfs.LFSError, match="calls dissimilar"):
        explain(255 - picture, picture)  # the pair itself
    assert explain(255 - image(2), image(2)).maps.max() == 1
    with pytest.raises(lfs.LFSError, match="calls dissimilar"):
        MeanMap(embedder, [], decoder)(picture, 255 - picture)


def test_mean_map_needs_a_decoder() -> None:
    with pytest.raises(lfs.LFSError, match="There is no decoder 'tiny'"):
        MeanMap(embedder, PAIRS)


def test_mean_map_of_the_demo_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces for a network that reads faces, crops of photographs for any other."""
    pictures = np.stack([image(k) for k in range(30)]).transpose(0, 3, 1, 2)
    faces = FaceSet(torch.from_numpy(pictures), ["someone"] * 30, [""] * 30, {})
    monkeypatch.setattr(mean_map, "load_faces", lambda source, progress: {"demo": faces}[source])
    scenes = load_scenes(crops=3, size=32)
    monkeypatch.setattr(mean_map, "load_scenes", lambda: scenes)

    def reader(images: torch.Tensor) -> torch.Tensor:
        return embedder(images)

    reader.image_size = SIZE
    for framing in ("face", "whole", "centre"):
        reader.framing = framing
        explain = MeanMap(reader, decoder=decoder)
        e = explain(image(1), 255 - image(1))
        assert not e.is_similar and e.maps.shape == (2, SIZE, SIZE) and torch.equal(*e.maps)
        assert e.settings["pairs"] == "demo"
        decisions = [other.is_similar for other in explain._others]
        assert decisions.count(True) == decisions.count(False) == mean_map.PER_DECISION
        own = {x.tobytes() for x in pictures}
        shown = set().union(*(other.shown for other in explain._others))
        assert (shown <= own) == (framing == "face")


def test_pairs_of_the_demo_tier_are_spread_over_all_similarities(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures = torch.from_numpy(np.stack([image(k) for k in range(30)])).movedim(-1, 1)
    scenes = SimpleNamespace(images=pictures, labels=["something"] * 30)
    monkeypatch.setattr(mean_map, "load_scenes", lambda: scenes)
    h = embedder(pictures / 255)
    a, b = torch.triu_indices(30, 30, offset=1)
    every = torch.cosine_similarity(h[a], h[b])
    chosen = torch.cat(
        [embedder(torch.stack(p)) for p in MeanMap(embedder, None, decoder)._demo_pairs()]
    )
    found = torch.cosine_similarity(chosen[::2], chosen[1::2])
    levels = torch.tensor([0.1, 0.5, 0.9])
    for similar in (True, False):
        of_all = every[(every > 0.3) == similar].quantile(levels)
        of_chosen = found[(found > 0.3) == similar].quantile(levels)
        torch.testing.assert_close(of_chosen, of_all, atol=0.05, rtol=0)
