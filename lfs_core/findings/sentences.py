"""What came out, in sentences for the reader: each is made from the numbers, and changes with them.

Sentences are Markdown. "Better" and "worse" in them always mean significantly so, on the same
pairs, corrected over all that are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.decoder import decoder_title
from lfs_core.evaluation.metrics.agreement import agreement_of_methods
from lfs_core.evaluation.metrics.ground_truth import region_auroc
from lfs_core.evaluation.metrics.verification import PERCENTS, equal_error_threshold
from lfs_core.evaluation.names import listed, reader_name
from lfs_core.evaluation.results import KINDS, SIGNIFICANT, Results, is_control
from lfs_core.evaluation.spec import make_metric, parse
from lfs_core.findings.intervals import Verdict, interval
from lfs_core.util.manifest import changed_since

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike
    from torch import Tensor

METHOD, OURS = "explainlfs", "amortised"
VERDICTS: dict[Verdict, str] = {
    "holds": "above chance",
    "fails": "below chance",
    "not shown": "not told from chance",
}
COMMON = 0.5  # maps that agree more than this are mostly not about the pair
FEW = 4  # names that a sentence can bear; more are counted
DRAWS = 2000


def sentence(text: str) -> str:
    """With one full stop at its end, whatever name it ends with."""
    return text.rstrip(".") + "."


def shown(values: ArrayLike, classes: np.ndarray | None = None) -> str:
    """A mean with its interval; how many pairs it is of is said once, elsewhere."""
    found = interval(values, DRAWS, classes)
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def standings(results: Results, metric: str, chance: float | None = None) -> str:
    """Who leads, who beats every control, and where ExplainLFS and the book's own map stand.

    Args:
        results: of any methods.
        metric: measured there.
        chance: the score that a map without knowledge has, where there is one.

    Returns:
        A paragraph for each kind of pair that has scores.
    """
    told = [
        _standing(results, metric, kind, chance)
        for kind in KINDS
        if np.isfinite(results.scores(metric, kind)).any()
    ]
    return "\n\n".join(told)


def _standing(results: Results, metric: str, kind: str, chance: float | None) -> str:
    scores = dict(zip(results.explainers, results.scores(metric, kind).T, strict=True))
    order, classes = in_order(results, metric, kind), results.classes_of(metric, kind)
    pairs = max(int(np.isfinite(of).sum()) for of in scores.values())
    told = [
        f"On the **{pairs} {kind} pairs** {reader_name(order[0])} comes first, with "
        f"{shown(scores[order[0]], classes)}."
    ]
    methods = [name for name in order if not is_control(name)]
    if len(methods) < len(order):
        beating = [name for name in methods if results.beats_controls(metric, kind, name)]
        named = f": {_names(beating)}" if beating else ""
        verb = "beats" if len(beating) == 1 else "beat"
        told.append(
            sentence(f"Of {len(methods)} methods {len(beating)} {verb} every control{named}")
        )
    for name in (METHOD, OURS):
        if name in order:
            own = interval(scores[name], DRAWS, classes)
            beside = "" if chance is None else f" ({VERDICTS[own.above(chance)]})"
            told.append(
                f"{reader_name(name)}, with {shown(scores[name], classes)}{beside}, is in place "
                f"{order.index(name) + 1} of {len(order)}"
                f"{_relations(results, metric, kind, name, order)}"
            )
    return " ".join(told)


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
    """The end of a sentence: which others the method is better and worse than."""
    groups = {
        "method": [other for other in order if not is_control(other)],
        "control": [other for other in order if is_control(other)],
    }
    parts = []
    for group, others in groups.items():
        better, worse = _told_apart(results.against(metric, kind, name, others))
        for how, found in {"better": better, "worse": worse}.items():
            if found:
                count = f"{len(found)} {group}{'s' if len(found) > 1 else ''}"
                named = f" ({_names(found)})" if len(found) <= FEW else ""
                parts.append(f"{how} than {count}{named}")
    return sentence(f": {listed(parts)}" if parts else ", told apart from none")


def _told_apart(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Of what `Results.against` found: the others that are worse, and those that are better."""
    found = [row for row in rows if row["p"] < SIGNIFICANT]
    return (
        [row["other"] for row in found if row["by"] > 0],
        [row["other"] for row in found if row["by"] < 0],
    )


def versus(
    results: Results, one: str, others: Sequence[str], tests: Mapping[str, str]
) -> dict[str, str]:
    """In which tests one method is better or worse than each of some others, in words.

    Args:
        results: of all of them.
        one: the method.
        others: compared with it.
        tests: names for readers of the metrics.
    """
    found: dict[str, dict[str, list[str]]] = {
        other: {"better": [], "worse": [], "level": []} for other in others
    }
    for metric, test in tests.items():
        for kind in KINDS:
            better, worse = _told_apart(results.against(metric, kind, one, others))
            for other in others:
                how = "better" if other in better else "worse" if other in worse else "level"
                found[other][how].append(f"{test.lower()} of {kind} pairs")
    return {other: _in_tests(of) for other, of in found.items()}


def _in_tests(found: Mapping[str, Sequence[str]]) -> str:
    """In which tests a method is better, worse and not told apart, in words."""
    count = sum(map(len, found.values()))
    for how, of in found.items():
        if len(of) == count:
            return f"{'not told apart' if how == 'level' else how} in all {count} tests"
    parts = [f"{how} in {listed(found[how])}" for how in ("better", "worse") if found[how]]
    return ", ".join(parts) + (
        f", not told apart in {listed(found['level'])}" if found["level"] else ""
    )


def moved(results: Results, metric: str, explainers: Sequence[str]) -> str:
    """How far curves have come at their end, most and least, and under ExplainLFS."""
    told = []
    for kind in KINDS:
        sign, verb = (1, "fallen") if kind == "similar" else (-1, "risen")
        curves = {name: sign * results.curves(name, metric, kind) for name in explainers}
        ends = {name: of[:, 0] - of[:, -1] for name, of in curves.items()}
        order = sorted(ends, key=lambda name: -np.nanmean(ends[name]))
        own = next(name for name in explainers if parse(name)[0] == METHOD)
        least, most = order[-1], order[0]
        far = {
            name: shown(ends[name], results.classes_of(metric, kind)) for name in (most, least, own)
        }
        told.append(
            f"At the end the cosine of {kind} pairs has {verb} most under {reader_name(most)}, by "
            f"{far[most]}, and least under {reader_name(least)}, by {far[least]}; under "
            f"{reader_name(own)} by {far[own]}."
        )
    return " ".join(told)


def differences(results: Results, metric: str) -> str:
    """How many pairs of methods are told apart, and who is ahead of or behind all others."""
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
            f"On {kind} pairs {(p < SIGNIFICANT).sum() // 2} of {len(by) * others // 2} pairs of "
            "methods are told apart"
        )
        told[-1] += "".join(
            f"; {how} than every other is {_names(found)}"
            for how, found in extremes.items()
            if found
        )
    return " ".join(map(sentence, told))


def first_places(rankings: Mapping[str, np.ndarray], explainers: Sequence[str]) -> str:
    """Who is first and last in how many rankings, and between which places ExplainLFS is.

    Args:
        rankings: places (M,) of the explainers, 1 is best, by the name of the ranking.
        explainers: M names.
    """
    ranks = np.array(list(rankings.values()))
    told = []
    for place, word in ((1, "first"), (ranks.shape[1], "last")):
        counts = (ranks == place).sum(axis=0)
        found = [
            f"{reader_name(explainers[k])} in {counts[k]}"
            for k in np.argsort(-counts, kind="stable")
            if counts[k]
        ]
        told.append(f"{word} is {listed(found)}")
    own = ranks[:, list(explainers).index(METHOD)]
    return (
        f"Of {len(ranks)} rankings of {ranks.shape[1]} methods, {'; '.join(told)}. "
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
            told.append(f"{listed(shares)} by {reader_name(name)}, {what}")
    percents = listed([f"{percent} %" for percent in PERCENTS])
    deletion = make_metric(metric).better == "lower"
    done = "blurred" if deletion else "left sharp and all others blurred"
    return (
        f"Untouched, {clean:.0%} of the {len(results.same)} pairs are decided right. With the "
        f"strongest {percents} of the places {done}, so many still are: {'; '.join(told)}."
    )


def calm(results: Results) -> str:
    """By each measure of change, the method that changes least, and ExplainLFS by its decoders."""
    told = []
    for metric in results.metrics:
        scores = dict(zip(results.explainers, results.scores(metric).T, strict=True))
        methods = [name for name in in_order(results, metric, None) if not is_control(name)]
        own = [name for name in methods if parse(name)[0] == METHOD]
        least = next(name for name in methods if name not in own)
        listing = "; ".join(
            f"{reader_name(name)} by {shown(scores[name], results.classes)}" for name in own
        )
        told.append(
            f"- *{reader_name(metric)}*: {reader_name(least)} changes least of the other methods, "
            f"by {shown(scores[least], results.classes)}; {listing}."
        )
    return "\n".join([f"On {len(results.same)} pairs:\n", *told])


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
    higher = [
        f"{reader_name(name)} ({np.nanmean(beyond[name]):+.2f})"
        for name in sorted(beyond, key=lambda name: -np.nanmean(beyond[name]))
        if interval(beyond[name], DRAWS, classes).above() == "holds"
    ]
    same, more = (
        shown(of, classes) for of in (found[METHOD][measure]["same_pair"], beyond[METHOD])
    )
    about = interval(beyond[METHOD], DRAWS, classes).above() == "holds"
    return (
        f"By {measure}, {len(higher)} of {len(found)} agree with SIMExpert better on the same pair "
        f"than on other pairs: {listed(higher)}. ExplainLFS agrees with it at "
        f"{same}, which is {more} more than on other pairs: "
        f"{'this is' if about else 'this is not'} agreement about the pair."
    )


def agreement(names: Sequence[str], between: ArrayLike, with_next: Sequence[float]) -> str:
    """How far methods agree with each other, and with their own maps of another pair.

    Args:
        names: of M methods.
        between: (M,M) mean rank correlations on the same pairs.
        with_next: (M,) of each method's map with its map of the next pair.
    """
    kin = np.array([parse(name)[0] for name in names])
    # Variants of one method are no two methods.
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
        nearest += f", of the methods with {reader_name(names[other])} ({apart[own, other]:.2f})"
    return (
        f"Two different methods agree at {np.nanmean(among):.2f} on average, and most of all "
        f"{_names([names[k] for k in closest])} ({np.nanmax(among):.2f}). ExplainLFS agrees most "
        f"with {nearest}. Methods whose maps agree at more than {COMMON} with their own map of "
        f"another pair: {listed(same)}."
    )


def pointing(results: Results) -> str:
    """How often ExplainLFS's strongest place is right in the patch test, against a random map's."""
    words = {"holds": "a point for the paper", "fails": "a point against the paper"}
    told = []
    for kind in KINDS:
        own, random = (results.curves(name, "patch", kind)[:, 1] for name in (METHOD, "random"))
        classes = results.classes_of("patch", kind)
        point = words.get(
            interval(own - random, DRAWS, classes).above(), "no point for the paper or against it"
        )
        told.append(
            f"On {kind} pairs the strongest place of ExplainLFS's map is on the right side in "
            f"{shown(own, classes)} of them, a random map's in {shown(random, classes)}: {point}."
        )
    return " ".join(told)


def by_subtraction(results: Results, by_pixels: Results, control: str = "difference") -> str:
    """Does any method do better in the patch test than subtracting one image from the other?"""
    told = []
    for kind in KINDS:
        best = next(name for name in in_order(results, "patch", kind) if not is_control(name))
        score, plain = (
            np.nanmean(of.scores("patch", kind)[:, of.explainers.index(name)])
            for of, name in ((results, best), (by_pixels, control))
        )
        told.append(
            f"{plain:.3f} on {kind} pairs, where {reader_name(best)}, the best method, has "
            f"{'more' if score > plain else 'less'}: {score:.3f}"
        )
    return (
        "A control that only subtracts one picture from the other, and knows nothing of the "
        f"network but its decision, has {'; and '.join(told)}."
    )


def overlap(found: Mapping[str, Any]) -> str:
    """Who finds the shared part of crops best, who the same points, and where ExplainLFS stands."""
    kinds = np.array(found["kinds"])
    told = []
    for which, task in {"region": "the shared part", "points": "the same points"}.items():
        for kind in dict.fromkeys(found["kinds"]):
            means = {
                name: float(np.nanmean(np.array(of[which], dtype=float)[kinds == kind]))
                for name, of in found["scores"].items()
            }
            order = sorted(means, key=lambda name: -means[name])
            best = f"{'the control ' if is_control(order[0]) else ''}{reader_name(order[0])}"
            told.append(
                f"- *{task.capitalize()}, {kind}*: first is {best}, with {means[order[0]]:.2f}; "
                f"ExplainLFS, with {means[METHOD]:.2f}, is in place {order.index(METHOD) + 1} of "
                f"{len(order)}."
            )
    return "\n".join(told)


def parts(ratios: Mapping[str, np.ndarray], classes: np.ndarray | None = None) -> str:
    """Which parts of a face have more of the map than of the area, and their order."""
    found = {part: interval(of, DRAWS, classes) for part, of in ratios.items()}
    order = sorted(found, key=lambda part: -found[part].mean)
    more = [part for part in order if found[part].above(1) == "holds"]
    shares = [f"{shown(ratios[part], classes)} on the {part}" for part in order]
    return (
        f"ExplainLFS puts {listed(shares)}, in units of an even spread; the paper's order is "
        f"mouth, eyes, nose. More than an even spread: {listed(more)}."
    )


def settings_matter(decoders: Mapping[str, Mapping], low: float = 0.1, high: float = 1.0) -> str:
    """The lowest correlation of maps for usual p with those for 0.3, and that of the smallest p."""
    told = []
    for name, of in decoders.items():
        means = {float(p): np.nanmean(at["rank correlation"]) for p, at in of["p"].items()}
        usual = min(mean for p, mean in means.items() if low <= p <= high)
        told.append(
            f"{usual:.3f} with the {decoder_title(name)} decoder (for p = {min(means):g}: "
            f"{means[min(means)]:.3f})"
        )
    return (
        f"For p from {low:g} to {high:g} the rank correlation with the map for p = 0.3 is never "
        f"below {listed(told)}."
    )


def forgetting(found: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> str:
    """How far maps agree with those after weights were shuffled, by rank correlation."""
    told = [
        f"{reader_name(name)}: {shown(of['rank correlation']['same_pair'])}"
        for name, of in found.items()
    ]
    return f"Rank correlation with the map before weights were shuffled: {listed(told)}."


def shuffled(results: Results, metric: str) -> str:
    """Whether each method does better than its copies with shuffled weights, as a list."""
    lines = []
    for name, copies in {METHOD: "randomised,", "amortised": "randomised-causal,"}.items():
        others = [other for other in results.explainers if other.startswith(copies)]
        told = versus(results, name, others, {metric: reader_name(metric)})
        lines += [
            f"- {reader_name(name)}, compared with {reader_name(other)}, is {text}."
            for other, text in told.items()
        ]
    return "\n".join(lines)


def against_controls(tests: Mapping[str, tuple[Results, str]]) -> str:
    """In how many of some tests each method beats every control, the most first.

    Args:
        tests: what was measured and the metric, by the test's name; each counts once for each kind
            of pair that has scores.
    """
    found: dict[str, list[bool]] = {}
    for results, metric in tests.values():
        for kind in KINDS:
            for name in in_order(results, metric, kind):
                beats = results.beats_controls(metric, kind, name)
                if beats is not None:
                    found.setdefault(name, []).append(beats)
    count = max(map(len, found.values()))
    order = sorted(found, key=lambda name: (-sum(found[name]), len(found[name])))
    told = [
        f"{reader_name(name)} in {sum(found[name])} of {len(found[name])}"
        for name in order
        if any(found[name]) or name == METHOD
    ]
    never = [name for name in order if not any(found[name]) and name != METHOD]
    return sentence(
        f"Here are {count} tests, each kind of pair counted: {', '.join(tests)}. Better than every "
        f"control: {listed(told)}" + (f"; never: {_names(never)}" if never else "")
    )


def disagreement(table: pd.DataFrame) -> str:
    """Of a table of Kendall's tau between rankings: the mean, and the two most apart and alike.

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
        f"Between two tests tau is {values.mean():.2f} on average. Most alike rank "
        f"{told['alike']}, least alike {told['apart']}."
    )


def alike_pictures(maps: Mapping[str, Sequence[Tensor]]) -> str:
    """How far methods' maps of the same pairs agree, and which two agree most.

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
        f"The maps of two methods have a rank correlation of {values.mean():.2f} on average, "
        f"{values.min():.2f} at the lowest; most alike, at {values[most]:.2f}, are those of "
        f"{_names([names[rows[most]], names[columns[most]]])}. Controls are not counted."
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
    return (
        f"Maps of variants agree with the paper's at {listed(told)}, on average. So it is "
        f"{order[0]} that changes the map most, and {order[-1]} that changes it least."
    )


def inside(maps: Mapping[str, Tensor], region: Tensor) -> str:
    """How well each method's maps (2,H,W) tell a region (2,H,W) from the rest, the best first."""
    found = {
        name: float(np.mean([region_auroc(of[side], region[side]) for side in (0, 1)]))
        for name, of in maps.items()
    }
    order = sorted(found, key=lambda name: -found[name])
    told = [f"{reader_name(name)} ({found[name]:.2f})" for name in order]
    return (
        "By the area under the ROC curve, where one half is chance, the outlined part is told from "
        f"the rest, from best to worst, by {listed(told)}."
    )


def corrrise_before(manifest: Mapping[str, Any]) -> str:
    """A warning, if a run's numbers of CorrRISE are of squares that its authors do not use."""
    changed = changed_since(manifest)
    if changed is not None and "lfs_core.comparators.corrrise" not in changed:
        return ""
    return (
        f"*Old numbers*: this run was made when {reader_name('corrrise')} hid smaller squares than "
        "its authors do. It has been mended since, and the run has not been repeated; do not "
        "rank the method by it."
    )
