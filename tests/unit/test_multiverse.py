"""The multiverse of pixel flipping: its draw, its curves, and the readings made of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import lfs_core as lfs
from lfs_core.embedders import network_title
from lfs_core.evaluation import flip_tests
from lfs_core.evaluation.flip_tests import FlipTest
from lfs_core.evaluation.metrics.selectivity import enlarged, flip_curves, flip_ranks, superpixels
from lfs_core.evaluation.names import KINDS
from lfs_core.evaluation.results import SIGNIFICANT
from lfs_core.evaluation.statistics import bootstrap_means
from lfs_core.findings import multiverse as found
from lfs_core.findings.first_page import marked_places_markdown
from lfs_core.findings.readings import verdicts
from lfs_core.findings.stored import is_stored, stored_classes, stored_evaluation, stored_run
from lfs_core.studies import multiverse
from lfs_core.training.decoders import LinearDecoder
from lfs_core.util.manifest import RESULTS

SIDE = 80


def colours(images: Tensor) -> Tensor:
    return torch.nn.functional.avg_pool2d(images, SIDE // 4).flatten(1) - 0.5


def test_every_value_of_a_choice_is_drawn_as_often() -> None:
    tests = multiverse.drawn_tests(30)
    assert tests[:12] == multiverse.drawn_tests(12)
    for choice, values in multiverse.CHOICES.items():
        counts = Counter(test[choice] for test in tests)
        assert set(counts) == set(values) and max(counts.values()) - min(counts.values()) <= 1


def test_other_images_have_other_tests() -> None:
    """So that no two choices go together in all of them."""
    runs = (multiverse.FACES, multiverse.BIRDS, multiverse.CARS, multiverse.MOBILENET)
    drawn = [multiverse.drawn_tests(4, f"{of.folder}, {of.source.network}") for of in runs]
    assert all(one != other for one, other in combinations(drawn, 2))


def test_random_relevance_is_drawn_anew_for_each_pair() -> None:
    images = torch.rand(3, 2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))

    def drawn(seed: int) -> list[Tensor]:
        control = lfs.ExplainLFS(
            colours, lambda h: h.unflatten(1, (3, 4, 4)), relevance="random", seed=seed
        )
        explain = multiverse.DrawnForEachPair(control)
        found = [explain(*pair).relevance for pair in images]
        assert control.seed == seed and torch.equal(explain(*images[1]).relevance, found[1])
        return found

    every = drawn(0) + drawn(1)
    assert all(not torch.equal(one, other) for one, other in combinations(every, 2))


def test_the_papers_own_reading_is_selectivity() -> None:
    """Grey squares on the 8x8 grid: the curves of the metric, at 6, 13 and 20 flips."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 2, 3, SIDE, SIDE, generator=generator)
    images[0, 1] = images[0, 0] * 0.9 + 0.1 * images[0, 1]  # one pair is similar
    h = colours(images.flatten(0, 1)).unflatten(0, (-1, 2))
    similar = torch.cosine_similarity(h[:, 0], h[:, 1]) > 0.3
    assert similar.tolist() == [True, False, False]
    maps = {name: torch.rand(3, 2, 40, 40, generator=generator) for name in ("one", "other")}
    curves = FlipTest("8x8", "grey", "first", 3, 0.3).curves(colours, images, h, maps)
    for name, of in maps.items():
        expected = flip_curves(
            colours,
            images,
            flip_ranks(superpixels(of))[None],
            ~similar,
            fill="grey",
            flips=(0, 6, 13, 20),
        )[0]
        torch.testing.assert_close(curves[name], expected, atol=1e-6, rtol=0)


def test_the_second_image_is_changed_where_it_should_be() -> None:
    images = torch.rand(1, 1, 3, SIDE, SIDE).expand(1, 2, 3, SIDE, SIDE).clone()
    h = colours(images.flatten(0, 1)).unflatten(0, (-1, 2))
    maps = {"one": torch.rand(1, 2, 40, 40)}
    swapped = {"one": maps["one"].flip(1)}
    test = FlipTest("5x5", "black", "second", 0, 0.3)
    one = test.curves(colours, images, h, maps)["one"]
    other = replace(test, changed="first").curves(colours, images, h, swapped)["one"]
    torch.testing.assert_close(one, other)


def test_a_map_that_cannot_be_ordered_has_no_curve() -> None:
    images = torch.rand(2, 2, 3, SIDE, SIDE)
    h = colours(images.flatten(0, 1)).unflatten(0, (-1, 2))
    maps = {"one": torch.rand(2, 2, 40, 40)}
    maps["one"][1] = torch.nan
    curves = FlipTest("10x10", "mean", "first", 0, 0.3).curves(colours, images, h, maps)["one"]
    assert curves[0].isfinite().all() and curves[1].isnan().all()


@given(unit=st.floats(1e-12, 1e12), seed=st.integers(0, 100))
def test_the_unit_of_a_map_does_not_matter(unit: float, seed: int) -> None:
    heat = torch.rand(8, 8, generator=torch.Generator().manual_seed(seed)) - 0.5
    segments = torch.arange(64).view(8, 8)
    assert torch.equal(
        flip_tests._before(heat * unit, segments, 0), flip_tests._before(heat, segments, 0)
    )


def test_a_larger_map_is_read_as_it_is() -> None:
    heat = enlarged(torch.arange(64.0).view(8, 8), (40, 40))
    segments = torch.arange(64).view(8, 8).repeat_interleave(10, 0).repeat_interleave(10, 1)
    before = flip_tests._before(heat, segments, 0)
    assert torch.equal(before[::10, ::10].flatten().argsort(descending=True), torch.arange(64))


@pytest.mark.parametrize("changed", ["weights", "option", "images", "choice", "draw"])
def test_curves_are_kept_under_all_that_decides_them(changed: str) -> None:
    def kept(
        bias: float = 0.0, p: float = 0.3, light: float = 0.5, fill: str = "grey", number: int = 0
    ) -> str:
        network = torch.nn.Sequential(torch.nn.AvgPool2d(4), torch.nn.Flatten())
        torch.manual_seed(0)
        decoder = LinearDecoder(12, (2, 2), rank=2)
        decoder.load_state_dict({k: v * 0 + bias for k, v in decoder.state_dict().items()})
        images = torch.full((1, 2, 3, 8, 8), light)
        kept = multiverse.Kept(network, images, torch.zeros(1, 2, 12), {})
        test = FlipTest("8x8", fill, "first", number, 0.3)
        return kept.path(test, "explainlfs", lfs.ExplainLFS(network, decoder, p=p)).name

    other = {
        "weights": {"bias": 1.0},
        "option": {"p": 0.4},
        "images": {"light": 0.6},
        "choice": {"fill": "mean"},
        "draw": {"number": 1},
    }[changed]
    assert kept() == kept() != kept(**other)


def raw() -> tuple[dict, np.ndarray]:
    stored = stored_run("multiverse")
    return stored, np.array(stored["similarity"]) > 0.3


def stored_multiverses() -> list[dict]:
    return [stored_run(name) for name in found.MULTIVERSES if is_stored(name)]


def test_the_classes_of_all_pairs_are_known() -> None:
    """Else pairs that share a person or a class would be taken as independent."""
    for stored in stored_multiverses():
        classes = stored_classes(stored["manifest"])
        assert classes is not None and classes.shape == (len(stored["similarity"]), 2)


@pytest.mark.parametrize("control", ["relevance", "order", "tummala"])
def test_readings_are_means_of_the_stored_curves(control: str) -> None:
    """One reading again, from the raw numbers alone."""
    stored, similar = raw()
    test = stored["tests"][1]
    own = f"explainlfs,decoder=conv,latents=scaled,p={test['p']}"
    at = np.array([0, 6, 13, 20]) / 64

    def moved(name: str, of: np.ndarray, sign: int) -> np.ndarray:
        curves = np.array(test["curves"][name], dtype=float)[of]
        return sign * (curves[:, 0] - np.trapezoid(curves, at, axis=1) / at[-1])

    others, more = {
        "relevance": ([f"{own},relevance=random,seed={test['draw']}"], {}),
        "order": ([name for name in test["curves"] if name.startswith("random,")], {}),
        "tummala": (["tummala,order=signed"], {"rival's order": "signed"}),
    }[control]
    of_kinds = [
        moved(own, of, sign) - np.mean([moved(other, of, sign) for other in others], axis=0)
        for of, sign in ((similar, 1), (~similar, -1))
    ]
    # The kind that speaks most against the claim counts.
    expected = min(of_kinds, key=lambda of: of.mean() / of.std() if of.any() else 0)
    wanted = {
        "images": "faces",
        "network": "FaceNet (CASIA-WebFace)",
        "decoder": "convolutional",
        "latents": "scaled",
        **{choice: test[choice] for choice in multiverse.CHOICES},
        **more,
    }
    (one,) = [of for of in found.ahead([control]) if wanted.items() <= of.choices.items()]
    mean, low, high = map(float, bootstrap_means(expected, 2000))
    assert one.found.mean == pytest.approx(mean)
    # Intervals allow for pairs that share a person, and are never narrower for it.
    assert one.found.low <= low + 1e-9 and one.found.high >= high - 1e-9
    assert one.found.pairs == len(expected) and one.parts == 2


def test_no_reading_is_missing() -> None:
    drawn = sum(len(multiverse.methods()) * len(of["tests"]) for of in stored_multiverses())
    decoders = len(found._decoders("faces"))  # in the stored run of the paper's own test
    assert len(found.ahead_at_six()) == drawn + decoders
    for kind in ("similar", "dissimilar"):
        assert len(found.moves(kind)) >= drawn + len(found.RUNS)
    assert len(found.ahead(["relevance"])) >= drawn + len(found.RUNS)
    draws = stored_run("multiverse")["manifest"]["draws"]
    assert len(found.ahead(["order"])) >= drawn  # each against the mean of all draws
    assert all(of.parts == 2 for of in found.ahead(["order"]))  # kinds of pairs
    seeds = {
        (of["manifest"]["embedder"], name)
        for of in stored_multiverses()
        for test in of["tests"]
        for name in test["curves"]
        if name.startswith("random,")
    }
    assert len(seeds) == sum(draws * len(of["tests"]) for of in stored_multiverses()) >= 20


def test_a_test_has_every_method_and_control() -> None:
    for of in stored_multiverses():
        refused = of["manifest"]["refused"]
        for test in of["tests"]:
            names = {multiverse.method(choices, test["p"]) for choices in multiverse.methods()}
            names |= {multiverse.controlled(name, test["draw"]) for name in names}
            names |= {*multiverse.RIVALS, *multiverse.OWN} - {*refused}
            assert names <= set(test["curves"])


def test_six_flips_again_from_the_curves() -> None:
    """Against the mean of all random orders of the test; in the stored run, at its third point."""
    readings = found.ahead_at_six()
    stored, similar = raw()
    test = stored["tests"][1]
    curves = {name: np.array(of, dtype=float)[similar] for name, of in test["curves"].items()}
    orders = [of for name, of in curves.items() if name.startswith("random,")]
    fall = curves[f"explainlfs,decoder=mlp,latents=scaled,p={test['p']}"] - np.mean(orders, axis=0)
    network = network_title(stored["manifest"]["embedder"])
    wanted = {"decoder": "MLP", "latents": "scaled", "images": "faces", "network": network}
    wanted |= {choice: test[choice] for choice in multiverse.CHOICES}
    (one,) = [of for of in readings if wanted.items() <= of.choices.items()]
    assert one.found.mean == pytest.approx((fall[:, 0] - fall[:, 1]).mean())
    faces = stored_evaluation("faces")
    own, chance = (
        faces.curves(name, "selectivity,every=2", "similar") for name in ("explainlfs", "random")
    )
    least = readings[-len(found._decoders("faces"))]
    assert least.found.mean == pytest.approx((chance[:, 3] - own[:, 3]).mean())
    assert least.found.pairs > 200


def test_the_papers_reading_of_birds_is_that_of_the_stored_run() -> None:
    (birds,) = [
        of
        for of in found.ahead(["order"])
        if {"images": "birds", "decoder": "linear", **found.USUAL}.items() <= of.choices.items()
    ]
    stored = stored_run("birds")
    similar = np.array(stored["similarity"]) > stored["manifest"]["threshold"]
    ahead = []
    for kind, sign in ((similar, 1), (~similar, -1)):
        curves = {
            name: np.array(stored["measured"][name]["selectivity,every=5"])[kind]
            for name in ("explainlfs", "random")
        }
        areas = {name: np.trapezoid(of, axis=1) / 4 for name, of in curves.items()}
        starts = curves["random"][:, 0] - curves["explainlfs"][:, 0]
        assert abs(starts).max() == 0
        ahead.append(sign * (areas["random"] - areas["explainlfs"]))
    least = min(ahead, key=lambda of: of.mean() / (of.std() / len(of) ** 0.5))
    assert birds.found.mean == pytest.approx(least.mean(), abs=1e-4)


def test_a_claim_over_all_rivals_is_read_at_the_hardest() -> None:
    """Joint readings are no better than those against each rival alone."""
    together = found.ahead(found.RIVALS)
    alone = {
        name: {frozenset(of.choices.items()): of.found for of in found.ahead([name])}
        for name in found.RIVALS
    }
    for reading in together:
        same = frozenset(reading.choices.items())
        assert reading.parts in (4, 6)  # MobileNet has no Utkin
        assert reading.found in [of[same] for of in alone.values() if same in of]
        for of in alone.values():
            if same in of and of[same].high < 0:
                assert reading.found.high < 0


def test_the_one_pass_map_is_judged_in_the_same_tests() -> None:
    """One reading again from the raw numbers, and the words that follow from all."""
    stored, similar = raw()
    readings = found.one_pass_ahead("own-likeness")
    with_head = [of for of in stored_multiverses() if "amortised" not in of["manifest"]["refused"]]
    assert len(readings) == sum(len(of["tests"]) for of in with_head)
    test = stored["tests"][2]

    def moved(name: str, of: np.ndarray, sign: int) -> np.ndarray:
        curves = np.array(test["curves"][name], dtype=float)[of]
        at = np.array([0, 6, 13, 20]) / 64
        return sign * (curves[:, 0] - np.trapezoid(curves, at, axis=1) / at[-1])

    leads = [
        moved("amortised", of, sign) - moved("own-likeness", of, sign)
        for of, sign in ((similar, 1), (~similar, -1))
    ]
    least = min(leads, key=lambda of: of.mean() / (of.std() / len(of) ** 0.5))
    wanted = {"images": "faces"}
    wanted |= {choice: test[choice] for choice in multiverse.CHOICES}
    (one,) = [of for of in readings if wanted.items() <= of.choices.items()]
    assert one.found.mean == pytest.approx(least.mean()) and one.parts == 2
    ahead = sum(verdict == "holds" for verdict in verdicts(readings))
    table = found.one_pass_table()
    counts = {other: sum(map(int, of.iloc[0].split(" / "))) for other, of in table.T.items()}
    signed = [name for name in counts if counts[name] > len(readings)]  # by both orders
    assert {"Occlusion", "Grad-CAM", "xSSAB", "LRP"} < set(signed)
    cell = table.loc["Own-likeness alone", "One-pass causal map"]
    assert cell.startswith(f"{ahead} / ")
    on_faces = [of for of in readings if of.choices["images"] == "faces"]
    lead = [v for v, of in zip(verdicts(readings), readings, strict=True) if of in on_faces]
    said = found.one_pass_in_words()
    counts = f"ahead in {lead.count('holds')} of {len(lead)} and behind in {lead.count('fails')}"
    assert f"{counts} on faces" in said
    unshown = re.search(r"So on ([\w, ]+) these readings do not show", said)
    assert bool(unshown and "faces" in unshown[1]) == ("holds" not in lead)
    intro = (RESULTS.parent / "intro.md").read_text(encoding="utf-8")
    said = "with about fifty pairs of a kind, it never is"
    assert (said in intro) == ("holds" not in lead)
    assert {len(stored["similarity"])} == {100}  # of faces by the network of the fresh people
    fresh, better = stored_evaluation("fresh"), 0
    assert len(fresh.same) >= 300
    for metric in fresh.metrics:
        for kind in KINDS:
            (row,) = fresh.against(metric, kind, "amortised", ["own-likeness"])
            better += row["by"] > 0 and row["p"] < SIGNIFICANT
    assert ("of [fresh people](fair-people), it is significant in most" in intro) == (better > 2)


def test_the_first_page_counts_readings_of_marked_places() -> None:
    readings = found.ahead(["order"])
    said = verdicts(readings)
    numbers = [int(number) for number in re.findall(r"\d+", marked_places_markdown())]
    assert numbers == [len(said), said.count("holds"), said.count("fails")]
    pairs = np.array([reading.found.pairs for reading in readings])
    assert (pairs < 100).mean() > 0.5  # as it says there, too


def test_networks_without_a_method_are_those_of_the_files() -> None:
    """No autoencoder was trained for MobileNet and dlib, and dlib gives no access to its layers."""
    for method in ("utkin", "lrp", "occlusion"):
        without = []
        for path in RESULTS.glob("multiverse*.json"):
            run = json.loads(path.read_text(encoding="utf-8"))
            curves = run["tests"][-1]["curves"].get(method, [[None]])
            if run["manifest"]["pairs"] == "lfw" and curves[0][0] is None:
                without.append(network_title(run["manifest"]["embedder"]))
        assert sorted(found.networks_without(method)) == sorted(without)
    assert found.networks_without("occlusion") == []
