"""Algorithm 1 against a plain re-statement, and its refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import lfs_core as lfs

SIZE = 16


class TinyEmbedder(nn.Module):
    """Six numbers: the mean of each half of each colour channel, shifted to have both signs."""

    name = "tiny"
    image_size = SIZE

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)  # would make embeddings random in training mode

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B,3,H,W) -> (B,6)."""
        halves = images.unflatten(2, (2, -1)).mean(dim=(3, 4)).flatten(1)
        return self.dropout(halves - 0.4)


def tiny_decoder(h: torch.Tensor) -> torch.Tensor:
    """(B,6) -> (B,3,2,4), not linear."""
    return torch.tanh(h).reshape(-1, 3, 2, 1).expand(-1, 3, 2, 4) ** 2


def image(seed: int) -> np.ndarray:
    """A random picture of SIZE pixels square."""
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8)


def halves(first: int, second: int) -> np.ndarray:
    """A picture whose upper and lower half each have one grey value."""
    picture = np.full((SIZE, SIZE, 3), first, np.uint8)
    picture[SIZE // 2 :] = second
    return picture


@pytest.mark.parametrize("threshold", [-1.0, 1.0])
def test_algorithm_1_step_by_step(threshold: float) -> None:
    """The same in plain loops; the threshold makes the pair similar or dissimilar."""
    a, b, p = image(1), image(2), 0.3
    e = lfs.ExplainLFS(TinyEmbedder(), tiny_decoder, p=p, similarity_threshold=threshold)(a, b)

    pixels = [x.astype(float) / 255 for x in (a, b)]
    h = [
        [x[rows, :, c].mean() - 0.4 for c in range(3) for rows in (slice(0, 8), slice(8, 16))]
        for x in pixels
    ]
    cosine = np.dot(*h) / (np.linalg.norm(h[0]) * np.linalg.norm(h[1]))
    distance = [abs(x - y) for x, y in zip(*h, strict=True)]
    scaled = [(d - min(distance)) / (max(distance) - min(distance)) for d in distance]
    similar = cosine > threshold
    R = [1 - d if similar else d for d in scaled]

    assert e.similarity == pytest.approx(cosine, abs=1e-6)
    assert e.is_similar == similar
    np.testing.assert_allclose(e.relevance, R, atol=1e-5)
    for side in range(2):
        before = np.tanh(h[side]) ** 2
        after = np.tanh([x + r * p for x, r in zip(h[side], R, strict=True)]) ** 2
        change = np.abs(before - after).reshape(3, 2).mean(axis=0)
        # Far from the border between the halves the enlarged map equals the small one.
        np.testing.assert_allclose(e.maps[side, 0], change[0] / change.max(), atol=1e-4)
        np.testing.assert_allclose(e.maps[side, -1], change[1] / change.max(), atol=1e-4)


def test_shapes_ranges_and_masks() -> None:
    e = lfs.ExplainLFS(TinyEmbedder(), tiny_decoder, map_threshold=0.6)(image(1), image(2))
    assert e.map_threshold == 0.6
    assert e.images.shape == (2, 3, SIZE, SIZE)
    assert e.maps.shape == e.masks.shape == (2, SIZE, SIZE)
    assert e.maps.min() >= 0 and e.maps.amax(dim=(1, 2)).tolist() == [1, 1]
    assert e.masks.dtype == torch.bool
    graded = dataclasses.replace(e, maps=torch.linspace(0, 1, 2 * SIZE**2).reshape(2, SIZE, SIZE))
    assert torch.equal(graded.masks, graded.maps > 0.6)
    h = TinyEmbedder().eval()(e.images)
    torch.testing.assert_close(e.reconstructions, tiny_decoder(h))
    torch.testing.assert_close(e.perturbed, tiny_decoder(lfs.perturb(h, e.relevance, 0.3)))
    assert e.relevance.shape == (6,)
    assert e.reconstructions.shape == e.perturbed.shape == (2, 3, 2, 4)
    assert isinstance(e.similarity, float) and isinstance(e.is_similar, bool)


def test_the_decision_is_strictly_above_the_threshold() -> None:
    """Algorithm 1 asks for similarity > xi_1."""
    similarity = lfs.ExplainLFS(TinyEmbedder(), tiny_decoder)(image(1), image(2)).similarity
    decisions = [
        lfs.ExplainLFS(TinyEmbedder(), tiny_decoder, similarity_threshold=threshold)(
            image(1), image(2)
        ).is_similar
        for threshold in (similarity - 1e-6, similarity)
    ]
    assert decisions == [True, False]


def test_identical_images() -> None:
    e = lfs.ExplainLFS(TinyEmbedder(), tiny_decoder)(image(1), image(1))
    assert e.is_similar
    assert (e.relevance == 1).all()
    assert torch.equal(e.maps[0], e.maps[1])


def test_rounding_does_not_carry_the_cosine_past_one() -> None:
    def decode(h: torch.Tensor) -> torch.Tensor:
        return h[:, :3, None, None]

    for seed in range(50):
        h = torch.randn(512, generator=torch.Generator().manual_seed(seed)).expand(2, -1)
        e = lfs.ExplainLFS(lambda x, h=h: h[: len(x)], decode)(image(1), image(1))
        assert 0.999 < e.similarity <= 1


def test_swapping_the_pair_swaps_the_maps() -> None:
    explain = lfs.ExplainLFS(TinyEmbedder(), tiny_decoder)
    one, other = explain(image(1), image(2)), explain(image(2), image(1))
    torch.testing.assert_close(one.maps.flip(0), other.maps)
    torch.testing.assert_close(one.relevance, other.relevance)


def test_any_kind_of_image_gives_the_same() -> None:
    a, b = image(1), image(2)
    explain = lfs.ExplainLFS(TinyEmbedder(), tiny_decoder)
    expected = explain(a, b).maps
    as_tensors = [torch.from_numpy(x).permute(2, 0, 1).float() / 255 for x in (a, b)]
    torch.testing.assert_close(explain(*as_tensors).maps, expected)
    torch.testing.assert_close(explain(a / 255, b / 255).maps, expected)


def test_scaled_latents_are_what_the_text_says() -> None:
    h, x = torch.rand(40, 6) - 0.5, torch.rand(40, 3, 4, 4)
    decoder = lfs.LinearDecoder.fit(h, x, ridge=0.1)
    embedder = TinyEmbedder()
    e = lfs.ExplainLFS(embedder, decoder, p=0.2, latents="scaled")(image(1), image(2))
    span = h.amax(0) - h.amin(0)
    z = (embedder(e.images) - h.amin(0)) / span
    R = lfs.relevance(z[0], z[1], e.is_similar)
    torch.testing.assert_close(e.relevance, R)
    expected = (decoder.weight @ (0.2 * R * span)).abs().reshape(3, 4, 4).mean(dim=0)
    found = lfs.difference_map(decoder, embedder(e.images), embedder(e.images) + 0.2 * R * span)
    torch.testing.assert_close(found[0], expected)
    upscaled = nn.functional.interpolate(expected[None, None], (SIZE, SIZE), mode="bilinear")[0, 0]
    torch.testing.assert_close(e.maps[0], upscaled / upscaled.max(), atol=1e-4, rtol=0)


def test_a_module_is_put_into_evaluation_mode() -> None:
    explain = lfs.ExplainLFS(TinyEmbedder().train(), tiny_decoder)
    assert torch.equal(explain(image(1), image(2)).maps, explain(image(1), image(2)).maps)


def test_any_callable_explains_images_of_its_own_size() -> None:
    def mean_colour(images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))

    def decode(h: torch.Tensor) -> torch.Tensor:
        return h[:, :, None, None].expand(-1, 3, 2, 2)

    explain = lfs.ExplainLFS(mean_colour, decode)
    assert explain(image(1), image(2)).settings["embedder"] == "mean_colour"
    with pytest.raises(lfs.ImageError, match="16x16 and 16x20"):
        explain(image(1), np.zeros((20, 16, 3), np.uint8))


def test_constant_images_and_maps() -> None:
    """A decoder that ignores the embedding changes nothing: an empty map, not NaN."""
    e = lfs.ExplainLFS(TinyEmbedder(), lambda h: torch.ones(len(h), 3, 4, 4))(
        halves(0, 0), halves(255, 9)
    )
    assert (e.maps == 0).all() and not e.masks.any()


def test_explanations_cannot_be_changed() -> None:
    e = lfs.ExplainLFS(TinyEmbedder(), tiny_decoder)(image(1), image(2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        e.similarity = 0.0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"p": 1.5}, r"p is 1.5.*\[0, 1\]"),
        ({"p": -0.1}, r"\[0, 1\]"),
        ({"map_threshold": 2}, "map_threshold"),
        ({"similarity_threshold": -1.5}, "similarity_threshold"),
        ({"latents": "unit"}, "'raw' or 'scaled'"),
        ({"latents": "scaled"}, "knows its latents' range"),
        ({"relevance": "guess"}, "'paper' or .*'inverted'"),
        ({"perturbation": "shift"}, "'add' or 'multiply' or 'sphere'"),
    ],
)
def test_settings_out_of_range(setting: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        lfs.ExplainLFS(TinyEmbedder(), tiny_decoder, **setting)


def test_parts_of_the_method_can_be_replaced() -> None:
    """Relevance and perturbation are what the settings say, checked on D(h) and D(h(p))."""
    embedder = TinyEmbedder().eval()
    for relevance, R in {"constant": torch.ones(6), "inverted": None, "paper": None}.items():
        e = lfs.ExplainLFS(embedder, tiny_decoder, p=0.2, relevance=relevance)(image(1), image(2))
        h = embedder(e.images)
        if R is None:
            R = lfs.relevance(*h, e.is_similar == (relevance == "paper"))
        torch.testing.assert_close(e.relevance, R)
        torch.testing.assert_close(e.perturbed, tiny_decoder(h + 0.2 * R))
        assert e.settings["relevance"] == relevance
    multiplied = lfs.ExplainLFS(embedder, tiny_decoder, p=0.2, perturbation="multiply")
    e = multiplied(image(1), image(2))
    torch.testing.assert_close(e.perturbed, tiny_decoder(h * (1 + 0.2 * e.relevance)))
    sphere = lfs.ExplainLFS(embedder, tiny_decoder, p=0.2, perturbation="sphere")
    e = sphere(image(1), image(2))
    moved = h + 0.2 * e.relevance
    lengths = h.norm(dim=1, keepdim=True) / moved.norm(dim=1, keepdim=True)
    torch.testing.assert_close(e.perturbed, tiny_decoder(moved * lengths))


def test_random_relevance_has_a_seed() -> None:
    maps = [
        lfs.ExplainLFS(TinyEmbedder(), tiny_decoder, relevance="random", seed=seed)(
            image(1), image(2)
        ).maps
        for seed in (0, 0, 1)
    ]
    assert torch.equal(maps[0], maps[1]) and not torch.equal(maps[0], maps[2])


@pytest.mark.parametrize("relevance", ["contribution", "arguing"])
def test_terms_of_the_cosine_need_raw_latents(relevance: str) -> None:
    decoder = lfs.LinearDecoder.fit([(torch.randn(40, 8), torch.rand(40, 3, 4, 4))])
    with pytest.raises(lfs.LFSError, match="use latents='raw'"):
        lfs.ExplainLFS(TinyEmbedder(), decoder, latents="scaled", relevance=relevance)


def test_scaled_latents_lie_on_no_sphere() -> None:
    decoder = lfs.LinearDecoder.fit(torch.rand(40, 6), torch.rand(40, 3, 4, 4), ridge=0.1)
    with pytest.raises(lfs.LFSError, match="no sphere"):
        lfs.ExplainLFS(TinyEmbedder(), decoder, latents="scaled", perturbation="sphere")


def test_decoder_of_another_network() -> None:
    with pytest.raises(lfs.LFSError, match="fitted to 'facenet-casia', not to 'tiny'"):
        lfs.ExplainLFS(TinyEmbedder(), lfs.load_decoder("facenet-casia"))


@pytest.mark.parametrize(
    ("embedder", "message"),
    [
        (lambda x: x, r"must return \(B,D\)"),
        (lambda x: None, r"must return \(B,D\)"),
        (lambda x: torch.ones(3, 4), r"must return \(B,D\)"),
        (lambda x: torch.full((len(x), 3), torch.nan), "NaN"),
    ],
)
def test_embedders_that_misbehave(embedder: object, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        lfs.ExplainLFS(embedder, tiny_decoder)(image(1), image(2))


def test_load_explainer() -> None:
    assert "explainlfs" in lfs.list_explainers()
    explain = lfs.load_explainer("explainlfs", TinyEmbedder(), decoder=tiny_decoder, p=0.1)
    e = explain(image(1), image(2))
    assert isinstance(e, lfs.PairExplanation) and e.settings["p"] == 0.1
    with pytest.raises(lfs.LFSError, match="explainlfs"):
        lfs.load_explainer("no-such-method", TinyEmbedder())
