"""What is said against explanations, decoders, heads and networks, and that all say it alike."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import pytest
import torch
from compared import compare

import lfs_core as lfs
from lfs_core.comparators import load_explainer
from lfs_core.embedders import Embedder
from lfs_core.evaluation.results import KINDS, SIGNIFICANT, Results, is_control
from lfs_core.findings.standings import (
    TESTS,
    digests,
    doubts_about_methods,
    evaluations,
    similarities,
    stand,
)
from lfs_core.findings.stored import stored_evaluation
from lfs_core.findings.trust import (
    doubts,
    doubts_about_decoder,
    doubts_about_head,
    doubts_about_learnt,
    doubts_about_method,
    doubts_about_network,
    shipped,
    spec_of,
    standing,
    standings,
    standings_of,
)
from lfs_core.viz.leaderboard import write_leaderboard


def test_the_table_that_ships_is_of_the_stored_results() -> None:
    again = "repeat: python -m lfs_core.findings.standings"
    assert shipped()["of"] == digests(), again
    assert {name: tuple(of) for name, of in shipped()["similarities"].items()} == similarities()


@pytest.mark.parametrize("name", ["beyond-faces", "behaviour", "road"])
def test_a_method_stands_as_the_results_say(name: str) -> None:
    """The other way to the same verdict: `beats_controls`, one method at a time."""
    results = stored_evaluation(name)
    seen = set()
    for one in list(stand(results))[::7]:
        assert one.passed == results.beats_controls(one.test, one.kind, one.explainer)
        assert one.better + one.worse <= one.controls
        seen.add(one.passed)
    assert seen
    if name == "beyond-faces":
        assert seen == {True, False}


def test_own_likeness_is_held_against_the_map_that_it_is_a_term_of() -> None:
    """By the comparisons one by one: against any other method it is a trained rival."""
    results, seen = stored_evaluation("beyond-birds"), set()
    for one in stand(results):
        controls = [name for name in results.explainers if is_control(name)]
        rows = results.against(one.test, one.kind, one.explainer, controls)
        worse = {row["other"] for row in rows if row["by"] < 0 and row["p"] < SIGNIFICANT}
        if not one.explainer.startswith("amortised"):
            seen |= worse & {"own-likeness"}
            worse -= {"own-likeness"}
        assert one.worse == len(worse)
    assert seen


def test_trust_rests_on_all_tests() -> None:
    """Every stored test in which occlusion and a control were measured on faces counts, once."""
    for kind in KINDS:
        expected = set()
        for path in evaluations():
            results = stored_evaluation(path.stem)
            if results.manifest["embedder"] != "facenet-casia":
                continue
            for one in stand(results):
                if (one.explainer, one.kind) == ("occlusion", kind):
                    name, *options = one.test.split(",")
                    expected.add((name, *(o for o in options if not o.startswith("every="))))
        found = standings_of("facenet-casia", "occlusion", kind)
        assert len(found) == len(expected) > 8
        assert {one.test.split(",")[0] for one in found} <= set(TESTS)


def test_what_is_said_of_methods_follows_from_the_table() -> None:
    said = set()
    for (network, kind), rows in standings().items():
        for explainer in {one.explainer for one in rows}:
            tests = standings_of(network, explainer, kind)
            passed = sum(one.passed for one in tests)
            told = doubts_about_method(network, explainer, kind)
            found = standing(network, explainer, kind)
            said.add(found)
            if passed == len(tests):
                assert (found, told) == ("beats its controls", [])
                continue
            (text,) = told
            assert f"in {passed} of {len(tests)} test" in text and f"on {kind} pairs" in text
            few = 2 * passed < len(tests)
            assert text.startswith("Not to be trusted" if few else "With caution")
    assert said == {"beats its controls", "beats them in most tests", "does not beat them"}


def test_what_does_better_is_named() -> None:
    (told,) = doubts_about_method("facenet-casia", "explainlfs", "similar")
    assert told.startswith("Not to be trusted: ExplainLFS beats every control in ")
    assert "Occlusion" in told.partition("What beats every control in more tests there: ")[2]
    occlusion = standings_of("facenet-casia", "occlusion", "similar")
    assert f"Occlusion ({sum(o.passed for o in occlusion)} of {len(occlusion)})" in told


def test_controls_and_what_is_untested_say_so() -> None:
    (control,) = doubts_about_method("facenet-casia", "centre", "similar")
    assert control.startswith("Not to be trusted: Centre map is a control")
    for network, explainer in (("colours", "occlusion"), ("facenet-casia", "fggb")):
        (untested,) = doubts_about_method(network, explainer, "similar")
        assert untested.startswith("Not known whether to be trusted")
        assert "has not been tested" in untested
    with pytest.raises(lfs.LFSError, match="not 'other'"):
        doubts_about_method("facenet-casia", "occlusion", "other")


def test_an_explanation_knows_under_which_name_it_was_tested(facenet: Embedder) -> None:
    for spec, options in {
        "explainlfs": {"p": 0.7},
        "explainlfs,decoder=conv": {"decoder": "conv"},
        "explainlfs,relevance=random": {"relevance": "random"},
        "occlusion": {},
        "amortised": {},
        "amortised,own=0,contrast=0": {"own": 0.0, "contrast": 0.0},
        "utkin": {},
        "simexpert,form=raw": {"form": "raw"},
    }.items():
        explain = load_explainer(spec.split(",")[0], facenet, **options)
        assert spec_of(explain.method, "facenet-casia", explain.settings()) == spec
    mine = {"decoder": {"embedder": "facenet-casia", "r2": 0.5}}
    assert spec_of("explainlfs", "facenet-casia", mine) == "explainlfs,decoder=another"


def test_a_decoder_no_better_than_the_mean_image() -> None:
    for r2, words in ((-0.1, "worse than"), (0.008, "hardly better than")):
        (told,) = doubts_about_decoder({"r2": r2})
        assert told.startswith("Not to be trusted") and f"{words} the mean image" in told
        assert f"{r2:.3f}" in told
    assert doubts_about_decoder({"r2": 0.4}) == doubts_about_decoder({}) == []


def test_a_head_that_explains_nothing() -> None:
    (told,) = doubts_about_head({"unexplained": {"partners": 1.42, "itself": 0.3}})
    assert told.startswith("Not to be trusted") and "142%" in told
    assert doubts_about_head({"unexplained": {"partners": 0.41}}) == doubts_about_head({}) == []


def test_a_network_whose_recall_fell() -> None:
    def info(before: float, after: float) -> dict:
        return {"quality": {"frozen": {"recall@1": before}, "trained": {"recall@1": after}}}

    (told,) = doubts_about_network(info(0.9, 0.7))
    assert told.startswith("Not to be trusted") and "fell, from 0.900 to 0.700" in told
    (told,) = doubts_about_network(info(0.9, 0.9))
    assert "did not rise" in told
    assert doubts_about_network(info(0.7, 0.9)) == doubts_about_network({"quality": {}}) == []

    class Of:
        def __init__(self, info: dict) -> None:
            self.info = info

    worse, idle = Of(info(0.9, 0.7)), Of({"unexplained": {"partners": 1.42}})
    explain = Of({})
    explain.head = idle
    assert len(doubts_about_learnt(worse, explain)) == 2
    assert doubts_about_learnt(lambda images: images, None) == []


def test_a_report_says_all_that_is_doubted(tmp_path: Path) -> None:
    explanation = compare()["signed"][0]
    explanation.settings.update({"embedder": "facenet-casia", "decoder": {"r2": -0.2}})
    expected = doubts(explanation)
    assert len(expected) == 2 and "worse than the mean image" in expected[1]
    explanation.save(tmp_path / "report.html")
    text = unescape((tmp_path / "report.html").read_text("utf-8"))
    for said in expected:
        assert said in text


def results_of(*explainers: str) -> Results:
    """40 pairs; "lfs_core:good" is better than all others, which are alike."""
    generator = torch.Generator().manual_seed(0)
    curves = {name: torch.rand(40, 3, generator=generator) / 100 for name in explainers}
    curves = {name: torch.cat([torch.ones(40, 1), 0.8 + of], dim=1) for name, of in curves.items()}
    if "lfs_core:good" in curves:
        curves["lfs_core:good"][:20, 1:] = -1
        curves["lfs_core:good"][20:, 1:] = 3
    same = torch.arange(40) < 20
    return Results(
        manifest={
            **dict.fromkeys(("pairs", "commit", "finished", "command"), "demo"),
            **{"embedder": "colours", "number": 40, "threshold": 0.3, "seconds": 1, "seeds": 1},
            "versions": {},
        },
        same=same,
        similarity=same.float(),
        seed=torch.zeros(40, dtype=torch.long),
        measured={name: {"selectivity,every=10": of[:, :3]} for name, of in curves.items()},
        problems={},
    )


def test_an_evaluation_says_which_methods_do_not_beat_their_controls(tmp_path: Path) -> None:
    results = results_of("lfs_core:good", "occlusion", "centre", "random")
    told = doubts_about_methods(results)
    assert [text.split(" beats")[0] for text in told] == ["Not to be trusted: Occlusion"] * 2
    write_leaderboard(results, tmp_path / "board.html")
    page = unescape((tmp_path / "board.html").read_text("utf-8"))
    assert all(text in page for text in told) and "title=" not in page
    assert "not better than every control</span>" in page  # next to the name, for all to read
    (alone,) = doubts_about_methods(results_of("occlusion"))
    assert "no control was measured" in alone
    assert json.dumps(told)
