"""Names for readers: words, each its own, and nothing of what machines are told."""

from __future__ import annotations

import inspect
import json
import re

import pytest

import lfs_core as lfs
from lfs_core.comparators import EXPLAINERS, explainer_class
from lfs_core.decoder import DECODERS, decoder_title
from lfs_core.embedders import EMBEDDERS, network_title
from lfs_core.evaluation.metrics.selectivity import FILL_WORDS, FILLS
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import is_control
from lfs_core.evaluation.spec import METRICS
from lfs_core.relevance import KNOWING_NOTHING, RELEVANCE_WORDS, RELEVANCES
from lfs_core.util.manifest import RESULTS

FOR_MACHINES = re.compile(r"\w=|=\w|_|lfs.core|:\w|\{|\}")
STORED = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
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
        assert all(name[0].isupper() or name == "xSSAB" for name in names)
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
    assert controls == {"random", "centre", "edges", "mean-map", "randomised"}
    for relevance in RELEVANCES:
        for under in ("explainlfs", "recognised", "filters", "amortised,own=0"):
            known = relevance not in KNOWING_NOTHING
            assert is_control(f"{under},relevance={relevance}") != known
    assert not is_control("somebody.s:Method")


def test_wrong_metric_options_are_refused() -> None:
    with pytest.raises(lfs.LFSError, match="takes no"):
        reader_name("partner,every=2")
