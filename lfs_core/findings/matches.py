"""How well places are matched: tables and sentences from the stored run of `lfs study matching`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.evaluation.names import reader_name
from lfs_core.findings.intervals import Interval, Verdict, interval, together, with_interval

if TYPE_CHECKING:
    import pandas as pd

OURS, MAP, FEATURES = "amortised", "the map alone", "features alone"
EXACT, BOTH = "causal", "causal with features"
TITLES = {
    OURS: "one pass: map and features",
    MAP: "one pass: map alone",
    f"{MAP}, raw": "one pass: map alone, products",
    FEATURES: "features alone",
    EXACT: "exact map",
    f"{EXACT}, raw": "exact map, products",
    BOTH: "exact map and features",
    "same place": "each place itself (control)",
    "chance": "chance (control)",
}
SAME = "same place"
CONTROLS = (SAME, "chance")
ENOUGH = 10  # pairs, with fewer of which an interval says little

Scores = Mapping[str, Mapping[str, Mapping[str, Sequence[float | None]]]]
"""By kind of pair, method and score, a value for each pair."""


def title(method: str) -> str:
    """A method's name for readers."""
    return TITLES.get(method) or reader_name(method)


def values(scores: Scores, kind: str, method: str, score: str) -> np.ndarray:
    """Of each pair, (P,); NaN where it has none."""
    return np.array(scores[kind][method][score], dtype=float)


def matches_table(
    scores: Scores, score: str = "near", classes: np.ndarray | None = None
) -> pd.DataFrame:
    """By method and kind of pair, the mean of a score with its interval.

    Args:
        scores: of faces or of scenes.
        score: of `MatchScores`.
        classes: (P,2), whose both images of each pair are.
    """
    import pandas as pd

    rows: dict[str, dict[str, str]] = {}
    for kind, methods in scores.items():
        for method in methods:
            found = values(scores, kind, method, score)
            if np.isfinite(found).any():
                of = interval(found, 2000, classes)
                row = rows.setdefault(title(method), {"pairs of each kind": str(of.pairs)})
                row[kind] = f"{of.mean:.2f} [{of.low:.2f}, {of.high:.2f}]"
    return pd.DataFrame(rows).T.rename_axis("method")


def ahead(
    scores: Scores, kind: str, one: str, other: str, classes: np.ndarray | None = None
) -> Interval:
    """By how much one method matches more places than another, on the same pairs."""
    apart = values(scores, kind, one, "near") - values(scores, kind, other, "near")
    return interval(apart, classes=classes)


def compared(
    scores: Scores, one: str, others: Sequence[str], classes: np.ndarray | None = None
) -> str:
    """On which kinds of pairs a method matches significantly more places than others, or fewer.

    All comparisons are corrected together for their number. A method with too few pairs is not
    compared.

    Returns:
        A sentence, or with several others a list.
    """
    apart = {
        (other, kind): ahead(scores, kind, one, other, classes)
        for other in others
        for kind in scores
    }
    judged = [
        (other, kind)
        for other in others
        if all((apart[other, kind].pairs or 0) >= ENOUGH for kind in scores)
        for kind in scores
    ]
    verdicts = dict(zip(judged, together([apart[of] for of in judged]), strict=True))
    lines = [_told(scores, other, verdicts) for other in others]
    first = f"**{_capital(title(one))}** matches"
    if len(lines) == 1:
        return f"{first} {lines[0]}."
    items = ";\n".join(f"- {line}" for line in lines)
    return f"{first}\n\n{items}."


def _told(scores: Scores, other: str, verdicts: Mapping[tuple[str, str], Verdict]) -> str:
    """On which kinds of pairs more and fewer places are matched than by another method."""
    if (other, next(iter(scores))) not in verdicts:
        return f"too few pairs to be compared with {title(other)}"
    found = {
        side: [kind for kind in scores if verdicts[other, kind] == verdict]
        for side, verdict in (("more", "holds"), ("fewer", "fails"))
    }
    told = [
        f"{side} in {len(kinds)} of {len(scores)} kinds of pairs ({'; '.join(kinds)})"
        for side, kinds in found.items()
        if kinds
    ]
    if not told:
        return f"as many places as {title(other)}, to what can be shown"
    return f"compared with {title(other)}, significantly {', and '.join(told)}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def no_match_table(
    scores: Scores, methods: Sequence[str], classes: np.ndarray | None = None
) -> pd.DataFrame:
    """How often places with and without a counterpart in the other image have a match.

    Args:
        scores: of faces or of scenes.
        methods: those whose likeness is a cosine, as the constants of `correspondence` assume.
        classes: (P,2), whose both images of each pair are.
    """
    import pandas as pd

    names = {
        "kept": "counterpart shown: matched",
        "kept_near": "of these matches, right",
        "left": "not shown: left without match",
    }
    rows = {}
    for kind in scores:
        for method in methods:
            found = {name: values(scores, kind, method, of) for of, name in names.items()}
            rows[kind, title(method)] = {
                name: with_interval(of, classes) if np.isfinite(of).any() else "-"
                for name, of in found.items()
            }
    return pd.DataFrame(rows).T.rename_axis(["pairs", "method"])


def constants_table(found: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """By what likeness the right matches are likeliest, on the people by whom it was chosen."""
    import pandas as pd

    names = {
        "temperature": "temperature of choices",
        "nothing": "likeness of no match",
        "loss": "mean surprise at the right match",
    }
    rows = {
        title(method): {names[name]: f"{value:.3f}" for name, value in of.items()}
        for method, of in found.items()
    }
    return pd.DataFrame(rows).T.rename_axis("likeness")


def two_people_table(found: Mapping[str, Any]) -> pd.DataFrame:
    """Expected matches between photographs of one person and of two, at equal similarity."""
    import pandas as pd

    counts = {title(method): np.array(of) for method, of in found["matches"].items()}
    return pd.DataFrame(
        {
            name: {
                "one person": with_interval(both[:, 0]),
                "two people": with_interval(both[:, 1]),
                "one person has more": with_interval(both[:, 0] > both[:, 1]),
            }
            for name, both in counts.items()
        }
    ).T.rename_axis("matches by")


def two_people_sentence(found: Mapping[str, Any], method: str = OURS) -> str:
    """Whether more matches are expected where both photographs show one person."""
    one, two = np.array(found["matches"][method]).T
    cosine = np.array(found["similarity"]).mean(axis=0)
    apart = interval(one - two)
    more, than = {"holds": ("More", "than"), "fails": ("Fewer", "than")}.get(
        apart.above(), ("About as many", "as")
    )
    return (
        f"{more} matches are expected between photographs of one person {than} between "
        "photographs of two people that the network calls equally similar. "
        f"The difference is {apart} places of 64, at mean cosines of {cosine[0]:.3f} and "
        f"{cosine[1]:.3f}."
    )


def deletion_areas(curves: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, np.ndarray]:
    """By order, the mean cosine over the steps of each pair, (P,)."""
    return {name: np.array(of)[:, 1:].mean(axis=1) for name, of in curves.items()}


def deletion_table(curves: Mapping[str, Sequence[Sequence[float]]]) -> pd.DataFrame:
    """How far the cosine falls as pairs of places are removed, by order; lower is better."""
    import pandas as pd

    return pd.DataFrame(
        {name: {"mean cosine": with_interval(of)} for name, of in deletion_areas(curves).items()}
    ).T.rename_axis("places removed")


def deletion_sentence(curves: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """Whether removing matched places lowers the cosine further than two other orders do."""
    areas = deletion_areas(curves)
    told = []
    for name in ("matches, by confidence", "matches, by what both say"):
        against = []
        for other, words in (
            ("each image's own map", "the best places of each image's own map"),
            ("at random", "random places"),
        ):
            apart = interval(areas[name] - areas[other])
            side = {"holds": "less than", "fails": "further than"}.get(
                apart.above(), "not measurably further than"
            )
            against.append(f"{side} by removing {words} (difference {apart})")
        told.append(f"in the order of {name}, the cosine falls {' and '.join(against)}")
    return f"If matched places are removed {'; '.join(told)}."
