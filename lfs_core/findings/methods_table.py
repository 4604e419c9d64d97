"""The tables of methods: where they come from, what they need, what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lfs_core.evaluation.names import reader_name
from lfs_core.explanation import PairExplainer, PairExplanation

if TYPE_CHECKING:
    import pandas as pd

Costs = Mapping[str, Mapping[str, float]]


def methods_table(
    explainers: Mapping[str, PairExplainer], of_pair: Mapping[str, PairExplanation], costs: Costs
) -> pd.DataFrame:
    """One line a method.

    Columns: what the method needs beyond embeddings; what it costs; how far the sums of signed maps
        are from a promised value, if there is one; verified or reconstructed; the source.

    Args:
        explainers: the methods, by name.
        of_pair: what each gives for one pair.
        costs: as the study of costs stores them; of a method that is not there, nothing is said.
    """
    import pandas as pd

    lines = {}
    for name, explain in explainers.items():
        error = of_pair[name].completeness_error
        lines[reader_name(name)] = {
            "needs": ", ".join(sorted(explain.needs)) or "nothing",
            **_cost(costs.get(name)),
            "completeness error": "" if error is None else f"{error:.0e}",
            "formula": "verified" if explain.verified else "reconstructed",
            "source": explain.source,
        }
    return pd.DataFrame(lines).T.rename_axis("method")


def costs_table(costs: Costs, names: Sequence[str]) -> pd.DataFrame:
    """Images through the network forwards and backwards, and time, of some methods."""
    import pandas as pd

    return pd.DataFrame({reader_name(name): _cost(costs[name]) for name in names}).T.rename_axis(
        "method"
    )


def _cost(cost: Mapping[str, float] | None) -> dict[str, str]:
    """Of one pair, for readers."""
    forms = {"forward": "d", "backward": "d", "milliseconds": ",.0f", "of two passes": ",.1f"}
    shown = {"milliseconds": "ms", "of two passes": "in two passes"}
    return {
        shown.get(key, key): "" if cost is None else format(cost[key], form)
        for key, form in forms.items()
    }
