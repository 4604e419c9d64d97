"""CorrRISE and the distance explainer, against plain loops and networks that read one place."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import skimage.data
import torch
from scipy.stats import pearsonr
from skimage.transform import resize

import lfs_core as lfs
from lfs_core.comparators import masking
from lfs_core.comparators.corrrise import CorrRISE, patch_masks
from lfs_core.comparators.distance_explainer import DistanceExplainer, rise_masks
from lfs_core.embedders import Embedder
from lfs_core.explanation import OF_THE_NETWORK

HEIGHT, WIDTH = 12, 15
SMALL = {
    CorrRISE: {"masks": 70, "patches": 2, "patch": 4},
    DistanceExplainer: {"masks": 70, "grid": 4},
}
METHODS = list(SMALL)


def image(seed: int, least: int = 1) -> np.ndarray:
    """A random picture; black is left out, so that what a mask has hidden can be told."""
    return np.random.default_rng(seed).integers(least, 256, (HEIGHT, WIDTH, 3), np.uint8)


def tangled(images: torch.Tensor) -> torch.Tensor:
    """Four numbers of both signs, not linear in any pixel."""
    weights = torch.linspace(0, 900, 4 * images[0].numel()).sin().reshape(4, -1)
    return torch.tanh(images.flatten(1) @ weights.T / 8)


class Witness:
    """Notes the images that a network embeds."""

    one_by_one = False  # it need not be tried out

    def __init__(self, embedder: Embedder) -> None:
        self.embedder, self.seen = embedder, []

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self.seen += [picture.numpy().astype(float) for picture in images.clone()]
        return self.embedder(images)


def masks_and_cosines(witness: Witness, count: int) -> list[tuple[list[np.ndarray], list[float]]]:
    """For each image of one pair that was explained: the masks it was seen under, and cosines."""
    whole, masked = witness.seen[:2], witness.seen[2:]
    assert len(masked) == 2 * count
    of_images = []
    for k in range(2):
        seen = masked[k * count : (k + 1) * count]
        partner = witness.embedder(torch.tensor(whole[1 - k])[None].float())[0].numpy()
        embeddings = [witness.embedder(torch.tensor(x)[None].float())[0].numpy() for x in seen]
        cosines = [h @ partner / np.linalg.norm(h) / np.linalg.norm(partner) for h in embeddings]
        of_images.append(([(x / whole[k])[0] for x in seen], cosines))
    return of_images


def test_corrrise_is_the_correlation_of_each_pixel() -> None:
    witness = Witness(tangled)
    e = CorrRISE(witness, masks=70, patches=2, patch=4)(image(1), image(2))
    for found, (masks, cosines) in zip(e.signed_maps, masks_and_cosines(witness, 70), strict=True):
        for y, x in itertools.product(range(HEIGHT), range(WIDTH)):
            kept = [mask[y, x] for mask in masks]
            expected = 0 if min(kept) == 1 else pearsonr(kept, cosines).statistic
            assert found[y, x].item() == pytest.approx(expected, abs=1e-4)


def test_distance_explainer_step_by_step() -> None:
    witness = Witness(tangled)
    e = DistanceExplainer(witness, masks=90, grid=3, share=0.2)(image(1), image(2))
    for found, (masks, cosines) in zip(e.signed_maps, masks_and_cosines(witness, 90), strict=True):
        by_distance = sorted(zip(cosines, masks, strict=True), key=lambda both: 1 - both[0])
        near = sum(mask for _, mask in by_distance[:18]) / 18
        far = sum(mask for _, mask in by_distance[-18:]) / 18
        np.testing.assert_allclose(found, near - far, atol=1e-5)


@pytest.mark.parametrize(("partner", "sign"), [(255, 1), (0, -1)])
def test_corrrise_of_a_network_that_reads_one_pixel(partner: int, sign: int) -> None:
    """Whether that pixel is kept decides the cosine alone, so nothing goes along better."""

    def one_pixel(images: torch.Tensor) -> torch.Tensor:
        return torch.stack([images[:, 0, 4, 7], torch.full((len(images),), 0.5)], dim=1)

    # Next to a white pixel a black one lowers the cosine; next to a black one it raises it.
    other = np.full((HEIGHT, WIDTH, 3), partner, np.uint8)
    found = CorrRISE(one_pixel, masks=300, patch=3)(image(1), other).signed_maps[0]
    assert found[4, 7].item() == pytest.approx(sign, abs=1e-4)
    assert (found * sign).argmax() == 4 * WIDTH + 7
    # Other pixels are hidden without it, too.
    assert (found * sign).flatten().sort().values[-2] < 0.9


def test_corrrise_tells_what_raises_from_what_lowers_the_similarity() -> None:
    """The cosine with a black partner is linear in the pixels: left raises it, right lowers it."""
    weights = torch.linspace(1, -1, WIDTH) / 400

    def on_a_circle(images: torch.Tensor) -> torch.Tensor:
        cosine = 0.1 + (images.sum(dim=1) * weights).sum(dim=(1, 2))
        h = torch.stack([cosine, (1 - cosine**2).sqrt()], dim=1)
        return h.where(images.flatten(1).any(dim=1, keepdim=True), torch.tensor([1.0, 0.0]))

    black, white = (np.full((HEIGHT, WIDTH, 3), grey, np.uint8) for grey in (0, 255))
    options = {"masks": 400, "patches": 1, "patch": 3}
    similar, dissimilar = (
        CorrRISE(on_a_circle, **options, similarity_threshold=xi)(white, black) for xi in (-1, 1)
    )
    left, right = (slice(2, -2), slice(2, 5)), (slice(2, -2), slice(-5, -2))
    assert similar.signed_maps[0][left].min() > 0 > similar.signed_maps[0][right].max()
    assert similar.maps[0][left].min() > 0 and (similar.maps[0][right] == 0).all()
    assert dissimilar.maps[0][right].min() > 0 and (dissimilar.maps[0][left] == 0).all()


def test_distance_explainer_marks_the_corner_that_a_network_reads() -> None:
    def corner(images: torch.Tensor) -> torch.Tensor:
        bright = images[:, :, :4, :4].mean(dim=(1, 2, 3))
        return torch.stack([bright, torch.full_like(bright, 0.5)], dim=1)

    white = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    e = DistanceExplainer(corner, masks=400, grid=4)(white, white)
    for found in e.signed_maps:
        assert found[:3, :3].min() > 0.5
        assert found[7:, 7:].abs().max() < 0.4
        assert found.argmax() in [y * WIDTH + x for y in range(4) for x in range(4)]


def test_patches_are_squares_anywhere() -> None:
    masks = patch_masks(3000, 1, 4, 0, 9, 7)
    assert masks.shape == (3000, 9, 7) and masks.dtype == torch.bool
    corners = []
    for hidden in ~masks:
        y, x = hidden.nonzero(as_tuple=True)
        assert len(y) == 16 and y.max() - y.min() == x.max() - x.min() == 3
        corners.append((y.min().item(), x.min().item()))
    counts = {corner: corners.count(corner) for corner in set(corners)}
    assert set(counts) == set(itertools.product(range(6), range(4)))
    assert min(counts.values()) > 80 and max(counts.values()) < 175  # 125 expected, 11 deviation


@pytest.mark.parametrize(
    ("width", "height", "patch"), [(112, 112, 30), (160, 160, 43), (56, 80, 15)]
)
def test_patches_have_the_size_of_the_papers(width: int, height: int, patch: int) -> None:
    """30 of 112 pixels, and as much of a side of other lengths."""
    seen = []

    def witness(images: torch.Tensor) -> torch.Tensor:
        seen.extend(images.clone())
        return images.mean(dim=(2, 3)) + 0.1

    witness.one_by_one = False  # it need not be tried out
    white = np.full((height, width, 3), 255, np.uint8)
    explain = CorrRISE(witness, masks=3, patches=1)
    explain(white, white)
    assert {(picture[0] == 0).sum().item() for picture in seen[2:]} == {patch**2}
    assert explain.settings()["patch"] is None


def test_several_patches_may_overlap() -> None:
    hidden = (~patch_masks(400, 3, 4, 0, 20, 20)).sum(dim=(1, 2))
    assert hidden.max() == 48 and 16 <= hidden.min() < 40


def test_rise_masks_are_scikit_images_enlarged_grids() -> None:
    """Every mask is one of 16 grids of 2x2 cells, enlarged and cut at one of 6 places."""
    grids = [np.array(cells, float).reshape(2, 2) for cells in itertools.product((0, 1), repeat=4)]
    large = [resize(g, (9, 6), order=1, mode="reflect", anti_aliasing=False) for g in grids]
    known = np.array(
        [grid[y : y + 5, x : x + 4] for grid in large for y in range(3) for x in range(2)]
    )
    found = rise_masks(500, 2, 0.5, 0, 5, 4).numpy()
    far = np.abs(found[:, None] - known).max(axis=(2, 3))
    assert (far.min(axis=1) < 1e-6).all()
    distinct = np.abs(known[:, None] - known).max(axis=(2, 3)) < 1e-6
    met = (far < 1e-6).any(axis=0)
    assert met.all() and distinct.sum() < 250


@pytest.mark.parametrize("keep", [0.2, 0.5])
def test_rise_masks_keep_as_much_as_they_should(keep: float) -> None:
    masks = rise_masks(600, 8, keep, 0, 20, 33)
    assert masks.shape == (600, 20, 33)
    assert masks.min() >= 0 and masks.max() <= 1
    assert masks.mean().item() == pytest.approx(keep, abs=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_chunks_give_the_same_as_all_at_once(
    method: type[lfs.Explainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = []
    for chunk in (1000, 9):
        monkeypatch.setattr(masking, "CHUNK", chunk)
        maps.append(method(tangled, **SMALL[method])(image(1), image(2)).signed_maps)
    torch.testing.assert_close(*maps, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_each_image_is_seen_once_under_each_mask(method: type[lfs.Explainer]) -> None:
    witness = Witness(tangled)
    method(witness, **SMALL[method]).batch([(image(1), image(2)), (image(3), image(4))])
    assert len(witness.seen) == 4 + 4 * 70


@pytest.mark.parametrize("method", METHODS)
def test_an_image_in_several_pairs_is_masked_once(method: type[lfs.Explainer]) -> None:
    witness = Witness(tangled)
    explain = method(witness, **SMALL[method])
    shared = [(image(1), image(2)), (image(3), image(1)), (image(1), image(2))]
    alone = [explain(*pair).maps for pair in shared]
    witness.seen.clear()
    together = explain.batch(shared)
    assert len(witness.seen) == 2 * 3 + 3 * 70  # the pairs as they are, and three images masked
    for one, e in zip(alone, together, strict=True):
        torch.testing.assert_close(e.maps, one)


@pytest.mark.parametrize("method", METHODS)
def test_what_no_mask_changes_has_no_evidence(method: type[lfs.Explainer]) -> None:
    """A black picture stays as it is, and a network may see nothing at all."""
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    e = method(lambda x: tangled(x) + 0.1, **SMALL[method])(black, image(1))
    assert (e.signed_maps[0] == 0).all() and (e.maps[0] == 0).all()
    assert (e.signed_maps[1] != 0).any()

    def rounding(images: torch.Tensor) -> torch.Tensor:
        bright = (images.flatten(1).amax(dim=1) > 0.5).float()
        noise = 2e-6 * images.mean(dim=(1, 2, 3))
        return torch.stack([1 - 0.4 * bright + noise, 0.8 * bright], dim=1)

    e = method(rounding, **SMALL[method])(image(1), image(2) // 3)
    assert e.similarity == pytest.approx(0.6, abs=1e-5) and (e.signed_maps == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_pairs_in_any_order_and_any_company(method: type[lfs.Explainer]) -> None:
    explain = method(tangled, **SMALL[method])
    pairs = [(image(1), image(2)), (image(3), image(4)), (image(5), image(5))]
    together = explain.batch(pairs)
    for pair, e in zip(pairs, together, strict=True):
        torch.testing.assert_close(explain(*pair).signed_maps, e.signed_maps, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(explain(*pair[::-1]).maps, e.maps.flip(0), atol=1e-4, rtol=1e-4)
    assert torch.equal(*together[2].signed_maps)


@pytest.mark.parametrize("method", METHODS)
def test_seeds(method: type[lfs.Explainer]) -> None:
    state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    first, again, other = (
        method(tangled, **SMALL[method], seed=seed)(image(1), image(2)).maps for seed in (3, 3, 4)
    )
    assert torch.equal(first, again) and not torch.allclose(first, other, atol=0.05)
    assert torch.equal(torch.random.get_rng_state(), state[0])
    assert (np.random.get_state()[1] == state[1]).all()


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (CorrRISE, {"masks": 1}, "masks is 1; it must be at least 2"),
        (CorrRISE, {"patches": 0}, "patches is 0"),
        (CorrRISE, {"patch": 0}, "patch is 0"),
        (CorrRISE, {"seed": -1}, "seed is -1"),
        (DistanceExplainer, {"masks": 1}, "masks is 1"),
        (DistanceExplainer, {"grid": 1}, "grid is 1; it must be at least 2"),
        (DistanceExplainer, {"keep": 1.0}, "keep is 1.0; it must lie between 0 and 1"),
        (DistanceExplainer, {"keep": 0.0}, "between 0 and 1"),
        (DistanceExplainer, {"share": 0.0}, "share is 0.0"),
        (DistanceExplainer, {"share": 0.6}, "at most at 0.5"),
        (DistanceExplainer, {"seed": -1}, "seed is -1"),
    ],
)
def test_options_out_of_range(method: type[lfs.Explainer], options: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        method(tangled, **options)


def test_patches_larger_than_the_images() -> None:
    with pytest.raises(lfs.LFSError, match="patch is 13, but the images have 15x12 pixels"):
        CorrRISE(tangled, patch=13)(image(1), image(2))
    assert CorrRISE(tangled, masks=3, patch=12)(image(1), image(2)).maps.isfinite().all()


@pytest.mark.parametrize("method", METHODS)
def test_settings_make_the_same_explainer_again(method: type[lfs.Explainer]) -> None:
    explain = method(tangled, **SMALL[method], seed=5)
    options = {key: of for key, of in explain.settings().items() if key not in OF_THE_NETWORK}
    assert options.items() >= SMALL[method].items()
    again = method(tangled, **options)
    assert torch.equal(again(image(1), image(2)).maps, explain(image(1), image(2)).maps)


@pytest.mark.slow
def test_a_real_face_speaks_for_itself_in_its_middle(facenet: Embedder) -> None:
    face = skimage.data.astronaut()[20:200, 140:300]
    for explain in (
        CorrRISE(facenet, masks=30, patches=1, patch=50),
        DistanceExplainer(facenet, masks=30, grid=6),
    ):
        found = explain(face, face).signed_maps[0]
        middle = found[48:112, 48:112].mean()
        assert middle > 0.05 and middle > 2 * found[:20].mean().abs()
