"""Tables and sentences about matches follow the numbers, and turn when these do."""

from __future__ import annotations

import numpy as np
import pytest

from lfs_core.correspondence import NOTHING, TEMPERATURE
from lfs_core.findings import matches
from lfs_core.findings.matches import FEATURES, OURS, Scores
from lfs_core.findings.stored import stored_run
from lfs_core.viz.match_figures import plot_near

PAIRS = 40


def scores(**levels: float) -> Scores:
    """Of two kinds of pairs; each method has its level in one, and half of it in the other."""
    noise = np.random.default_rng(0).normal(0, 0.02, PAIRS)
    return {
        kind: {
            name: {
                "near": (level * share + noise).tolist(),
                "kept": [level * share] * PAIRS,
                "kept_near": [level] * PAIRS,
                "left": [None] * PAIRS,
            }
            for name, level in levels.items()
        }
        for kind, share in (("mirrored", 1.0), ("moved", 0.5))
    }


def named(ours: float, features: float) -> Scores:
    return scores(**{OURS: ours, FEATURES: features, "pairx": 0.3, "bilrp": 0.4, "chance": 0.1})


def test_the_sentence_turns_with_the_numbers() -> None:
    ahead = matches.compared(named(0.9, 0.6), OURS, [FEATURES])
    assert "significantly more in 2 of 2 kinds of pairs (mirrored; moved)" in ahead
    behind = matches.compared(named(0.5, 0.8), OURS, [FEATURES])
    assert "significantly fewer in 2 of 2" in behind
    assert "more" not in behind
    equal = matches.compared(named(0.7, 0.7), OURS, [FEATURES])
    assert "as many places as features alone" in equal


def test_who_has_few_pairs_is_not_compared() -> None:
    found = named(0.9, 0.6)
    for kind in found.values():
        kind["pairx"]["near"][4:] = [None] * (PAIRS - 4)  # type: ignore[index]
    said = matches.compared(found, OURS, ["pairx", FEATURES])
    few, features = said.split("\n")[-2:]
    assert few == f"- too few pairs to be compared with {matches.title('pairx')};"
    assert features.startswith("- compared with features alone, significantly more in 2 of 2")
    assert features.endswith("(mirrored; moved).")


def test_comparisons_are_corrected_for_their_number() -> None:
    """A difference that is significant alone is not among many that are none."""
    draw = np.random.default_rng(3)
    base = draw.normal(0.5, 0.05, PAIRS)
    others = {f"other {k}": (base + draw.normal(0, 0.05, PAIRS)) for k in range(30)}
    shift = draw.normal(0, 0.05, PAIRS)
    others["other 0"] = base - 0.018 - (shift - shift.mean())
    found = {"moved": {OURS: {"near": base.tolist()}}}
    found["moved"] |= {name: {"near": of.tolist()} for name, of in others.items()}
    assert matches.ahead(found, "moved", OURS, "other 0").above() == "holds"
    assert "significantly" not in matches.compared(found, OURS, list(others))


def test_position_is_told_where_it_is_the_better_guess() -> None:
    found = scores(**{OURS: 0.5, "same place": 0.6})
    assert "significantly fewer in 2 of 2" in matches.compared(found, OURS, [matches.SAME])
    assert "(mirrored; moved)" in matches.compared(found, OURS, [matches.SAME])
    ahead, level = (scores(**{OURS: of, "same place": 0.6}) for of in (0.7, 0.6))
    assert "significantly more" in matches.compared(ahead, OURS, [matches.SAME])
    assert "as many places as" in matches.compared(level, OURS, [matches.SAME])


def test_tables_say_the_means_and_skip_what_has_none() -> None:
    found = named(0.9, 0.6)
    table = matches.matches_table(found)
    mean = np.mean(found["moved"][OURS]["near"])
    assert table.loc[matches.title(OURS), "moved"].startswith(f"{mean:.2f} [")
    assert table.loc[matches.title(OURS), "pairs of each kind"] == str(PAIRS)
    kept = matches.no_match_table(found, [OURS])
    assert kept["not shown: left without match"].tolist() == ["-", "-"]
    assert kept["counterpart shown: matched"].tolist()[0].startswith("0.900")


@pytest.mark.parametrize(("more", "says"), [(3.0, "More"), (-3.0, "Fewer"), (0.0, "About as many")])
def test_one_person_and_two(more: float, says: str) -> None:
    noise = np.random.default_rng(1).normal(0, 1, (PAIRS, 2))
    counts = np.stack([20 + more + noise[:, 0], 20 + noise[:, 1]], axis=1)
    found = {"similarity": [[0.51, 0.5]] * PAIRS, "matches": {OURS: counts.tolist()}}
    sentence = matches.two_people_sentence(found)
    assert sentence.startswith(says)
    assert "0.510 and 0.500" in sentence
    share = (counts[:, 0] > counts[:, 1]).mean()
    table = matches.two_people_table(found)
    assert table.loc[matches.title(OURS), "one person has more"].startswith(f"{share:.3f}")


def test_deletion_leaves_out_the_step_before_anything_is_gone() -> None:
    curves = {
        "each image's own map": [[0.9, 0.5, 0.3]] * PAIRS,
        "matches, by confidence": [[0.9, 0.7, 0.5]] * PAIRS,
        "matches, by what both say": [[0.9, 0.2, 0.2]] * PAIRS,
        "at random": [[0.9, 0.6, 0.6]] * PAIRS,
    }
    assert matches.deletion_areas(curves)["each image's own map"].tolist() == [0.4] * PAIRS
    sentence = matches.deletion_sentence(curves)
    own, random = "by removing the best places of each image's own map", "by removing random places"
    by_confidence, by_both = sentence.split("; ")
    assert f"the cosine falls less than {own} (difference 0.200" in by_confidence
    assert f"not measurably further than {random} (difference 0.000" in by_confidence
    assert f"the cosine falls further than {own} (difference -0.200" in by_both
    assert f"further than {random} (difference -0.400" in by_both
    assert matches.deletion_table(curves)["mean cosine"].tolist()[0].startswith("0.400")


def test_the_chart_has_an_entry_for_each_kind_and_names_everybody() -> None:
    chart = plot_near(named(0.9, 0.6))
    (menu,) = chart.figure.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["mirrored", "moved"]
    labels = [text.replace("<br>", " ") for text in chart.figure.layout.yaxis.ticktext]
    assert labels[:2] == [matches.title(OURS), matches.title(FEATURES)]
    drawn = chart.figure.data[0].x
    assert drawn[0] == pytest.approx(
        matches.values(named(0.9, 0.6), "mirrored", OURS, "near").mean()
    )


def test_the_constants_are_those_that_the_study_finds() -> None:
    found = stored_run("matching")["constants"]
    assert min(found, key=lambda method: found[method]["loss"]) == OURS
    assert found[OURS]["temperature"] == pytest.approx(TEMPERATURE, abs=0.005)
    assert found[OURS]["nothing"] == pytest.approx(NOTHING, abs=0.02)
    table = matches.constants_table(found)
    assert table.loc[matches.title(OURS), "likeness of no match"] == f"{found[OURS]['nothing']:.3f}"
