"""A claim under every reading of the paper: does it hold whichever choices are made?

A reading is one set of choices that a reasonable reader of the paper could make. The verdict looks
at all of them (Steegen et al. 2016; Simonsohn et al. 2020). One in twenty readings lies outside by
chance, so that verdicts of some readings are corrected for their number: `intervals.together`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from lfs_core.evaluation.statistics import LEVEL, holm
from lfs_core.findings.intervals import Interval, Verdict, together

if TYPE_CHECKING:
    import pandas as pd


ANY = "any"  # the value of a choice that changes nothing in a reading
OF_METHODS = frozenset({"latents", "rival's order"})
"""Choices whose values meet in the same test; each of the others has one value in a test."""
TRAINED = "decoder"
APART = ("images", "network", "size", "decoder's size", "decoder's seed", "mirror images", "loss")
"""Of one kind of decoder there is one for each set of values of these: it serves many readings."""
SHUFFLES = 1999
WORTH = 0.05  # of the variance: what a second choice must add to be named


@dataclass(frozen=True)
class Reading:
    """What came out under one set of choices.

    Attributes:
        choices: the value of each choice, by the choice's name.
        found: a mean over pairs; the claim says that it lies above 0.
        parts: of how many parts of the claim this is the lowest.
    """

    choices: Mapping[str, str]
    found: Interval
    parts: int = 1

    @property
    def verdict(self) -> Verdict:
        """Of this reading alone; `verdicts` gives those of many together."""
        return together([self.found], [self.parts])[0]


def lowest(readings: Sequence[Reading], *parts: str) -> list[Reading]:
    """One reading for each set of choices: the part of the claim that speaks most against it.

    If a claim has several parts, all have to hold. The lowest part is the one whose mean lies
    furthest below 0, or least above it, in units of its interval.

    Args:
        readings: of every part under every set of choices.
        parts: the choices that tell the parts apart, and are none of a reader.
    """
    found: dict[frozenset[tuple[str, str]], list[Reading]] = {}
    for reading in readings:
        others = {name: of for name, of in reading.choices.items() if name not in parts}
        found.setdefault(frozenset(others.items()), []).append(Reading(others, reading.found))
    return [
        Reading(of[0].choices, min((one.found for one in of), key=_stands), len(of))
        for of in found.values()
    ]


def _stands(found: Interval) -> float:
    """How far a mean lies above 0, in units of the half of its interval on the side of 0."""
    half = found.mean - found.low if found.mean > 0 else found.high - found.mean
    return found.mean / half if half > 0 else np.sign(found.mean) * np.inf if found.mean else 0.0


def verdicts(readings: Sequence[Reading]) -> list[Verdict]:
    """Of each reading, corrected for their number unless all say the same."""
    return together([of.found for of in readings], [of.parts for of in readings])


def over_readings(readings: Sequence[Reading]) -> Verdict:
    """Holds or fails if it does so in every reading; depends if it holds in some.

    Else it is not shown: no reading supports it, and not every reading is against it.
    """
    found = set(verdicts(readings))
    if len(found) == 1:
        return found.pop()
    return "depends" if "holds" in found else "not shown"


def deciding(readings: Sequence[Reading]) -> dict[tuple[str, ...], float]:
    """What choices explain of the variance between readings, alone and by twos, if beyond chance.

    Eta squared: the sum of squares between the values of a choice, or the pairs of values of two,
    over that between readings. Many values explain much by chance. So the values are dealt out
    again, `SHUFFLES` times. Kinds of decoders are exchanged for all readings of a decoder at once;
    other choices of a method within each test, and the rest between whole tests. A share counts if
    at most one in twenty is as large by chance, by Holm's rule over all shares.

    Returns:
        Eta squared in [0,1] by choices, those first that are furthest above what chance gives; two
        count as `WORTH` less. A value of `ANY` decides nothing: readings with it are left out.
    """
    names = sorted({name for reading in readings for name in reading.choices})
    found = {}
    for choices in (*combinations(names, 1), *combinations(names, 2)):
        if share := _share(readings, choices):
            found[choices] = share
    corrected = holm(np.array([share.p for share in found.values()]))
    beyond = [
        (choices, share)
        for (choices, share), p in zip(found.items(), corrected, strict=True)
        if p < 1 - LEVEL
    ]
    return {
        choices: share.explained
        for choices, share in sorted(
            beyond, key=lambda one: WORTH * len(one[0]) - one[1].above_chance
        )
    }


@dataclass(frozen=True)
class _Share:
    """What choices explain, what they would by chance on average, and how often as much by chance.

    Attributes:
        explained: eta squared.
        by_chance: its mean over shuffles.
        p: the share of shuffles in which it is as large.
    """

    explained: float
    by_chance: float
    p: float

    @property
    def above_chance(self) -> float:
        """The part of what chance leaves that is explained; as an adjusted R squared."""
        return (self.explained - self.by_chance) / (1 - self.by_chance)


def _share(readings: Sequence[Reading], choices: Sequence[str]) -> _Share | None:
    """None where a choice has one value, or each reading values of its own, or nothing varies."""
    kept = [r for r in readings if all(r.choices.get(name, ANY) != ANY for name in choices)]
    means = np.array([reading.found.mean for reading in kept])
    labels = [_numbered([reading.choices[name] for reading in kept]) for name in choices]
    if not kept or np.ptp(means) == 0 or any(of.max() == 0 for of in labels):
        return None
    # A choice that changes nothing in some readings is one of methods, too.
    of_methods = (
        OF_METHODS
        | {TRAINED}
        | {name for r in kept for name, value in r.choices.items() if value == ANY}
    )
    tests = _numbered(
        [frozenset(one for one in r.choices.items() if one[0] not in of_methods) for r in kept]
    )
    random = np.random.default_rng(0)
    within = np.argsort(tests + random.random((SHUFFLES, len(kept))), axis=1, kind="stable")
    in_order = np.argsort(tests, kind="stable")  # places of each test, one test after the other
    _, first = np.unique(tests, return_index=True)
    between = np.argsort(random.random((SHUFFLES, len(first))), axis=1)
    codes = np.zeros((1 + SHUFFLES, len(kept)), dtype=int)
    for name, of in zip(choices, labels, strict=True):
        dealt = np.empty((SHUFFLES, len(kept)), dtype=int)
        if name == TRAINED:
            dealt[:] = _dealt_together(of, kept, random)
        elif name in of_methods:
            dealt[:, in_order] = of[within]
        else:
            dealt[:] = of[first][between][:, tests]
        codes = codes * (of.max() + 1) + np.vstack([of, dealt])
    if codes[0].max() > 0 and len(np.unique(codes[0])) == len(kept):
        return None
    explained = _eta_squared(means, codes)
    by_chance = explained[1:]
    return _Share(
        float(explained[0]),
        float(by_chance.mean()),
        float((1 + (by_chance >= explained[0] - 1e-12).sum()) / (1 + SHUFFLES)),
    )


def _dealt_together(
    kinds: np.ndarray, readings: Sequence[Reading], random: np.random.Generator
) -> np.ndarray:
    """Kinds of decoders (n,) exchanged among those trained together: (SHUFFLES,n).

    A decoder that is lucky is so in all its readings, so these stay together.
    """
    sets = _numbered([tuple(r.choices.get(name, ANY) for name in APART) for r in readings])
    dealt = np.empty((SHUFFLES, len(kinds)), dtype=int)
    for one in range(sets.max() + 1):
        here = sets == one
        those, places = np.unique(kinds[here], return_inverse=True)
        dealt[:, here] = random.permuted(np.tile(those, (SHUFFLES, 1)), axis=1)[:, places]
    return dealt


def _numbered(values: Sequence[object]) -> np.ndarray:
    """Each value as a number from 0."""
    places = {value: k for k, value in enumerate(dict.fromkeys(values))}
    return np.array([places[value] for value in values])


def _eta_squared(means: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Of each row of codes (B,n), what these groups explain of the variance of the means (n,)."""
    apart = means - means.mean()
    groups = codes.max() + 1
    cells = (codes + groups * np.arange(len(codes))[:, None]).ravel()
    size = len(codes) * groups
    count = np.bincount(cells, minlength=size)
    total = np.bincount(cells, np.broadcast_to(apart, codes.shape).ravel(), minlength=size)
    between = np.divide(total**2, count, out=np.zeros(size), where=count > 0)
    return between.reshape(len(codes), groups).sum(axis=1) / (apart**2).sum()


def counts_in_words(readings: Sequence[Reading]) -> str:
    """In how many readings a claim holds, and in how many it fails."""
    said = verdicts(readings)
    return f"holds in {said.count('holds')} of {len(said)} readings, fails in {said.count('fails')}"


def in_words(readings: Sequence[Reading]) -> str:
    """How many readings hold and fail, and which choices decide it."""
    count = Counter(verdicts(readings))
    text = (
        f"over {len(readings)} readings it holds in {count['holds']}, fails in {count['fails']} "
        f"and is not shown in {count['not shown']}"
    )
    if over_readings(readings) != "depends":
        return text + _settled(readings)
    return f"{text}{_shared_by_holding(readings)}; {most_deciding(readings)}"


def most_deciding(readings: Sequence[Reading]) -> str:
    """Which choice, or which two together, explain the largest share of the variance."""
    found = deciding(readings)
    if not found:
        return "no choice explains more of the variance between readings than chance does"
    most = _with_share(*next(iter(found.items())))
    return f"the largest share of the variance between readings is explained by {most}"


def _with_share(choices: Sequence[str], share: float) -> str:
    return f"{' and '.join(choices)} ({100 * share:.0f} %)"


def _shared_by_holding(readings: Sequence[Reading]) -> str:
    """The values of choices that all readings share in which the claim holds, and not all have."""
    holding = [r for r, of in zip(readings, verdicts(readings), strict=True) if of == "holds"]
    shared = [
        f"{name}: {value}"
        for name, value in holding[0].choices.items()
        if value != ANY
        and all(reading.choices.get(name) == value for reading in holding)
        and any(reading.choices.get(name) != value for reading in readings)
    ]
    if not shared:
        return ""
    return f"; it holds only with {'; '.join(shared)}"


def _settled(readings: Sequence[Reading]) -> str:
    """The values under which every reading fails, if not all do, most frequent ones first."""
    said = verdicts(readings)
    if len(set(said)) < 2:
        return ""
    by_value: dict[tuple[str, str], list[Verdict]] = {}
    for reading, verdict in zip(readings, said, strict=True):
        for name, value in reading.choices.items():
            if value != ANY:
                by_value.setdefault((name, value), []).append(verdict)
    failing = {of: len(found) for of, found in by_value.items() if set(found) == {"fails"}}
    named = [": ".join(of) for of in sorted(failing, key=lambda of: -failing[of])[:3]]
    return (
        f"; it fails in every reading with {', and in every one with '.join(named)}"
        if named
        else ""
    )


def deciding_table(questions: Mapping[str, Sequence[Reading]]) -> pd.DataFrame:
    """What choice explains most for each question, alone, and which two together."""
    import pandas as pd

    rows = {}
    for question, readings in questions.items():
        found = list(deciding(readings).items())
        rows[question] = {
            title: next((_with_share(*one) for one in found if len(one[0]) == count), "none")
            for count, title in ((1, "alone"), (2, "two together"))
        }
    return pd.DataFrame(rows).T.rename_axis("compared with")


def verdicts_by(readings: Sequence[Reading], choice: str) -> pd.DataFrame:
    """How many readings hold, fail and are not shown, for each value of a choice."""
    import pandas as pd

    values = pd.Series([reading.choices.get(choice, "") for reading in readings], name=choice)
    counts = pd.crosstab(values, pd.Series(verdicts(readings), name="verdict"))
    return counts.reindex(columns=["holds", "fails", "not shown"], fill_value=0)
