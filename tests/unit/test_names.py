"""Names for readers: words, each its own, and nothing of what machines are told."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import lfs_core as lfs
from lfs_core.comparators import EXPLAINERS, explainer_class
from lfs_core.decoder import DECODERS, decoder_title
from lfs_core.embedders import EMBEDDERS, network_title
from lfs_core.evaluation.metrics.selectivity import FILL_WORDS, FILLS
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import is_control
from lfs_core.evaluation.spec import METRICS
from lfs_core.findings import (
    beyond,
    decoder_tables,
    judges,
    learning_curves,
    orders,
    parameter_tables,
    retrieval_tables,
    score_tables,
)
from lfs_core.findings.ledger import ledger
from lfs_core.findings.people import spelt
from lfs_core.findings.stored import origin_line, stored_evaluation, stored_run
from lfs_core.findings.trust import doubts_about_method, doubts_about_similarity
from lfs_core.util.manifest import RESULTS
from lfs_core.variants import KNOWING_NOTHING, RELEVANCE_WORDS, RELEVANCES
from lfs_core.viz import decoder_figures, pareto, score_figures
from lfs_core.viz.leaderboard import write_leaderboard

FOR_MACHINES = re.compile(r"\w=|=\w|_|lfs.core|[a-z]:[A-Za-z]|\{|\}")
STORED = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]
EVALUATIONS = [stored for stored in STORED if "measured" in stored]


def explainers(stored: dict) -> set[str]:
    """All explainers that stored results name."""
    found = {*stored.get("measured", ()), *stored.get("costs", ()), *stored.get("methods", ())}
    return found | {*stored.get("with_forgotten", ()), *stored.get("with_expert", ())}


def test_stored_explainers_have_names_of_their_own() -> None:
    specs = set().union(*map(explainers, STORED))
    assert len(specs) > 50
    names = {spec: reader_name(spec) for spec in specs}
    assert len(set(names.values())) == len(specs)
    for name in names.values():
        assert not FOR_MACHINES.search(name), name


@pytest.mark.parametrize("stored", EVALUATIONS, ids=lambda stored: stored["manifest"]["study"])
def test_stored_metrics_have_names_of_their_own(stored: dict) -> None:
    """Within a study; how often a curve is measured is not told."""
    specs = stored["manifest"]["metrics"]
    names = [reader_name(spec) for spec in specs]
    assert len(set(names)) == len(specs)
    assert not any(FOR_MACHINES.search(name) for name in names)
    assert not FOR_MACHINES.search(network_title(stored["manifest"]["embedder"]))
    assert set(stored["manifest"]["explainers"]) == set(stored["measured"])


def test_every_registered_name_has_one_for_readers() -> None:
    assert not set(EXPLAINERS) & set(METRICS)
    for registry in (EXPLAINERS, METRICS):
        names = [reader_name(name) for name in registry]
        assert len(set(names)) == len(registry)
        assert all(name[0].isupper() or name in ("xSSAB", "exCLIP") for name in names)
    assert len({network_title(name) for name in EMBEDDERS}) == len(EMBEDDERS)
    assert [decoder_title(kind) for kind in DECODERS] == ["linear", "MLP", "convolutional"]
    assert set(RELEVANCE_WORDS) == set(RELEVANCES) > KNOWING_NOTHING
    assert set(FILL_WORDS) == set(FILLS)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_words_are_for_options_that_there_are(name: str) -> None:
    method = explainer_class(name)
    options = set(inspect.signature(method).parameters)
    own = vars(method).get("words", {})
    assert set(own) <= options


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("explainlfs", "ExplainLFS"),
        (
            "explainlfs,decoder=conv,relevance=random,p=0.3",
            "ExplainLFS, convolutional decoder, random relevance, p = 0.3",
        ),
        ("amortised,own=0,contrast=0", "One-pass causal map, without own-likeness and contrast"),
        ("amortised,contrast=0", "One-pass causal map, without contrast"),
        ("amortised,own=0.5", "One-pass causal map, own = 0.5"),
        ("causal,sets=512,own=1", "Causal map, 512 sets of windows, with own-likeness"),
        ("causal,shifted=false,grid=4", "Causal map, tiled once, 4 by 4 windows"),
        ("greedy", "Greedy order"),
        ("own-likeness,by=causal", "Own-likeness alone, of 64 passes"),
        ("with-own-likeness,of=gradcam", "Rival with own-likeness, Grad-CAM"),
        (
            "with-own-likeness,of=simexpert,by=itself,own=2",
            "Rival with own-likeness, SIMExpert, by the rival's own evidence, weight 2",
        ),
        (
            "randomised-causal,shuffled=head,seed=1",
            "Randomised one-pass causal map, shuffled head, seed 1",
        ),
        ("randomised,shuffled=network", "Randomised ExplainLFS, shuffled network"),
        ("recognised,relevance=random", "ExplainLFS with a recognised decoder, random relevance"),
        ("simexpert,form=raw", "SIMExpert, raw averages"),
        ("tummala,variant=gradient", "Tummala and Suresh, by gradient"),
        ("utkin,draws=80,seed=2", "Utkin et al., 80 draws, seed 2"),
        ("gradcam,map_threshold=0.5", "Grad-CAM, \u03be\u2082 = 0.5"),
        ("my_package.mine:My_Method,some_option=3", "My Method, some option = 3"),
        ("selectivity,every=2", "Deletion"),
        ("selectivity,order=least,fill=black", "Deletion, least relevant first, filled black"),
        ("verification", "Verification, deletion"),
        ("verification,mode=insertion", "Verification, insertion"),
        ("continuity,moved=true", "Continuity, moved back"),
    ],
)
def test_options_in_words(spec: str, name: str) -> None:
    assert reader_name(spec) == name


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("facenet-casia", "FaceNet (CASIA-WebFace)"),
        ("efficientnet-lite0-cub", "EfficientNet-Lite0 (CUB-200 birds)"),
        ("timm:resnet18.a1_in1k", "resnet18.a1_in1k of timm"),
        ("torchvision-vgg16-0123abcd", "vgg16 of torchvision with weights 0123abcd"),
        ("networks/my_birds.safetensors", "my birds"),
        ("mean_colour", "mean colour"),
    ],
)
def test_titles_of_networks(name: str, title: str) -> None:
    assert network_title(name) == title


def test_what_knows_nothing_is_a_control() -> None:
    controls = {name for name in EXPLAINERS if is_control(name)}
    nothing = {"random", "centre", "edges", "difference", "mean-map", "own-likeness"}
    assert controls == nothing | {"randomised", "randomised-causal"}
    for relevance in RELEVANCES:
        for under in ("explainlfs", "recognised", "filters", "amortised,own=0"):
            known = relevance not in KNOWING_NOTHING
            assert is_control(f"{under},relevance={relevance}") != known
    assert not is_control("somebody.s:Method")


def test_wrong_metric_options_are_refused() -> None:
    with pytest.raises(lfs.LFSError, match="takes no"):
        reader_name("partner,every=2")


def tables() -> Iterator[pd.DataFrame]:
    """Every table that the book shows of stored results."""
    of = {stored["manifest"]["study"]: stored for stored in STORED if "study" in stored["manifest"]}
    for study in ("randomised", "resolution", "beyond-patch", "continuity", "road"):
        results = stored_evaluation(study)
        yield from (score_tables.scores_table(results, metric) for metric in results.metrics)
        yield score_tables.measures_table(results)
    yield score_tables.pointing_table(stored_evaluation("behaviour"))
    yield score_tables.overlap_table(of["scenes"])
    faces = stored_evaluation("beyond-faces")
    yield beyond.advantages_table(faces)
    yield beyond.advantages_table(stored_evaluation("own-noise"), beyond.OTHER_NOISE)
    yield beyond.goals_table(beyond.goals({"faces": faces}, of["costs"]["costs"]))
    yield beyond.means_table({"faces": stored_evaluation("expensive")})
    yield beyond.parts_table(stored_evaluation("two-by-two"))
    yield beyond.saved_table(stored_evaluation("patterns"))
    yield beyond.nearness_table(of["heads"]["nearness"])
    yield beyond.variants_table(of["heads"]["variants"])
    yield learning_curves.learning_curves_table(of["learning-curves"]["curves"])
    yield from map(orders.orders_table, (orders.ORDERS, orders.TARGETS))
    yield decoder_tables.decoding_table(of["decoding"])
    yield decoder_tables.agreement_table(of["agreement"])
    yield decoder_tables.retrieval_decoders_table(of["retrieval"])
    yield retrieval_tables.quality_table(of["retrieval"])
    yield retrieval_tables.explanations_table(of["retrieval"])
    yield parameter_tables.sensitivity_table(of["sensitivity"])
    yield parameter_tables.hyperparameters_table(of["hyperparameters"]["decoders"])
    yield ledger().drop(columns="command")


def words_of(table: pd.DataFrame) -> set[str]:
    """All texts of a table, its heads among them."""
    heads = [of for index in (table.index, table.columns) for of in (*index.names, *index)]
    parts = [part for head in heads for part in (head if isinstance(head, tuple) else [head])]
    return {str(text) for text in (*parts, *table.to_numpy().ravel())}


@pytest.mark.slow
def test_tables_are_in_words() -> None:
    names = {*EXPLAINERS, *METRICS, *EMBEDDERS, "mlp", "conv"} - {
        "random"
    }  # of a kind of relevance
    for table in tables():
        assert len(table)
        for text in words_of(table):
            assert not FOR_MACHINES.search(text), text
            assert text not in names, text


@pytest.mark.slow
def test_figures_and_leaderboards_are_in_words(tmp_path: Path) -> None:
    few, judgement = stored_evaluation("all-methods"), stored_run("judgement")
    metric, some = "selectivity,every=2", ("explainlfs,decoder=mlp", "random")
    ratios = {name: judges.part_ratios(name, "similar") for name in ("explainlfs", "centre")}
    for chart in (
        score_figures.plot_scores(few, metric),
        score_figures.plot_pairwise(few, metric),
        score_figures.plot_curves(few, metric, range(0, 21, 2), some, "flips"),
        score_figures.plot_agreement_beyond_chance(judgement["with_expert"]),
        score_figures.plot_between_methods(judgement),
        score_figures.plot_continuity(stored_evaluation("continuity"), "continuity", some),
        score_figures.plot_parts(ratios),
        pareto.plot_pareto(stored_evaluation("beyond-faces"), stored_run("costs")["costs"]),
        decoder_figures.plot_learning_curves(stored_run("decoding")),
        decoder_figures.plot_agreement(stored_run("agreement")),
    ):
        axes = (chart.figure.layout.xaxis, chart.figure.layout.yaxis)
        shown = [
            *(name for axis in axes for name in axis.ticktext or ()),
            *(axis.title.text or "" for axis in axes),
            *(trace.name or "" for trace in chart.figure.data),
            *(text for trace in chart.figure.data for text in getattr(trace, "hovertext", 0) or ()),
            *(cell for row in chart.table.rows for cell in row),
        ]
        shown = [re.sub(r"</?[bi]>|<br>", " ", text) for text in shown]
        told = [re.sub(r"\(n = \d+\)", "", text) for text in shown]
        assert told and not [text for text in told if FOR_MACHINES.search(text)]
        assert not {"explainlfs", "gradcam", "mlp", "conv"} & set(shown)
    for name in ("randomised", "resolution", "road"):
        write_leaderboard(stored_evaluation(name), tmp_path / "page.html")
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        text = re.sub(r"<[^>]*>", " ", page[page.index("<body>") : page.index("Where these")])
        assert not FOR_MACHINES.search(text) and "facenet-casia" not in text


def test_doubts_and_origins_are_in_words() -> None:
    doubts = [
        *doubts_about_method("facenet-casia", "explainlfs,relevance=random", "similar"),
        *doubts_about_method("efficientnet-lite0-cub", "explainlfs,decoder=conv", "similar"),
        *doubts_about_method("facenet-casia", "explainlfs,decoder=conv", "dissimilar"),
        *doubts_about_similarity("facenet-casia", 0.99, 0.3),
    ]
    assert len(doubts) == 4
    for text in doubts:
        assert not FOR_MACHINES.search(text) and "explainlfs" not in text, text
    for stored in EVALUATIONS:
        said = re.sub("`.*?`", "", origin_line(stored["manifest"]))
        assert not FOR_MACHINES.search(said) and "facenet-casia" not in said
    several = origin_line(stored_run("heads")["manifest"])
    assert "networks FaceNet (CASIA-WebFace), EfficientNet-Lite0 (CUB-200 birds)" in several
    assert "pairs of LFW, CUB-200 birds, Cars-196" in several


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("grace_hopper", "Grace Hopper"),
        ("anna", "Anna"),
        ("Eoin_McDonald", "Eoin McDonald"),
        ("grace_hopper/10_a.png", "Grace Hopper/10_a.png"),
    ],
)
def test_names_of_folders_as_readers_write_them(folder: str, name: str) -> None:
    assert spelt(folder) == name
