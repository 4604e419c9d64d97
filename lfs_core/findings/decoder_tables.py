"""How well decoders decode, and how far their maps agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.decoder import decoder_title
from lfs_core.embedders import network_title

if TYPE_CHECKING:
    import pandas as pd

PAPER = {  # Secs. 4.1 and 4.2
    "CelebA, aligned faces": 0.02,
    "CelebA, whole images": 0.02,
    "CUB-200 birds": 0.03,
    "Cars-196": 0.05,
}
PAPER_RETRIEVAL = {"birds": 0.03, "cars": 0.05}  # decoding errors, Sec. 4.2
DATA_SETS = {"cub": "birds", "cars": "cars"}


def decoding_table(results: dict[str, Any]) -> pd.DataFrame:
    """The paper's decoding errors and ours, on identities held out; means over seeds."""
    import pandas as pd

    groups: dict[tuple[str, str], list[dict]] = {}
    for row in results["rows"]:
        if row["all_images"]:
            groups.setdefault((row["source"], _name(row)), []).append(row)

    def mean(rows: Sequence[dict], key: str) -> float:
        return float(np.mean([row[key] for row in rows]))

    table = {
        key: {
            "paper": f"{PAPER[key[0]]:.2f}" if key[0] in PAPER else "",
            "error": f"{mean(rows, 'error'):.4f}",
            "on seen": f"{mean(rows, 'error_on_training_images'):.4f}",
            "mean image": f"{mean(rows, 'error_of_mean_image'):.4f}",
            "R²": f"{mean(rows, 'r2'):.3f}",
            "images": round(mean(rows, "training_images")),
            "seeds": len(rows),
            "seconds": round(mean(rows, "seconds")),
        }
        for key, rows in groups.items()
    }
    return pd.DataFrame(table).T.rename_axis(["data", "decoder"])


def _name(row: dict[str, Any]) -> str:
    name = decoder_title(row["decoder"])
    if row["mirrored"]:
        name += ", mirrored"
    return f"{name}, SSIM" if row["ssim"] else name


def retrieval_decoders_table(results: dict[str, Any]) -> pd.DataFrame:
    """Decoding errors on birds and cars by network and decoder, means over seeds."""
    import pandas as pd

    groups: dict[tuple[str, str, str], list[dict]] = {}
    for row in results["decoders"]:
        key = (DATA_SETS[row["data"]], network_title(row["network"]), decoder_title(row["decoder"]))
        groups.setdefault(key, []).append(row)
    table = {
        key: {
            "paper": f"{PAPER_RETRIEVAL[key[0]]:.2f}",
            "error": f"{np.mean([row['error'] for row in rows]):.4f}",
            "on seen": f"{np.mean([row['error_on_training_images'] for row in rows]):.4f}",
            "mean image": f"{np.mean([row['error_of_mean_image'] for row in rows]):.4f}",
            "R²": f"{np.mean([row['r2'] for row in rows]):.2f}",
            "seeds": str(len(rows)),
        }
        for key, rows in groups.items()
    }
    return pd.DataFrame(table).T.rename_axis(["data", "network", "decoder"])


def curve(rows: Sequence[dict]) -> list[tuple[int, float, float, float]]:
    """(images, mean, lowest, highest R² over seeds), by the number of images."""
    by_images: dict[int, list[dict]] = {}
    for row in rows:
        # All images are a few more or less, by seed: one point.
        nominal = 0 if row["all_images"] else row["training_images"]
        by_images.setdefault(nominal, []).append(row)
    points = []
    for same in by_images.values():
        values = [row["r2"] for row in same]
        images = round(np.mean([row["training_images"] for row in same]))
        points.append((images, float(np.mean(values)), min(values), max(values)))
    return sorted(points)


def agreement_table(results: dict[str, Any]) -> pd.DataFrame:
    """Errors of decoders, and the mean rank correlations of their maps, by kind of pair.

    "first decoder" compares with the first decoder's map of the same pair, "other pair" with the
    same decoder's map of another pair.
    """
    import pandas as pd

    lines = {}
    for row in results["rows"]:
        line = {"error": f"{row['error']:.4f}", "R²": f"{row['r2']:.2f}"}
        for kind in ("similar", "dissimilar"):
            line[f"{kind}: first decoder"] = f"{np.mean(row[kind]['with_first_decoder']):.2f}"
            line[f"{kind}: other pair"] = f"{np.mean(row[kind]['with_another_pair']):.2f}"
        lines[row["decoder"]] = line
    return pd.DataFrame(lines).T.rename_axis("decoder")
