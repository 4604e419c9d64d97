"""Results in sentences for readers: each is made from the numbers, and changes with them.

Sentences are Markdown. "Better" and "worse" in them always mean significantly so, on the same
pairs, corrected over all that are compared in one list, or in one test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.decoder import decoder_title
from lfs_core.evaluation.metrics.agreement import agreement_of_methods
from lfs_core.evaluation.metrics.ground_truth import region_auroc
from lfs_core.evaluation.metrics.verification import PERCENTS, equal_error_threshold
from lfs_core.evaluation.names import listed, reader_name
from lfs_core.evaluation.results import KINDS, SIGNIFICANT, Results, is_control
from lfs_core.evaluation.spec import make_metric, parse
from lfs_core.evaluation.statistics import holm
from lfs_core.findings.intervals import ALIKE, COMMON, Verdict, interval, together
from lfs_core.util.manifest import changed_since

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike
    from torch import Tensor

METHOD, OURS = "explainlfs", "amortised"
VERDICTS: dict[Verdict, str] = {
    "holds": "above chance",
    "fails": "below chance",
    "not shown": "not significantly different from chance",
}
FEW = 4  # the most names in a sentence; more are counted
DRAWS = 2000


def sentence(text: str) -> str:
    """The text with one full stop at its end, also after a name that ends with one."""
    return text.rstrip(".") + "."


def shown(values: ArrayLike, classes: np.ndarray | None = None) -> str:
    """A mean with its interval; the number of pairs is given once, elsewhere."""
    found = interval(values, DRAWS, classes)
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def standings(results: Results, metric: str, chance: float | None = None) -> str:
    """Which method leads, which beat every control, and the places of ExplainLFS and of our map.

    Args:
        results: of any methods.
        metric: measured there.
        chance: the score of a map that ignores the pair, if there is one.

    Returns:
        An item of a list for each kind of pair that has scores.
    """
    told = [
        _standing(results, metric, kind, chance)
        for kind in KINDS
        if np.isfinite(results.scores(metric, kind)).any()
    ]
    return "\n".join(told)


def _standing(results: Results, metric: str, kind: str, chance: float | None) -> str:
    scores = dict(zip(results.explainers, results.scores(metric, kind).T, strict=True))
    order, classes = in_order(results, metric, kind), results.classes_of(metric, kind)
    pairs = max(int(np.isfinite(of).sum()) for of in scores.values())
    methods = [name for name in order if not is_control(name)]
    lower = "" if make_metric(metric).better == "higher" else "; lower is better"
    told = [
        f"- **{pairs} {kind} pairs**: {reader_name(order[0])} comes first "
        f"({np.nanmean(scores[order[0]]):.3f}{lower})."
    ]
    if len(methods) < len(order):
        beating = [name for name in methods if results.beats_controls(metric, kind, name)]
        told.append(_beat_every_control(beating, methods))
    for name in (METHOD, OURS):
        if name in order:
            own = interval(scores[name], DRAWS, classes)
            to_chance = "" if chance is None else f", {VERDICTS[own.above(chance)]}"
            told.append(
                sentence(
                    f"{reader_name(name)} is in place {order.index(name) + 1} of {len(order)} "
                    f"({own.mean:.3f}{to_chance}): {_relations(results, metric, kind, name, order)}"
                )
            )
    return " ".join(told)


def _beat_every_control(beating: Sequence[str], methods: Sequence[str]) -> str:
    """Which methods beat every control; where most do, which do not."""
    if not beating:
        return f"None of {len(methods)} methods beats every control."
    left = [name for name in methods if name not in beating]
    if not left:
        return f"All {len(methods)} methods beat every control."
    verb = "beats" if len(beating) == 1 else "beat"
    if len(left) < len(beating):
        one = "This one does" if len(left) == 1 else "These do"
        return sentence(
            f"{len(beating)} of {len(methods)} methods {verb} every control. {one} not: "
            f"{_names(left)}"
        )
    return sentence(
        f"{len(beating)} of {len(methods)} methods {verb} every control: {_names(beating)}"
    )


def in_order(results: Results, metric: str, kind: str | None) -> list[str]:
    """The explainers that have a score, the best first."""
    scores = results.scores(metric, kind)
    known = [k for k, of in enumerate(scores.T) if np.isfinite(of).any()]
    sign = -1 if make_metric(metric).better == "higher" else 1
    means = sign * np.nanmean(scores[:, known], axis=0)
    return [results.explainers[known[k]] for k in np.argsort(means, kind="stable")]


def _names(explainers: Sequence[str]) -> str:
    return listed([reader_name(name) for name in explainers])


def _relations(results: Results, metric: str, kind: str, name: str, order: Sequence[str]) -> str:
    """How many controls the method is better and worse than; without controls, how many methods."""
    controls = [other for other in order if other != name and is_control(other)]
    others = controls or [other for other in order if other != name]
    better, worse = _significant(results.against(metric, kind, name, others))
    what = "controls" if controls else "other methods"
    behind = _counted([reader_name(name) for name in worse])
    return f"better than {len(better)} of {len(others)} {what}, worse than {behind}"


def _counted(names: Sequence[str]) -> str:
    """How many names there are; a few are given."""
    return f"{len(names)} ({listed(names)})" if 0 < len(names) <= FEW else f"{len(names)}"


def _significant(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """The others that are significantly worse, and those that are better, of `against`'s rows."""
    found = [row for row in rows if row["p"] < SIGNIFICANT]
    return (
        [row["other"] for row in found if row["by"] > 0],
        [row["other"] for row in found if row["by"] < 0],
    )


def versus(comparisons: Sequence[tuple[Results, str, str]], tests: Mapping[str, str]) -> list[str]:
    """In which tests one method is better or worse than another, in words, for each comparison.

    All tests of all comparisons are corrected together for their number.

    Args:
        comparisons: the results, the method, and the other.
        tests: names for readers of the metrics.
    """
    rows = [
        results.against(metric, kind, one, [other])[0] | {"test": f"{test.lower()} of {kind} pairs"}
        for results, one, other in comparisons
        for metric, test in tests.items()
        for kind in KINDS
    ]
    corrected = holm(np.array([row["p"] for row in rows]))
    told, each = [], len(tests) * len(KINDS)
    for first in range(0, len(rows), each):
        found: dict[str, list[str]] = {"better": [], "worse": [], "level": []}
        for row, p in zip(rows[first:][:each], corrected[first:], strict=False):
            how = "level" if p >= SIGNIFICANT else "better" if row["by"] > 0 else "worse"
            found[how].append(row["test"])
        told.append(_in_tests(found))
    return told


def _in_tests(found: Mapping[str, Sequence[str]]) -> str:
    """In which tests a method is better, worse, and neither significantly, in words."""
    count = sum(map(len, found.values()))
    for how, of in found.items():
        if len(of) == count:
            if how == "level":
                return f"not significantly different in any of {count} tests"
            return f"{how} in all {count} tests"
    parts = [f"{how} in {listed(found[how])}" for how in ("better", "worse") if found[how]]
    if found["level"]:
        others = f" {len(found['level'])}" if len(found["level"]) > 1 else ""
        parts.append(f"not significantly different in the other{others}")
    return ", ".join(parts)


def moved(results: Results, metric: str, explainers: Sequence[str]) -> str:
    """How far the cosine has moved at the end of curves: most, least, and with ExplainLFS."""
    own = next(name for name in explainers if parse(name)[0] == METHOD)
    told = []
    for kind in KINDS:
        sign, verb = (1, "fallen") if kind == "similar" else (-1, "risen")
        curves = {name: sign * results.curves(name, metric, kind) for name in explainers}
        ends = {name: np.nanmean(of[:, 0] - of[:, -1]) for name, of in curves.items()}
        order = sorted(ends, key=lambda name: -ends[name])
        far = [f"most with {reader_name(order[0])} ({ends[order[0]]:.2f})"]
        if own not in (order[0], order[-1]):
            far.append(f"by {ends[own]:.2f} with {reader_name(own)}")
        far.append(f"least with {reader_name(order[-1])} ({ends[order[-1]]:.2f})")
        told.append(f"At the end, the cosine of {kind} pairs has {verb} {listed(far)}.")
    return " ".join(told)


def differences(results: Results, metric: str) -> str:
    """How many differences between methods are significant, and who is ahead of or behind all."""
    told = []
    for kind in KINDS:
        by, p = results.pairwise(metric, kind)
        others = len(by) - 1
        extremes = {
            how: [
                name
                for name, row in zip(
                    results.explainers, (p < SIGNIFICANT) & (sign * by > 0), strict=True
                )
                if row.sum() == others
            ]
            for how, sign in {"better": 1, "worse": -1}.items()
        }
        told.append(
            f"On {kind} pairs, {(p < SIGNIFICANT).sum() // 2} of {len(by) * others // 2} "
            "differences between two methods are significant."
        )
        told += [
            f"{_names(found)} is {how} than every other."
            for how, found in extremes.items()
            if found
        ]
    return " ".join(told)


def first_places(rankings: Mapping[str, np.ndarray], explainers: Sequence[str]) -> str:
    """Which methods are first and last in how many rankings, and the places of ExplainLFS.

    Args:
        rankings: places (M,) of the explainers, 1 is best, by the name of the ranking.
        explainers: M names.
    """
    ranks = np.array(list(rankings.values()))
    told = []
    for place, word in ((1, "First"), (ranks.shape[1], "Last")):
        counts = (ranks == place).sum(axis=0)
        found = [
            f"{reader_name(explainers[k])} ({counts[k]} of {len(ranks)})"
            for k in np.argsort(-counts, kind="stable")
            if counts[k]
        ]
        told.append(f"{word} place goes to {listed(found)}.")
    own = ranks[:, list(explainers).index(METHOD)]
    return (
        f"These are {len(ranks)} rankings of {ranks.shape[1]} methods. {' '.join(told)} "
        f"{reader_name(METHOD)} is between places {own.min()} and {own.max()}."
    )


def decisions(results: Results, metric: str) -> str:
    """What deletion or insertion does to verification: the share of right decisions."""
    threshold = equal_error_threshold(results.similarity, results.same)
    clean = ((results.similarity > threshold) == results.same).double().mean()
    order = in_order(results, metric, None)
    firsts = {
        "the best method": [name for name in order if not is_control(name)],
        "the best control": [name for name in order if is_control(name)],
        "the paper's": [METHOD],
    }
    told = []
    for what, names in firsts.items():
        for name in names[:1]:
            right = (results.measured[name][metric][:, 1:] > threshold) == results.same[:, None]
            shares = [f"{share:.0%}" for share in right.double().mean(dim=0).tolist()]
            told.append(f"- {reader_name(name)}, {what}: {listed(shares)}")
    percents = listed([f"{percent} %" for percent in PERCENTS])
    deletion = make_metric(metric).better == "lower"
    done = "blurred" if deletion else "left sharp and all others blurred"
    return (
        f"Without any change, {clean:.0%} of the {len(results.same)} pairs are decided correctly. "
        f"With the strongest {percents} of the places {done}, these shares are:\n\n"
        + "\n".join(told)
    )


def changes(results: Results) -> str:
    """By each measure of change, the method that changes least, and ExplainLFS by its decoders."""
    told = []
    for metric in results.metrics:
        scores = dict(zip(results.explainers, results.scores(metric).T, strict=True))
        methods = [name for name in in_order(results, metric, None) if not is_control(name)]
        own = [name for name in methods if parse(name)[0] == METHOD]
        least = next(name for name in methods if name not in own)
        listing = listed([f"{reader_name(name)} by {np.nanmean(scores[name]):.2f}" for name in own])
        told.append(
            f"- *{reader_name(metric)}*: {listing}. Of the other methods, {reader_name(least)} "
            f"changes least, by {np.nanmean(scores[least]):.2f}."
        )
    return "\n".join([f"Maps of {len(results.same)} pairs change as follows:\n", *told])


def with_expert(
    found: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]],
    classes: np.ndarray | None = None,
) -> str:
    """Which methods agree with the expert more on the same pair than on other pairs."""
    measure = next(iter(found[METHOD]))
    beyond = {
        name: np.subtract(of[measure]["same_pair"], of[measure]["other_pairs"])
        for name, of in found.items()
    }
    verdicts = together([interval(of, DRAWS, classes) for of in beyond.values()])
    surely = dict(zip(beyond, verdicts, strict=True))
    higher = [
        f"{reader_name(name)} ({np.nanmean(beyond[name]):+.2f})"
        for name in sorted(beyond, key=lambda name: -np.nanmean(beyond[name]))
        if surely[name] == "holds"
    ]
    same, more = (
        shown(of, classes) for of in (found[METHOD][measure]["same_pair"], beyond[METHOD])
    )
    about = surely[METHOD] == "holds"
    return (
        f"By {measure}, {len(higher)} of {len(found)} methods and controls agree with SIMExpert "
        f"better on the same pair than on other pairs: {listed(higher)}. Where a control is among "
        "them, a difference as small as the control's shows little. ExplainLFS agrees with it at "
        f"{same}. The difference from other pairs is {more}. "
        f"{'This is' if about else 'This is not'} agreement about the pair."
    )


def agreement(names: Sequence[str], between: ArrayLike, with_next: Sequence[float]) -> str:
    """How well methods agree with each other, and with their own maps of another pair.

    Args:
        names: of M methods.
        between: (M,M) mean rank correlations on the same pairs.
        with_next: (M,) of each method's map with its map of the next pair.
    """
    kin = np.array([parse(name)[0] for name in names])
    # Variants of one method do not count as two methods.
    apart = np.where(kin[:, None] == kin, np.nan, np.asarray(between, dtype=float))
    methods = [k for k, name in enumerate(names) if not is_control(name)]
    among = apart[np.ix_(methods, methods)]
    closest = np.array(methods)[list(np.unravel_index(np.nanargmax(among), among.shape))]
    own = list(names).index(METHOD)
    most = int(np.nanargmax(apart[own]))
    other = methods[int(np.nanargmax(apart[own, methods]))]
    same = [
        f"{reader_name(names[k])} ({with_next[k]:.2f})"
        for k in sorted(methods, key=lambda k: -with_next[k])
        if with_next[k] > COMMON
    ]
    nearest = f"{reader_name(names[most])} ({apart[own, most]:.2f})"
    if other != most:
        nearest += f", and of the methods with {reader_name(names[other])}"
        nearest += f" ({apart[own, other]:.2f})"
    return (
        f"Two different methods agree at {np.nanmean(among):.2f} on average. "
        f"{_names([names[k] for k in closest])} agree most ({np.nanmax(among):.2f}). ExplainLFS "
        f"agrees most with {nearest}. The maps of these methods agree at more than {COMMON} with "
        f"their own map of another pair: {listed(same)}."
    )


def pointing(results: Results) -> str:
    """How often ExplainLFS's strongest place is right in the patch test, and that of controls."""
    controls = [name for name in results.explainers if is_control(name)]
    told = []
    for kind in KINDS:
        own, *others = (results.curves(name, "patch", kind)[:, 1] for name in (METHOD, *controls))
        classes = results.classes_of("patch", kind)
        leads = together([interval(own - other, DRAWS, classes) for other in others])
        ahead, behind = (
            [reader_name(name) for name, of in zip(controls, leads, strict=True) if of == verdict]
            for verdict in ("holds", "fails")
        )
        told.append(
            f"In {np.nanmean(own):.0%} of {np.isfinite(own).sum()} {kind} pairs the strongest "
            f"place of ExplainLFS's map is on the right side: better than {len(ahead)} of "
            f"{len(controls)} controls, worse than {_counted(behind)}."
        )
    return " ".join(told)


def by_subtraction(results: Results, by_pixels: Results, control: str = "difference") -> str:
    """Does any method do better in the patch test than subtracting one image from the other?"""
    told = []
    for kind in KINDS:
        best = next(name for name in in_order(results, "patch", kind) if not is_control(name))
        scores, plain = (
            of.scores("patch", kind)[:, of.explainers.index(name)]
            for of, name in ((results, best), (by_pixels, control))
        )
        told.append(
            f"{np.nanmean(plain):.3f} on {np.isfinite(plain).sum()} {kind} pairs, where the best "
            f"method, {reader_name(best)}, reaches {np.nanmean(scores):.3f}"
        )
    return (
        "A control that only subtracts one picture from the other uses nothing of the network "
        f"except its decision. It reaches {'; and '.join(told)}."
    )


def overlap(found: Mapping[str, Any]) -> str:
    """Which method finds shared parts best, which the same points, and the place of ExplainLFS."""
    told = []
    for task, means in _in_scenes(found).items():
        first = next(iter(means))
        best = f"{'the control ' if is_control(first) else ''}{reader_name(first)}"
        told.append(
            f"- *{task.capitalize()}*: {best} comes first, with {means[first]:.2f}. ExplainLFS has "
            f"{means[METHOD]:.2f}, place {[*means].index(METHOD) + 1} of {len(means)}."
        )
    return "\n".join(told)


def places_in_scenes(found: Mapping[str, Any], name: str = "causal") -> str:
    """The place of a method in each task of the scenes, as an item of a list."""
    told = [
        f"place {[*means].index(name) + 1} of {len(means)} ({means[name]:.2f}) for {task}"
        for task, means in _in_scenes(found).items()
    ]
    return f"**Scenes**, where no head is trained: the exact {reader_name(name).lower()} is in " + (
        f"{listed(told)}."
    )


def _in_scenes(found: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By task and kind of scene: the mean score of each method, the best first."""
    kinds, tasks = np.array(found["kinds"]), {"region": "shared part", "points": "same points"}
    of = {}
    for which, task in tasks.items():
        for kind in dict.fromkeys(found["kinds"]):
            means = {
                name: float(np.nanmean(np.array(each[which], dtype=float)[kinds == kind]))
                for name, each in found["scores"].items()
            }
            of[f"the {task}, {kind}"] = dict(sorted(means.items(), key=lambda one: -one[1]))
    return of


def parts(ratios: Mapping[str, np.ndarray], classes: np.ndarray | None = None) -> str:
    """Which parts of a face have more of the map than of the area, and their order."""
    found = {part: interval(of, DRAWS, classes) for part, of in ratios.items()}
    order = sorted(found, key=lambda part: -found[part].mean)
    more = [part for part in order if found[part].above(1) == "holds"]
    shares = [f"{found[part].mean:.2f} on the {part}" for part in order]
    return (
        f"In units of an even spread, ExplainLFS puts {listed(shares)}. The paper's order is "
        f"mouth, eyes, nose. More than an even spread: {listed(more)}."
    )


def settings_matter(decoders: Mapping[str, Mapping], low: float = 0.1, high: float = 1.0) -> str:
    """The lowest correlation of maps for usual p with those for 0.3, and that of the smallest p."""
    told, lowest = [], 1.0
    for name, of in decoders.items():
        means = {float(p): np.nanmean(at["rank correlation"]) for p, at in of["p"].items()}
        usual = min(mean for p, mean in means.items() if low <= p <= high)
        lowest = min(lowest, usual)
        told.append(
            f"{usual:.3f} with the {decoder_title(name)} decoder (for p = {min(means):g}: "
            f"{means[min(means)]:.3f})"
        )
    matters = "hardly matters" if lowest > ALIKE else "matters"
    return (
        f"On these faces, for p from {low:g} to {high:g}, the rank correlation with the map for "
        f"p = 0.3 is at least {listed(told)}. So there p {matters}. The ledger has "
        "other images and latents, under which it can matter more."
    )


def shuffled(results: Results, metric: str) -> str:
    """Whether each method does better than its copies with shuffled weights, as a list.

    Copies that differ in the seed of the shuffle alone are draws of one kind, and are counted.
    """
    lines = []
    for name, copies in {METHOD: "randomised,", OURS: "randomised-causal,"}.items():
        others = [other for other in results.explainers if other.startswith(copies)]
        found = [_significant(results.against(metric, kind, name, others)) for kind in KINDS]
        draws: dict[str, list[str]] = {}
        for other in others:
            draws.setdefault(re.sub(r",seed=\d+", "", other), []).append(other)
        for shuffle, of in draws.items():
            better, worse = (sum(o in kind[how] for kind in found for o in of) for how in (0, 1))
            lines.append(
                f"- {reader_name(name)} finds what matters better than "
                f"*{reader_name(shuffle)}* in {better} of {len(of) * len(KINDS)} comparisons, and "
                f"worse in {worse} ({len(of)} shuffle{'s' if len(of) > 1 else ''}, both kinds of "
                "pairs)."
            )
    return "\n".join(lines)


def same_maps(results: Results) -> str:
    """Which methods give the same maps, so that they count as one; nothing, if none do.

    Their scores are equal on every pair.
    """
    scores = np.concatenate([results.scores(metric) for metric in results.metrics])
    methods = [k for k, name in enumerate(results.explainers) if not is_control(name)]
    alike = [
        f"{reader_name(results.explainers[one])} and {reader_name(results.explainers[other])}"
        for one, other in combinations(methods, 2)
        if np.allclose(scores[:, one], scores[:, other], atol=1e-4, equal_nan=True)
    ]
    return (
        f"These give the same maps here, and so count twice: {'; '.join(alike)}." if alike else ""
    )


def against_controls(found: Mapping[str, Mapping[str, bool]]) -> str:
    """Which methods beat every control most often, and how often ExplainLFS does.

    Args:
        found: as `score_tables.controls_beaten` returns it.
    """
    count = max(len(of) for of in found.values())
    won = {name: sum(of.values()) for name, of in found.items()}
    most = max(won.values())
    if not most:
        return f"No method beats every control in any of {count} tests."
    first = [
        f"{reader_name(name)} ({most} of the {len(found[name])} that it took)"
        for name in won
        if won[name] == most
    ]
    return (
        f"This page has {count} tests, others than those of the first page. A method passes one "
        "if it beats every control. Most are "
        f"passed by {listed(first)}. {reader_name(METHOD)} passes {won[METHOD]} of "
        f"{len(found[METHOD])}."
    )


def disagreement(table: pd.DataFrame) -> str:
    """From Kendall's tau between rankings: the mean, and the least and most similar rankings.

    Args:
        table: as `stability_table` makes it, rows and columns in one order.
    """
    tau = table.to_numpy(dtype=float)
    rows, columns = np.triu_indices(len(tau), 1)
    values = tau[rows, columns]
    told = {
        how: f"{table.index[rows[k]]} and {table.columns[columns[k]]} ({values[k]:.2f})"
        for how, k in {"apart": values.argmin(), "alike": values.argmax()}.items()
    }
    return (
        f"Between two tests tau is {values.mean():.2f} on average. The most similar rankings are "
        f"those of {told['alike']}, the least similar those of {told['apart']}."
    )


def alike_pictures(maps: Mapping[str, Sequence[Tensor]]) -> str:
    """How well methods' maps of the same pairs agree, and which two agree most.

    Args:
        maps: of each method, by its name: for each pair its maps (2,H,W), the pairs in one order.
    """
    names = [name for name in maps if not is_control(name)]
    # Twice the same pairs agree as these pairs do, and one pair is enough.
    between, _ = agreement_of_methods({name: [*maps[name], *maps[name]] for name in names})
    rows, columns = np.triu_indices(len(names), 1)
    values = between.numpy()[rows, columns]
    most = values.argmax()
    return (
        f"The maps of two methods have a rank correlation of {values.mean():.2f} on average, and "
        f"{values.min():.2f} at the lowest. The maps of "
        f"{_names([names[rows[most]], names[columns[most]]])} are most alike "
        f"({values[most]:.2f}). Controls are not counted."
    )


def what_shapes(agreement: Mapping[str, float], groups: Mapping[str, Sequence[str]]) -> str:
    """Which change of a method changes its maps most: mean agreement with the unchanged map.

    Args:
        agreement: of each variant's maps with the maps of the method unchanged.
        groups: the variants, by what is changed in them.
    """
    means = {what: np.mean([agreement[name] for name in of]) for what, of in groups.items()}
    order = sorted(means, key=lambda what: means[what])
    told = [f"{means[what]:.2f} with {what}" for what in order]
    changed = {name: agreement[name] for of in groups.values() for name in of}
    return (
        f"On average, maps of variants agree with the paper's at {listed(told)}. These are means: "
        f"{_extremes(changed)}."
    )


def _extremes(agreement: Mapping[str, float]) -> str:
    """Which variant's maps agree least and most with the paper's."""
    order = sorted(agreement, key=lambda name: agreement[name])
    return (
        f"single variants go from {agreement[order[0]]:.2f} ({reader_name(order[0])}) to "
        f"{agreement[order[-1]]:.2f} ({reader_name(order[-1])})"
    )


def inside(maps: Mapping[str, Tensor], region: Tensor) -> str:
    """How well each method's maps (2,H,W) separate a region (2,H,W), the best first."""
    found = {
        name: float(np.mean([region_auroc(of[side], region[side]) for side in (0, 1)]))
        for name, of in maps.items()
    }
    order = sorted(found, key=lambda name: -found[name])
    told = [f"{reader_name(name)} ({found[name]:.2f})" for name in order]
    return (
        "The area under the ROC curve says how well a map separates the outlined part from the "
        f"rest; one half is chance. The best comes first: {listed(told)}."
    )


def corrrise_before(manifest: Mapping[str, Any]) -> str:
    """A warning, if a run of CorrRISE used squares of another size than its authors'."""
    changed = changed_since(manifest)
    if changed is not None and "lfs_core.comparators.corrrise" not in changed:
        return ""
    return (
        f"*Old numbers*: this run was made when {reader_name('corrrise')} hid smaller squares than "
        "its authors do. This has been corrected, but the run has not been repeated. Do not rank "
        "the method by it."
    )
