"""The table of methods: where they come from, what they need, what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lfs_core.datasets.images import ImageLike
from lfs_core.evaluation.cost import measure_cost
from lfs_core.explanation import PairExplainer

if TYPE_CHECKING:
    import pandas as pd


def methods_table(
    explainers: Mapping[str, PairExplainer], pair: tuple[ImageLike, ImageLike]
) -> pd.DataFrame:
    """One line a method, measured on one pair.

    Columns: what the method needs beyond embeddings; images through the network forwards and
    backwards, which is counted; the time in milliseconds and in units of two forward passes; how
    far the signed maps' sums are from what the method promises, where it promises any; whether
    the formula was verified or reconstructed; and the source.
    """
    import pandas as pd

    lines = {}
    for name, explain in explainers.items():
        cost = measure_cost(explain, pair)
        error = cost.completeness_error
        lines[name] = {
            "needs": ", ".join(sorted(explain.needs)) or "nothing",
            "forward": cost.forward,
            "backward": cost.backward,
            "ms": f"{1000 * cost.seconds:,.0f}",
            "in two passes": f"{cost.ratio:,.1f}",
            "completeness error": "" if error is None else f"{error:.0e}",
            "formula": "verified" if explain.verified else "reconstructed",
            "source": explain.source,
        }
    return pd.DataFrame(lines).T.rename_axis("method")
