"""The paper's claims one by one: what was tested, what came out, and what follows.

Every number is computed from the raw results in `book/results`; verdicts follow from intervals by
rules that are written in `claims` and `judges`, not by reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lfs_core.errors import LFSError
from lfs_core.findings.claims import CLAIMS, Claim
from lfs_core.findings.intervals import Verdict
from lfs_core.findings.readings import (
    Reading,
    counts_in_words,
    in_words,
    over_readings,
    verdicts,
)
from lfs_core.findings.stored import remembered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

ONE = "one, that of the test"


@remembered
def readings_of(claim: Claim) -> Sequence[Reading]:
    """What came out under every reading of a claim; none where there is one reading."""
    return claim.readings() if claim.readings else ()


@remembered
def judged(claim: Claim) -> tuple[str, Verdict]:
    """What a claim's own test found, and the verdict of that alone."""
    return claim.judge()


def verdict_of(claim: Claim) -> Verdict:
    """Of all readings, if there are any; but what is not reproduced here stays so."""
    verdict = judged(claim)[1]
    readings = readings_of(claim)
    if not readings or verdict == "not reproduced here":
        return verdict
    return over_readings(readings)


def ledger(claims: Sequence[Claim] = CLAIMS) -> pd.DataFrame:
    """Every claim with its result and verdict, in the order of the paper."""
    import pandas as pd

    lines = []
    for claim in claims:
        readings = readings_of(claim)
        lines.append(
            {
                "section": claim.section,
                "claim": claim.statement,
                "test": claim.test,
                "result": judged(claim)[0],
                "readings": f"{in_words(readings)}; again by {claim.again}" if readings else ONE,
                "counts": counts_in_words(readings) if readings else "",
                "verdict": verdict_of(claim),
                "command": claim.command,
            }
        )
    return pd.DataFrame(lines, index=range(1, len(lines) + 1))


def ledger_markdown(lines: pd.DataFrame) -> str:
    """Lines of the ledger as Markdown, one paragraph and a list for each claim."""
    parts = [
        f"**{number}. {line['claim']}** Section {line['section']}: *{line['verdict']}*\n\n"
        f"- Test: {line['test']}\n"
        f"- Result: {line['result']}.\n"
        f"- Readings: {line['readings']}.\n"
        f"- To repeat: `{line['command']}`\n"
        for number, line in lines.iterrows()
    ]
    return "\n".join(parts)


def by_verdict(lines: pd.DataFrame) -> str:
    """The claims of each verdict, in the words of the ledger, as a list in Markdown.

    Where readings differ, with how many of them the claim holds in, and how many it fails in.
    """
    return "\n".join(
        f"- *{verdict}*: "
        + " ".join(f"({number}) {_counted(line)}" for number, line in of.iterrows())
        for verdict, of in lines.groupby("verdict", sort=True)
    )


def _counted(line: pd.Series) -> str:
    """A claim with its counts: "It is so (holds in 25 of 48 readings, fails in 23)."."""
    if line["verdict"] not in ("depends", "not shown") or not line["counts"]:
        return line["claim"]
    return f"{line['claim'].removesuffix('.')} ({line['counts']})."


def mostly_failing(claims: Sequence[Claim] = CLAIMS) -> int:
    """Of how many claims that are not shown most readings are against them."""
    return sum(
        verdict_of(claim) == "not shown"
        and 2 * verdicts(readings_of(claim)).count("fails") > len(readings_of(claim))
        for claim in claims
    )


def repeated_markdown() -> str:
    """The claims that the stored runs of one network decide, as Markdown; the others by number."""
    parts, left = [], []
    for number, claim in enumerate(CLAIMS, 1):
        try:
            readings = readings_of(claim)
        except LFSError:
            readings = ()
        if not readings:
            left.append(str(number))
            continue
        parts.append(
            f"**{number}. {claim.statement}** Section {claim.section}: "
            f"*{over_readings(readings)}*\n\n- Test: {claim.test}\n"
            f"- Readings: {in_words(readings)}.\n"
        )
    return "\n".join([*parts, f"Claims of other studies, not repeated: {', '.join(left)}.\n"])
