"""The page beyond the paper: its tables count what they should, and its oracle is one."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

import lfs_core as lfs
from lfs_core.evaluation.controls.filters import Filters
from lfs_core.evaluation.controls.greedy import Greedy
from lfs_core.evaluation.metrics.selectivity import FILLS, flip_curves, flip_ranks
from lfs_core.evaluation.results import Results
from lfs_core.findings import beyond, sentences
from lfs_core.findings import beyond_sentences as told
from lfs_core.findings.stored import stored_evaluation, stored_run
from lfs_core.viz.pareto import plot_pareto

SIDE = 16
METRICS = tuple(beyond.TESTS)
METHODS = ("amortised", beyond.PLAIN, "occlusion", "centre", "xssab")


def network(images: torch.Tensor) -> torch.Tensor:
    """(B,3,16,16) -> (B,12): colours of four quarters, with both signs."""
    return torch.nn.functional.avg_pool2d(images, 8).flatten(1) - 0.5


def results(pairs: int = 40) -> Results:
    """Curves in which every method falls by what `level` says, plus noise."""
    level = {"amortised": 0.6, beyond.PLAIN: 0.4, "occlusion": 0.8, "centre": 0.3, "xssab": 0.1}
    generator = torch.Generator().manual_seed(0)
    similar = torch.arange(pairs) % 2 == 0

    def curve(name: str, metric: str) -> torch.Tensor:
        moved = level[name] + 0.02 * torch.randn(pairs, generator=generator)
        sign = torch.where(similar, -1.0, 1.0) * (1 if "selectivity" in metric else -1)
        return torch.stack([torch.zeros(pairs), sign * moved, sign * moved], dim=1)

    return Results(
        {"threshold": 0.3, "pairs": "lfw"},
        similar,
        torch.where(similar, 0.8, 0.0),
        torch.zeros(pairs, dtype=torch.int),
        {name: {metric: curve(name, metric) for metric in METRICS} for name in METHODS},
        {},
    )


COSTS = {
    "amortised": {"forward": 2, "backward": 0, "of two passes": 1.1},
    beyond.PLAIN: {"forward": 2, "backward": 0, "of two passes": 1.1},
    "occlusion": {"forward": 130, "backward": 0, "of two passes": 48},
    "centre": {"forward": 2, "backward": 0, "of two passes": 0.9},
    "xssab": {"forward": 2, "backward": 4, "of two passes": 5},
}


def test_goals_count_what_is_cheap_and_measure_the_rest() -> None:
    found = beyond.goals({"faces": results()}, COSTS)
    assert len(found) == 4
    for goal in found:
        assert goal.beaten == goal.others == ["centre", "xssab"]
        assert goal.hardest["other"] == "centre"
        assert goal.share[0] == pytest.approx(0.5, abs=0.02)  # without own-likeness, as occlusion
    table = beyond.goals_table(found)
    assert list(table["significantly better than"]) == ["2 of 2"] * 4
    assert all(text.endswith("(n = 20) *") for text in table["smallest lead"])
    assert list(table["over"]) == ["Centre map"] * 4
    forms = {form: beyond.goals({"faces": results()}, COSTS, form) for form in METHODS[:2]}
    assert beyond.forms_table(forms).to_numpy().tolist() == [["4 of 4", "4 of 4"]] * 2


def test_a_ratio_of_means_and_its_interval() -> None:
    generator = np.random.default_rng(1)
    below = generator.uniform(0.5, 1.5, 400)
    ratio, low, high = beyond.ratio_of_means(0.5 * below, below)
    assert ratio == low == high == pytest.approx(0.5)
    above = 0.5 * below + generator.normal(0, 0.1, 400)
    ratio, low, high = beyond.ratio_of_means(above, below)
    assert ratio == pytest.approx(above.mean() / below.mean())
    assert low < ratio < high and high - low < 0.06


def test_advantages_are_paired_and_starred() -> None:
    table = beyond.advantages_table(results())
    assert list(table.index)[1:] == ["Occlusion", "Centre map", "xSSAB"]
    assert all(cell.startswith("-") and cell.endswith("*") for cell in table.loc["Occlusion"])
    assert all(cell.startswith("+") and cell.endswith("*") for cell in table.loc["Centre map"])


def test_the_frontier_is_what_nothing_cheaper_beats() -> None:
    figure = plot_pareto(results(), COSTS).figure
    stairs = [trace for trace in figure.data if trace.name == "Pareto front"]
    assert len(stairs) == 4
    assert beyond.passes(COSTS["xssab"]) == 10
    for stair in stairs:
        assert (np.diff(stair.x) >= 0).all() and (np.diff(stair.y) > 0).all()
        assert max(stair.y) == pytest.approx(0.6, abs=0.02)  # occlusion's mean, by area


def test_tables_of_means_and_parts() -> None:
    means = beyond.means_table({"faces": results(), "birds": results()})
    assert means.shape == (2 * len(METHODS), 4)
    assert beyond.means_table({"faces": results()}).equals(means.loc["faces"])
    named = results()
    renamed = Results(
        named.manifest,
        named.same,
        named.similarity,
        named.seed,
        {
            "explainlfs,relevance=paper": named.measured["centre"],
            "amortised,own=0,relevance=paper": named.measured["amortised"],
        },
        {},
    )
    parts = beyond.parts_table(renamed)
    assert list(parts.index) == [
        ("the paper's relevance", "ExplainLFS"),
        ("the paper's relevance", "One-pass causal map, without own-likeness"),
    ]
    assert parts.iloc[1, 0] > parts.iloc[0, 0]


def test_what_is_saved_is_held_against_random_relevance_and_the_centre() -> None:
    found = results()
    named = {
        "explainlfs,decoder=mlp,relevance=paper": "centre",
        "explainlfs,decoder=mlp,relevance=random": "xssab",
        "centre": "occlusion",
    }
    renamed = Results(
        found.manifest,
        found.same,
        found.similarity,
        found.seed,
        {new: found.measured[old] for new, old in named.items()},
        {},
    )
    table = beyond.saved_table(renamed)
    assert list(table.index) == [
        ("ExplainLFS, MLP decoder", "random relevance"),
        ("ExplainLFS, MLP decoder", "Centre map"),
    ]
    for cell in table.iloc[0]:
        assert float(cell.split()[0]) == pytest.approx(0.15, abs=0.02) and cell.endswith("*")
    for cell in table.iloc[1]:
        assert float(cell.split()[0]) == pytest.approx(-0.375, abs=0.02) and cell.endswith("*")


def test_the_greedy_order_is_the_best_first_step_and_no_worse_than_any_order() -> None:
    images = torch.rand(2, 2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
    explain = Greedy(network, fill="black", steps=3, similarity_threshold=-1)
    found = explain.batch([tuple(pair) for pair in images])
    ranks = torch.stack(
        [flip_ranks(e.maps.unfold(1, 2, 2).unfold(2, 2, 2)[..., 0, 0]) for e in found]
    )
    both = torch.tensor([False, False])
    curve = flip_curves(network, images, ranks[None], both, fill="black", flips=(0, 1, 2, 3))[0]
    black = FILLS["black"](images, torch.Generator())
    for k in range(2):
        first = []
        for row, column in itertools.product(range(8), repeat=2):
            changed = images[k].clone()
            block = np.s_[0, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            changed[block] = black[k][block]
            h = network(changed)
            first.append(torch.cosine_similarity(h[0], h[1], dim=0).item())
        assert curve[k, 1].item() == pytest.approx(min(first), abs=1e-5)
    for seed in range(5):
        other = flip_ranks(torch.rand(1, 2, 2, 8, 8, generator=torch.Generator().manual_seed(seed)))
        random = flip_curves(network, images, other, both, fill="black", flips=(0, 1, 2, 3))[0]
        assert (curve[:, 1:] <= random[:, 1:] + 1e-5).all()


@pytest.mark.parametrize("threshold", [-1, 1])
def test_filters_are_the_transposed_jacobian(threshold: float) -> None:
    torch.manual_seed(0)
    linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIDE**2, 5))
    images = torch.rand(1, 2, 3, SIDE, SIDE)
    explain = Filters(linear, similarity_threshold=threshold)
    found = explain.evidence(explain.see(images)).values
    h = linear(images[0]).detach()
    R = lfs.relevance(*h, similar=threshold < 0)
    expected = (linear[1].weight.T @ R).abs().view(3, SIDE, SIDE).mean(dim=0)
    torch.testing.assert_close(found[0], expected.detach().expand(2, -1, -1))
    with pytest.raises(lfs.LFSError, match="relevance is 'truth'"):
        Filters(linear, relevance="truth")


def test_weights_are_ranked_by_the_mean_of_all_tests() -> None:
    """Scores that are made to be own - contrast: the best pair is that with most and least."""
    weights = list(itertools.product((0, 0.5, 1), (0, 0.1)))
    template = results()
    similar = template.same
    measured = {}
    for own, contrast in weights:
        curves = {}
        for metric in METRICS:
            sign = torch.where(similar, -1.0, 1.0) * (1 if "selectivity" in metric else -1)
            moved = torch.full((len(similar),), own - contrast)
            curves[metric] = torch.stack([0 * moved, sign * moved, sign * moved], dim=1)
        measured[f"amortised,own={own},contrast={contrast}"] = curves
    chosen = Results(template.manifest, similar, template.similarity, template.seed, measured, {})
    ranked = beyond.ranked_weights(chosen)
    assert list(ranked) == sorted(weights, key=lambda pair: pair[1] - pair[0])
    said = told.chosen(chosen)  # 1 and 0.1 ship; 0.9 is the second of 1, 0.9, 0.5, 0.4, 0, -0.1
    assert "own = 1 and contrast = 0," in said and "own = 1 and contrast = 0.1, has" in said
    assert "place 2" in said
    table = beyond.weights_table(chosen)
    assert list(table.index) == weights and table.index.names == ["own", "contrast"]
    means = table["mean"].astype(float)
    assert means.idxmax() == (1, 0) and means.idxmin() == (0, 0.1)
    for line in table.drop(columns="mean").astype(float).itertuples():
        assert means[line[0]] == pytest.approx(np.mean(line[1:]), abs=1e-3)


def test_runs_that_are_older_than_the_choice_say_so() -> None:
    """Of forty pairs ten show person 5; of ten people the last quarter begins with person 8."""
    classes = np.full((40, 2), 9)
    classes[:10, 1] = 5
    assert "25% of their pairs" in told.older_than_the_choice(
        replace(results(), classes=classes), 10
    )
    clean = replace(results(), classes=np.full((40, 2), 8))
    assert "show none of the people" in told.older_than_the_choice(clean, 10)
    assert "not known" in told.older_than_the_choice(results(), 10)


def test_fresh_people_are_told_with_what_is_not_beaten() -> None:
    """Occlusion moves the cosine by 0.8 where the one-pass map moves it by 0.6."""
    said = told.on_fresh_people(results())
    assert said.startswith("On 40 pairs") and "all 3 others in 0 of 4 tests" in said
    assert said.endswith("In at least one test it does not beat: Occlusion.")
    easy = results()
    del easy.measured["occlusion"]
    assert told.on_fresh_people(easy).endswith("all 2 others in 4 of 4 tests.")


def test_pairs_are_left_out_of_everything() -> None:
    whole = results()
    whole.problems.update({"centre": {0: "a", 3: "b", 39: "c"}})
    whole = replace(whole, classes=np.arange(80).reshape(40, 2))
    left = beyond.without_pairs(whole, [3, 7])
    kept = [k for k in range(40) if k not in (3, 7)]
    assert torch.equal(left.same, whole.same[kept])
    np.testing.assert_array_equal(left.classes, whole.classes[kept])
    assert left.manifest["number"] == 38 and left.problems["centre"] == {0: "a", 37: "c"}
    for metric in METRICS:
        np.testing.assert_array_equal(left.scores(metric), whole.scores(metric)[kept])
    everything = beyond.without_pairs(whole, [])
    np.testing.assert_array_equal(everything.scores(METRICS[0]), whole.scores(METRICS[0]))


def test_directions_are_counted_up_to_the_share() -> None:
    nearness = {
        "facenet-casia": {
            "variance by rank": {"8": 0.5, "16": 0.91, "32": 1.0},
            "info": {"identities": {"train": 5000}},
        },
        "efficientnet-lite0-cub": {
            "variance by rank": {"8": 0.1, "16": 0.2},
            "info": {"identities": {"train": 33}},
        },
    }
    text = told.directions(nearness)
    assert "FaceNet (CASIA-WebFace) 16 directions, from 5,000" in text
    assert "birds) more directions than were tried, from 33" in text


@pytest.mark.parametrize(("whole", "word"), [(0.6, "better"), (0.2, "worse"), (0.4, "not shown")])
def test_what_its_own_terms_do_to_the_map(whole: float, word: str) -> None:
    """Without them the map moves the cosine by 0.4."""
    found = results()
    metric = METRICS[0]
    noise = 0.02 * torch.randn(40, generator=torch.Generator().manual_seed(1))
    found.measured["amortised"][metric] = torch.stack(
        [torch.zeros(40), *[torch.where(found.labels.is_similar, -1, 1) * (whole + noise)] * 2], 1
    )
    assert word in told.without_its_terms(found, metric, "similar")


def test_whether_the_map_is_about_the_pair_is_the_mean_of_the_file() -> None:
    behaviour = stored_evaluation("behaviour")
    similar = behaviour.similarity > behaviour.manifest["threshold"]
    alike = behaviour.measured["amortised"]["partner"][~similar, 0]
    alike = alike[alike.isfinite()]
    said = told.about_the_pair(behaviour)
    assert f"{alike.mean():.3f} [" in said and f"(n = {len(alike)})" in said
    assert ("mostly not about the pair" in said) == (alike.mean() > 0.5)


def test_places_in_scenes_are_counted_again() -> None:
    scenes = stored_run("scenes")
    stereo = np.array(scenes["kinds"]) == "stereo"
    means = {
        name: np.nanmean(np.array(values, dtype=float)[stereo])
        for name, values in scenes["scores"]["causal"].items()
    }
    said = sentences.places_in_scenes(scenes)
    for which, mean in means.items():
        others = [
            np.nanmean(np.array(of[which], dtype=float)[stereo]) for of in scenes["scores"].values()
        ]
        place = 1 + sum(other > mean for other in others)
        assert f"place {place} of {len(others)} ({mean:.2f}) for the " in said


def test_which_part_does_the_work_is_counted_again() -> None:
    """By tables of the mean scores: rows are maps, columns are relevances."""
    results = stored_evaluation("two-by-two")
    shifts, ranges = [], []
    for metric in beyond.TESTS:
        for kind in ("similar", "dissimilar"):
            means = results.scores(metric, kind).mean(axis=0)
            decoded, causal = means.reshape(2, 5)  # the order of the study
            shifts.append((causal - decoded).mean())
            ranges.append(max(causal.max() - causal.min(), decoded.max() - decoded.min()))
    text = told.which_part(results)
    more = (np.abs(shifts) > ranges).sum()
    assert f"in {more} of 4 tests the map" in text
    assert f"{min(shifts):+.3f} to {max(shifts):+.3f}" in text
    assert f"{min(ranges):.3f} to {max(ranges):.3f} at most" in text


def test_fresh_people_of_other_runs_are_counted_again() -> None:
    """From the lists of classes alone; and without their pairs the test is made again."""
    classes = stored_run("classes")["classes"]
    fresh, other = (
        np.array(classes[stored_run(name)["manifest"]["digest"]])
        for name in ("fresh", "multiverse")
    )
    again = set(fresh.flatten().tolist()) & set(other.flatten().tolist())
    shown = [bool(again & set(pair)) for pair in fresh.tolist()]
    run = stored_evaluation("fresh")
    said = told.seen_before(run, {"the readings": other})
    people = len(set(fresh.flatten().tolist()))
    assert f"{len(again)} of {people} are in at least one of the readings" in said
    assert f"in {sum(shown)} of {len(fresh)} pairs" in said
    rest = beyond.without_pairs(run, np.flatnonzero(shown).tolist())
    others = [name for name in run.explainers if not name.startswith("amortised")]
    won = sum(
        all(
            of["by"] > 0 and of["p"] < 0.05
            for of in rest.against(metric, kind, "amortised", others)
        )
        for metric in beyond.TESTS
        for kind in ("similar", "dissimilar")
    )
    assert f"better than all others in {won} of 4 tests" in said
    nobody = told.seen_before(run, {"nobody": np.array([[-1, -2]])})
    assert nobody.endswith("none is in any of nobody.")
