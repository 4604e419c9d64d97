"""Tables and figures of what studies and benchmarks have stored in `book/results`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from lfs_core.errors import LFSError
from lfs_core.util.manifest import RESULTS
from lfs_core.viz.figures import BLUE, GREEN, GREY, ORANGE

if TYPE_CHECKING:
    import pandas as pd

PAPER = {  # Secs. 4.1 and 4.2
    "CelebA, aligned faces": 0.02,
    "CelebA, whole images": 0.02,
    "CUB-200 birds": 0.03,
    "Cars-196": 0.05,
}
DATA_SETS = {"cub": "birds", "cars": "cars"}
PAPER_RETRIEVAL = {"birds": 0.03, "cars": 0.05}  # decoding errors, Sec. 4.2
PUBLISHED = {  # Roth et al. 2020, margin loss: images, classes, Recall@1, 2, 4, 8
    "cub": ("5924", "100", ("0.634", "0.749", "0.860", "0.904")),
    "cars": ("8131", "98", ("0.793", "0.871", "0.921", "0.954")),
}
NAMES = {"linear": "linear", "mlp": "MLP", "conv": "convolutional"}
STYLES = {"linear": (BLUE, "o"), "mlp": (ORANGE, "s"), "conv": (GREEN, "^")}


def load_results(name: str) -> dict[str, object]:
    """A stored run, with its manifest.

    Raises:
        LFSError: there is no such run.
    """
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        raise LFSError(f"There are no stored results {path}; the book's sources hold them.")
    return json.loads(path.read_text())


def decoding_table(results: dict[str, object]) -> pd.DataFrame:
    """The paper's decoding errors beside ours, on identities held out; means over seeds."""
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


def _name(row: dict[str, object]) -> str:
    name = NAMES[row["decoder"]]
    if row["mirrored"]:
        name += ", mirrored"
    return f"{name}, SSIM" if row["ssim"] else name


def plot_learning_curves(results: dict[str, object]) -> Figure:
    """R² on held-out identities against the number of training images, one panel a data set."""
    rows = [row for row in results["rows"] if not row["mirrored"] and not row["ssim"]]
    sources = list(dict.fromkeys(row["source"] for row in rows))
    figure = Figure(figsize=(9.6, 5.4), layout="constrained")
    axes = figure.subplots(2, 3, sharey=True)
    for axis, source in zip(axes.flat, sources, strict=False):
        for kind, (colour, marker) in STYLES.items():
            points = _curve([r for r in rows if r["source"] == source and r["decoder"] == kind])
            images, means, lows, highs = zip(*points, strict=True)
            axis.fill_between(images, lows, highs, color=colour, alpha=0.25, linewidth=0)
            axis.plot(images, means, color=colour, marker=marker, label=NAMES[kind])
        axis.set_title(source, fontsize=10)
        axis.set(xscale="log")
        axis.set_xticks([1000, 2000, 4000, 8000], ["1k", "2k", "4k", "8k"])
        axis.minorticks_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("R² on held-out identities")
    for axis in axes.flat[len(sources) :]:
        axis.set_axis_off()
    axes.flat[len(sources) - 1].set_xlabel("training images")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    axes.flat[-1].legend(handles, labels, loc="center", frameon=False)
    return figure


def _curve(rows: Sequence[dict]) -> list[tuple[int, float, float, float]]:
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


def agreement_table(results: dict[str, object]) -> pd.DataFrame:
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


def plot_agreement(results: dict[str, object]) -> Figure:
    """Agreement of maps with the first decoder's against the decoder's error."""
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, kind in zip(axes, ("similar", "dissimilar"), strict=True):
        others = results["rows"][1:]
        for place, row in enumerate(others):
            colour, marker = STYLES[_kind(row["decoder"])]
            low, mean, high = mean_interval(row[kind]["with_first_decoder"])
            axis.plot([low, high], [place, place], color=colour)
            axis.plot(mean, place, color=colour, marker=marker)
        first = results["rows"][0][kind]["with_another_pair"]
        axis.axvline(float(np.mean(first)), color=GREY, ls=":")
        axis.set_yticks(range(len(others)), [row["decoder"] for row in others], fontsize=8)
        axis.set(title=f"{kind} pairs", xlabel="rank correlation with the first decoder's map")
        axis.grid(axis="y", alpha=0.3)
    axes[0].invert_yaxis()
    return figure


def _kind(name: str) -> str:
    """The kind of a decoder of the agreement study, from its name."""
    return next(kind for kind, label in NAMES.items() if name.startswith(label))


def mean_interval(values: Sequence[float], resamples: int = 1000) -> tuple[float, float, float]:
    """(2.5 %, mean, 97.5 %) of the mean, by bootstrap over the values; repeatable."""
    x = np.asarray(values)
    drawn = np.random.default_rng(0).integers(0, len(x), (resamples, len(x)))
    low, high = np.quantile(x[drawn].mean(axis=1), (0.025, 0.975))
    return float(low), float(x.mean()), float(high)


def quality_table(results: dict[str, object]) -> pd.DataFrame:
    """Retrieval on classes that no network was trained on, beside published numbers."""
    import pandas as pd

    measures = {"recall@1": "R@1", "recall@2": "R@2", "recall@4": "R@4", "recall@8": "R@8"}
    measures |= {"map@r": "MAP@R", "nmi": "NMI"}
    table = {}
    for row in results["quality"]:
        line = {label: f"{row[key]:.3f}" for key, label in measures.items()}
        line |= {"images": str(row["images"]), "classes": str(row["classes"])}
        table[DATA_SETS[row["data"]], row["network"]] = line
    for data, (images, classes, recalls) in PUBLISHED.items():
        line = dict(zip(list(measures.values())[:4], recalls, strict=True))
        table[DATA_SETS[data], "ResNet-50 (Roth et al.)"] = line | {
            "images": images,
            "classes": classes,
        }
    return pd.DataFrame(table).T.fillna("").sort_index(level=0, sort_remaining=False)


def recall_gain(results: dict[str, object], data: str) -> dict[str, float]:
    """Recall@1 of the frozen and of the trained network on one data set, and what was gained.

    The gain has an interval from a paired bootstrap over the queries; `errors` is the share of
    the frozen network's errors that are left.
    """
    frozen, trained = (
        np.array([int(right) for right in row["first_is_right"]])
        for row in results["quality"]
        if row["data"] == data
    )
    low, gain, high = mean_interval(trained - frozen)
    return {
        "frozen": float(frozen.mean()),
        "trained": float(trained.mean()),
        "gain": gain,
        "low": low,
        "high": high,
        "errors": float((1 - trained).mean() / (1 - frozen).mean()),
    }


def retrieval_decoders_table(results: dict[str, object]) -> pd.DataFrame:
    """Decoding errors on birds and cars by network and decoder, means over seeds."""
    import pandas as pd

    groups: dict[tuple[str, str, str], list[dict]] = {}
    for row in results["decoders"]:
        key = (DATA_SETS[row["data"]], row["network"], NAMES[row["decoder"]])
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


def explanations_table(results: dict[str, object]) -> pd.DataFrame:
    """Figs. 7 and 8 in numbers: cosines and correlations of maps, means over queries."""
    import pandas as pd

    def mean(values: Sequence[float]) -> str:
        return f"{np.mean(values):.2f}"

    table = {}
    for row in results["explanations"]:
        nearest, farthest = row["nearest"], row["farthest"]
        table[DATA_SETS[row["data"]], row["network"], NAMES[row["decoder"]]] = {
            "cosine, most similar": mean(nearest["cosine"]),
            "cosine, least similar": mean(farthest["cosine"]),
            "two maps of one pair": mean(nearest["maps_of_one_pair"]),
            "two queries, most similar": mean(nearest["maps_of_two_queries"]),
            "two queries, least similar": mean(farthest["maps_of_two_queries"]),
            "one query, both answers": mean(row["nearest_with_farthest"]),
        }
    return pd.DataFrame(table).T.rename_axis(["data", "network", "decoder"])


def sensitivity_table(results: dict[str, object]) -> pd.DataFrame:
    """Mean rank correlations of maps under other parameters, by kind of pair.

    "default" compares with the map of the default parameters for the same pair, "other pair" with
    the map of another pair under the same parameters.
    """
    import pandas as pd

    lines = {}
    for row in results["rows"]:
        value = f"{row['value']} (default)" if row["default"] else str(row["value"])
        lines[row["method"], row["option"], value] = {
            f"{kind}: {name}": f"{np.mean(row[kind][key]):.2f}"
            for kind in ("similar", "dissimilar")
            for name, key in {"default": "with_default", "other pair": "with_another_pair"}.items()
        }
    return pd.DataFrame(lines).T.rename_axis(["method", "parameter", "value"])


def speed_markdown(bench: dict[str, object]) -> str:
    """The speed page's tables, in Markdown."""
    results, manifest = bench["results"], bench["manifest"]
    single, batch = results["embedder, single images"], results["embedder, batches of 32"]
    memory = results["memory"]
    growth = memory["100000"] / memory["10000"]
    adamw = results["closed form"]["adamw"]
    times = f"{results['closed form']['ratio']:.0f} times"
    closed_form = f"{times} faster"
    if not adamw["arrived"]:
        above = f"{adamw['loss_above_closed_form']:.0%}"
        closed_form = f"more than {times}: after so long AdamW's loss was still {above} above"
    difference = max(single["largest_difference"], batch["largest_difference"])
    fit = results["lfs fit"]
    lines = [
        "| What is compared, side by side in one run | goal | measured |",
        "| --- | --- | --- |",
        f"| FaceNet here against facenet-pytorch, batches of 32 | at least 2.0 times faster "
        f"| {_ratio(batch)} times faster |",
        f"| the same, single images | at least 1.8 times faster | {_ratio(single)} times faster |",
        f"| largest difference of an embedding's values from PyTorch's | at most 0.00001 "
        f"| {difference:.1e} |",
        f"| `lfs fit` on {fit['images']} aligned faces, from the shell to the decoder, against "
        f"bare forward passes | at most 1.15 times as long | {fit['ratio']:.2f} times |",
        f"| linear decoder in closed form against AdamW, to a loss within 1 % "
        f"| at least 50 times faster | {closed_form} |",
        f"| one explanation against two forward passes | at most 1.10 times as long "
        f"| {_ratio(results['explanation'])} times |",
        f"| peak memory of the linear fit, 100,000 embeddings against 10,000 "
        f"| at most 1.2 times | {growth:.2f} times |",
        "",
        "In brackets: quartiles over the rounds.",
        "",
        "| In this run | seconds | of the other |",
        "| --- | ---: | ---: |",
    ]
    for name, result in results.items():
        if "seconds" in result:
            lines.append(f"| {name} | {result['seconds']:.3g} | {result['seconds_of_other']:.3g} |")
    sizes = ", ".join(f"{int(n):,} embeddings {mb:.0f} MB" for n, mb in memory.items())
    lines += [
        "",
        f"Peak memory of the process: {sizes}.",
        "",
        f"Measured by `{manifest['command']}` on {manifest['cores']} cores "
        f"({manifest['processor']}), {manifest['threads']} threads, commit "
        f"`{manifest['commit']}`, {manifest['finished']} UTC, in {manifest['seconds']:.0f} s.",
    ]
    return "\n".join(lines) + "\n"


def throughput_markdown(throughput: dict[str, object]) -> str:
    """The table of methods of many passes, in Markdown."""
    manifest = throughput["manifest"]
    lines = [
        "| Images a second through the network | goal | measured |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {name} ({result['passes']:,} passes), as a share of the bare network's "
        f"| at least 0.90 | {_ratio(result)} |"
        for name, result in throughput["results"].items()
    ]
    lines += [
        "",
        f"Measured by `{manifest['command']}`, commit `{manifest['commit']}`, "
        f"{manifest['finished']} UTC, in {manifest['seconds']:.0f} s.",
    ]
    return "\n".join(lines) + "\n"


def _ratio(result: dict[str, object]) -> str:
    low, high = result["quartiles"]
    return f"{result['ratio']:.2f} [{low:.2f}, {high:.2f}]"
