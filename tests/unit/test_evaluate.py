"""Evaluations: resumed, spread over processes, of anybody's explainers, and their tables."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import run
from distributed import Client
from processes import wait_for
from torch import Tensor

import lfs_core as lfs
from lfs_core.evaluation import maps as maps_module
from lfs_core.evaluation import workers
from lfs_core.evaluation.evaluate import Settings, evaluate
from lfs_core.evaluation.maps import maps_of
from lfs_core.evaluation.metrics.base import SIDE
from lfs_core.evaluation.pair_set import PairSet
from lfs_core.evaluation.results import is_control, load_results
from lfs_core.evaluation.spec import make_explainer, make_metric, parse
from lfs_core.evaluation.workers import local_cluster
from lfs_core.viz.leaderboard import write_leaderboard

SIZE = 32
FLIPS = "selectivity,every=5"


class Corner:
    """A network that reads the upper left quarter only."""

    name, image_size, framing = "corner", SIZE, "whole"

    def __call__(self, images: Tensor) -> Tensor:
        corner = images[..., : SIZE // 2, : SIZE // 2]
        return torch.nn.functional.avg_pool2d(corner, 4).flatten(1) - 0.5


THEIRS = """
import torch
SIZE = 32

def knows(embedder, strength=1.0):
    def explain(a, b):
        maps = torch.zeros(2, SIZE, SIZE)
        maps[:, :16, :16] = strength
        return maps
    return explain

def trouble(embedder):
    def explain(a, b):
        maps = torch.rand(2, SIZE, SIZE)
        what = int(a[0, 0, 0] * 255)
        if what == 0: maps[0, 0, 0] = float("nan")
        if what == 1: return maps[:, 0]
        if what == 2: return maps - 1
        if what == 3: return torch.ones(2, SIZE, SIZE)
        if what == 4: raise ValueError("no idea")
        if what == 5: return "a map"
        return maps
    return explain

def silent(embedder):
    def explain(a, b):
        raise RuntimeError("always")
    return explain

number = 3
def gives_a_number(embedder):
    return number
"""


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user's module in the current folder."""
    name = f"theirs_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(THEIRS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return name


def pair_set(count: int = 12) -> PairSet:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 2, 3, SIZE, SIZE), generator=generator)
    images[::2, 1] = images[::2, 0] // 2 + images[::2, 1] // 4  # alike
    images[:, 0, 0, 0, 0] = torch.arange(count)
    same = torch.arange(count) % 2 == 0
    return PairSet(images.byte(), same, [("a", "b")] * count, "noise", {})


def settings(*explainers: str, metrics: tuple[str, ...] = (FLIPS,), seeds: int = 2) -> Settings:
    return Settings(CORNER, explainers, metrics, seeds=seeds)


CORNER = Corner()


def test_who_knows_what_the_network_reads_is_better(theirs: str, tmp_path: Path) -> None:
    knows = f"{theirs}:knows,strength=0.5"
    results = evaluate(
        settings(knows, "random", "centre"), pair_set(), tmp_path / "records", progress=False
    )
    assert results.explainers == [knows, "random", "centre"]
    assert results.labels.is_similar.any() and not results.labels.is_similar.all()
    assert results.seed.tolist() == [0] * 6 + [1] * 6
    assert results.beats_controls(FLIPS, "similar", "random") is None
    found = {row["explainer"]: row for row in results.rows() if row["kind"] == "similar"}
    assert found[knows]["mean"] > found["random"]["mean"]
    difference = results.against(FLIPS, "similar", knows, ["random"])[0]
    by_hand = results.scores(FLIPS, "similar")
    assert difference["by"] == pytest.approx((by_hand[:, 0] - by_hand[:, 1]).mean())
    assert difference["low"] < difference["by"] < difference["high"] and difference["p"] <= 1


def test_every_explainer_against_every_other(theirs: str, tmp_path: Path) -> None:
    explainers = (f"{theirs}:knows", "random", "centre")
    results = evaluate(settings(*explainers), pair_set(), tmp_path / "r", progress=False)
    by, p = results.pairwise(FLIPS, "similar")
    scores = results.scores(FLIPS, "similar")
    for row in range(3):
        for column in range(3):
            expected = (scores[:, row] - scores[:, column]).mean()
            assert by[row, column] == pytest.approx(expected)
    assert (np.diag(p) == 1).all() and np.array_equal(p, p.T)
    alone = [
        results.against(FLIPS, "similar", explainers[0], [of])[0]["p"] for of in explainers[1:]
    ]
    assert p[0, 1] >= alone[0] and p[0, 2] >= alone[1]  # corrected for three tests, not for one


def test_curves_are_those_of_the_metric(tmp_path: Path) -> None:
    pairs = pair_set()
    results = evaluate(settings("centre", seeds=1), pairs, tmp_path, progress=False)
    case_maps = lfs.load_explainer("centre", CORNER).batch([(a, b) for a, b in pairs.images])
    pooled = torch.stack([torch.nn.functional.adaptive_avg_pool2d(e.maps, SIDE) for e in case_maps])
    torch.testing.assert_close(results.maps["centre"], pooled)
    clean = results.measured["centre"][FLIPS][:, 0]
    torch.testing.assert_close(clean, results.similarity, atol=1e-6, rtol=0)


def test_nothing_is_done_twice(
    theirs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, done = pair_set(), []

    def counted(explainer: Callable[..., object], images: Tensor) -> object:
        done.append(len(images))
        return maps_of(explainer, images)

    monkeypatch.setattr("lfs_core.evaluation.measure.maps_of", counted)
    first = evaluate(settings("centre"), pairs, tmp_path / "r", progress=False)
    assert done == [6, 6]
    again = evaluate(settings("centre", "edges"), pairs, tmp_path / "r", progress=False)
    assert done == [6, 6, 6, 6]
    torch.testing.assert_close(again.measured["centre"][FLIPS], first.measured["centre"][FLIPS])
    more = settings("centre", "edges", metrics=(FLIPS, "selectivity,every=10,fill=black"))
    evaluate(more, pairs, tmp_path / "r", progress=False)
    assert len(done) == 4  # another metric needs no other maps
    changed = PairSet(pairs.images.flip(1), pairs.same, pairs.names, "turned", {})
    evaluate(settings("centre"), changed, tmp_path / "r", progress=False)
    assert len(done) == 6
    # Other code of the same name is another explainer; the same with a comment is the same.
    for edit, expected in (("", 8), ("# More of it.\n", 8), ("SIZE = 33\n", 10)):
        (tmp_path / f"{theirs}.py").write_text(THEIRS + edit, encoding="utf-8")
        evaluate(settings(f"{theirs}:knows"), pairs, tmp_path / "r", progress=False)
        assert len(done) == expected


def test_another_decoder_at_the_same_path_is_another_explainer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, done, path = pair_set(4), [], tmp_path / "decoder.safetensors"

    def counted(explainer: Callable[..., object], images: Tensor) -> object:
        done.append(len(images))
        return maps_of(explainer, images)

    monkeypatch.setattr("lfs_core.evaluation.measure.maps_of", counted)
    seen = []
    for seed in (0, 1, 0):
        decoder = lfs.LinearDecoder(48, (4, 4), rank=2)
        generator = torch.Generator().manual_seed(seed)
        decoder.up.copy_(torch.randn(decoder.up.shape, generator=generator) / 10)
        decoder.down.copy_(torch.randn(decoder.down.shape, generator=generator))
        lfs.save_decoder(decoder, path)
        spec = f"explainlfs,decoder={path}"
        results = evaluate(settings(spec, seeds=1), pairs, tmp_path / "r", progress=False)
        seen.append(results.maps[spec])
    assert len(done) == 2  # the third is the first
    assert torch.equal(seen[0], seen[2]) and not torch.allclose(seen[0], seen[1])


def test_the_manifest_says_which_code_made_each_number(theirs: str, tmp_path: Path) -> None:
    specs = (f"{theirs}:knows", "edges")
    code = evaluate(settings(*specs), pair_set(), tmp_path, progress=False).manifest["code"]
    assert {*specs, FLIPS} < set(code["of"])
    assert {theirs, "lfs_core.evaluation.controls.edges", "lfs_core.evaluation.maps"} <= set(
        code["modules"]
    )
    assert "weights/heads/facenet-casia.safetensors" in code["weights"]


def test_metrics_that_look_at_the_same_pairs_explain_them_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def counted(explainer: Callable[..., object], images: Tensor) -> object:
        done.append(len(images))
        return maps_of(explainer, images)

    monkeypatch.setattr("lfs_core.evaluation.measure.maps_of", counted)
    both = settings("edges", metrics=("continuity", "continuity,moved=true"), seeds=1)
    results = evaluate(both, pair_set(4), tmp_path, progress=False)
    # The pairs, and their first images with 20 displaced copies, of which two are black alike.
    assert done == [4] * 20
    assert results.measured["edges"]["continuity"].shape == (4, 20)


def test_pairs_of_one_kind_are_refused_before_the_work(tmp_path: Path) -> None:
    pairs = pair_set(4)
    alike = PairSet(pairs.images, torch.ones(4).bool(), pairs.names, "alike", {})
    with pytest.raises(lfs.LFSError, match="All 4 pairs are the same"):
        evaluate(settings("centre", metrics=("verification",)), alike, tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, done = pair_set(), []

    def interrupted(explainer: Callable[..., object], images: Tensor) -> object:
        done.append(len(images))
        if len(done) == 2:
            raise KeyboardInterrupt
        return maps_of(explainer, images)

    monkeypatch.setattr("lfs_core.evaluation.measure.maps_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(settings("centre", seeds=3), pairs, tmp_path, progress=False)
    resumed = evaluate(settings("centre", seeds=3), pairs, tmp_path, progress=False)
    assert done == [4, 4, 4, 4]  # one before, one lost, two after
    fresh = evaluate(settings("centre", seeds=3), pairs, tmp_path / "other", progress=False)
    torch.testing.assert_close(fresh.measured, resumed.measured)


def test_troubled_maps_are_named_and_the_run_goes_on(theirs: str, tmp_path: Path) -> None:
    trouble, silent = f"{theirs}:trouble", f"{theirs}:silent"
    pairs = pair_set()
    results = evaluate(settings(trouble, silent), pairs, tmp_path / "r", progress=False)
    found = results.problems[trouble]
    assert sorted(found) == [0, 1, 2, 3, 4, 5]
    for k, part in enumerate(("NaN", "(2, 32)", "go down to -", "constant", "no idea", "str")):
        assert part in found[k]
    known = results.measured[trouble][FLIPS].isfinite().all(dim=1)
    assert known.tolist() == [False, False, False, True, False, False] + [True] * 6
    assert len(results.problems[silent]) == 12
    assert results.measured[silent][FLIPS].isnan().all()
    assert all(row["explainer"] != silent or row["pairs"] == 0 for row in results.rows())
    results.save(tmp_path / "results.json")
    write_leaderboard(results, tmp_path / "board.html")
    page = (tmp_path / "board.html").read_text(encoding="utf-8")
    assert "always" in page and "12 of 12 pairs" in page


def test_results_are_saved_whole(tmp_path: Path) -> None:
    metrics = (FLIPS, "selectivity,every=10,order=least")
    results = evaluate(
        settings("centre", "random", metrics=metrics), pair_set(), tmp_path / "r", progress=False
    )
    results.save(tmp_path / "results.json")
    loaded = load_results(tmp_path / "results.json")
    torch.testing.assert_close(loaded.similarity, results.similarity, atol=1e-4, rtol=0)
    for explainer in ("centre", "random"):
        for metric in metrics:
            torch.testing.assert_close(
                loaded.measured[explainer][metric],
                results.measured[explainer][metric],
                atol=1e-4,
                rtol=0,
            )
    manifest = loaded.manifest
    assert manifest["embedder"] == "corner" and manifest["number"] == 12
    assert manifest["digest"] == pair_set().digest and manifest["versions"]["torch"]
    with (tmp_path / "results.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 2
    similar = results.scores(FLIPS, "similar")[:, 0]
    first = next(row for row in rows if row["metric"] == FLIPS and row["kind"] == "similar")
    assert float(first["mean"]) == pytest.approx(similar.mean())
    (tmp_path / "broken.json").write_text("{}", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match=r"broken.json holds no results"):
        load_results(tmp_path / "broken.json")


@pytest.mark.slow
@pytest.mark.parametrize("by", ["jobs", "scheduler"])
def test_two_processes_give_the_same_numbers(
    by: str, theirs: str, tmp_path: Path, facenet: object
) -> None:
    environment = dict(os.environ)
    images = torch.randint(0, 256, (4, 2, 3, 160, 160), generator=torch.Generator().manual_seed(0))
    pairs = PairSet(images.byte(), torch.tensor([True, False] * 2), [], "noise", {})
    # Not the user's module: the workers of a scheduler have their own current folder.
    given = Settings("facenet-casia", ("explainlfs", "centre"), ("selectivity,every=10",), seeds=2)
    alone = evaluate(given, pairs, tmp_path / "alone", progress=False)
    if by == "jobs":
        both = evaluate(given, pairs, tmp_path / "both", jobs=2, progress=False)
    else:
        with local_cluster(2) as cluster:
            with Client(cluster) as client:
                threads = client.run(torch.get_num_threads).values()
            assert set(threads) == {max(1, os.cpu_count() // 2)}
            address = cluster.scheduler_address
            both = evaluate(given, pairs, tmp_path / "both", scheduler=address, progress=False)
    torch.testing.assert_close(both.measured, alone.measured, atol=1e-5, rtol=0)
    torch.testing.assert_close(both.maps, alone.maps, atol=1e-5, rtol=0)
    changed = {name for name, value in os.environ.items() if environment.get(name) != value}
    assert not {name for name in changed if name.endswith("NUM_THREADS")}


@pytest.mark.slow
def test_no_task_waits_behind_a_long_one(tmp_path: Path) -> None:
    def work(task: int) -> int:
        """The first task lasts until the last one is done."""
        if task == 0:
            wait_for((tmp_path / "last").exists)
        if task == 5:
            (tmp_path / "last").touch()
        return task

    done = [result for _, result in workers.run(work, range(6), jobs=2, ahead=1)]
    assert sorted(done) == list(range(6)) and set(done[-2:]) == {0, 5}


@pytest.mark.slow
def test_refusals(theirs: str, tmp_path: Path) -> None:
    pairs = pair_set(4)
    for explainer, message in {
        "saliency": "no explainer 'saliency'",
        "explainlfs,q=1": "explainlfs takes no q",
        "centre,=1": "is not option=value",
        f"{theirs}:nobody": "There is no explainer",
        "nowhere:explain": "There is no explainer 'nowhere:explain'",
        f"{theirs}:gives_a_number": "gives int; called with an embedder",
    }.items():
        network = lfs.load_embedder("facenet-casia") if "explainlfs" in explainer else CORNER
        with pytest.raises(lfs.LFSError, match=message.replace("(", r"\(")):
            make_explainer(explainer, network, 0.3)
    for metric, message in {
        "beauty": "no metric 'beauty'.*selectivity",
        "selectivity,speed=3": "selectivity takes no speed; its options: order, fill, every",
        "selectivity,every=3": "must divide 20",
        "selectivity,fill=water": "no fill 'water'",
        "selectivity,order=best": "most or least",
    }.items():
        with pytest.raises(lfs.LFSError, match=message):
            make_metric(metric)
    with pytest.raises(lfs.LFSError, match="4 pairs cannot be split into 5"):
        evaluate(settings("centre", seeds=5), pairs, tmp_path, progress=False)
    with pytest.raises(lfs.LFSError, match="jobs is 0"):
        evaluate(settings("centre"), pairs, tmp_path, jobs=0, progress=False)
    with pytest.raises(lfs.LFSError, match="No Dask scheduler answers at tcp://localhost:1"):
        evaluate(settings("centre"), pairs, tmp_path, scheduler="tcp://localhost:1", progress=False)


def test_texts_are_names_and_options() -> None:
    assert parse("centre") == ("centre", {})
    assert parse("utkin, draws=80,noise=0.5,x=true,y=null,z=a b") == (
        "utkin",
        {"draws": 80, "noise": 0.5, "x": True, "y": None, "z": "a b"},
    )
    assert is_control("centre") and is_control("explainlfs,relevance=random")
    assert not is_control("explainlfs") and not is_control("explainlfs,relevance=contribution")


def test_batches_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    images = pair_set(5).images / 255
    explain = lfs.load_explainer("random", CORNER)
    whole, problems = maps_of(explain, images)
    monkeypatch.setattr(maps_module, "BATCH", 2)
    torch.testing.assert_close(maps_of(explain, images)[0], whole)
    assert not problems and np.isfinite(whole.numpy()).all()


@pytest.mark.slow
def test_the_command(
    theirs: str, tmp_path: Path, facenet: object, capsys: pytest.CaptureFixture
) -> None:
    from typer.testing import CliRunner

    from lfs_core.cli import app

    arguments = ["evaluate", "--explainer", "centre", "--explainer", f"{theirs}:trouble"]
    arguments += ["--metric", "selectivity,every=20", "--pairs", "demo", "--number", "4"]
    arguments += ["--seeds", "1", "--records", "records", "-o", "out.json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "Wrote out.json, out.csv and out.html." in done.output
    assert {"out.json", "out.csv", "out.html"} <= set(os.listdir())
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))["manifest"]["pairs"] == "demo"
    silent = [*arguments, "--explainer", f"{theirs}:silent", "--number", "6"]
    done = CliRunner().invoke(app, silent)
    assert done.output.count("RuntimeError: always") == 5
    assert f"{theirs}:silent: 6 pairs in all; out.json lists them." in done.output
    wrong = CliRunner().invoke(app, [*arguments[:-1], "out.txt"])
    assert wrong.exit_code == 1 and "must end in .json" in wrong.output


@pytest.mark.parametrize("pairs", ["demo", "pairs.csv"])
def test_a_share_of_the_classes_is_for_a_folder(pairs: str, tmp_path: Path) -> None:
    """It was ignored, even if it was given."""
    given = ["--explainer", "gradcam", "--metric", "selectivity", "--pairs", pairs]
    done = run("evaluate", *given, "--hold-out", 1, "-o", tmp_path / "results.json")
    assert done.returncode == 1
    assert f"--hold-out is for a folder; leave it out with {pairs}" in done.stderr
