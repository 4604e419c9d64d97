"""What holds for every explanation method alike."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

import lfs_core as lfs
from lfs_core.amortised import CausalHead
from lfs_core.comparators import (
    EXPLAINERS,
    explainer_class,
    explainers_that_match,
    explainers_without,
)
from lfs_core.explanation import Role

SIZE = 16
OTHERWISE = ("randomised", "recognised", "randomised-causal")  # tested where they are at home
METHODS = [
    name
    for name in lfs.list_explainers()
    if explainer_class(name).role != "oracle" and name not in OTHERWISE
]


class TinyNetwork(nn.Module):
    """Two convolutions, the mean of their maps, a linear layer."""

    name = "tiny"
    image_size = SIZE

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.layers = nn.Sequential(
                nn.Conv2d(3, 6, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(6, 8, 3, stride=2, padding=1),
                nn.Tanh(),  # maps of both signs
            )
            self.head = nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B,3,16,16) -> (B,5)."""
        return self.project(self.layers(images).mean(dim=(2, 3)))

    def project(self, pooled: torch.Tensor) -> torch.Tensor:
        """(B,8) -> (B,5)."""
        return self.head(pooled)


def black_box(images: torch.Tensor) -> torch.Tensor:
    """The same numbers, without gradients or layers."""
    with torch.no_grad():
        return TinyNetwork()(images)


black_box.image_size = SIZE


def tiny_decoder(h: torch.Tensor) -> torch.Tensor:
    """(B,5) -> (B,3,4,4), not linear."""
    return torch.sigmoid(h @ torch.linspace(-1, 1, 5 * 48).reshape(5, 48)).reshape(-1, 3, 4, 4)


def image(seed: int) -> np.ndarray:
    """A picture of soft patches."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return coarse.repeat(SIZE // 4, axis=0).repeat(SIZE // 4, axis=1)


PAIRS = [(image(k), image(k + 10)) for k in range(3)]


def tiny_head() -> CausalHead:
    """A causal head that reads the images, of random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        head = CausalHead(5, 4, [], [3], hidden=16)
        torch.nn.init.normal_(head.write.weight)
        torch.nn.init.normal_(head.places)  # so that places differ, in both directions
    return head.eval().requires_grad_(False)


NEEDED = {
    "amortised": {"head": tiny_head()},
    "own-likeness": {"head": tiny_head()},
    "with-own-likeness": {"head": tiny_head()},
    "explainlfs": {"decoder": tiny_decoder},
    "utkin": {"autoencoder": tiny_decoder},
    "mean-map": {"decoder": tiny_decoder, "pairs": [(image(k), image(k + 20)) for k in (20, 21)]},
    "corrrise": {"masks": 40, "patch": 4},
    "distance-explainer": {"masks": 40, "grid": 4},
    "kernel-shap": {"masks": 80, "grid": 4},
    "lime": {"masks": 80, "grid": 4},
    "bilrp": {"grid": 4},
    "exclip": {"grid": 4, "steps": 3},
    "fixlip": {"masks": 60, "grid": 4},
}
SIMILAR, DISSIMILAR = -1.0, 1.0  # thresholds that make every pair so


def method(name: str, network: object = None, **options: object) -> lfs.Explainer:
    """A method for the tiny network, with what it needs."""
    return lfs.load_explainer(name, network or TinyNetwork(), **NEEDED.get(name, {}), **options)


@pytest.mark.parametrize("threshold", [SIMILAR, DISSIMILAR])
@pytest.mark.parametrize("name", METHODS)
def test_explanations_keep_the_contract(name: str, threshold: float) -> None:
    explain = method(name, similarity_threshold=threshold, map_threshold=0.6)
    e = explain(*PAIRS[0])
    assert isinstance(e, lfs.PairExplanation)
    assert e.method == name
    assert e.is_similar == (threshold == SIMILAR)
    h = TinyNetwork()(e.images)
    assert e.similarity == pytest.approx(torch.cosine_similarity(*h, dim=0).item(), abs=1e-5)
    assert e.maps.shape == e.masks.shape == (2, SIZE, SIZE)
    assert e.maps.dtype == torch.float32 and not e.maps.requires_grad
    assert e.maps.min() >= 0 and e.maps.max() == 1
    assert e.settings["similarity_threshold"] == threshold
    assert e.settings["map_threshold"] == e.map_threshold == 0.6
    assert e.settings["embedder"] == "tiny"
    assert json.loads(json.dumps(e.to_dict()))["method"] == name


@pytest.mark.parametrize("name", METHODS)
def test_signed_maps_speak_for_and_against(name: str) -> None:
    """A map follows its signed map where the pair is similar, and its negative where it is not."""
    explained = [method(name, similarity_threshold=xi)(*PAIRS[0]) for xi in (SIMILAR, DISSIMILAR)]
    signed = getattr(explainer_class(name), "signed", False)
    for e, sign in zip(explained, (1, -1), strict=True):
        assert (e.signed_maps is not None) == signed
        if signed:
            assert e.signed_maps.shape == (2, SIZE, SIZE) and not e.signed_maps.requires_grad
            for heat, values in zip(e.maps, sign * e.signed_maps, strict=True):
                if heat.max() == 0:
                    assert values.max() <= 0  # no evidence for the decision
                    continue
                brightest = (heat >= heat.quantile(0.9)) & (heat > 0)
                assert values[brightest].mean() > values[~brightest].mean()
                assert values[heat == 0].sum() <= 0 or explainer_class(name).margin


@pytest.mark.parametrize("name", METHODS)
def test_a_batch_equals_one_by_one(name: str) -> None:
    explain = method(name)
    for alone, together in zip(
        (explain(*pair) for pair in PAIRS), explain.batch(PAIRS), strict=True
    ):
        assert alone.similarity == pytest.approx(together.similarity, abs=1e-6)
        assert alone.is_similar == together.is_similar
        torch.testing.assert_close(alone.maps, together.maps, atol=1e-3, rtol=1e-3)
        if alone.signed_maps is not None:
            scale = alone.signed_maps.abs().max().item()
            torch.testing.assert_close(
                alone.signed_maps, together.signed_maps, atol=1e-4 * scale, rtol=1e-4
            )


@pytest.mark.parametrize("name", METHODS)
def test_swapping_the_pair_swaps_the_maps(name: str) -> None:
    explain = method(name)
    one, other = explain(*PAIRS[0]), explain(*PAIRS[0][::-1])
    assert one.similarity == pytest.approx(other.similarity, abs=1e-6)
    torch.testing.assert_close(one.maps.flip(0), other.maps, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", METHODS)
def test_matches_are_of_places_and_turn_with_the_pair(name: str) -> None:
    """Both images' places tile them; a batch, and the pair the other way round, say the same."""
    explain = method(name)
    one, *batch = explain.batch(PAIRS)
    if not getattr(explainer_class(name), "matches_places", False):
        assert one.matches is None and one.likeness is None and one.grid is None
        return
    places = one.grid[0] * one.grid[1]
    assert places > 1 and one.likeness.abs().max() <= 1 + 1e-5
    turned = explain(*PAIRS[0][::-1])
    alone = explain(*PAIRS[1])
    for found, other in (
        (one.matches, turned.matches.T),
        (one.likeness, turned.likeness.T),
        (batch[0].matches, alone.matches),
        (batch[0].likeness, alone.likeness),
    ):
        assert found.shape == (places, places) and found.any() and not found.requires_grad
        scale = found.abs().max().item()
        torch.testing.assert_close(found, other, atol=1e-3 * scale, rtol=1e-3)


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_map(name: str) -> None:
    """Also when other random numbers were drawn between, which the method leaves alone."""
    before = torch.random.get_rng_state()
    first = method(name)(*PAIRS[0])
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(7)
    assert torch.equal(first.maps, method(name)(*PAIRS[0]).maps)


@pytest.mark.parametrize(
    "name", ["random", "corrrise", "distance-explainer", "kernel-shap", "lime", "fixlip"]
)
def test_another_seed_gives_another_map(name: str) -> None:
    assert not torch.equal(method(name)(*PAIRS[0]).maps, method(name, seed=1)(*PAIRS[0]).maps)


@pytest.mark.parametrize("name", METHODS)
def test_an_identical_pair_has_identical_maps(name: str) -> None:
    e = method(name)(image(1), image(1))
    assert e.similarity == pytest.approx(1) and e.is_similar
    assert e.maps.isfinite().all()
    torch.testing.assert_close(e.maps[0], e.maps[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_constant_images_give_finite_maps(name: str) -> None:
    grey, black = (np.full((SIZE, SIZE, 3), value, np.uint8) for value in (128, 0))
    for e in method(name).batch([(grey, black), (black, black), (grey, image(1))]):
        assert e.maps.isfinite().all() and e.maps.min() >= 0 and e.maps.max() <= 1


@pytest.mark.parametrize("name", [n for n in METHODS if n not in ("explainlfs", "mean-map")])
def test_the_length_of_embeddings_does_not_matter(name: str) -> None:
    """A cosine does not see it; only what decodes embeddings may."""
    if name == "utkin":
        pytest.skip("utkin decodes embeddings, whose length a decoder sees")
    longer = TinyNetwork()
    longer.head.weight.data *= 3
    longer.head.bias.data *= 3
    one, other = method(name)(*PAIRS[0]), method(name, longer)(*PAIRS[0])
    torch.testing.assert_close(one.maps, other.maps, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", METHODS)
def test_weights_are_left_alone(name: str) -> None:
    network = TinyNetwork()
    assert all(parameter.requires_grad for parameter in network.parameters())
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    method(name, network)(*PAIRS[0])
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(before[key], t) for key, t in network.state_dict().items())
    assert not network._forward_hooks and not network._forward_pre_hooks
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize("name", METHODS)
def test_a_black_box_is_explained_or_refused_with_alternatives(name: str) -> None:
    if not explainer_class(name).needs & {"gradients", "layers"}:
        torch.testing.assert_close(
            method(name, black_box)(*PAIRS[0]).maps,
            method(name)(*PAIRS[0]).maps,
            atol=1e-3,
            rtol=1e-3,
        )
        return
    with pytest.raises(lfs.LFSError, match=r"any network: .*corrrise.*occlusion"):
        method(name, black_box)(*PAIRS[0])


@pytest.mark.parametrize("name", METHODS)
def test_an_unknown_option_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(lfs.LFSError, match=r"takes no wheels; .*map_threshold"):
        method(name, wheels=4)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU to compare with")
def test_a_gpu_gives_the_same(name: str) -> None:
    on_cpu, on_gpu = method(name)(*PAIRS[0]), method(name, TinyNetwork().cuda())(*PAIRS[0])
    torch.testing.assert_close(on_cpu.maps, on_gpu.maps.cpu(), atol=1e-3, rtol=1e-3)


def test_pairs_of_two_sizes_in_one_batch_are_refused() -> None:
    def mean_colour(images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3)) - 0.4

    small, large = image(1), np.zeros((SIZE * 2, SIZE * 2, 3), np.uint8)
    explain = lfs.load_explainer("centre", mean_colour)
    assert explain.batch([]) == []
    with pytest.raises(lfs.ImageError, match="differ in size"):
        explain.batch([(small, small), (large, large)])


def test_every_method_says_what_it_is() -> None:
    for name in EXPLAINERS:
        of = explainer_class(name)
        assert of.method == name
        assert of.title and of.source and of.__doc__
        assert of.role in get_args(Role)
        assert of.needs <= {"gradients", "layers", "training", "class images"}
    assert {n for n in EXPLAINERS if not explainer_class(n).verified} == {
        "utkin",
        "tummala",
        "similarity-attention",
        "pairx",
        "bilrp",
    }
    assert "occlusion" in explainers_without("gradients", "layers")
    assert "gradcam" not in explainers_without("layers")
    assert not {"centre", "greedy"} & set(explainers_without())


def test_methods_that_match_places_are_known_by_what_they_need() -> None:
    blind = {"causal", "amortised", "fixlip"}
    matching = blind | {"pairx", "bilrp", "exclip", "activation-decomposition"}
    assert set(explainers_that_match()) == matching
    assert set(explainers_that_match("gradients", "layers")) == blind
    assert set(explainers_that_match("layers")) == blind | {"bilrp", "exclip"}
    assert set(explainers_that_match("gradients")) == blind | {"activation-decomposition"}


def test_unknown_methods_are_refused_with_a_list() -> None:
    with pytest.raises(lfs.LFSError, match=r"no explainer 'clime'.*'lime'"):
        lfs.load_explainer("clime", TinyNetwork())
