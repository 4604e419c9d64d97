"""How much a comparison with a random control depends on the draw of that control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import t

from lfs_core.decoder import decoder_title
from lfs_core.embedders import network_title
from lfs_core.evaluation.results import KINDS
from lfs_core.evaluation.statistics import LEVEL
from lfs_core.findings.intervals import Interval, Verdict, interval, joint_verdict
from lfs_core.findings.judges import CHANCE
from lfs_core.findings.multiverse import tests_of
from lfs_core.findings.stored import stored_run

if TYPE_CHECKING:
    import pandas as pd

STORED = "draws"
RESAMPLED = 2000  # times, for each interval
CONTROLS = {"{own},relevance=random": "random relevance", f"{CHANCE},draw=0": "a random order"}


def advantages(kind: str, control: str) -> dict[str, list[Interval]]:
    """How much further ExplainLFS moves the cosine than a control, by decoder: one for each draw.

    Args:
        kind: of pairs, one of `KINDS`.
        control: one of `CONTROLS`.
    """
    found: dict[str, list[Interval]] = {}
    for test in tests_of(STORED, kind):
        score = test["score"]
        for own, choices in test["own"].items():
            further = score(own) - score(control.format(own=own))
            of = interval(further, RESAMPLED, test["classes"])
            found.setdefault(choices["decoder"], []).append(of)
    return found


def draws_table() -> pd.DataFrame:
    """By decoder and control: the mean advantage, its range over draws, and who is ahead."""
    import pandas as pd

    rows: dict[tuple[str, str], dict[str, str]] = {}
    for control, title in CONTROLS.items():
        for kind in KINDS:
            for decoder, of in advantages(kind, control).items():
                means = np.array([one.mean for one in of])
                verdicts = [one.above() for one in of]
                rows.setdefault((decoder, title), {})[f"{kind} pairs"] = (
                    f"{means.mean():+.3f} ({means.min():+.3f} to {means.max():+.3f}; "
                    f"ahead {verdicts.count('holds')}, behind {verdicts.count('fails')})"
                )
    return pd.DataFrame(rows).T.rename_axis(["decoder", "compared with"])


def relevance() -> tuple[str, Verdict]:
    """By how much the paper's relevance is better than random ones, over all draws of these.

    One draw of random relevance serves all pairs of a run. So its error is no smaller on more
    pairs, and only other draws show it: an interval is of the mean over draws, by Student's t.
    """
    parts, found = [], []
    for kind in KINDS:
        of = advantages(kind, "{own},relevance=random")[decoder_title("linear")]
        means = np.array([one.mean for one in of])
        half = t.ppf((1 + LEVEL) / 2, len(means) - 1) * means.std(ddof=1) / len(means) ** 0.5
        ends = means.mean() - half, means.mean() + half
        found.append(Interval(means.mean(), *ends, len(means)))
        parts.append(
            f"{of[0].pairs} {kind} pairs {found[-1]}, single draws {means.min():.3f} to "
            f"{means.max():.3f}"
        )
    return (
        "advantage in the mean change of the cosine, over draws of random relevance: "
        f"{'; '.join(parts)}",
        joint_verdict(found),
    )


def spread_in_words() -> str:
    """Whether the draw of a control decides more than the choice of pairs does, by control."""
    told = []
    for control, title in CONTROLS.items():
        spreads, errors = [], []
        for kind in KINDS:
            for of in advantages(kind, control).values():
                spreads.append(np.std([one.mean for one in of], ddof=1))
                errors.append(np.mean([(one.high - one.low) / 2 for one in of]) / 1.96)
        times = np.array(spreads) / np.array(errors)
        told.append(
            f"against {title} it is {min(times):.1f} to {max(times):.1f} times its standard error "
            "over pairs"
        )
    draws = len(stored_run(STORED)["tests"])
    return (
        f"Over {draws} draws of noise and controls an advantage varies. Its standard deviation: "
        f"{'; '.join(told)}. A run with one draw of random relevance for all pairs, as those of "
        "other pages, does not have this error in its intervals."
    )


def thresholds_table() -> pd.DataFrame:
    """Of each face network: the threshold in use, the best one, and how often both are right."""
    import pandas as pd

    rows = {}
    for name, of in stored_run("thresholds")["networks"].items():
        chosen, judged = of["chosen on"], of["judged on"]
        rows[network_title(name)] = {
            "in use": f"{of['in use']:g}",
            "best on other people": _with_ends(chosen["best"], 2),
            "accuracy in use": f"{_with_ends(judged['right in use'])} (n = {judged['pairs']})",
            "accuracy at the best for these people": _with_ends(judged["right at best"]),
        }
    return pd.DataFrame(rows).T.rename_axis("network")


def _with_ends(found: list[float], digits: int = 3) -> str:
    mean, low, high = (f"{one:.{digits}f}" for one in found)
    return f"{mean} [{low}, {high}]"
