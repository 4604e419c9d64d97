"""Which method to use: what each costs and how it stands in the stored tests, in Markdown.

Nothing here is judged by hand: a method is recommended if it passes the largest share of the tests
that all methods of two or more passes share, among those that a reader can use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from lfs_core.comparators import EXPLAINERS, explainer_class
from lfs_core.evaluation.names import images_title, listed, reader_name
from lfs_core.evaluation.results import KINDS, SIGNIFICANT
from lfs_core.evaluation.spec import parse
from lfs_core.evaluation.statistics import holm
from lfs_core.findings.beyond import CHEAP, OURS, OWN_LIKENESS, passes
from lfs_core.findings.rival import rival_markdown
from lfs_core.findings.stored import stored_evaluation, stored_run
from lfs_core.findings.trust import NEAR, NO_GAIN, Stands, standings

NEEDS = {  # of a method, in words
    "gradients": "gradients",
    "layers": "the maps of a layer",
    "training": "training on photographs of the network's kind",
    "class images": "other photographs of the class, if there are any",
}
HAVE: Mapping[str, frozenset[str]] = {  # what a reader has: which needs that meets
    "A function only": frozenset(),
    "Its gradients": frozenset({"gradients"}),
    "Its gradients and its layers": frozenset({"gradients", "layers"}),
    "All that, and a trained head or decoder": frozenset(NEEDS),
}
COMMON = ("selectivity", "insertion")  # in their usual form, these tests have been put to most
NAMED = 2  # tests in which a control is better


@dataclass(frozen=True)
class Record:
    """How a method stands in all stored tests.

    Attributes:
        name: the method's.
        tests: all of its tests.
    """

    name: str
    tests: tuple[Stands, ...]

    @property
    def common(self) -> list[Stands]:
        """Those that most methods share: deletion and insertion in their usual form."""
        return [one for one in self.tests if _is_common(one)]

    @property
    def lost(self) -> list[Stands]:
        """Those in which a control is significantly better."""
        return [one for one in self.tests if one.worse]


def _is_common(one: Stands) -> bool:
    name, options = parse(one.test)
    return name in COMMON and not options.keys() - {"every"}


def passed(tests: Iterable[Stands]) -> int:
    """In how many tests a method is significantly better than every control."""
    return sum(one.passed for one in tests)


def records() -> dict[str, Record]:
    """The records of all methods, in their usual settings, by name."""
    found: dict[str, list[Stands]] = {
        name: [] for name in EXPLAINERS if explainer_class(name).role == "method"
    }
    for tests in standings().values():
        for one in tests:
            if one.explainer in found:
                found[one.explainer].append(one)
    return {name: Record(name, tuple(tests)) for name, tests in found.items()}


def best(usable: Iterable[str], known: Mapping[str, Record]) -> Record | None:
    """Of methods, the one that passes most of the common tests; None if none was put to all.

    Args:
        usable: names of methods.
        known: the records of all.
    """
    number = max(len(of.common) for of in known.values())
    complete = [known[name] for name in usable if len(known[name].common) == number]
    return max(complete, key=lambda of: passed(of.common), default=None)


def best_of_few(usable: Iterable[str], known: Mapping[str, Record]) -> Record | None:
    """Of methods that were put to some of the common tests only: the one that passes most.

    None if each passes less than half of its own.
    """
    number = max(len(of.common) for of in known.values())
    partly = [known[name] for name in usable if 0 < len(known[name].common) < number]
    good = [of for of in partly if 2 * passed(of.common) >= len(of.common)]
    return max(good, key=lambda of: passed(of.common), default=None)


def decision_markdown() -> str:
    """What to use, by what a reader has: a table in Markdown."""
    known, costs = records(), stored_run("costs")["costs"]
    lines = ["| You have | Use | Cost of a pair | How it fails |", "| --- | --- | --- | --- |"]
    for have, meets in HAVE.items():
        usable = [name for name in known if explainer_class(name).needs <= meets]
        quick = [
            name for name in usable if passes(costs[name]) < CHEAP and not _is_weak(known[name])
        ]
        choices = {"": best(usable, known), "In a hurry: ": best(quick, known)}
        part = best_of_few(quick, known)
        if part and not choices["In a hurry: "]:
            images = listed(list(dict.fromkeys(images_title(one.images) for one in part.common)))
            choices[f"In a hurry, tested on {images} only: "] = part
        told = [(how, of) for how, of in choices.items() if of]
        if len(told) == 2 and told[0][1] == told[1][1]:
            told.pop()
        lines += [
            f"| {'' if place else have} | {how}{_link(of.name)}, {_share(of.common)} tests "
            f"| {_cost(of.name, costs[of.name])} | {_fails(of)} |"
            for place, (how, of) in enumerate(told)
        ]
    table = captioned("decision", "Which method to use, by what you have.", lines)
    hurry = "\n*In a hurry* names the best method of few passes, where that is another one.\n"
    return table + (hurry if any("In a hurry" in line for line in lines) else "")


def recommended(known: Mapping[str, Record]) -> tuple[Record, Record]:
    """The best of all methods, and of those that need nothing but the network's answers."""
    first = best(known, known)
    second = best([name for name in known if not explainer_class(name).needs], known)
    assert first and second  # the stored runs have both
    return first, second


def own_term() -> str:
    """Where the book's map is better than own-likeness, one term of it: in how many tests.

    The faces are of fresh people. All tests are corrected together for their number.
    """
    runs = {"faces": "fresh", "birds": "beyond-birds", "cars": "beyond-cars"}
    found = [
        (images, of.against(metric, kind, OURS, [OWN_LIKENESS])[0])
        for images, of in ((images, stored_evaluation(run)) for images, run in runs.items())
        for metric in of.metrics
        for kind in KINDS
    ]
    corrected = holm(np.array([row["p"] for _, row in found]))
    better = [
        row["by"] > 0 and p < SIGNIFICANT for (_, row), p in zip(found, corrected, strict=True)
    ]
    told = []
    for images in runs:
        of_images = [won for won, (shown, _) in zip(better, found, strict=True) if shown == images]
        told.append(f"{sum(of_images)} of {len(of_images)} tests on {images}")
    return listed(told)


def use_markdown() -> str:
    """What to use, and how it does against its hardest control, in one paragraph of Markdown."""
    known = records()
    first, second = recommended(known)
    usable = [name for name in known if explainer_class(name).needs <= {"gradients"}]
    third = best(usable, known)
    assert third
    gradients = "" if third == second else f"with gradients only, {in_a_sentence(third)}; "
    return (
        f"If you can train, use the {in_a_sentence(first)}; {gradients}"
        f"with answers only, {in_a_sentence(second)}. "
        "One control is *own-likeness*: one term of the book's map alone, which looks at each "
        f"photograph by itself. The whole map is significantly better than that term in "
        f"{own_term()}; the faces are of fresh people. {rival_markdown()} "
        "[Under every reading](beyond-every-reading) shows both in other tests.\n"
    )


def captioned(name: str, caption: str, lines: Iterable[str]) -> str:
    """A table in Markdown with a number, named tab-NAME, and a caption."""
    table = "\n".join(lines)
    return f"```{{table}} {caption}\n:name: tab-{name}\n\n{table}\n```\n"


def ranking_markdown() -> str:
    """All methods in the common tests, the best first: a table in Markdown."""
    known, costs = records(), stored_run("costs")["costs"]
    order = sorted(
        (of for of in known.values() if of.common),
        key=lambda of: (-len(of.common), -passed(of.common), passes(costs[of.name])),
    )
    lines = [
        "| Method | Deletion, insertion | But for own-likeness | All tests | A control is better "
        "| Passes |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {_link(of.name)} | {_share(of.common)} "
        f"| {sum(one.beats_untrained for one in of.common)} of {len(of.common)} "
        f"| {_share(of.tests)} "
        f"| {len(of.lost)} of {len(of.tests)} | {passes(costs[of.name]):,.0f} |"
        for of in order
    ]
    few = stored_evaluation("all-methods")
    rest = [name for name, of in known.items() if not of.common]
    barely = [reader_name(name) for name in rest if name in few.explainers]
    never = [reader_name(name) for name in rest if name not in few.explainers]
    return (
        captioned("ranking", "Methods by the tests in which they beat every control.", lines)
        + f"\nCompared with controls on {len(few.same)} pairs only, too few for a rank: "
        f"{listed(barely)}. Not at all: {listed(never)}; nobody knows how far to trust their "
        "maps.\n"
    )


def no_map_markdown() -> str:
    """When to show no map: the rules by which the book's own warnings are given, in Markdown."""
    known = records()
    none = [
        reader_name(name)
        for name, of in known.items()
        if of.tests and not any(one.beats_untrained for one in of.common)
    ]
    weak = [
        reader_name(of.name)
        for of in known.values()
        if _is_weak(of) and reader_name(of.name) not in none
    ]
    worse = f" For {listed(weak)} a control is better in more than half of all." if weak else ""
    passing = "pass" if len(none) > 1 else "passes"
    points = [
        f"**The method does not beat its controls.** {listed(none)} {passing} none of the deletion "
        "and insertion tests: in each, some map that ignores the pair is not shown to be worse. "
        f"Own-likeness, which must be trained, is not counted here.{worse}",
        "**The network has not been tested.** A method that works on faces may fail on your "
        "network. `lfs evaluate` tells in minutes, on pairs of yours.",
        f"**The decision is close.** Within {NEAR} of the threshold the decision could as well "
        "have been the other one, and its map too.",
        "**The decoder or the head has learnt nothing.** A decoder that explains less than "
        f"{NO_GAIN:.0%} of the variance of images that it has not seen draws the mean image. A "
        f"head that explains less than {NO_GAIN:.0%} of what removals do guesses.",
        "**The photograph is not what the network reads.** No face was found, or the similarity "
        "lies outside all that were measured.",
        "**Somebody will act on it.** A map is no evidence that a decision is right. Show none "
        "where it would serve to justify a decision about a person.",
    ]
    return bullets(points)


def _is_weak(of: Record) -> bool:
    """Whether in more than half of a method's tests a control is significantly better."""
    return len(of.lost) * 2 > len(of.tests)


def bullets(points: Iterable[str]) -> str:
    """A list in Markdown."""
    return "".join(f"- {point}\n" for point in points)


def facts_markdown(name: str) -> str:
    """What a method needs and costs, where it does well and where it fails: a list in Markdown."""
    of, costs = records()[name], stored_run("costs")["costs"]
    method = explainer_class(name)
    formula = "" if method.verified else " The formula is our reconstruction."
    matches = " It also tells which place matches which." if _matches(name) else ""
    return bullets(
        [
            f"**Needs**: {needs_in_words(name)}.",
            f"**Cost**: {_cost(name, costs[name])}.",
            f"**Does well**: {_does_well(of)}.{matches}",
            f"**Fails**: {_fails(of)}.",
            f"**Source**: {method.source}.{formula} Its name in code is `{name}`.",
        ]
    )


def needs_in_words(name: str) -> str:
    """What a method needs from a network in addition to embeddings."""
    found = explainer_class(name).needs
    return listed([words for need, words in NEEDS.items() if need in found]) if found else "nothing"


def _matches(name: str) -> bool:
    return bool(getattr(explainer_class(name), "matches_places", False))


def _does_well(of: Record) -> str:
    """Where a method passes every test, or in how many it passes."""
    if not of.tests:
        few = stored_evaluation("all-methods")
        if of.name not in few.explainers:
            return "not known; no stored test compares it with controls"
        return f"not known; compared with controls on {len(few.same)} pairs only"
    places: dict[str, list[Stands]] = {}
    for one in of.tests:
        places.setdefault(f"{one.kind} pairs of {images_title(one.images)}", []).append(one)
    whole = [
        f"{place} ({len(tests)} of {len(tests)})"
        for place, tests in places.items()
        if passed(tests) == len(tests)
    ]
    where = f"; in all of them on {listed(whole)}" if whole else ""
    return f"beats every control in {_share(of.tests)} stored tests{where}"


def _fails(of: Record) -> str:
    """In how many tests a control is better, and in which most of all."""
    if not of.tests:
        return "not known"
    if not of.lost:
        return f"a control is better in none of its {len(of.tests)} tests"
    worst = sorted(of.lost, key=lambda one: (-one.worse / one.controls, -one.pairs))[:NAMED]
    told = listed(
        [
            f"{reader_name(_plain(one.test)).lower()} on {one.kind} pairs of "
            f"{images_title(one.images)}"
            for one in worst
        ]
    )
    return f"a control is better in {len(of.lost)} of {len(of.tests)}, as in {told}"


def _plain(test: str) -> str:
    """A test's name without how often its score is taken."""
    return ",".join(part for part in test.split(",") if not part.startswith("every="))


def _share(tests: Iterable[Stands]) -> str:
    tests = list(tests)
    return f"{passed(tests)} of {len(tests)}"


def _cost(name: str, cost: Mapping[str, float]) -> str:
    """Passes through the network, and time on a CPU, of one pair."""
    back = f" and {cost['backward']:,.0f} back" if cost["backward"] else ""
    if not back and "gradients" in explainer_class(name).needs:
        back = ", and back through some of its layers"
    seconds = cost["milliseconds"] / 1000
    return f"{cost['forward']:,.0f} passes{back}, {seconds:.2g} s"


def in_a_sentence(of: Record) -> str:
    """A link to a method's section, as words within a sentence; names stay as they are."""
    title = explainer_class(of.name).title
    first = title.split()[0]
    words = title if first[1:] != first[1:].lower() else title[0].lower() + title[1:]
    return f"[{words}](method-{of.name})"


def _link(name: str) -> str:
    return f"[{reader_name(name)}](method-{name})"
