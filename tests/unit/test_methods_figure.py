"""Methods side by side: what the interactive figure holds, and what the printed one shows."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
import zlib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from compared import PAIRS, XI_2, compare, crops, explained, ramps
from PIL import Image

import lfs_core as lfs
from lfs_core.explanation import PairExplanation
from lfs_core.viz.views.methods import MethodsFigure, plot_methods

Explanations = dict[str, list[PairExplanation]]


@pytest.fixture(scope="module")
def explanations() -> Explanations:
    return compare()


def unpack(packed: dict, size: list[int]) -> np.ndarray:
    """A map's values as the view reads them."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(packed["steps"])), np.uint8)
    low, high = packed["range"]
    return low + np.cumsum(steps, dtype=np.uint8).reshape(size) / 255 * (high - low)


def written(page: str) -> dict:
    """What a page holds for its view."""
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(data)


# What the interactive figure holds


def test_maps_are_exact_to_half_a_step(explanations: Explanations) -> None:
    contents = MethodsFigure(explanations).contents
    for method in contents["methods"]:
        for pair, sides, e in zip(
            contents["pairs"], method["maps"], explanations[method["name"]], strict=True
        ):
            for side, packed in enumerate(sides):
                for kind, maps in (("map", e.maps), ("signed", e.signed_maps)):
                    if maps is None:
                        assert packed[kind] is None
                        continue
                    true = maps[side].double().numpy()
                    low, high = packed[kind]["range"]
                    assert [low, high] == pytest.approx([true.min(), true.max()], rel=1e-5)
                    error = np.abs(unpack(packed[kind], pair["size"]) - true).max()
                    assert error <= 0.502 / 255 * (high - low)


def test_methods_and_pairs_keep_their_order(explanations: Explanations) -> None:
    backwards = dict(reversed(explanations.items()))
    contents = MethodsFigure(backwards).contents
    assert [method["name"] for method in contents["methods"]] == [
        "noise",
        "zero",
        "signed",
        "ramps",
    ]
    assert [pair["similarity"] for pair in contents["pairs"]] == [0.8, -0.25, 0.5]
    assert [pair["similar"] for pair in contents["pairs"]] == [True, False, True]
    assert [pair["size"] for pair in contents["pairs"]] == [[40, 40], [40, 40], [30, 45]]
    assert {pair["threshold"] for pair in contents["pairs"]} == {"0.3"}
    assert contents["mapThreshold"] == XI_2


def test_a_map_of_zeros_stays_zero(explanations: Explanations) -> None:
    contents = MethodsFigure({"zero": explanations["zero"]}).contents
    for packed in contents["methods"][0]["maps"][0]:
        for kind in ("map", "signed"):
            assert packed[kind]["range"] == [0, 0]
            assert (unpack(packed[kind], [40, 40]) == 0).all()


def test_large_maps_are_averaged_and_keep_their_range() -> None:
    images = torch.zeros(2, 3, 160, 160)
    maps = torch.zeros(2, 160, 160)
    maps[:, ::2, 1::2] = 0.9
    maps[1, 80:] = 0.5
    e = PairExplanation("m", 0.0, False, images, maps, 0.7, {}, signed_maps=-2 * maps.double())
    contents = MethodsFigure({"m": [e]}).contents
    (pair,), (first, second) = contents["pairs"], contents["methods"][0]["maps"][0]
    assert pair["size"] == [80, 80] and pair["threshold"] is None
    assert first["map"]["range"] == pytest.approx([0, 0.9])
    assert first["signed"]["range"] == pytest.approx([-1.8, 0])
    np.testing.assert_allclose(unpack(first["map"], [80, 80]), 0.225, atol=0.002)
    np.testing.assert_allclose(unpack(first["signed"], [80, 80]), -0.45, atol=0.004)
    np.testing.assert_allclose(unpack(second["map"], [80, 80])[40:], 0.5, atol=0.002)
    wide = dataclasses.replace(e, images=images[..., :90], maps=maps[..., :90], signed_maps=None)
    assert MethodsFigure({"m": [wide]}).contents["pairs"][0]["size"] == [80, 45]


def test_photographs_are_what_the_network_saw(explanations: Explanations) -> None:
    pairs = MethodsFigure(explanations).contents["pairs"]
    for pair, e in zip(pairs, explanations["ramps"], strict=True):
        for source, image in zip(pair["pictures"], e.images, strict=True):
            kind, data = source.split(",")
            assert kind == "data:image/jpeg;base64"
            shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) / 255
            assert shown.shape == (*image.shape[1:], 3)
            assert np.abs(shown - image.permute(1, 2, 0).numpy()).mean() < 0.03


def test_colours_are_those_of_the_figures(explanations: Explanations) -> None:
    colours = np.frombuffer(
        base64.b64decode(MethodsFigure(explanations).contents["colours"]), np.uint8
    )
    expected = matplotlib.colormaps["inferno"](np.linspace(0, 1, 256))[:, :3] * 255
    assert np.abs(colours.reshape(256, 3) - expected).max() <= 1


def test_a_page_holds_the_figure_and_asks_for_nothing(
    explanations: Explanations, tmp_path: Path
) -> None:
    figure = MethodsFigure(explanations)
    figure.save(tmp_path / "page.html")
    for page in (figure.page(), (tmp_path / "page.html").read_text(encoding="utf-8")):
        assert written(page) == json.loads(json.dumps(figure.contents))
        code = re.sub(r'<script type="application/json">.*?</script>', "", page, flags=re.DOTALL)
        assert "://" not in code and "url(" not in code and " src=" not in code
    with pytest.raises(lfs.LFSError, match=r"must end in \.html"):
        figure.save(tmp_path / "page.pdf")


def test_evil_names_stay_names(explanations: Explanations) -> None:
    name = "</script><script>alert(1)</script><!--"
    contents = written(MethodsFigure({name: explanations["ramps"]}).page())
    assert contents["methods"][0]["name"] == name


def test_a_page_is_light() -> None:
    """Six pairs, 20 methods, 160 px: ten of coarse maps, four smooth, six of single pixels."""
    generator = torch.Generator().manual_seed(0)
    enlarge = torch.nn.functional.interpolate
    scenes = ("astronaut", "chelsea")
    images = [enlarge(crops(scenes, (40, 40 + k)), (160, 160)).clamp(0, 1) for k in range(6)]

    def signed(kind: int, of: torch.Tensor) -> torch.Tensor:
        if kind < 14:
            cells = (3, 3) if kind < 10 else (32, 32)
            coarse = torch.randn(2, 1, *cells, generator=generator)
            return enlarge(coarse, (160, 160), mode="bilinear")[:, 0]
        gradient = torch.randn(2, 3, 160, 160, generator=generator)
        return (gradient * of).sum(dim=1)

    def explain(kind: int, of: torch.Tensor) -> PairExplanation:
        values = signed(kind, of)
        maps = values.clamp_min(0) / values.amax(dim=(1, 2), keepdim=True)
        signed_maps = values.double() if kind % 2 else None
        return PairExplanation(str(kind), 0.5, True, of, maps, 0.7, {}, signed_maps=signed_maps)

    explanations = {f"{kind}": [explain(kind, of) for of in images] for kind in range(20)}
    page = MethodsFigure(explanations).page()
    assert len(page) <= 1.5e6, f"{len(page) / 1e6:.2f} MB"


# What is refused


def refused(explanations: Explanations, message: str) -> None:
    """Both figures refuse alike."""
    for show in (MethodsFigure, plot_methods):
        with pytest.raises(lfs.LFSError, match=message):
            show(explanations)


def test_nothing_cannot_be_shown() -> None:
    refused({}, "nothing to show")
    refused({"ramps": []}, "nothing to show")


def test_methods_must_explain_the_same(explanations: Explanations) -> None:
    one = explanations["ramps"]
    refused({"a": one, "b": one[:2]}, "a explains 3 pairs and b 2")
    refused({"a": one, "b": [one[1], one[0], one[2]]}, "a and b explain different images as pair 1")
    for change in ({"similarity": 0.7}, {"is_similar": False}):
        other = [dataclasses.replace(one[0], **change), *one[1:]]
        refused({"a": one, "b": other}, "different decisions about pair 1; give all methods one")


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan")])
def test_maps_must_lie_in_their_range(value: float, explanations: Explanations) -> None:
    wrong = explanations["zero"][0].maps.clone()
    wrong[1, 3, 4] = value
    other = [dataclasses.replace(explanations["zero"][0], maps=wrong)]
    refused({"a": explanations["ramps"][:1], "b": other}, r"b's maps of pair 1 .* \[0, 1\]")


# The printed figure


@pytest.mark.parametrize("number", [1, 10, 11, 20, 23])
def test_every_method_is_printed_once_and_in_order(number: int) -> None:
    """A method's maps hold its number, so that they can be told apart."""
    names = [f"method-{k}" for k in range(number)]
    sizes = [size for _, size, _ in PAIRS]
    explanations = {
        name: [
            explained(name, pair, torch.full((2, *size), k / 30)) for pair, size in enumerate(sizes)
        ]
        for k, name in enumerate(names)
    }
    figure = plot_methods(explanations)
    blocks = [axis for axis in figure.axes if axis.get_xticks().size and axis.images]
    assert len(blocks) == -(-number // 10)
    printed = [label.get_text() for axis in blocks for label in axis.get_xticklabels()]
    assert printed == names
    places = []
    for axis in blocks:
        maps = [image for image in axis.images if image.get_array().ndim == 2]
        assert all(image.get_clim() == (0, 1) for image in maps)
        for image in maps:
            x, top = image.get_extent()[0], image.get_extent()[3]
            label = np.searchsorted(axis.get_xticks(), x)  # the first tick right of its left edge
            name = axis.get_xticklabels()[label].get_text()
            assert image.get_array().max() == pytest.approx(names.index(name) / 30)
            places.append((name, round(top, 6)))
    assert len(set(places)) == len(places) == number * 2 * len(PAIRS)


def test_printed_pictures_are_those_of_the_explanations(explanations: Explanations) -> None:
    (axis,) = [axis for axis in plot_methods(explanations).axes if axis.images]
    pictures = {tuple(np.round(image.get_extent(), 6)): image for image in axis.images}
    columns = sorted({extent[0] for extent in pictures})
    rows = sorted({extent[3] for extent in pictures})
    assert (len(columns), len(rows)) == (5, 6)
    for left, right, bottom, top in pictures:
        pair, side = divmod(rows.index(top), 2)
        height, width = PAIRS[pair][1]
        assert (bottom - top) / (right - left) == pytest.approx(height / width)
        shown = pictures[left, right, bottom, top].get_array()
        column = columns.index(left)
        e = list(explanations.values())[max(column - 1, 0)][pair]
        image = e.images[side].permute(1, 2, 0)
        np.testing.assert_array_equal(shown, e.maps[side] if column else image)
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == [
        "cosine +0.80\nsimilar",
        "cosine -0.25\ndissimilar",
        "cosine +0.50\nsimilar",
    ]


@pytest.mark.parametrize(("number", "pairs"), [(20, 6), (20, 3), (4, 2), (1, 1)])
def test_the_printed_figure_is_of_a_size_for_a_page(number: int, pairs: int) -> None:
    maps = ramps(PAIRS[0][1])
    one = explained("m", 0, maps)
    figure = plot_methods({f"integrated-{k}": [one] * pairs for k in range(number)})
    drawn = io.BytesIO()
    figure.savefig(drawn, format="jpeg", bbox_inches="tight")
    width, height = Image.open(drawn).size
    assert width <= 1600 and drawn.tell() < 600_000
    # No method's maps are smaller than 80 pixels, and little of the figure is empty.
    blocks = [axis for axis in figure.axes if axis.images]
    for axis in blocks:
        box = axis.images[0].get_window_extent()
        assert box.width >= 80 and box.width == pytest.approx(box.height, abs=1)
    assert sum(axis.get_window_extent().height for axis in blocks) > 0.6 * height
