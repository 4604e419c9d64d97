"""How far maps depend on the parameters of their method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.decoder import decoder_title
from lfs_core.evaluation.names import reader_name
from lfs_core.findings.intervals import with_interval

if TYPE_CHECKING:
    import pandas as pd


def sensitivity_table(results: dict[str, Any]) -> pd.DataFrame:
    """Mean rank correlations of maps under other parameters, by kind of pair.

    "default" compares with the map of the default parameters for the same pair, "other pair" with
    the map of another pair under the same parameters.
    """
    import pandas as pd

    lines = {}
    for row in results["rows"]:
        value = f"{row['value']} (default)" if row["default"] else str(row["value"])
        lines[reader_name(row["method"]), row["option"], value] = {
            f"{kind}: {name}": f"{np.mean(row[kind][key]):.2f}"
            for kind in ("similar", "dissimilar")
            for name, key in {"default": "with_default", "other pair": "with_another_pair"}.items()
        }
    return pd.DataFrame(lines).T.rename_axis(["method", "parameter", "value"])


def hyperparameters_table(
    found: Mapping[str, Mapping], classes: np.ndarray | None = None
) -> pd.DataFrame:
    """Rank correlation of maps with those for p = 0.3 and for the other decision; pixels shown.

    Args:
        found: what the study stored of each decoder.
        classes: (P,2) of both images of each pair, where known.
    """
    import pandas as pd

    def shown(values: Sequence[float]) -> str:
        return with_interval(values, classes)

    return pd.DataFrame(
        {
            decoder_title(name): {
                **{f"p = {p}": shown(at["rank correlation"]) for p, at in of["p"].items()},
                "other decision": shown(of["other_decision"]),
                **{f"shown above {at}": shown(shares) for at, shares in of["shown"].items()},
            }
            for name, of in found.items()
        }
    )
