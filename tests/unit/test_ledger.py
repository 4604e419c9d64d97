"""The ledger and the pages of the evaluation: every number again, from the raw results alone."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import get_args

import numpy as np
import plotly.graph_objects as go
import pytest
from scipy.stats import spearmanr

import lfs_core as lfs
from lfs_core.decoder import decoder_title
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import load_results
from lfs_core.findings import parameter_tables, score_tables, stored
from lfs_core.findings.claims import CLAIMS
from lfs_core.findings.intervals import Interval, Verdict, interval, joint_verdict
from lfs_core.findings.judges import part_ratios
from lfs_core.findings.ledger import ledger, ledger_markdown
from lfs_core.findings.stored import origin_line, stored_evaluation
from lfs_core.util.manifest import RESULTS
from lfs_core.viz import score_figures

FLIPS, FEW = "selectivity,every=2", "selectivity,every=5"
OWN, RANDOM = "explainlfs", "explainlfs,relevance=random"
KINDS = ("similar", "dissimilar")
EVALUATIONS = (
    "faces",
    "fills",
    "verification",
    "road",
    "all-methods",
    "behaviour",
    "continuity",
    "birds",
    "cars",
    "mosaics",
    "randomised",
)


@cache
def raw(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def of_kind(name: str, kind: str) -> np.ndarray:
    similar = np.array(raw(name)["similarity"]) > raw(name)["manifest"]["threshold"]
    return similar if kind == "similar" else ~similar


def numbers(name: str, explainer: str, metric: str) -> np.ndarray:
    return np.array(raw(name)["measured"][explainer][metric], dtype=float)


def moved(name: str, explainer: str, metric: str, kind: str) -> np.ndarray:
    """By how much curves lie below their beginning, or above it for dissimilar pairs."""
    curves = numbers(name, explainer, metric)[of_kind(name, kind)]
    area = ((curves[:, 1:] + curves[:, :-1]) / 2).mean(axis=1)
    return (curves[:, 0] - area) * (1 if kind == "similar" else -1)


def advantages(names: tuple[str, ...], metric: str, others: tuple[str, ...]) -> list[np.ndarray]:
    return [
        moved(name, OWN, metric, kind) - moved(name, other, metric, kind)
        for name in names
        for kind in KINDS
        for other in others
    ]


def first_columns(explainer: str, metric: str, kind: str, columns: int) -> list[np.ndarray]:
    of = numbers("behaviour", explainer, metric)[of_kind("behaviour", kind)]
    return [of[:, k] for k in range(columns)]


def judged(name: str) -> tuple[np.ndarray, np.ndarray]:
    of = raw("judgement")["with_expert"][name]["rank correlation"]
    return np.array(of["same_pair"]), np.array(of["other_pairs"])


def followed(explainer: str) -> np.ndarray:
    size = [*range(1, 11), *range(10, 0, -1)]
    curves = numbers("continuity", explainer, "continuity")
    return np.array([spearmanr(size, curve).statistic for curve in curves if np.ptp(curve) > 0])


def over_draws(kind: str) -> list[np.ndarray | float]:
    """The mean advantage over random relevance in each draw; and the least and largest of them."""
    run = raw("draws")
    kept = (np.array(run["similarity"]) > run["manifest"]["threshold"]) == (kind == "similar")
    at = np.array([0, *run["manifest"]["shares"]])
    means = []
    for test in run["tests"]:
        of = {name: np.array(curves, dtype=float)[kept] for name, curves in test["curves"].items()}
        (own,) = (name for name in of if "linear" in name and "random" not in name)
        (other,) = (name for name in of if "linear" in name and "random" in name)
        area = {name: np.trapezoid(of[name], at, axis=1) / at[-1] for name in (own, other)}
        further = area[other] - area[own] + of[own][:, 0] - of[other][:, 0]
        means.append(further.mean() * (1 if kind == "similar" else -1))
    return [np.array(means), min(means), max(means)]


def expected(statement: str) -> list[np.ndarray | float]:
    """What a claim's result has to show, in the order in which it is printed."""
    rivals = ("simexpert", "tummala", "utkin")
    hyper = raw("hyperparameters")["decoders"]
    if "relevance R" in statement:
        return [of for kind in KINDS for of in over_draws(kind)]
    if "most relevant ones" in statement:
        return advantages(("faces",), FLIPS, ("random",))
    if "better than Tummala" in statement:
        return advantages(("faces",), FLIPS, rivals)
    if "on birds and cars" in statement:
        return advantages(("birds", "cars"), FEW, rivals)
    if "become" in statement:
        kind, sign = ("similar", 1) if statement.startswith("Similar") else ("dissimilar", -1)
        of = (numbers("faces", name, FLIPS)[of_kind("faces", kind)] for name in (OWN, "random"))
        return [sign * (curves[:, 0] - curves[:, 10]) for curves in of]
    if "six" in statement:
        own, other = (
            numbers("faces", of, FLIPS)[of_kind("faces", "similar")] for of in (OWN, "random")
        )
        return [own[:, 0] - own[:, 3], other[:, 3] - own[:, 3] + own[:, 0] - other[:, 0]]
    if "this pair" in statement:
        return [of_shipped("other pairs", "similar"), of_shipped("other partner", "dissimilar")]
    if "has learnt" in statement:
        return [
            np.array(found["rank correlation"]["same_pair"])
            for name, found in raw("judgement")["with_forgotten"].items()
            if name.startswith("randomised,") and "seed=" not in name
        ]
    if "0.3 separates" in statement:
        same = np.array(raw("faces")["same"]).astype(bool)
        return [(of_kind("faces", "similar") == same).astype(float)]
    if "sensitive to p" in statement:
        return [
            np.array(of["p"][p]["rank correlation"])
            for of in hyper.values()
            for p in ("0.1", "0.6")
        ]
    if "threshold of the map" in statement:
        shown = {k: np.array(v) for k, v in hyper["linear"]["shown"].items()}
        return [shown["0.6"], shown["0.7"], shown["0.8"]]
    if "mouth, eyes and nose" in statement:
        eyes, nose, mouth = first_columns(OWN, "parts", "similar", 3)
        return [mouth, eyes, nose]
    if "more pixels" in statement:
        shown = numbers("behaviour", OWN, "shown").mean(axis=1)
        kind = of_kind("behaviour", "similar")
        return [spearmanr(np.array(raw("behaviour")["similarity"])[kind], shown[kind]).statistic]
    if "affect the method's performance" in statement:
        stored = RESULTS / "map-readings.json"
        found = raw("map-readings")["decoders"] if stored.is_file() else []
        lines = []
        for kind in dict.fromkeys(row["decoder"] for row in found):
            x = -np.log2([row["error"] for row in found if row["decoder"] == kind])
            for pairs in KINDS:
                y = [row["score"][pairs] for row in found if row["decoder"] == kind]
                lines.append(np.polyfit(x, y, 1)[0] * np.ptp(x))
        return lines
    if "0.94 to 0.98" in statement:
        return [
            np.array(row["nearest"]["cosine"])
            for row in raw("retrieval")["explanations"]
            if row["decoder"] == "linear" and "trained" in row["source"]
        ]
    if "displaced" in statement:
        largest = np.nanmax(numbers("continuity", OWN, "continuity"))
        pairs = len(numbers("continuity", OWN, "continuity"))
        return [largest, np.zeros(pairs), followed(f"{OWN},decoder=conv")]
    if "closer to SIMExpert" in statement:
        same, chance = judged(OWN)
        ahead = [same - chance - np.subtract(*judged(other)) for other in ("tummala", "utkin")]
        return [same, same - chance, *ahead]
    if "decoded with" in statement:
        found = []
        sources = ("CelebA, aligned faces",)
        for source in sources if "Faces" in statement else ("CUB-200 birds", "Cars-196"):
            of_source: dict[tuple, list[float]] = {}
            for row in raw("decoding")["rows"]:
                if row["source"] == source and row["all_images"]:
                    kind = (row["decoder"], row["mirrored"], row["ssim"])
                    of_source.setdefault(kind, []).append(row["error"])
            found.append(min(np.mean(errors) for errors in of_source.values()))
        return found
    return []


def of_shipped(question: str, kind: str) -> float:
    """The mean that a run found for the shipped linear decoder, raw latents, p = 0.3, faces."""
    rows = raw("map-readings")["questions"][question]["rows"]
    wanted = {"faces", "linear", "shipped", "raw", "0.3", kind}
    (found,) = [row for row in rows if wanted <= set(map(str, row))]
    return found[-4]


def test_maps_of_other_pairs_agree_as_much_in_another_study() -> None:
    """Which compares each pair with twenty others only, and has SIMExpert's maps of all."""
    judged = raw("judgement")
    others = np.array(judged["with_itself"]["rank correlation"]["other_pairs"])
    similar = np.array(judged["is_similar"]).astype(bool)
    for kind, of in (("similar", similar), ("dissimilar", ~similar)):
        assert others[of].mean() == pytest.approx(of_shipped("other pairs", kind), abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(CLAIMS)))
def test_every_number_of_the_ledger_again(place: int) -> None:
    line = lines().iloc[place]
    wanted = expected(line["claim"])
    number = r"(-?\d\.\d{3,4})(?: \[(-?\d\.\d{3}), (-?\d\.\d{3})\](?: \(n = (\d+)\))?)?"
    printed = re.findall(number, line["result"])
    if not wanted:  # the one claim without a measurement
        assert line["section"] == "3" and "ran on FaceNet (CASIA-WebFace)" in line["result"]
        return
    assert len(printed) == len(wanted), line["result"]
    for (mean, low, high, pairs), values in zip(printed, wanted, strict=True):
        values = np.asarray(values, dtype=float)
        assert float(mean) == pytest.approx(np.nanmean(values), abs=6e-4)
        if low and values.ndim:
            # The interval of a normal mean is close to that of the bootstrap, but wider where
            # pairs share classes: of 37 and 30 classes of birds and cars much, of people little.
            known = values[np.isfinite(values)]
            assert int(pairs or len(known)) == len(known)
            error = 1.96 * known.std() / np.sqrt(len(known))
            widest = 6 if "birds and cars" in line["claim"] else 1.7 if len(known) > 20 else 2.5
            for end in (low, high):
                half = abs(float(end) - known.mean())
                assert 0.75 * error - 0.002 <= half <= widest * error + 0.002


@cache
def lines() -> object:
    return ledger()


def test_the_ledger_is_whole() -> None:
    table = lines()
    assert len(table) == len(CLAIMS) >= 14
    assert set(table["verdict"]) <= set(get_args(Verdict))
    assert (table[["section", "claim", "test", "result", "command"]].map(len) > 0).all(axis=None)
    for command in table["command"]:
        name = command.split()[2]
        assert raw(name)["manifest"]["command"].startswith(f"lfs study {name} ")


def test_the_ledger_in_words_holds_every_line() -> None:
    text = ledger_markdown(lines())
    for number, line in lines().iterrows():
        assert (
            f"**{number}. {line['claim']}** Section {line['section']}: *{line['verdict']}*" in text
        )
        assert all(f": {line[part]}" in text for part in ("test", "result", "readings"))
        assert f"`{line['command']}`" in text


def test_verdicts_follow_from_intervals() -> None:
    sure, unsure = Interval(0.2, 0.1, 0.3), Interval(0.05, -0.1, 0.2)
    assert sure.above() == "holds" and sure.above(0.5) == "fails"
    assert sure.below() == "fails" and sure.below(0.5) == "holds"
    assert unsure.above() == unsure.below() == sure.above(0.2) == "not shown"
    assert joint_verdict([sure, sure]) == "holds"
    assert joint_verdict([sure, unsure]) == "not shown"
    assert joint_verdict([unsure, sure.minus(0.5), sure]) == "fails"
    assert str(sure) == "0.200 [0.100, 0.300]"
    assert str(interval([0.5, np.nan, 0.5])) == "0.500 [0.500, 0.500] (n = 2)"


@pytest.mark.parametrize("name", EVALUATIONS)
def test_stored_evaluations(name: str) -> None:
    results = load_results(RESULTS / f"{name}.json")
    manifest = results.manifest
    assert {"tier", "pairs", "number", "seeds", "embedder", "commit", "digest"} <= set(manifest)
    assert len(results.same) == manifest["number"]
    assert results.explainers == list(manifest["explainers"])
    assert results.metrics == list(manifest["metrics"])
    for explainer, of in results.measured.items():
        for metric, measured in of.items():
            assert len(measured) == manifest["number"], (explainer, metric)
            if metric.startswith("selectivity"):
                clean = measured[:, 0]
                assert (clean - results.similarity).abs().nan_to_num().max() < 2e-4


def test_pixel_flipping_is_on_as_many_pairs_as_it_says() -> None:
    for name in ("faces", "birds", "cars", "fills"):
        found = load_results(RESULTS / f"{name}.json")
        assert len(found.same) >= 500 and len(set(found.seed.tolist())) >= 5
        for kind in KINDS:
            assert of_kind(name, kind).sum() >= 150


def test_tables_of_scores() -> None:
    results = load_results(RESULTS / "faces.json")
    table = score_tables.scores_table(results, FLIPS)
    assert list(table.index) == [reader_name(of) for of in results.explainers]
    for explainer, (_, line) in zip(results.explainers, table.iterrows(), strict=True):
        for kind in KINDS:
            values = moved("faces", explainer, FLIPS, kind)
            mean = float(re.match(r"-?\d\.\d{3}", line[kind])[0])
            assert mean == pytest.approx(values.mean(), abs=6e-4)
    assert table.loc["Random map", "similar: beats controls"] == "control"
    places = score_tables.ranking(results, FLIPS, "similar")
    best = min(results.explainers, key=lambda of: -moved("faces", of, FLIPS, "similar").mean())
    assert places[results.explainers.index(best)] == 1
    assert sorted(places) == list(range(1, len(places) + 1))
    some = ["centre", "occlusion", OWN]
    worst_first = sorted(some, key=lambda of: moved("faces", of, FLIPS, "similar").mean())
    among = score_tables.ranking(results, FLIPS, "similar", some)
    assert [some[k] for k in np.argsort(-among)] == worst_first
    tau = score_tables.stability_table({"a": places, "b": places[::-1], "c": places})
    assert tau.loc["a", "c"] == 1 and tau.loc["a", "a"] == 1 and tau.loc["a", "b"] < 1


@pytest.mark.slow
def test_figures_of_scores() -> None:
    results = load_results(RESULTS / "faces.json")
    chart = score_figures.plot_scores(results, FLIPS)
    order = [reader_name(of) for of in sorted(results.explainers, key=lambda of: -scored(of))]
    names = [
        re.sub("<br>", " ", re.sub("</?i>", "", of)) for of in chart.figure.layout.yaxis.ticktext
    ]
    assert names == order
    explainers = {reader_name(of): of for of in results.explainers}
    for trace, kind in zip(chart.figure.data, KINDS, strict=True):
        for x, y, symbol in zip(trace.x, trace.y, trace.marker.symbol, strict=True):
            name = explainers[names[round(y)]]
            assert x == pytest.approx(moved("faces", name, FLIPS, kind).mean(), abs=1e-6)
            better = results.beats_controls(FLIPS, kind, name)
            assert symbol.endswith("-open") == (not better)
    # Mosaics say something of similar pairs only.
    mosaics = score_figures.plot_scores(load_results(RESULTS / "mosaics.json"), "mosaic", 0.25)
    assert len(mosaics.figure.data) == 1 and mosaics.figure.layout.shapes[0].x0 == 0.25
    curves = score_figures.plot_curves(results, FLIPS, range(0, 21, 2), (OWN, "random"), "flips")
    band, line, *_ = curves.figure.data
    of = numbers("faces", OWN, FLIPS)[of_kind("faces", "similar")]
    np.testing.assert_allclose(line.y, of.mean(axis=0), atol=1e-6)
    assert (np.array(band.y[: len(line.y)]) <= line.y).all()
    judgement = raw("judgement")
    chart = score_figures.plot_agreement_beyond_chance(judgement["with_expert"])
    same, other = judged(OWN)
    for trace, values in zip(chart.figure.data[:2], (same, other), strict=True):
        assert trace.x[
            trace.hovertext.index(next(t for t in trace.hovertext if "<b>ExplainLFS</b>" in t))
        ] == pytest.approx(values.mean())


def scored(explainer: str) -> float:
    return float(moved("faces", explainer, FLIPS, "similar").mean())


def test_the_table_of_hyperparameters() -> None:
    decoders = raw("hyperparameters")["decoders"]
    table = parameter_tables.hyperparameters_table(decoders)
    for kind, of in decoders.items():
        name = decoder_title(kind)
        for p, found in of["p"].items():
            mean = np.mean(found["rank correlation"])
            assert float(table.loc[f"p = {p}", name].split()[0]) == pytest.approx(mean, abs=6e-4)
        for at, shares in of["shown"].items():
            shown = float(table.loc[f"shown above {at}", name].split()[0])
            assert shown == pytest.approx(np.mean(shares), abs=6e-4)
        mean = np.mean(of["other_decision"])
        assert float(table.loc["other decision", name].split()[0]) == pytest.approx(mean, abs=6e-4)
    # Algebra: with a linear decoder p is a factor, which vanishes in a map's own scale.
    assert min(min(of["rank correlation"]) for of in decoders["linear"]["p"].values()) > 0.999


def mean_of(text: str) -> float:
    return float(text.split()[0])


def test_the_table_of_scenes() -> None:
    found = raw("scenes")
    kinds = np.array(found["kinds"])
    table = score_tables.overlap_table(found)
    assert set(table.index) == {reader_name(of) for of in found["scores"]}
    for explainer, of in found["scores"].items():
        for which, name in (("region", "shared part"), ("points", "same points")):
            values = np.array(of[which], dtype=float)
            for kind in ("crops", "stereo"):
                mean = np.nanmean(values[kinds == kind])
                shown = table.loc[reader_name(explainer), f"{name}, {kind}"]
                assert mean_of(shown) == pytest.approx(mean, abs=6e-4)
    scores = {reader_name(explainer): of for explainer, of in found["scores"].items()}
    first, last = (np.mean(scores[table.index[k]]["region"]) for k in (0, -1))
    assert first == max(np.mean(of["region"]) for of in found["scores"].values()) > last


def test_the_tables_of_continuity_and_of_pointing() -> None:
    results = load_results(RESULTS / "continuity.json")
    table = score_tables.measures_table(results)
    assert list(table.index) == [reader_name(explainer) for explainer in results.explainers]
    for explainer in results.explainers:
        ratios = numbers("continuity", explainer, "lipschitz").max(axis=1)
        shown = table.loc[reader_name(explainer), "Local Lipschitz estimate"]
        assert mean_of(shown) == pytest.approx(np.nanmean(ratios), abs=6e-4)
    results = load_results(RESULTS / "behaviour.json")
    table = score_tables.pointing_table(results)
    for explainer, kind in ((of, kind) for of in results.explainers for kind in KINDS):
        _, pointing, similar = numbers("behaviour", explainer, "patch").T  # of the changed copies
        shown = table.loc[reader_name(explainer), kind]
        mean = np.nanmean(pointing[similar == (kind == "similar")])
        assert mean_of(shown) == pytest.approx(mean, abs=6e-4)


def drawn_cells(cells: go.Bar, count: int) -> np.ndarray:
    """The numbers that the colours of a matrix's cells show, where they are seen."""
    drawn = np.full((count, count), np.nan)
    rows = (np.array(cells.base) + np.array(cells.y) / 2).round().astype(int)
    drawn[rows - 1, np.array(cells.x) - 1] = cells.marker.color
    return drawn


def test_the_matrix_of_agreement() -> None:
    found = raw("judgement")
    (cells,) = score_figures.plot_between_methods(found).figure.data
    drawn = drawn_cells(cells, len(found["between_methods"]))
    between = np.array(found["between_methods"])
    apart = ~np.eye(len(between), dtype=bool)
    np.testing.assert_array_equal(drawn[apart], between[apart])
    np.testing.assert_array_equal(np.diag(drawn), found["with_next_pair"])
    assert (between == np.array(raw("judgement")["between_methods"])).all()


def test_more_figures() -> None:
    faces = load_results(RESULTS / "faces.json")
    cells, _ = score_figures.plot_pairwise(faces, FLIPS).figure.data
    by, p = faces.pairwise(FLIPS, "similar")
    np.testing.assert_allclose(drawn_cells(cells, len(by)), np.where(p < 0.05, by, np.nan))
    continuity = load_results(RESULTS / "continuity.json")
    chart = score_figures.plot_continuity(continuity, "continuity", (OWN,))
    drawn = chart.figure.data[-1].y
    np.testing.assert_allclose(drawn, np.nanmean(numbers("continuity", OWN, "continuity"), axis=0))
    chart = score_figures.plot_parts({OWN: part_ratios(OWN, "similar")})
    parts = first_columns(OWN, "parts", "similar", 3)
    for trace, values in zip(chart.figure.data, parts, strict=True):
        assert trace.x[0] == pytest.approx(np.nanmean(values))


@pytest.mark.parametrize(("name", "classes"), [("birds", 37), ("cars", 30), ("faces", 404)])
def test_stored_intervals_know_the_classes_of_pairs(name: str, classes: int) -> None:
    results = stored_evaluation(name)
    assert len(np.unique(results.classes)) == classes
    metric = FLIPS if name == "faces" else FEW
    for kind in KINDS:
        assert results.classes_of(metric, kind).shape == (of_kind(name, kind).sum(), 2)
        for row in results.against(metric, kind, OWN, ["centre", "simexpert"]):
            values = moved(name, OWN, metric, kind) - moved(name, row["other"], metric, kind)
            by_pair = interval(values)
            assert row["pairs"] == by_pair.pairs
            assert row["low"] <= by_pair.low + 1e-4 and by_pair.high - 1e-4 <= row["high"]


def test_classes_of_other_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = raw("road")["manifest"]["digest"]
    monkeypatch.setattr(stored, "_classes", lambda: {digest: [[0, 0]] * 25})
    with pytest.raises(lfs.LFSError, match="lfs study classes"):
        stored_evaluation.__wrapped__("road")


def test_where_a_stored_run_comes_from() -> None:
    for name in EVALUATIONS:
        text = origin_line(raw(name)["manifest"])
        assert f"{raw(name)['manifest']['number']} pairs of" in text
        assert f"lfs study {name} --data DATA" in text


def test_an_unknown_file() -> None:
    with pytest.raises(lfs.LFSError, match="holds no results"):
        load_results(RESULTS / "nothing.json")
