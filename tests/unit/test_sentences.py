"""Sentences about results follow the numbers: they name who is ahead, and turn when numbers do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from lfs_core.evaluation.results import Results
from lfs_core.findings import beyond_sentences, score_tables, sentences
from lfs_core.findings.beyond import FORMS, OURS, TESTS, Goal
from lfs_core.util.code import code_of

DELETION = "selectivity,every=10"
LEVELS = {"explainlfs": 0.5, "gradcam": 0.8, "utkin": 0.2, "centre": 0.6, "random": 0.1}


def results(levels: dict[str, float] = LEVELS, metrics: tuple[str, ...] = (DELETION,)) -> Results:
    """Curves in which each method moves the cosine by its level, plus a little noise."""
    similar = torch.arange(60) % 2 == 0
    generator = torch.Generator().manual_seed(0)

    def curve(name: str, metric: str) -> torch.Tensor:
        moved = levels[name] + 0.01 * torch.randn(len(similar), generator=generator)
        sign = torch.where(similar, -1.0, 1.0) * (1 if "selectivity" in metric else -1)
        return torch.stack([torch.zeros(len(similar)), sign * moved, sign * moved], dim=1)

    return Results(
        {"threshold": 0.3},
        similar,
        torch.where(similar, 0.8, 0.0),
        torch.zeros(len(similar), dtype=torch.int),
        {name: {metric: curve(name, metric) for metric in metrics} for name in levels},
        {},
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "none"),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b, c", "d"], "a; b, c; and d"),
    ],
)
def test_lists_in_sentences(names: list[str], expected: str) -> None:
    assert sentences.listed(names) == expected


def test_a_sentence_ends_once() -> None:
    assert sentences.sentence("as in Utkin et al.") == "as in Utkin et al."
    assert sentences.sentence("as here") == "as here."


def test_standings_name_the_first_and_where_the_paper_stands() -> None:
    similar, dissimilar = sentences.standings(results(), DELETION).split("\n")
    assert similar.startswith("- **30 similar pairs**: Grad-CAM comes first (0.")
    assert dissimilar.startswith("- **30 dissimilar pairs**: Grad-CAM comes first (0.")
    assert "1 of 3 methods beats every control: Grad-CAM." in similar
    assert "ExplainLFS is in place 3 of 5 (0." in similar
    assert similar.endswith("better than 1 of 2 controls, worse than 1 (Centre map).")


def test_standings_turn_with_the_numbers() -> None:
    text = sentences.standings(results(LEVELS | {"explainlfs": 0.9}), DELETION)
    assert text.count("ExplainLFS comes first") == 2
    assert text.count("All 3 methods beat every control.") == 0
    assert text.count("2 of 3 methods beat every control. This one does not: Utkin et al.") == 2
    assert text.count("better than 2 of 2 controls, worse than 0.") == 2


def test_standings_without_controls_count_methods() -> None:
    levels = {name: level for name, level in LEVELS.items() if name not in ("centre", "random")}
    text = sentences.standings(results(levels), DELETION)
    assert "control" not in text
    assert text.count("better than 1 of 2 other methods, worse than 1 (Grad-CAM).") == 2


def test_no_and_every_method_beats_the_controls() -> None:
    none = sentences.standings(results(LEVELS | {"centre": 0.99}), DELETION)
    assert none.count("None of 3 methods beats every control.") == 2
    every = sentences.standings(results(LEVELS | {"centre": 0.0, "random": 0.1}), DELETION)
    assert every.count("All 3 methods beat every control.") == 2


def test_a_score_differs_from_chance_only_where_its_interval_does() -> None:
    above, at, below = (
        sentences.standings(results(LEVELS), DELETION, chance) for chance in (0.1, 0.3355, 0.9)
    )
    score = results().scores(DELETION, "similar")[:, 0].mean()
    assert f"({score:.3f}, above chance)" in above
    assert "below chance)" in below and at.count("chance") == 2


def test_better_is_what_the_metric_calls_better() -> None:
    order = sentences.in_order(results(), DELETION, "similar")
    assert order == sorted(LEVELS, key=lambda name: -LEVELS[name])


def test_moves_say_most_least_and_the_papers() -> None:
    text = sentences.moved(results(), DELETION, tuple(LEVELS))
    for verb in ("fallen", "risen"):
        assert (
            f"has {verb} most with Grad-CAM (0.80), by 0.50 with ExplainLFS and least with "
            "Random map (0.10)." in text
        )
    few = sentences.moved(results(), DELETION, ("explainlfs", "gradcam"))
    assert few.count("most with Grad-CAM (0.80) and least with ExplainLFS (0.50).") == 2


def test_significant_differences_are_counted() -> None:
    text = sentences.differences(results(), DELETION)
    assert text.count("10 of 10 differences") == 2
    assert text.count("Grad-CAM is better than every other.") == 2
    assert text.count("Random map is worse than every other.") == 2


def test_versus_sorts_tests_by_their_outcome() -> None:
    tests = dict(list(TESTS.items())[:1])
    found = sentences.versus([(results(), "explainlfs", o) for o in ("utkin", "gradcam")], tests)
    assert found == ["better in all 2 tests", "worse in all 2 tests"]
    same = replace(
        results(), measured={name: results().measured["utkin"] for name in ("utkin", "gradcam")}
    )
    assert sentences.versus([(same, "utkin", "gradcam")], tests) == [
        "not significantly different in any of 2 tests"
    ]


def test_versus_counts_the_tests_without_a_difference() -> None:
    of = results()
    worse = of.measured["explainlfs"][DELETION].clone()
    worse[of.same, 1:] += 0.1  # of similar pairs; higher is worse there
    of.measured["utkin"] = {DELETION: worse}
    assert sentences.versus([(of, "explainlfs", "utkin")], dict(list(TESTS.items())[:1])) == [
        "better in deletion of similar pairs, not significantly different in the other"
    ]


def test_all_comparisons_of_a_list_are_corrected_together() -> None:
    """Of forty copies of one method with noise, some are worse by chance, and none together."""
    of, random = results(), np.random.default_rng(1)
    names = [f"copy {k}" for k in range(40)]
    for name in names:
        copy = of.measured["explainlfs"][DELETION].clone()
        copy[:, 1:] += torch.from_numpy(random.normal(0, 0.01, (len(of.same), 1)))
        of.measured[name] = {DELETION: copy}
    tests = dict(list(TESTS.items())[:1])
    alone = [*(sentences.versus([(of, "explainlfs", name)], tests)[0] for name in names)]
    among = sentences.versus([(of, "explainlfs", name) for name in names], tests)
    assert any("better" in text or "worse" in text for text in alone)
    assert set(among) == {"not significantly different in any of 2 tests"}


def test_first_places_are_counted() -> None:
    rankings = {"a": np.array([1, 2, 3]), "b": np.array([2, 1, 3])}
    text = sentences.first_places(rankings, ["explainlfs", "centre", "utkin"])
    assert "First place goes to ExplainLFS (1 of 2) and Centre map (1 of 2)." in text
    assert "Last place goes to Utkin et al. (2 of 2)." in text and "between places 1 and 2" in text


def test_the_same_maps_under_two_names_are_told() -> None:
    once = results()
    assert sentences.same_maps(once) == ""
    twice = replace(once, measured={**once.measured, "xssab": once.measured["gradcam"]})
    assert "count twice: Grad-CAM and xSSAB." in sentences.same_maps(twice)


def test_controls_are_what_methods_are_counted_against() -> None:
    tests = {"deletion": (results(), DELETION)}
    beaten = score_tables.controls_beaten(tests)
    assert sentences.against_controls(beaten) == (
        "This page has 2 tests, others than those of the first page. A method passes one if it "
        "beats every control. Most are passed by "
        "Grad-CAM (2 of the 2 that it took). ExplainLFS passes 0 of 2."
    )
    table = score_tables.controls_beaten_table(beaten)
    assert list(table.index) == ["Grad-CAM", "ExplainLFS", "Utkin et al."]
    assert list(table.loc["Grad-CAM"]) == ["in 2 of 2", "deletion, similar; deletion, dissimilar"]
    assert list(table.loc["Utkin et al."]) == ["in 0 of 2", "nowhere"]
    none = {"deletion": (results(LEVELS | {"centre": 0.99}), DELETION)}
    beaten = score_tables.controls_beaten(none)
    assert sentences.against_controls(beaten).startswith(
        "No method beats every control in any of 2"
    )
    left = score_tables.controls_beaten(tests, without=["deletion, similar"])
    assert left["Grad-CAM" if "Grad-CAM" in left else "gradcam"] == {"deletion, dissimilar": True}


def test_shuffles_of_one_kind_are_counted_together() -> None:
    levels = {"explainlfs": 0.5, "amortised": 0.5}
    levels |= {f"randomised,shuffled=network{seed}": 0.4 for seed in ("", ",seed=1", ",seed=2")}
    levels |= {"randomised,shuffled=network,refitted=true": 0.9}
    levels |= {"randomised-causal,shuffled=head": 0.5}
    lines = sentences.shuffled(results(levels), DELETION).split("\n")
    assert len(lines) == 3
    assert "shuffled network* in 6 of 6 comparisons, and worse in 0 (3 shuffles" in lines[0]
    assert "refitted decoder* in 0 of 2 comparisons, and worse in 2 (1 shuffle," in lines[1]
    assert lines[2].startswith("- One-pass causal map finds what matters better than")


def test_others_of_one_outcome_share_a_line() -> None:
    of = results({OURS: 0.9, "gradcam": 0.5, "utkin": 0.4, "centre": 0.99}, tuple(TESTS))
    lines = beyond_sentences.against_each(of).split("\n")
    assert lines == [
        "- Against Grad-CAM and Utkin et al.: better in all 4 tests.",
        "- Against Centre map: worse in all 4 tests.",
    ]


def test_the_most_and_least_alike_tests() -> None:
    tau = pd.DataFrame([[1, 0.5, -1], [0.5, 1, 0], [-1, 0, 1]], list("abc"), list("abc"))
    said = sentences.disagreement(tau)
    assert "-0.17 on average." in said
    assert "those of a and b (0.50), the least similar those of a and c (-1.00)" in said


def test_agreement_counts_variants_as_one_method() -> None:
    names = ["explainlfs", "explainlfs,decoder=mlp", "gradcam", "centre"]
    between = np.array(
        [[1, 0.9, 0.1, 0.6], [0.9, 1, 0.2, 0.3], [0.1, 0.2, 1, 0.0], [0.6, 0.3, 0.0, 1]]
    )
    text = sentences.agreement(names, between, [0.7, 0.1, 0.2, 1.0])
    assert "agree at 0.15 on average" in text
    assert "agrees most with Centre map (0.60), and of the methods with Grad-CAM (0.10)." in text
    assert text.endswith("with their own map of another pair: ExplainLFS (0.70).")


def test_agreement_with_the_expert_beyond_other_pairs() -> None:
    def of(more: float) -> dict[str, dict[str, list[float]]]:
        noise = np.linspace(-0.01, 0.01, 40)
        return {
            "rank correlation": {"same_pair": [*(0.3 + more + noise)], "other_pairs": [0.3] * 40}
        }

    text = sentences.with_expert({"explainlfs": of(0), "gradcam": of(0.4)})
    assert (
        "1 of 2 methods and controls agree with SIMExpert better" in text
        and "Grad-CAM (+0.40)" in text
    )
    assert "This is not agreement about the pair" in text
    assert "This is agreement about the pair" in sentences.with_expert({"explainlfs": of(0.1)})


def test_what_shapes_the_map_is_what_changes_it_most() -> None:
    found = sentences.what_shapes({"a": 0.1, "b": 0.3, "c": 0.9}, {"decoders": "ab", "p": "c"})
    assert "0.20 with decoders and 0.90 with p" in found
    assert "single variants go from 0.10 (" in found and " to 0.90 (" in found


def test_the_region_found_best_is_first() -> None:
    region = torch.zeros(2, 4, 4, dtype=torch.bool)
    region[:, :2] = True
    maps = {"centre": 1 - region.float(), "gradcam": region.float()}
    assert "Grad-CAM (1.00) and Centre map (0.00)" in sentences.inside(maps, region)


def goal(images: str, beaten: list[str]) -> Goal:
    """With two others, and a lead of 0.1 over the first."""
    lead = {"other": "centre", "by": 0.1, "low": 0.0, "high": 0.2, "p": 0.5, "pairs": 9}
    return Goal(images, "Deletion, similar", beaten, ["centre", "gradcam"], lead, (0.8, 0.7, 0.9))


def test_how_far_the_books_own_map_holds_up() -> None:
    found = {form: [goal("faces", ["centre", "gradcam"]), goal("cars", [])] for form in FORMS}
    two = {"of two passes": 1.25, "forward": 2, "backward": 0}
    costs = {OURS: two, "gradcam": two, "centre": two}
    text = beyond_sentences.how_far(found, costs)
    assert text.startswith("**It beats every method of fewer than 30 passes, and every control,")
    assert "in 1 of 2 tests**" in text and "1.25 times" in text
    assert "1 of 1 on faces and 0 of 1 on cars" in text
    assert text.endswith("in every test: Centre map and Grad-CAM.")
    late = costs | {"lrp": two | {"backward": 2}, "lime": two | {"forward": 1026}}
    told = beyond_sentences.how_far(found, late)
    assert told.endswith("Grad-CAM. As cheap, and not in these runs: LRP.")
    won = beyond_sentences.how_far({form: of[:1] for form, of in found.items()}, costs)
    assert "1 of 1 tests" in won and "does not beat" not in won


def test_a_run_that_was_unfair_to_corrrise_says_so() -> None:
    module = "lfs_core.comparators.corrrise"
    said = code_of(module).modules[module][:12]
    assert "hid smaller squares" in sentences.corrrise_before({})  # made by code not recorded
    for digest, fair in ((said, True), ("0" * 12, False)):
        made = {"code": {"of": {}, "modules": {module: digest}, "weights": {}}}
        assert (sentences.corrrise_before(made) == "") == fair
