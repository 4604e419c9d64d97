"""How sure a decision is."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import NormalDist, fmean, pstdev
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.embedders.spreads import keep_spread, known_spread, shipped_spreads
from lfs_core.findings.confidence import calibration_error
from lfs_core.findings.trust import confidence_means, confidence_words
from lfs_core.util.confidence import FEWEST, Spread, spread_of

MANY = (10**9, 10**9)
spreads = st.builds(
    lambda m, gap, d, e: Spread((m + gap, d), (m, e), MANY, "pairs"),
    st.floats(-0.5, 0.5),
    st.floats(0.05, 1),
    st.floats(0.02, 0.4),
    st.floats(0.02, 0.4),
)


@given(st.floats(-1, 1))
def test_with_equal_deviations_it_is_the_logistic_curve(s: float) -> None:
    """The closed form of linear discriminant analysis."""
    m_g, m_i, d = 0.6, 0.1, 0.15
    slope = (m_g - m_i) / d**2
    expected = 1 / (1 + math.exp(-slope * (s - (m_g + m_i) / 2)))
    assert Spread((m_g, d), (m_i, d), MANY, "").same(s) == pytest.approx(expected, abs=1e-8)


@given(st.floats(0, 1))
def test_with_unequal_deviations_it_is_the_share_of_the_densities(s: float) -> None:
    genuine, impostor = NormalDist(0.6, 0.2), NormalDist(0.1, 0.1)
    expected = genuine.pdf(s) / (genuine.pdf(s) + impostor.pdf(s))
    assert Spread((0.6, 0.2), (0.1, 0.1), MANY, "").same(s) == pytest.approx(expected, abs=1e-8)


@given(spreads, st.floats(-1, 1), st.floats(-1, 1))
def test_a_higher_similarity_never_speaks_less_for_a_match(of: Spread, s: float, t: float) -> None:
    low, high = sorted((s, t))
    assert of.same(low) <= of.same(high) + 1e-12


@given(spreads, st.floats(-1, 1))
def test_one_decision_is_as_sure_as_the_other_is_not(of: Spread, s: float) -> None:
    assert of.confidence(s, True) + of.confidence(s, False) == pytest.approx(1)


def test_it_is_no_surer_than_its_pairs_can_show() -> None:
    of = Spread((0.6, 0.01), (0.0, 0.01), (98, 998), "")
    assert of.same(0.6) == 0.99 and of.same(-0.5) == pytest.approx(0.01)


def test_of_gaussian_pairs_it_is_calibrated() -> None:
    rng = np.random.default_rng(0)
    similarity = np.concatenate([rng.normal(0.5, 0.2, 5000), rng.normal(0.1, 0.1, 5000)])
    same = np.arange(10_000) < 5000
    of = Spread.of(similarity[::2], same[::2], "draws")
    similar = similarity[1::2] > 0.3
    pairs = zip(similarity[1::2], similar, strict=True)
    confidence = np.array([of.confidence(s, decision) for s, decision in pairs])
    right = (similar == same[1::2]).astype(float)
    assert calibration_error(confidence, right) < 0.015
    assert calibration_error(np.ones_like(right), right) == pytest.approx(1 - right.mean())


def test_a_spread_is_that_of_its_pairs() -> None:
    similarities = [k / 100 for k in range(2 * FEWEST)]
    same = [k % 2 == 0 for k in range(2 * FEWEST)]
    of = Spread.of(similarities, same, "mine")
    assert of.genuine == (fmean(similarities[::2]), pstdev(similarities[::2]))
    assert of.number == (FEWEST, FEWEST) and of.pairs == "mine"
    with pytest.raises(lfs.LFSError, match=f"29 pairs of one and 30 of two .* {FEWEST} of each"):
        Spread.of(similarities[1:], same[1:], "mine")
    with pytest.raises(lfs.LFSError, match="one similarity"):
        Spread.of([0.5] * 60, same, "mine")


def flat(images: torch.Tensor) -> torch.Tensor:
    return images.mean(dim=(2, 3)) + 0.01


def test_an_explanation_says_how_sure_its_decision_is() -> None:
    class Flat(torch.nn.Module):
        name, image_size = "flat", 16

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return flat(images)

    network = Flat()
    a, b = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    e = lfs.load_explainer("centre", network)(a, b)
    assert e.confidence is None and e.to_dict()["confidence"] is None
    assert confidence_words(e.confidence) == "confidence not known"
    assert "`lfs evaluate` measures" in confidence_means(e)
    network.spread = Spread((0.9, 0.1), (0.2, 0.2), (50, 60), "grey squares")
    e = lfs.load_explainer("centre", network)(a, b)
    assert e.confidence == network.spread.confidence(e.similarity, e.is_similar)
    assert e.to_dict()["confidence"] == e.confidence
    assert "50 pairs of one and 60 of two, of grey squares" in confidence_means(e)
    assert confidence_words(0.9666) == "confidence 96.7%"


def test_what_was_measured_is_found_again_by_what_the_network_computes(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    one, other = torch.nn.Flatten(), torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 2))
    assert known_spread("mine", one) is None
    spread = Spread((0.9, 0.1), (0.2, 0.2), (50, 60), "mine")
    keep_spread(one, spread)
    assert known_spread("another name", one) == spread
    assert known_spread("mine", other) is None  # whatever it is called


def test_networks_that_ship_know_how_sure_they_are() -> None:
    from lfs_core.embedders import EMBEDDERS

    for name, spread in shipped_spreads().items():
        assert name in EMBEDDERS
        assert spread.genuine[0] > spread.impostor[0] and min(spread.number) >= 100


@pytest.mark.parametrize(("distance", "known"), [("cosine", True), ("euclidean", False)])
def test_a_spread_says_nothing_of_another_distance(distance: str, known: bool) -> None:
    """A spread of cosines would call a Euclidean similarity of -0.2 a stranger's."""
    network = SimpleNamespace(spread=Spread((0.6, 0.1), (0.1, 0.1), (50, 50), "pairs"))
    assert spread_of(network) is network.spread
    network.distance = distance
    assert (spread_of(network) is not None) == known


def test_a_part_of_a_network_that_is_called_spread_is_refused(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text(
        "import torch\n\n\n"
        "class Network(torch.nn.Module):\n"
        "    image_size = 8\n\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.spread = torch.nn.Conv2d(3, 4, 3)\n\n"
        "    def forward(self, images):\n"
        "        return self.spread(images).mean(dim=(2, 3))\n",
        encoding="utf-8",
    )
    with pytest.raises(lfs.LFSError, match="a part called 'spread'"):
        lfs.load_embedder(f"{tmp_path / 'part.py'}:Network")
