"""What heads of birds and cars lack: more classes, or more photographs of the same classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import TYPE_CHECKING, Any

from lfs_core.embedders import network_title

if TYPE_CHECKING:
    import pandas as pd

Rows = Sequence[Mapping[str, Any]]

PARTNERS = {"partners": "partner: others", "itself": "partner: the image itself"}
SHARES = {0.25: "a quarter"}
WAYS = {"classes": "of the classes, whole", "photographs": "of each class", "all": "all"}


def learning_curves_table(curves: Mapping[str, Rows]) -> pd.DataFrame:
    """What heads leave unexplained: the mean over draws of classes, lowest and highest.

    Args:
        curves: of the study "learning-curves", by network.
    """
    import pandas as pd

    table = {}
    for network, rows in curves.items():
        for share, way in dict.fromkeys((row["share"], row["way"]) for row in rows):
            of = _taken(rows, share, way)
            line: dict[str, object] = {
                counted: f"{mean(row[counted] for row in of):,.0f}"
                for counted in ("classes", "images")
            }
            line |= {title: _spread([row[key] for row in of]) for key, title in PARTNERS.items()}
            taken = f"{SHARES[share]} {WAYS[way]}" if share in SHARES else WAYS[way]
            table[network_title(network), taken] = line
    found = pd.DataFrame(table).T.rename(columns={"images": "photographs"})
    return found.rename_axis(["network", "learnt from"])


def what_heads_lack(curves: Mapping[str, Rows]) -> str:
    """Whether whole classes or photographs matter more to heads, network by network."""
    return " ".join(_lacks(network, rows) for network, rows in curves.items())


def _lacks(network: str, rows: Rows) -> str:
    share = min(row["share"] for row in rows)
    left = {way: _taken(rows, share, way) for way in ("classes", "photographs")}
    pairs = zip(left["classes"], left["photographs"], strict=True)
    worse = sum(classes["partners"] > photographs["partners"] for classes, photographs in pairs)
    few, many, whole = (
        mean(row["partners"] for row in of)
        for of in (left["classes"], left["photographs"], _taken(rows, 1.0, "all"))
    )
    draws = len(left["classes"])
    return (
        f"{network_title(network)}: trained on {SHARES[share]} of the classes, the head leaves "
        f"{few:.0%} of the effects on other partners unexplained; on {SHARES[share]} of each "
        f"class, {many:.0%}; on all, {whole:.0%}. Fewer classes are worse than fewer photographs "
        f"of each in {worse} of {draws} draws."
    )


def _taken(rows: Rows, share: float, way: str) -> list[Mapping[str, Any]]:
    """The rows of one share and way, in the order of the draws."""
    return [row for row in rows if (row["share"], row["way"]) == (share, way)]


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.0%} ({min(values):.0%} to {max(values):.0%})"
