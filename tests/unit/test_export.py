"""Exported networks: their numbers are the network's; rounded weights move by half a step."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from small_network import Small, a_head
from torch import Tensor, nn

import lfs_core as lfs
from lfs_core.browser.export import drift, export, quantise, run

IMAGES = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(2))


def test_numbers_are_the_networks(tmp_path: Path) -> None:
    network = Small()
    head = a_head(network)
    export(network, tmp_path / "x.onnx", head)
    explain = lfs.load_explainer("amortised", network, head=head)
    pairs = explain.see(IMAGES[:4].unflatten(0, (2, 2)))
    h, C, doubt, features = run(tmp_path / "x.onnx", IMAGES[:4], ["h", "C", "doubt", "features"])
    for one, other in (
        (h, pairs.h),
        (C, pairs.C),
        (doubt, pairs.doubt),
        (features, pairs.features),
    ):
        torch.testing.assert_close(one, other.flatten(0, 1), atol=2e-6, rtol=1e-5)
    told = {p.key: json.loads(p.value) for p in onnx.load(tmp_path / "x.onnx").metadata_props}
    assert (told["name"], told["grid"], told["framing"]) == ("small", 4, "whole")
    assert told["similarity_threshold"] == 0.3 and told["weights"] == "float32"


def test_rounded_weights_move_by_half_a_step(tmp_path: Path) -> None:
    """And are everything that is lost: with the rounded weights PyTorch gives the same numbers."""
    network = Small()
    export(network, tmp_path / "x.onnx", int8=True)
    steps = 0
    with torch.no_grad():
        for layer in (network.first, network.second, network.last):
            weight = layer.weight
            if weight.numel() < 1024:
                continue
            steps += 1
            scale = weight.flatten(1).abs().amax(dim=1).view(-1, *[1] * (weight.ndim - 1)) / 127
            rounded = (weight / scale).round() * scale
            assert ((rounded - weight).abs() <= scale / 2 * 1.001).all()
            weight.copy_(rounded)
    assert steps == 2
    (h,) = run(tmp_path / "x.onnx", IMAGES, ["h"])
    torch.testing.assert_close(h, network.in_torch(IMAGES), atol=2e-6, rtol=1e-5)


def test_int8_is_smaller_and_drift_says_what_it_costs(tmp_path: Path) -> None:
    network = Small()
    for name, int8 in (("whole", False), ("rounded", True)):
        export(network, tmp_path / name, int8=int8)
    assert (tmp_path / "rounded").stat().st_size < 0.6 * (tmp_path / "whole").stat().st_size
    none, some = (drift(tmp_path / name, network, IMAGES) for name in ("whole", "rounded"))
    assert none["similarity"] < 1e-6 < some["similarity"] < 0.01
    assert some["cosine"] < none["cosine"] <= 1 + 1e-9
    (h,) = run(tmp_path / "rounded", IMAGES, ["h"])
    pairs = [(a, b) for a in range(5) for b in range(5)]
    cosine = nn.functional.cosine_similarity
    own = network.in_torch(IMAGES)
    moved = [abs(cosine(h[a], h[b], dim=0) - cosine(own[a], own[b], dim=0)) for a, b in pairs]
    assert some["similarity"] == pytest.approx(float(max(moved)), abs=1e-6)


@pytest.mark.parametrize("turned", [False, True])
def test_a_matrix_is_rounded_by_its_outputs(turned: bool) -> None:
    """Of `Gemm`, whose matrix may lie either way, each output has its own scale."""
    weight = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    weight[:, 0] *= 1000  # one input's; with one scale for each input the others would be lost
    weight = weight if turned else weight.T.copy()
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Gemm", ["x", "w"], ["y"], transB=int(turned))],
        "one",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 32])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, 64])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    model = onnx.helper.make_model(graph)
    quantise(model)
    (node, _) = model.graph.node
    kept = {of.name: onnx.numpy_helper.to_array(of) for of in model.graph.initializer}
    assert kept["w_int8"].dtype == np.int8 and kept["w_scale"].shape == (64,)
    assert [of.i for of in node.attribute] == [0 if turned else 1]
    onnx.checker.check_model(model)


def test_a_weight_with_two_uses_stays() -> None:
    weight = np.ones((64, 64), np.float32)
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("MatMul", ["x", "w"], ["y"]),
            onnx.helper.make_node("Add", ["y", "w"], ["z"]),
        ],
        "two",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [64, 64])],
        [onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [64, 64])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    model = onnx.helper.make_model(graph)
    before = model.SerializeToString()
    quantise(model)
    assert model.SerializeToString() == before


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    network, path = Small(), tmp_path / "x.onnx"
    with pytest.raises(lfs.LFSError, match="is a function"):
        export(lambda images: images.mean(dim=(2, 3)), path)
    other = a_head(network)
    other.info["print"] = [-value for value in other.info["print"]]
    with pytest.raises(lfs.LFSError, match="causal head"):
        export(network, path, other)
    assert not path.exists()


class Drawing(nn.Module):
    """Its answer depends on more than the image."""

    image_size, calls = 8, 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        return images.mean(dim=(2, 3)) + self.calls


def test_what_is_not_the_same_is_said(tmp_path: Path) -> None:
    with pytest.raises(lfs.LFSError, match="not translated faithfully"):
        export(Drawing(), tmp_path / "x.onnx")


def test_any_module_is_exported(tmp_path: Path) -> None:
    network = lfs.load_embedder(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        name="own",
        image_size=(12, 20),
    )
    export(network, tmp_path / "x.onnx")
    images = torch.rand(3, 3, 12, 20)
    (h,) = run(tmp_path / "x.onnx", images, ["h"])
    torch.testing.assert_close(h, network(images), atol=1e-6, rtol=1e-5)


def test_what_each_place_gives_is_told(tmp_path: Path) -> None:
    """SIMExpert finds the same from it, and a matrix that is used twice is rounded once."""
    network = Small()
    for int8 in (False, True):
        export(network, tmp_path / "x.onnx", a_head(network), int8=int8, places=True)
        h, places = run(tmp_path / "x.onnx", IMAGES, ["h", "places"])
        assert places.shape == (5, 64, 48)
        torch.testing.assert_close(places.mean(dim=1), h, atol=1e-5, rtol=1e-4)
        if int8:
            kept = {of.name for of in onnx.load(tmp_path / "x.onnx").graph.initializer}
            assert len([name for name in kept if name.endswith("_int8")]) >= 2
            continue
        explain = lfs.load_explainer("simexpert", network)
        (found,) = explain._at_places(explain.see(IMAGES[None, :2]).maps)
        torch.testing.assert_close(places[:2], found.flatten(1, 2).float(), atol=1e-5, rtol=1e-4)


def test_what_has_no_places_is_refused(tmp_path: Path) -> None:
    with pytest.raises(lfs.LFSError, match="What places give can be exported with networks of"):
        export(nn.Sequential(nn.Flatten(), nn.Linear(768, 4)), tmp_path / "x.onnx", places=True)


def test_sixteen_bits_lose_less_than_eight(tmp_path: Path) -> None:
    network, moved, sizes = Small(), [], []
    for kept in ({}, {"half": True}, {"int8": True}):
        export(network, tmp_path / "x.onnx", **kept)
        moved.append(drift(tmp_path / "x.onnx", network, IMAGES)["similarity"])
        sizes.append((tmp_path / "x.onnx").stat().st_size)
    assert moved[0] < moved[1] < moved[2] and sizes[0] > sizes[1] > sizes[2]
    weights = {of.name: of for of in onnx.load(tmp_path / "x.onnx").graph.initializer}
    assert not any(name.endswith("_half") for name in weights)
    export(network, tmp_path / "x.onnx", half=True)
    weights = {of.name: of for of in onnx.load(tmp_path / "x.onnx").graph.initializer}
    (kept,) = (of for name, of in weights.items() if name.endswith("second.weight_half"))
    found = torch.from_numpy(onnx.numpy_helper.to_array(kept).copy())
    torch.testing.assert_close(found, network.second.weight.half(), atol=0, rtol=0)
