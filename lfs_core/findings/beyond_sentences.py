"""Results of the comparisons beyond the paper, in sentences made from the numbers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lfs_core.comparators import EXPLAINERS, explainer_class
from lfs_core.comparators.amortised import Amortised
from lfs_core.embedders import network_title
from lfs_core.evaluation.names import images_title, reader_name
from lfs_core.evaluation.results import KINDS, SIGNIFICANT, Results, is_control
from lfs_core.evaluation.spec import parse
from lfs_core.evaluation.statistics import holm
from lfs_core.findings.beyond import (
    CHEAP,
    FORMS,
    OURS,
    PLAIN,
    TESTS,
    Goal,
    passes,
    ranked_weights,
    without_pairs,
    won,
)
from lfs_core.findings.intervals import COMMON, interval
from lfs_core.findings.sentences import VERDICTS, listed, sentence, versus
from lfs_core.variants import RELEVANCE_WORDS

Costs = Mapping[str, Mapping[str, float]]


def how_far(found: Mapping[str, Sequence[Goal]], costs: Costs) -> str:
    """In how many tests one pass of each image beats all methods that are as cheap, by form.

    Args:
        found: what `goals` found of each form, `OURS` among them.
        costs: as the study of costs stores them.
    """
    own = found[OURS]
    all_won = len(won(own)) == len(own)
    by_images = [
        f"{len(won([g for g in own if g.images == images]))} of "
        f"{sum(g.images == images for g in own)} on {images}"
        for images in dict.fromkeys(goal.images for goal in own)
    ]
    others = [
        f"the one {reader_name(form).partition(', ')[2]} in {len(won(goals))}"
        for form, goals in found.items()
        if form != OURS
    ]
    left = sorted({reader_name(name) for g in own for name in {*g.others} - {*g.beaten}})
    measured = {parse(name)[0] for g in own for name in g.others} | {OURS}
    absent = [
        reader_name(name)
        for name, cost in costs.items()
        if name in EXPLAINERS
        and name not in measured
        and explainer_class(name).role == "method"
        and passes(cost) < CHEAP
    ]
    return sentence(
        f"**It beats every method of fewer than {CHEAP} passes, and every control, in "
        f"{len(won(own))} of {len(own)} tests**: {listed(by_images)}. One pass of each image takes "
        f"{costs[OURS]['of two passes']:.2f} times as long as the two passes that computing the "
        f"similarity takes. Of its other forms, {listed(others)}"
        + ("" if all_won else f". These it does not beat in every test: {listed(left)}")
        + (f". As cheap, and not in these runs: {listed(absent)}" if absent else "")
    )


def like_with_like(found: Sequence[Goal], nearness: Mapping[str, Mapping[str, Any]]) -> str:
    """How close the head comes to exact maps: in scores, and in correlation with a partner."""
    shares = [goal.share[0] for goal in found]
    near = [
        f"{np.mean(of['exact']['another']):.2f} for {network_title(network)}"
        for network, of in nearness.items()
    ]
    return (
        f"**It is not exact.** The form {reader_name(PLAIN).partition(', ')[2]} measures only the "
        f"similarity to the partner, as occlusion does. It reaches between {min(shares):.2f} and "
        f"{max(shares):.2f} of exact occlusion's score. With a random partner its maps correlate "
        f"with exact ones at {listed(near)}."
    )


def its_controls(results: Mapping[str, Results]) -> str:
    """The one-pass map against its own forms and against every control, as a list by images."""
    others = {
        images: [name for name in of.explainers if name in FORMS[1:]]
        # A random relevance is a control of the paper's method, not of this one.
        + [name for name in of.explainers if is_control(name) and parse(name)[0] != "explainlfs"]
        for images, of in results.items()
    }
    return "\n".join(f"- *{images}*, {line}" for images, line in _against(results, OURS, others))


def _against(
    results: Mapping[str, Results], one: str, others: Mapping[str, Sequence[str]]
) -> list[tuple[str, str]]:
    """In which tests a method is better or worse than others; those of one outcome in one line.

    Args:
        results: by what they are of.
        one: the method.
        others: of each of the results, the others.

    Returns:
        What results are of, and the line.
    """
    compared = [(of, other) for of, names in others.items() for other in names]
    told = versus([(results[of], one, other) for of, other in compared], TESTS)
    alike: dict[tuple[str, str], list[str]] = {}
    for (of, other), text in zip(compared, told, strict=True):
        alike.setdefault((of, text), []).append(reader_name(other))
    return [(of, f"against {listed(names)}: {text}.") for (of, text), names in alike.items()]


def without_a_trace(road: Results, metric: str = "road,blurred=true") -> str:
    """Which controls the one-pass map does not beat where removals leave no trace."""
    controls = [name for name in road.explainers if is_control(name)]
    told = []
    for kind in KINDS:
        rows = road.against(metric, kind, OURS, controls)
        level = [row["other"] for row in rows if row["p"] >= SIGNIFICANT]
        behind = [row["other"] for row in rows if row["p"] < SIGNIFICANT and row["by"] < 0]
        ahead = len(rows) - len(level) - len(behind)
        words = f"on {int(road.of_kind(metric, kind).sum())} {kind} pairs it is ahead of {ahead}"
        for how, others in {"level with": level, "behind": behind}.items():
            if others:
                words += f", {how} {listed([reader_name(name) for name in others])}"
        told.append(words)
    return (
        f"**Where removals leave no trace** (ROAD), of {len(controls)} controls {'; '.join(told)}."
    )


def of_patches(behaviour: Results, chance: float = 0.5) -> str:
    """How well the one-pass map finds an exchanged square, a test with a known answer."""
    place, told = behaviour.explainers.index(OURS), []
    for kind in KINDS:
        of = interval(
            behaviour.scores("patch", kind)[:, place], classes=behaviour.classes_of("patch", kind)
        )
        told.append(f"{of} on {kind} pairs, {VERDICTS[of.above(chance)]}")
    return f"**The patch test on faces**, whose answer is known: an area of {listed(told)}."


def without_its_terms(results: Results, metric: str, kind: str) -> str:
    """What own-likeness and contrast do to the one-pass map in a test that did not choose them."""
    plain, whole = (
        interval(
            results.scores(metric, kind)[:, results.explainers.index(name)],
            classes=results.classes_of(metric, kind),
        )
        for name in (PLAIN, OURS)
    )
    row = results.against(metric, kind, OURS, [PLAIN])[0]
    changed = "better" if row["by"] > 0 else "worse"
    told = f"make it {changed}" if row["p"] < SIGNIFICANT else "are not shown to change that"
    images = images_title(results.manifest["pairs"])
    return (
        f"**{reader_name(metric)}**, {kind} pairs of {images}: the one-pass causal map has "
        f"{whole}. Own-likeness and contrast, which were chosen for other tests, {told}: without "
        f"them it has {plain}."
    )


def about_the_pair(behaviour: Results) -> str:
    """Whether the one-pass map changes with the partner, by the limit of the ledger."""
    kind = KINDS[1]  # of which the next partner mostly gets the same decision
    swapped = behaviour.scores("partner", kind)[:, behaviour.explainers.index(OURS)]
    of = interval(swapped, classes=behaviour.classes_of("partner", kind))
    said = {
        "holds": "its maps are mostly not about the pair",
        "fails": "its maps are about the pair",
        "not shown": "it is not shown whether its maps are about the pair",
    }[of.above(COMMON)]
    return (
        f"{without_its_terms(behaviour, 'partner', kind)} The number is the rank correlation of an "
        f"image's maps with two partners; by the ledger's limit of {COMMON}, {said}."
    )


def can_save(results: Results, control: str) -> str:
    """In how many tests a better decoder makes the paper's map better than a control."""
    found = [name for name in results.explainers if name.endswith(",relevance=paper")]
    rows = [
        results.against(metric, kind, name, [control])[0]
        for name in found
        for metric in TESTS
        for kind in KINDS
    ]
    sure = holm(np.array([row["p"] for row in rows])) < SIGNIFICANT
    better = sum(one and row["by"] > 0 for one, row in zip(sure, rows, strict=True))
    worse = sum(one and row["by"] < 0 for one, row in zip(sure, rows, strict=True))
    return (
        f"**Can a better decoder save the paper's map?** Over {len(found)} maps and {len(rows)} "
        f"comparisons with {reader_name(control)}, it is better in {better} and worse in {worse}."
    )


def hardest(found: Sequence[Goal]) -> str:
    """The test in which the map is least ahead, or most behind."""
    goal = min(found, key=lambda goal: goal.hardest["by"])
    lead = "{by:+.3f} [{low:+.3f}, {high:+.3f}]".format(**goal.hardest)
    return (
        f"**The hardest test** is {goal.test.lower()}, on {goal.images}. There its lead over "
        f"{reader_name(goal.hardest['other'])} is {lead}."
    )


def of_relevance(results: Results, maps: Sequence[str] | None = None) -> str:
    """Where the paper's relevance is better than a random one, under each map, as a list."""
    found = maps or [
        name.removesuffix(",relevance=paper")
        for name in results.explainers
        if name.endswith(",relevance=paper")
    ]
    told = versus(
        [(results, f"{under},relevance=paper", f"{under},relevance=random") for under in found],
        TESTS,
    )
    return "\n".join(
        f"- {reader_name(under)}: {RELEVANCE_WORDS['paper']}, compared with "
        f"{RELEVANCE_WORDS['random']}, is {text}."
        for under, text in zip(found, told, strict=True)
    )


def saved(results: Results, control: str) -> str:
    """Whether the paper's relevance under another decoder is better than a control, as a list."""
    found = [name for name in results.explainers if name.endswith(",relevance=paper")]
    told = versus([(results, name, control) for name in found], TESTS)
    return "\n".join(
        f"- {reader_name(name)}, compared with {reader_name(control)}, is {text}."
        for name, text in zip(found, told, strict=True)
    )


def which_part(results: Results) -> str:
    """Whether exchanging the map or the relevance changes mean scores more, test by test."""
    by_map, by_relevance = [], []
    for metric in TESTS:
        for kind in KINDS:
            means = dict(
                zip(results.explainers, results.scores(metric, kind).mean(axis=0), strict=True)
            )
            of: dict[str, dict[str, float]] = {}
            for name, mean in means.items():
                under, _, relevance = name.rpartition(",relevance=")
                of.setdefault(relevance, {})[under] = mean
            causal, decoded = (
                np.array([maps[under] for maps in of.values()]) for under in (PLAIN, "explainlfs")
            )
            by_map.append(float((causal - decoded).mean()))
            by_relevance.append(float(max(np.ptp(causal), np.ptp(decoded))))
    more = sum(abs(one) > other for one, other in zip(by_map, by_relevance, strict=True))
    return (
        f"**Which part does the work**: in {more} of {len(by_map)} tests the map. With the causal "
        f"head instead of the decoder, scores change by {min(by_map):+.3f} to {max(by_map):+.3f}, "
        "the mean over all relevances. Exchanging the relevance under one map changes them by "
        f"{min(by_relevance):.3f} to {max(by_relevance):.3f} at most."
    )


def against_each(results: Results, one: str = OURS) -> str:
    """In which tests a method is better or worse than the others, as a list."""
    others = [name for name in results.explainers if name != one]
    told = _against({"": results}, one, {"": others})
    return "\n".join(f"- A{line[1:]}" for _, line in told)


def learnt(rows: Sequence[Mapping[str, Any]]) -> str:
    """How much is left unexplained with more photographs, and with other layers."""
    usual = max({tuple(row["layers"]) for row in rows}, key=lambda layers: _count(rows, layers))
    same = sorted(
        (row for row in rows if tuple(row["layers"]) == usual), key=lambda row: row["images"]
    )
    others = [row for row in rows if tuple(row["layers"]) != usual]
    usual_images = others[0]["images"]
    at = next(row for row in same if row["images"] == usual_images)
    told = [
        f"{row['partners']:.0%} from "
        + (
            listed([name.rpartition(".")[2].replace("_", " ") for name in row["layers"]])
            if row["layers"]
            else "the image itself"
        )
        for row in others
    ]
    return (
        f"Trained on {same[0]['images']:,} photographs, the head leaves "
        f"{same[0]['partners']:.0%} unexplained; on {same[-1]['images']:,}, "
        f"{same[-1]['partners']:.0%}. On {usual_images:,} photographs it is "
        f"{at['partners']:.0%}; with other layers it is {listed(told)}."
    )


def directions(nearness: Mapping[str, Mapping[str, Any]], share: float = 0.9) -> str:
    """How many directions of the latent space hold most of the exact maps, and what heads saw."""
    told = []
    for network, of in nearness.items():
        held = ((int(rank), value) for rank, value in of["variance by rank"].items())
        enough = [rank for rank, value in sorted(held) if value >= share]
        taken = f"{enough[0]} directions" if enough else "more directions than were tried"
        told.append(f"{network_title(network)} {taken}, from {of['info']['identities']['train']:,}")
    return (
        f"This many directions hold {share:.0%} of the variance of exact maps, and the head learnt "
        f"from this many people or classes: {listed(told)}."
    )


def _count(rows: Sequence[Mapping[str, Any]], layers: tuple[str, ...]) -> int:
    return sum(tuple(row["layers"]) == layers for row in rows)


def under_two_names(twins: Mapping[str, Any], part: str = "test") -> str:
    """Whether a person may be in the head's training and in the tests, under two names."""
    found, learnt = twins["parts"][part], twins["learnt_from"]["people"]
    above = {at: len(found["twins"][at]) for at in ("0.6", "0.8")}
    return (
        "Could a person be in the head's training data and in the tests, under two names? "
        f"{found['same_picture'] or 'No'} photographs of the {found['people']} test people are "
        f"also among those of the head's {learnt:,} people. "
        f"{_people(above['0.8'])} a photograph with a cosine above 0.8 to one of the "
        f"head's people. {_people(above['0.6'])} one above 0.6, a value that strangers reach, too."
    )


def chosen(weights: Results) -> str:
    """The best pair of weights on the people set aside for the choice, and the one that ships."""
    found = ranked_weights(weights)
    shipped = inspect.signature(Amortised).parameters
    ours = float(shipped["own"].default), float(shipped["contrast"].default)
    (best, highest), place = next(iter(found.items())), list(found).index(ours) + 1
    at = "own = {:g} and contrast = {:g}".format
    text = (
        f"On {len(weights.same)} pairs the best of {len(found)} pairs of weights is "
        f"{at(*best)}, with a mean score of {highest:.3f}."
    )
    if best == ours:
        return f"{text} It is the one that ships."
    return (
        f"{text} The one that ships, {at(*ours)}, has {found[ours]:.3f} and place {place}. It was "
        "kept, because all numbers of this page were computed with it."
    )


def older_than_the_choice(tested: Results, people: int) -> str:
    """Whether the pairs of a run show people on whom the weights were chosen.

    Args:
        tested: a run on people; its classes are places among all people by name.
        people: how many there are; the last quarter is for tests.
    """
    if tested.classes is None:
        return "Which people the pairs above show is not known."
    earlier = (tested.classes < people - round(people / 4)).any(axis=1).mean()
    if not earlier:
        return "The pairs above show none of the people on whom the weights were chosen."
    return (
        f"**The runs above are older than this division**: {earlier:.0%} of their pairs show "
        "a person from before the last quarter, which includes those on whom the weights were "
        "chosen. This affects neither the readings above nor the fresh people."
    )


def on_fresh_people(fresh: Results) -> str:
    """In how many tests the one-pass map is best on people who influenced no choice."""
    others = [name for name in fresh.explainers if parse(name)[0] != OURS]
    left = {
        row["other"]
        for metric in TESTS
        for kind in KINDS
        for row in fresh.against(metric, kind, OURS, others)
        if not (row["by"] > 0 and row["p"] < SIGNIFICANT)
    }
    text = (
        f"On {len(fresh.same)} pairs of fresh people the one-pass causal map is "
        f"significantly better than all {len(others)} others in {_won(fresh, others)} of "
        f"{len(TESTS) * len(KINDS)} tests."
    )
    names = [reader_name(name) for name in others if name in left]
    return (
        sentence(f"{text} In at least one test it does not beat: {listed(names)}") if left else text
    )


def seen_before(fresh: Results, runs: Mapping[str, np.ndarray]) -> str:
    """How many fresh people other runs show, too, and how the map does without their pairs.

    Args:
        fresh: the run on fresh people.
        runs: the classes of the pairs (P,2) of other runs on people of the same folder, by name.
    """
    if fresh.classes is None:
        return "Which people the fresh pairs show is not known."
    people = set(np.unique(fresh.classes).tolist())
    again = people & {int(one) for classes in runs.values() for one in np.unique(classes)}
    if not again:
        return f"Of {len(people)} fresh people none is in any of {listed([*runs])}."
    shown = np.flatnonzero(np.isin(fresh.classes, list(again)).any(axis=1))
    rest = without_pairs(fresh, shown.tolist())
    others = [name for name in fresh.explainers if parse(name)[0] != OURS]
    before, without = (_won(of, others) for of in (fresh, rest))
    return (
        f"Not all fresh people are new to the book: {len(again)} of {len(people)} are in at "
        f"least one of {listed([*runs])}, too. They are in {len(shown)} of {len(fresh.same)} "
        f"pairs. Without these pairs the map is better than all others in {without} of "
        f"{len(TESTS) * len(KINDS)} tests, with them in {before}."
    )


def _won(results: Results, others: Sequence[str]) -> int:
    """In how many tests the one-pass map is significantly better than all of some others."""
    return sum(
        all(
            row["by"] > 0 and row["p"] < SIGNIFICANT
            for row in results.against(metric, kind, OURS, others)
        )
        for metric in TESTS
        for kind in KINDS
    )


def _people(count: int) -> str:
    return "1 person has" if count == 1 else f"{count or 'No'} people have"
