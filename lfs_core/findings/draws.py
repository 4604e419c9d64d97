"""How much a comparison with a random control depends on the draw of that control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import t

from lfs_core.decoder import decoder_title
from lfs_core.embedders import network_title
from lfs_core.evaluation.names import listed
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
                rows.setdefault((decoder, title), {})[f"{of[0].pairs} {kind} pairs"] = (
                    f"{means.mean():+.3f} ({means.min():+.3f} to {means.max():+.3f}; "
                    f"ahead {verdicts.count('holds')}, behind {verdicts.count('fails')})"
                )
    return pd.DataFrame(rows).T.rename_axis(["decoder", "compared with"])


def relevance() -> tuple[str, Verdict]:
    """By how much the paper's relevance is better than random ones, over all draws and pairs.

    One draw of random relevance serves all pairs of a run. So its error is no smaller on more
    pairs, and an interval allows for other draws and other pairs.
    """
    parts, found = [], []
    for kind in KINDS:
        further = [
            test["score"](own) - test["score"](f"{own},relevance=random")
            for test in tests_of(STORED, kind)
            for own, choices in test["own"].items()
            if choices["decoder"] == decoder_title("linear")
        ]
        of = np.array(further)  # draws by pairs
        found.append(over_both(of))
        means = of.mean(axis=1)
        parts.append(
            f"{of.shape[1]} {kind} pairs and {len(of)} draws {found[-1]}, single draws "
            f"{means.min():.3f} to {means.max():.3f}"
        )
    return (
        f"advantage in the mean change of the cosine, over random relevance: {'; '.join(parts)}",
        joint_verdict(found),
    )


def over_both(values: np.ndarray) -> Interval:
    """The mean of values (D,P) of draws and pairs, both of which could have been others.

    The variance of the mean has two parts. One is that of the means of draws, divided by D; the
    other that of the means of pairs, divided by P. The rest is in both, and is taken off once.
    """
    draws, pairs = values.shape
    mean, of_draws, of_pairs = values.mean(), values.mean(axis=1), values.mean(axis=0)
    rest = values - of_draws[:, None] - of_pairs + mean
    shared = (rest**2).sum() / ((draws - 1) * (pairs - 1)) / (draws * pairs)
    variance = of_draws.var(ddof=1) / draws + of_pairs.var(ddof=1) / pairs - shared
    freedom = min(draws, pairs) - 1
    half = t.ppf((1 + LEVEL) / 2, freedom) * max(variance, shared) ** 0.5
    return Interval(float(mean), float(mean - half), float(mean + half), freedom=freedom)


def spread_in_words() -> str:
    """Whether the draw of a control decides more than the choice of pairs does, by control."""
    told, spread = [], []
    for control, title in CONTROLS.items():
        spreads, errors, counts = [], [], []
        for kind in KINDS:
            for decoder, of in advantages(kind, control).items():
                spreads.append(np.std([one.mean for one in of], ddof=1))
                errors.append(np.mean([(one.high - one.low) / 2 for one in of]) / 1.96)
                if kind == KINDS[0]:
                    pairs = of[0].pairs
                    verdicts = [one.above() for one in of]
                    counts.append(
                        f"ahead in {verdicts.count('holds')} and behind in "
                        f"{verdicts.count('fails')} with the {decoder} decoder"
                    )
        times = np.array(spreads) / np.array(errors)
        told.append(f"Against {title} ExplainLFS is {listed(counts)}.")
        spread.append(f"{min(times):.1f} to {max(times):.1f} times against {title}")
    draws = len(stored_run(STORED)["tests"])
    return (
        f"Of {draws} draws, on {pairs} {KINDS[0]} pairs: {' '.join(told)} The standard deviation "
        f"over draws, in standard errors over pairs, is {listed(spread)}. A run with one draw of "
        "random relevance for all pairs, as those of other pages, does not have this error in its "
        "intervals."
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
