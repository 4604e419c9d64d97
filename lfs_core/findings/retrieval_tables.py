"""How well networks retrieve, and how maps of one query differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.decoder import decoder_title
from lfs_core.embedders import network_title
from lfs_core.findings.decoder_tables import DATA_SETS
from lfs_core.findings.intervals import interval

if TYPE_CHECKING:
    import pandas as pd

PUBLISHED = {  # Roth et al. 2020, margin loss: images, classes, Recall@1, 2, 4, 8
    "cub": ("5924", "100", ("0.634", "0.749", "0.860", "0.904")),
    "cars": ("8131", "98", ("0.793", "0.871", "0.921", "0.954")),
}


def quality_table(results: dict[str, Any]) -> pd.DataFrame:
    """Retrieval on classes that no network was trained on, and published numbers."""
    import pandas as pd

    measures = {"recall@1": "R@1", "recall@2": "R@2", "recall@4": "R@4", "recall@8": "R@8"}
    measures |= {"map@r": "MAP@R", "nmi": "NMI"}
    table = {}
    for row in results["quality"]:
        line = {label: f"{row[key]:.3f}" for key, label in measures.items()}
        line |= {"images": str(row["images"]), "classes": str(row["classes"])}
        table[DATA_SETS[row["data"]], network_title(row["network"])] = line
    for data, (images, classes, recalls) in PUBLISHED.items():
        line = dict(zip(list(measures.values())[:4], recalls, strict=True))
        table[DATA_SETS[data], "ResNet-50 (Roth et al.)"] = line | {
            "images": images,
            "classes": classes,
        }
    return pd.DataFrame(table).T.fillna("").sort_index(level=0, sort_remaining=False)


def recall_gain(results: dict[str, Any], data: str) -> dict[str, float]:
    """Recall@1 of the frozen and of the trained network on one data set, and what was gained.

    The gain has an interval from a paired bootstrap over the queries; `errors` is the share of
    the frozen network's errors that are left.
    """
    frozen, trained = (
        np.array([int(right) for right in row["first_is_right"]])
        for row in results["quality"]
        if row["data"] == data
    )
    gain = interval(trained - frozen)
    return {
        "frozen": float(frozen.mean()),
        "trained": float(trained.mean()),
        "gain": gain.mean,
        "low": gain.low,
        "high": gain.high,
        "errors": float((1 - trained).mean() / (1 - frozen).mean()),
    }


def explanations_table(results: dict[str, Any]) -> pd.DataFrame:
    """Figs. 7 and 8 in numbers: cosines and correlations of maps, means over queries."""
    import pandas as pd

    def mean(values: Sequence[float]) -> str:
        return f"{np.mean(values):.2f}"

    table = {}
    for row in results["explanations"]:
        nearest, farthest = row["nearest"], row["farthest"]
        network, decoder = network_title(row["network"]), decoder_title(row["decoder"])
        table[DATA_SETS[row["data"]], network, decoder] = {
            "cosine, most similar": mean(nearest["cosine"]),
            "cosine, least similar": mean(farthest["cosine"]),
            "two maps of one pair": mean(nearest["maps_of_one_pair"]),
            "two queries, most similar": mean(nearest["maps_of_two_queries"]),
            "two queries, least similar": mean(farthest["maps_of_two_queries"]),
            "one query, both answers": mean(row["nearest_with_farthest"]),
        }
    return pd.DataFrame(table).T.rename_axis(["data", "network", "decoder"])
