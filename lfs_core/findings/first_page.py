"""The first page's numbers: what became of the paper's claims, and what to use instead."""

from __future__ import annotations

from collections import Counter

from lfs_core.findings.choice import (
    Record,
    in_a_sentence,
    own_term,
    passed,
    recommended,
    records,
)
from lfs_core.findings.claims import CLAIMS
from lfs_core.findings.ledger import mostly_failing, verdict_of
from lfs_core.findings.multiverse import ahead
from lfs_core.findings.readings import verdicts
from lfs_core.findings.rival import in_short

PAPER = "explainlfs"


def verdicts_markdown() -> str:
    """How many claims have each verdict: four cards, in Markdown."""
    count = Counter(verdict_of(claim) for claim in CLAIMS)
    cards = [
        ("holds in every reading", "hold in every reading", count["holds"]),
        ("fails in every reading", "fail in every reading", count["fails"]),
        (
            "depends, or is not shown",
            "depend, or are not shown",
            count["depends"] + count["not shown"],
        ),
        (
            "is a number not reproduced",
            "are numbers not reproduced",
            count["not reproduced here"],
        ),
    ]
    lines = [
        "::::{grid} 2 2 4 4",
        ":gutter: 2",
        ":margin: 0 2 0 0",
        ":class-container: lfs-verdicts",
        "",
    ]
    for one, several, number in cards:
        words = one if number == 1 else several
        lines += [":::{grid-item-card}", f"**{number}** of {len(CLAIMS)} claims {words}", ":::", ""]
    return "\n".join([*lines, "::::", ""])


def undecided_markdown() -> str:
    """Which claims hold and fail, and what the others are."""
    count = Counter(verdict_of(claim) for claim in CLAIMS)
    said = {
        verdict: [f"*{of.statement}*" for of in CLAIMS if verdict_of(of) == verdict]
        for verdict in ("holds", "fails")
    }
    told = [
        f"{f'These {how}' if len(said[verdict]) > 1 else f'This one {how}s'} in every reading: "
        f"{' '.join(said[verdict])}\n\n"
        for verdict, how in (("holds", "hold"), ("fails", "fail"))
        if said[verdict]
    ]
    return "".join(told) + (
        f"Of {len(CLAIMS)} claims {count['depends']} hold under some choices only, "
        f"{count['not shown']} under none ({mostly_failing()} of them fail in most readings), and "
        f"{count['not reproduced here']} name numbers of networks that we do not have.\n"
    )


def marked_places_markdown() -> str:
    """Whether marked places matter more than random ones, over all readings, in Markdown."""
    said = verdicts(ahead(["order"]))
    return (
        f"Do marked places matter more than random ones? Of {len(said)} readings, they do in "
        f"{said.count('holds')}, and random ones matter more in {said.count('fails')}; in the "
        "others nothing is shown.\n"
    )


def instead_markdown() -> str:
    """What to use instead of the paper's method, in one paragraph."""
    known = records()
    first, second = recommended(known)
    return (
        f"The paper's maps beat every control in {_share(known[PAPER])} tests: deletion and "
        "insertion, on faces, birds and cars, similar and dissimilar pairs. **Use instead** the "
        f"{in_a_sentence(first)}, which must be trained ({_share(first)}), or "
        f"{in_a_sentence(second)}, which needs nothing ({_share(second)}). But one term of the "
        "map, {term}`own-likeness`, never sees the other photograph. The whole map is "
        f"significantly better than this term in {own_term()}. {in_short()} "
        "[Which method should I use?](which_method)\n"
    )


def _share(of: Record) -> str:
    return f"{passed(of.common)} of {len(of.common)}"
