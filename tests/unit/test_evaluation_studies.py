"""The evaluation's studies, on the few photographs of the demo tier."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import lfs_core as lfs
from lfs_core.evaluation.results import is_control
from lfs_core.evaluation.spec import make_metric, parse
from lfs_core.studies import (
    STUDIES,
    comparisons,
    hyperparameters,
    judgement,
    run,
    run_study,
    scenes,
)
from lfs_core.studies.classes import classes_study
from lfs_core.studies.multiverse import Multiverse
from lfs_core.studies.workshop import Source
from lfs_core.util.assets import CELEBRITY_FACES, fetch

RUNS = {
    name: getattr(comparisons, name)
    for name in dir(comparisons)
    if isinstance(getattr(comparisons, name), run.Run)
}
FEW = replace(
    comparisons.FACES,
    folder="train",
    number=6,
    seeds=1,
    explainers=("explainlfs", "simexpert", "explainlfs,relevance=random"),
    metrics=("selectivity,every=20",),
)


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the demo's photographs, studies of few pairs, and records of their own."""
    monkeypatch.setattr(run, "cache_folder", lambda: tmp_path)
    for module in (comparisons, judgement, hyperparameters):
        for name in ("FACES", "ALL_METHODS", "RANDOMISED"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, FEW)
    return fetch(CELEBRITY_FACES)


@pytest.mark.parametrize("name", RUNS)
def test_runs_are_of_known_explainers_and_metrics(name: str) -> None:
    chosen = RUNS[name]
    for metric in chosen.metrics:
        make_metric(metric)
    for explainer in chosen.explainers:
        assert parse(explainer)[0] in lfs.list_explainers()
    assert len(set(chosen.explainers)) == len(chosen.explainers)
    assert name == "RANDOMISED" or any(is_control(explainer) for explainer in chosen.explainers)
    assert any(place.endswith(f":{name}") for place in STUDIES.values())


@pytest.mark.slow
def test_an_evaluation_is_stored_as_a_study(demo: Path, tmp_path: Path) -> None:
    run_study("faces", demo, tmp_path / "faces.json")
    stored = json.loads((tmp_path / "faces.json").read_text(encoding="utf-8"))
    manifest = stored["manifest"]
    assert manifest["study"] == "faces" and manifest["tier"] == "local"
    assert manifest["pairs"] == "train" and manifest["number"] == 6
    assert manifest["command"] == "lfs study faces --data DATA -o book/results/faces.json"
    assert stored["same"] == [1, 0] * 3
    assert np.shape(stored["measured"]["explainlfs"]["selectivity,every=20"]) == (6, 2)


@pytest.mark.slow
def test_the_judgement(demo: Path) -> None:
    found = judgement.judgement_study(demo)
    assert set(found["with_expert"]) == {"explainlfs", "explainlfs,relevance=random"}
    for of in found["with_expert"].values():
        assert set(of) == {
            "rank correlation",
            "structural similarity",
            "overlap of the strongest tenth",
        }
        assert all(len(values) == 6 for numbers in of.values() for values in numbers.values())
    itself = found["with_itself"]["rank correlation"]
    np.testing.assert_allclose(itself["same_pair"], 1, atol=1e-4)
    assert np.mean(itself["other_pairs"]) < 1
    between = np.array(found["between_methods"])
    np.testing.assert_allclose(np.diag(between), 1, atol=1e-4)
    np.testing.assert_allclose(between, between.T)
    own = found["with_expert"]["explainlfs"]["rank correlation"]["same_pair"]
    assert between[0, 1] == pytest.approx(np.mean(own), abs=1e-3)


def test_the_hyperparameters(demo: Path) -> None:
    found = hyperparameters.hyperparameter_study(demo)
    linear, conv = found["decoders"]["linear"], found["decoders"]["conv"]
    for of in (linear, conv):
        np.testing.assert_allclose(of["p"]["0.3"]["rank correlation"], 1, atol=1e-4)
        shares = [np.mean(of["shown"][str(at)]) for at in hyperparameters.MAP_THRESHOLDS]
        assert shares == sorted(shares, reverse=True)
    np.testing.assert_allclose(linear["p"]["0.01"]["rank correlation"], 1, atol=1e-3)
    assert np.mean(found["decoders"]["mlp"]["p"]["0.01"]["rank correlation"]) < 0.95
    similarity = np.array(found["similarity"])
    expected = int(((similarity > 0.1) != (similarity > 0.3)).sum())
    assert found["decided_otherwise"]["0.1"] == expected


@pytest.mark.slow
def test_the_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "PAIRS", {scenes.CROPS: 2, scenes.VIEWS: 1})
    monkeypatch.setattr(scenes, "EXPLAINERS", ("centre", "explainlfs"))
    found = scenes.scene_study(Path())
    assert set(found["scores"]) == {"centre", "explainlfs"}
    assert found["kinds"] == [scenes.CROPS, scenes.CROPS, scenes.VIEWS]
    for of in found["scores"].values():
        assert len(of["region"]) == len(of["points"]) == 3
        assert all(0 <= value <= 1 for value in of["region"])


def test_equal_pairs_of_a_smaller_run_come_first(demo: Path) -> None:
    many, few = FEW.pairs(demo), replace(FEW, number=4).pairs(demo)
    assert torch.equal(many.images[:4], few.images) and many.names[:4] == few.names


def test_classes_of_pairs_are_stored_by_the_digest_of_their_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten classes of four squares: classes are folders, prefixes smaller sets; known ones stay."""
    known = {"of another processor": [[0, 1]]}
    (tmp_path / "classes.json").write_text(json.dumps({"classes": known}), encoding="utf-8")
    monkeypatch.setattr("lfs_core.studies.classes.RESULTS", tmp_path)
    for k in range(40):
        path = tmp_path / "squares" / f"class {k % 10}" / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (k, 2 * k, 3 * k)).save(path)

    class Seeing(torch.nn.Module):
        name, image_size, framing = "seeing", 32, "whole"

    monkeypatch.setattr(run, "load_embedder", lambda name: Seeing())
    large = run.Run((), (), folder="squares", number=12)
    monkeypatch.setattr(comparisons, "FACES", large)
    monkeypatch.setattr(comparisons, "ROAD", replace(large, number=5))
    squares = Source("squares", "seeing", "whole")
    drawn = Multiverse(squares, "squares", pairs=3, hold_out=large.hold_out)
    monkeypatch.setattr(comparisons, "DRAWN", drawn, raising=False)
    named = {name: f"lfs_core.studies.comparisons:{name}" for name in ("FACES", "ROAD", "DRAWN")}
    monkeypatch.setattr("lfs_core.studies.STUDIES", named)
    found = classes_study(tmp_path)["classes"]
    for each in (large, comparisons.ROAD, drawn.drawn):
        pairs = each.pairs(tmp_path)
        folders = [[Path(name).parent.name for name in both] for both in pairs.names]
        assert [[f"class {k}" for k in both] for both in found[pairs.digest]] == folders
        assert [a == b for a, b in found[pairs.digest]] == pairs.same.tolist()
    assert len(found) == 4 and found["of another processor"] == [[0, 1]]
