"""Claims about maps under every reading: questions about maps, and their answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from squares import save_squares
from torch import Tensor

import lfs_core as lfs
from lfs_core.evaluation.metrics.agreement import MEASURES, agreement_beyond_chance
from lfs_core.evaluation.metrics.base import SIDE
from lfs_core.evaluation.metrics.continuity import TENTHS
from lfs_core.evaluation.metrics.parts import shares
from lfs_core.evaluation.results import KINDS
from lfs_core.evaluation.statistics import bootstrap_means
from lfs_core.findings import map_readings as found
from lfs_core.findings.claims import CLAIMS, Claim
from lfs_core.findings.intervals import Interval, Verdict
from lfs_core.findings.ledger import verdict_of
from lfs_core.findings.readings import Reading
from lfs_core.findings.stored import results_in
from lfs_core.studies import map_questions as ask
from lfs_core.studies import map_readings as study
from lfs_core.studies import workshop
from lfs_core.training.decoders import ConvDecoder, LinearDecoder
from lfs_core.viz.specification import claim_charts

LATENTS = 12
GENERATOR = torch.Generator()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    GENERATOR.manual_seed(0)


def draw(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=GENERATOR)


def colours(images: Tensor) -> Tensor:
    """A network: the mean colours of quarters, (B,12)."""
    return torch.nn.functional.adaptive_avg_pool2d(images, 2).flatten(1) - 0.5


def linear(rank: int) -> LinearDecoder:
    decoder = LinearDecoder(LATENTS, (SIDE, SIDE), rank)
    decoder.up.data, decoder.down.data = draw(3 * SIDE**2, rank) - 0.5, draw(rank, LATENTS) - 0.5
    decoder.latent_min.copy_(-draw(LATENTS))
    decoder.latent_max.copy_(draw(LATENTS))
    return decoder


@pytest.mark.parametrize("latents", ["raw", "scaled"])
@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_maps_are_those_of_the_method(kind: str, latents: str) -> None:
    torch.manual_seed(0)
    decoder = linear(5) if kind == "linear" else ConvDecoder(LATENTS, (SIDE, SIDE), 8).eval()
    images = draw(4, 2, 3, SIDE, SIDE)
    images[0, 1] = images[0, 0] * 0.9
    h = torch.stack([colours(images[:, k]) for k in (0, 1)], dim=1)
    similar = torch.cosine_similarity(h[:, 0], h[:, 1]) > 0.3
    explain = lfs.load_explainer("explainlfs", colours, decoder=decoder, p=0.6, latents=latents)
    expected = torch.stack([explain(a, b).maps for a, b in images])
    ours = ask.lfs_maps(decoder, h, similar, 0.6, latents)
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=0)


def test_ranks_give_spearmans_correlation() -> None:
    a, b = (draw(2, 5, 5) * 6).round(), draw(2, 5, 5)  # with ties
    for k in range(2):
        ours = (ask.ranks(a)[k] * ask.ranks(b)[k]).sum().item()
        assert ours == pytest.approx(spearmanr(a[k].flatten(), b[k].flatten()).statistic)


def test_a_decoder_of_one_direction_has_one_map() -> None:
    """D(h) = u (v h): every map is |u|, whatever the pair, its partner, p and the latents."""
    decoder, h = linear(1), draw(6, 2, LATENTS) - 0.5
    similar = torch.tensor([True, True, True, False, False, False])
    maps = torch.cat([ask.lfs_maps(decoder, h, similar, p, "scaled") for p in (0.1, 0.9)])
    shape = decoder.up.abs().view(3, SIDE, SIDE).mean(dim=0)
    torch.testing.assert_close(maps, (shape / shape.max()).expand_as(maps), atol=1e-4, rtol=0)
    ranks = ask.ranks(maps[:6])
    torch.testing.assert_close(ask.with_others(ranks, similar), torch.ones(6).double())


def test_with_a_linear_decoder_p_changes_nothing() -> None:
    decoder, h = linear(7), draw(3, 2, LATENTS) - 0.5
    similar = torch.tensor([True, False, True])
    low, high = (ask.ranks(ask.lfs_maps(decoder, h, similar, p)) for p in (0.1, 0.9))
    assert (low * high).sum(dim=-1).min() > 0.999


def test_agreement_is_that_of_the_metric() -> None:
    """With four pairs of each decision the metric, too, takes all other pairs."""
    maps, others = draw(8, 2, SIDE, SIDE), draw(8, 2, SIDE, SIDE)
    similar = torch.tensor([True, False] * 4)
    ours, theirs = (of(maps, others, similar) for of in (ask.agreement, agreement_beyond_chance))
    assert list(ours) == list(theirs)
    for measure, both in theirs.items():
        for one, expected in zip(ours[measure], both, strict=True):
            torch.testing.assert_close(one.double(), expected, atol=1e-6, rtol=0)


def test_a_pair_that_is_alone_has_no_others() -> None:
    similar = torch.tensor([True, False, False])
    alike = ask.with_others(ask.ranks(draw(3, 2, 4, 4)), similar)
    assert alike.isnan().tolist() == [True, False, False]


def test_partners_are_exchanged_where_the_decision_stays() -> None:
    e = torch.eye(3)
    h = torch.stack(
        [torch.stack(of) for of in ((e[0], e[1]), (e[1], e[2]), (e[2], e[2]), (e[2], e[0]))]
    )
    similar = torch.tensor([False, False, True, False])
    # Dissimilar are 0, 1 and 3. 0 meets e2, 1 meets e0, and 3 meets e1: all stay apart.
    places, swapped = ask.other_partners(h, similar, 0.3)
    assert places.tolist() == [0, 1, 3]
    assert torch.equal(
        swapped, torch.stack([torch.stack(of) for of in ((e[0], e[2]), (e[1], e[0]), (e[2], e[1]))])
    )
    h[1, 1] = e[0]  # now 0 would meet its like
    assert ask.other_partners(h, similar, 0.3)[0].tolist() == [1, 3]


def test_shares_of_parts() -> None:
    maps, regions = draw(2, 2, 8, 8), draw(2, 2, 3, 8, 8) > 0.7
    ours = ask.shares_of_parts(maps, regions)
    for k in range(2):
        expected = torch.stack([shares(maps[k, i], regions[k, i]) for i in (0, 1)]).mean(dim=0)
        torch.testing.assert_close(ours[k], expected)
    even = ask.shares_of_parts(torch.ones(2, 2, 8, 8), regions)
    torch.testing.assert_close(even, torch.ones(2, 3))
    regions[1, 0] = False  # no face was found
    assert ask.shares_of_parts(maps, regions)[1].isnan().all()


@pytest.mark.parametrize(
    ("eyes", "nose", "mouth", "margin"),
    [(2.0, 1.5, 3.0, 0.5), (2.0, 1.9, 2.05, 0.05), (2.0, 1.5, 1.2, -0.8), (1.2, 0.9, 2.0, -0.1)],
)
def test_the_order_of_the_parts(eyes: float, nose: float, mouth: float, margin: float) -> None:
    of_parts = np.array([[eyes - 0.1, nose, mouth], [eyes + 0.1, nose, mouth]])
    assert ask.smallest_margin(np.ones((1, 2)), of_parts)[0] == pytest.approx(margin)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=8, max_size=8).filter(lambda x: np.ptp(x) > 0))
def test_rank_correlation_over_pairs(y: list[int]) -> None:
    x = np.arange(8.0) ** 2
    ours = ask.rank_correlations(np.ones((1, 8)), x, np.array(y, dtype=float))[0]
    assert ours == pytest.approx(spearmanr(x, y).statistic)
    assert np.isnan(ask.rank_correlations(np.ones((1, 8)), x, np.ones(8))[0])


def test_maps_that_follow_a_displacement() -> None:
    size = torch.tensor(TENTHS).abs().double()
    changes = torch.stack([size**2, -size, torch.full_like(size, 0.3)])
    follows = ask.follows_displacement(changes)
    torch.testing.assert_close(follows[:2], torch.tensor([1.0, -1.0]).double())
    assert follows[2] == 0  # it follows nothing


@settings(deadline=None)
@given(st.floats(-1, 1), st.floats(-0.1, 0.1))
def test_the_slope_per_halving_of_the_error(start: float, slope: float) -> None:
    errors = torch.tensor([0.04, 0.02, 0.01, 0.03])
    scores = torch.stack([start - slope * errors.double().log2(), torch.zeros(4).double()])
    found_slopes = ask.per_halving(scores, errors)
    assert found_slopes.tolist() == pytest.approx([slope, 0.0], abs=1e-6)


def test_the_score_is_the_area_above_the_curve() -> None:
    flat, falling = torch.ones(4), 1 - torch.tensor([0.0, 6, 13, 20]) / 20
    lost = study.lost(torch.stack([flat, falling]))
    assert lost.tolist() == pytest.approx([0.0, 0.5])


def test_a_black_box_has_nothing_inside_and_gives_the_same_maps() -> None:
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())
    box = study.black_box(network)
    assert not isinstance(box, torch.nn.Module) and not hasattr(box, "parameters")
    images = draw(2, 3, SIDE, SIDE)
    assert torch.equal(box(images.requires_grad_().detach()), network(images).detach())
    a, b = images.detach()
    maps = [lfs.ExplainLFS(of, linear(3).requires_grad_(False))(a, b).maps for of in (network,)]
    GENERATOR.manual_seed(0)
    draw(2, 3, SIDE, SIDE)
    again = lfs.ExplainLFS(box, linear(3).requires_grad_(False))(a, b).maps
    assert torch.equal(maps[0], again)


def test_numbers_leave_unknown_pairs_out() -> None:
    values = draw(30).double()
    values[3] = torch.nan
    classes = np.arange(60).reshape(30, 2) // 4
    numbers = study.Numbers(classes)
    numbers.mean("q", {"a": "b"}, values)
    numbers.mean("q", {"a": "nobody"}, values, values < -1)
    (row,) = numbers.rows
    expected = bootstrap_means(
        np.delete(values.numpy(), 3), study.DRAWS, classes=np.delete(classes, 3, axis=0)
    )
    assert row["found"] == [*(pytest.approx(float(of), abs=1e-4) for of in expected), 29]
    table = study.tables([{"images": "x", **row}, {"images": "y", **row}])
    assert table["q"]["choices"] == ["images", "a"]
    assert table["q"]["rows"][1] == ["y", "b", *row["found"]]


@settings(deadline=None)
@given(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.001, 1))
def test_within_a_tolerance(mean: float, down: float, up: float, limit: float) -> None:
    of = Interval(mean, mean - down, mean + up)
    margin = found.within(of, limit)
    assert margin.low <= margin.mean <= margin.high
    inside = -limit < of.low and of.high < limit
    outside = of.low > limit or of.high < -limit
    expected = "holds" if inside else "fails" if outside else None
    if expected:
        assert margin.above() == expected
    elif min(abs(abs(of.low) - limit), abs(abs(of.high) - limit)) > 1e-9:
        assert margin.above() == "not shown"


RUN = {
    "manifest": {
        "images": [
            {"name": "faces", "network": "facenet-casia", "number": 9},
            {"name": "birds", "network": "efficientnet-lite0-cub", "number": 9},
        ]
    },
    "questions": {
        "p": {
            "choices": ["images", "network", "decoder", "p"],
            "rows": [
                ["faces", "facenet-casia", "mlp", "0.1", 0.99, 0.97, 1.0, 9],
                ["faces", "facenet-casia", "mlp", "0.9", 0.50, 0.40, 0.6, 9],  # close to 1
            ],
        },
    },
    "decoders": [  # the score of one grows by 0.1 while the error falls, the other's does not
        {"decoder": kind, "error": 0.04 / 2**k, "score": dict.fromkeys(KINDS, per_halving * k)}
        for kind, per_halving in (("mlp", 0.05), ("conv", 0.0))
        for k in range(3)
    ],
}


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "map-readings.json").write_text(json.dumps(RUN), encoding="utf-8")
    with results_in(tmp_path):
        yield tmp_path


@pytest.mark.usefixtures("stored")
def test_readings_are_the_stored_rows() -> None:
    (one,) = found.p()
    assert one.choices == {"images": "faces", "decoder": "MLP"}
    assert (one.found.mean, one.found.low) == pytest.approx((0.04, 0.02))
    assert one.found.pairs == 9 and one.verdict == "holds"
    assert [reading.verdict for reading in found.error()] == ["fails", "holds"]
    text, verdict = found.error_matters()
    assert "MLP decoders, similar pairs 0.100 [0.100, 0.100] (n = 3)" in text
    assert verdict == "fails"


def test_a_slope_is_as_sure_as_there_are_decoders(stored: Path) -> None:
    """Against least squares by hand: the interval is over decoders, not over pairs."""
    scores, errors = np.array([0.1, 0.12, 0.2, 0.11]), np.array([0.04, 0.03, 0.02, 0.01])
    decoders = [
        {"decoder": "mlp", "error": error, "score": dict.fromkeys(KINDS, score)}
        for error, score in zip(errors.tolist(), scores.tolist(), strict=True)
    ]
    run = json.dumps(RUN | {"decoders": decoders})
    (stored / "map-readings.json").write_text(run, encoding="utf-8")
    x = -np.log2(errors) + np.log2(errors).mean()
    slope = (x @ scores) / (x @ x)
    left = scores - scores.mean() - slope * x
    half = 4.303 * (left @ left / 2 / (x @ x)) ** 0.5  # Student's t with 2 degrees of freedom
    slope, half = 2 * slope, 2 * half  # the errors span two halvings
    text, verdict = found.error_matters()
    assert f"{slope:.3f} [{slope - half:.3f}, {slope + half:.3f}] (n = 4)" in text
    assert verdict == "not shown"


def test_networks_are_told_where_images_have_several(stored: Path) -> None:
    again = json.dumps(RUN).replace("facenet-casia", "mobilenet-vggface2")
    (stored / "map-readings-dlib.json").write_text(again, encoding="utf-8")
    networks = [of.choices["network"] for of in found.p()]
    assert networks == ["FaceNet (CASIA-WebFace)", "MobileNet (VGGFace2)"]


@pytest.fixture
def squares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of 120 coloured squares in 20 classes, a network, and quick decoders."""
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    save_squares(tmp_path / "squares", 120)

    class Colours(torch.nn.Module):
        name, image_size, framing = "colours", 16, "whole"

        def forward(self, images: Tensor) -> Tensor:
            return colours(images)

    monkeypatch.setattr(workshop, "load_embedder", lambda name: Colours())
    for module in (workshop, study):
        monkeypatch.setattr(module, "DEEP", {"epochs": 1, "patience": 1})
    for name, value in {
        "CELEBA": "squares",
        "REFITTED": 40,
        "SOME": 10,
        "SHUFFLES": range(1),
        "FEWER": (40, 60),
        "IDENTICAL": 4,
        "PS": (0.3, 0.9),
    }.items():
        monkeypatch.setattr(study, name, value)
    regions = torch.zeros(3, SIDE, SIDE, dtype=torch.bool)
    for k in range(3):
        regions[k, 10 * k : 10 * k + 8] = True
    monkeypatch.setattr(study, "parts_of", lambda image: regions)
    return tmp_path


def test_the_whole_study_on_a_black_box(squares: Path) -> None:
    source = workshop.Source("squares", "colours", "whole")
    images = study.Images("faces", "squares", source, 24, faces=True)
    readings = study.MapReadings((images,))
    stored = json.loads(json.dumps(readings(squares)))
    asked = set(stored["questions"])
    assert asked == {
        *("black box", "map threshold", "other pairs", "other partner", "p", "pixels shown"),
        *("parts", "shuffled", "decided", "displaced", "error"),
    }  # SIMExpert has no layers to look at
    assert all(row[-4] == 1 for row in stored["questions"]["black box"]["rows"])
    assert all(row[-4] == 1 for row in stored["questions"]["map threshold"]["rows"])
    for table in stored["questions"].values():
        for row in table["rows"]:
            mean, low, high, pairs = row[len(table["choices"]) :]
            assert low <= mean + 1e-4 and mean <= high + 1e-4 and 2 <= pairs <= 40
    linear_p = [
        row
        for row in stored["questions"]["p"]["rows"]
        if row[stored["questions"]["p"]["choices"].index("decoder")] == "linear"
    ]
    assert linear_p and all(row[-4] > 0.999 for row in linear_p)
    assert len(stored["decoders"]) == 6 + 6 + 6
    assert readings.on("other", "weights.pt").images[0].source.weights == "weights.pt"


@pytest.mark.parametrize(
    ("judged", "read", "verdict"),
    [
        ("not reproduced here", True, "not reproduced here"),
        ("holds", True, "depends"),
        ("fails", False, "fails"),
    ],
)
def test_what_is_not_reproduced_stays_so(judged: Verdict, read: bool, verdict: Verdict) -> None:
    readings = [Reading({}, Interval(*of)) for of in ((1, 0.5, 2), (-1, -2, -0.5))]
    found_in_all = (lambda: readings) if read else None
    claim = Claim("3", "So it is.", "It is.", "faces", lambda: ("1", judged), found_in_all)
    assert verdict_of(claim) == verdict
    titles = [chart.title for chart in claim_charts([claim])]
    assert titles == ([f"1. So it is. ({verdict}, 2 readings)"] if read else [])


def test_every_claim_has_readings_and_keeps_its_number() -> None:
    assert len(CLAIMS) == 21 == len({claim.statement for claim in CLAIMS})
    assert all(claim.readings for claim in CLAIMS)
    numbered = {1: "3", 3: "3", 4: "1", 5: "4.1", 7: "4.1", 9: "4.1", 12: "4.2", 17: "4.3.2"}
    assert {number: CLAIMS[number - 1].section for number in numbered} == numbered
    assert "affect the method's performance" in CLAIMS[11].statement


def test_the_least_of_five_equal_margins_seldom_fails() -> None:
    """Eyes, nose and mouth have an even spread: all margins are 0, and no order is wrong."""
    false, pairs = 0, 100
    for seed in range(200):
        random = np.random.default_rng(seed)
        of_parts = random.normal(1, 1, size=(pairs, 3))
        drawn = random.multinomial(pairs, np.full(pairs, 1 / pairs), 400).astype(float)
        mean = float(ask.smallest_margin(np.ones((1, pairs)), of_parts)[0])
        low, high = np.percentile(ask.smallest_margin(drawn, of_parts), [2.5, 97.5])
        margin = found.not_too_low(Interval(mean, min(low, mean), max(high, mean), pairs))
        false += Reading({}, margin, found.MARGINS).verdict == "fails"
    assert false <= 10  # of 200, at 5 %


def test_intervals_of_agreement_with_other_pairs_hold_the_truth() -> None:
    """Maps with a common part, whose true mean agreement is known: 95 % of intervals hold it.

    Of one method with itself, and of two that differ; rows alone hold it in fewer than 80 %.
    """
    pairs, places, tries = 25, 60, 300
    common = np.random.default_rng(0).normal(size=places)
    true = common @ common
    held, plain = np.zeros(2), 0
    for seed in range(tries):
        random = np.random.default_rng(seed)
        drawn = random.normal(1, 0.5, size=(2, pairs, 1)) * common
        own, other = torch.from_numpy(drawn + random.normal(size=(2, pairs, places)))
        vectors = [of[:, None].repeat(1, 2, 1) for of in (own, other)]
        for k in range(2):
            values = ask.with_other_pairs(vectors[0], vectors[k]).numpy()
            held[k] += abs(values.mean() - true) < 1.96 * values.std(ddof=1) / pairs**0.5
        table = (own @ own.T).fill_diagonal_(0)
        rows = (table.sum(dim=1) / (pairs - 1)).numpy()
        plain += abs(rows.mean() - true) < 1.96 * rows.std(ddof=1) / pairs**0.5
    assert plain / tries < 0.8
    assert ((held / tries >= 0.9) & (held / tries <= 0.98)).all()


@pytest.mark.parametrize("measure", ["structural similarity", "overlap of the strongest tenth"])
def test_both_rows_and_columns_of_pairs_with_pairs_count(measure: str) -> None:
    """By hand, from the whole table, with four pairs: SSIM's next three are all others."""
    maps, others = draw(4, 2, SIDE, SIDE), draw(4, 2, SIDE, SIDE)
    by = MEASURES[measure]
    table = torch.stack(
        [torch.stack([by(own, other).double().mean() for other in others]) for own in maps]
    ).fill_diagonal_(0)
    expected = (table.sum(dim=1) + table.sum(dim=0)) / 3 - table.sum() / 12
    found = ask.agreement(maps, others, torch.ones(4, dtype=torch.bool))[measure][1]
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=0)


def test_the_threshold_of_the_paper_is_judged_where_it_is_used() -> None:
    """MobileNet and dlib have thresholds of their own; shares are those of the file."""
    rows = found.stored_run(found.STUDY)["questions"]["decided"]["rows"]
    assert [round(of.found.mean + 0.9, 4) for of in found.decided()] == [row[-4] for row in rows]
    assert len(rows) == 4


def test_numbers_of_the_paper_have_readings() -> None:
    sources = ("CUB-200 birds", "Cars-196")
    readings = found.decoded(sources, (0.03, 0.05))
    assert {of.choices["images"] for of in readings} == set(sources)
    linear_cars = [of.found for of in readings if of.choices["images"] == "Cars-196"]
    assert any(of.mean > 0 for of in linear_cars)
    assert all(of.found.low <= of.found.mean <= of.found.high for of in readings)
    assert {of.choices["network"] for of in found.nearest()} >= {"trained network"}
