"""Whether a decision's confidence is right: the stored run of `lfs study confidence`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.embedders import network_title
from lfs_core.findings.intervals import with_interval
from lfs_core.findings.stored import stored_run
from lfs_core.util.confidence import Spread

if TYPE_CHECKING:
    import pandas as pd

BINS = 10  # of as many pairs each


def calibration_table(results: dict[str, Any]) -> pd.DataFrame:
    """By network: the spread, and the confidence of held-out pairs against how many are right."""
    import pandas as pd

    rows = {}
    for name, of in results["spreads"].items():
        spread = Spread(**of)
        confidence, right = held_out(results, name)
        rows[network_title(name)] = {
            "pairs of": spread.pairs,
            "of one": "{:.2f} ± {:.2f}".format(*spread.genuine),
            "of two": "{:.2f} ± {:.2f}".format(*spread.impostor),
            "threshold": f"{threshold_in_use(results, name):g}",
            "mean confidence": f"{confidence.mean():.3f}",
            "right decisions": with_interval(right),
            "calibration error": f"{calibration_error(confidence, right):.3f}",
        }
    return pd.DataFrame(rows).T


def held_out(results: dict[str, Any], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Of a network's held-out pairs: the confidence, and whether the decision is right, (P,)."""
    spread, pairs = Spread(**results["spreads"][name]), results["held_out"][name]
    similarity = np.array(pairs["similarity"])
    similar = similarity > threshold_in_use(results, name)
    confidence = [spread.confidence(s, d) for s, d in zip(similarity, similar, strict=True)]
    return np.array(confidence), (similar == np.array(pairs["same"], dtype=bool)).astype(float)


def threshold_in_use(results: dict[str, Any], name: str) -> float:
    """The cosine above which a network calls a pair similar: its own, else that of the run."""
    known = stored_run("thresholds")["networks"].get(name)
    return float(known["in use"] if known else results["manifest"]["threshold"])


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """How far confidence and share of right decisions are apart, in bins of as many pairs each.

    Args:
        confidence: (P,) in [0,1].
        right: (P,) of 0 and 1.
        bins: how many bins of neighbouring confidences.

    Returns:
        The mean over pairs, in [0,1] (Naeini et al. 2015, with bins of one size).
    """
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, bins)
    gaps = [
        abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts if len(part)
    ]
    return float(sum(gaps) / len(confidence))
