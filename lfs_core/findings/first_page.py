"""The first page's numbers: what became of the paper's claims, and what to use instead."""

from __future__ import annotations

from collections import Counter

from lfs_core.comparators import explainer_class
from lfs_core.findings.choice import Record, best, passed, records
from lfs_core.findings.claims import CLAIMS
from lfs_core.findings.ledger import verdict_of

PAPER = "explainlfs"


def verdicts_markdown() -> str:
    """How many claims hold, fail and depend on choices: three cards, in Markdown."""
    count = Counter(verdict_of(claim) for claim in CLAIMS)
    undecided = len(CLAIMS) - count["holds"] - count["fails"]
    cards = {
        "hold in every test": count["holds"],
        "fail in every test": count["fails"],
        "depend, or are not shown here": undecided,
    }
    lines = ["::::{grid} 3", ":gutter: 2", ":margin: 0 2 0 0", ":class-container: lfs-verdicts", ""]
    for words, number in cards.items():
        lines += [":::{grid-item-card}", f"**{number}** of {len(CLAIMS)} claims {words}", ":::", ""]
    return "\n".join([*lines, "::::", ""])


def undecided_markdown() -> str:
    """What the claims that neither hold nor fail are, in one sentence."""
    count = Counter(verdict_of(claim) for claim in CLAIMS)
    return (
        f"Of {len(CLAIMS)} claims {count['depends']} hold under some choices only, "
        f"{count['not shown']} are not shown under any, and {count['not reproduced here']} name "
        "numbers of networks that we do not have.\n"
    )


def instead_markdown() -> str:
    """What to use instead of the paper's method, in one paragraph."""
    known = records()
    any_method = [name for name in known if explainer_class(name).role == "method"]
    plain = [name for name in any_method if not explainer_class(name).needs]
    first, second = best(any_method, known), best(plain, known)
    if first is None or second is None:  # nothing was put to the common tests
        return "No method was tested.\n"
    return (
        f"**Use instead** the {_link(first)}, which must be trained (it beats every control in "
        f"{_share(first)} tests), or {_link(second)}, which needs nothing ({_share(second)}). "
        f"ExplainLFS does so in {_share(known[PAPER])}. "
        "[Which method should I use?](which_method)\n"
    )


def _share(of: Record) -> str:
    return f"{passed(of.common)} of {len(of.common)}"


def _link(of: Record) -> str:
    title = explainer_class(of.name).title
    return f"[{title[0].lower()}{title[1:]}](method-{of.name})"
