"""A claim under every reading of the paper: does it hold whichever choices are made?

A reading is one set of choices that a reasonable reader of the paper could make. The verdict looks
at all of them (Steegen et al. 2016; Simonsohn et al. 2020). One in twenty readings lies outside by
chance, so that verdicts of some readings are corrected for their number: `intervals.together`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lfs_core.findings.intervals import Interval, Verdict, together

if TYPE_CHECKING:
    import pandas as pd


ANY = "any"  # the value of a choice that changes nothing in a reading


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


def deciding(readings: Sequence[Reading]) -> dict[str, float]:
    """How much of the variance between readings each choice explains, the most first.

    It is eta squared of a one-way analysis of variance: the sum of squares between a choice's
    values, over that between readings. Choices made together share what they explain.

    Returns:
        By choice, in [0,1]; choices with one value are left out, and all are if nothing varies.
    """
    means = np.array([reading.found.mean for reading in readings])
    total = ((means - means.mean()) ** 2).sum()
    explained = {}
    for choice in sorted({name for reading in readings for name in reading.choices}):
        values = np.array([reading.choices.get(choice, "") for reading in readings])
        groups = [means[values == value] for value in set(values.tolist())]
        if len(groups) > 1 and total > 0:
            between = sum(len(of) * (of.mean() - means.mean()) ** 2 for of in groups)
            explained[choice] = float(between / total)
    return dict(sorted(explained.items(), key=lambda one: -one[1]))


def in_words(readings: Sequence[Reading]) -> str:
    """How many readings hold and fail, and which choices decide it."""
    count = Counter(verdicts(readings))
    text = (
        f"over {len(readings)} readings it holds in {count['holds']}, fails in {count['fails']} "
        f"and is not shown in {count['not shown']}"
    )
    if over_readings(readings) != "depends":
        return text + _settled(readings)
    shares = list(deciding(readings).items())[:3]
    listed = ", ".join(f"{choice} {100 * share:.0f} %" for choice, share in shares)
    return f"{text}; choices by the variance between readings that each explains: {listed}"


def _settled(readings: Sequence[Reading]) -> str:
    """The values under which every reading fails, where not all do, of the choices that decide."""
    said = verdicts(readings)
    found = [
        f"{choice} {value}"
        for choice in deciding(readings)
        for value in dict.fromkeys(reading.choices.get(choice) for reading in readings)
        if value != ANY
        and {
            verdict
            for verdict, of in zip(said, readings, strict=True)
            if of.choices.get(choice) == value
        }
        == {"fails"}
    ][:3]
    if len(set(said)) < 2 or not found:
        return ""
    return f"; it fails in every reading with {', and in every one with '.join(found)}"


def verdicts_by(readings: Sequence[Reading], choice: str) -> pd.DataFrame:
    """How many readings hold, fail and are not shown, for each value of a choice."""
    import pandas as pd

    values = pd.Series([reading.choices.get(choice, "") for reading in readings], name=choice)
    counts = pd.crosstab(values, pd.Series(verdicts(readings), name="verdict"))
    return counts.reindex(columns=["holds", "fails", "not shown"], fill_value=0)
