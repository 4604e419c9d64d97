"""Tables of the comparisons beyond the paper: faithfulness, its cost, and its causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.embedders import network_title
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS, SIGNIFICANT, Results
from lfs_core.evaluation.spec import parse
from lfs_core.evaluation.statistics import bootstrap, bootstrap_means, holm
from lfs_core.findings.intervals import Interval
from lfs_core.variants import RELEVANCE_WORDS

if TYPE_CHECKING:
    import pandas as pd

TESTS = {metric: reader_name(metric) for metric in ("selectivity,every=10", "insertion,every=10")}
OTHER_NOISE = {f"{metric},fill=own-noise": test for metric, test in TESTS.items()}
OURS = "amortised"
OWN_LIKENESS = "own-likeness"  # one term of it, as a control
PLAIN = "amortised,own=0,contrast=0"  # scores windows as occlusion does: by the partner alone
FORMS = (OURS, "amortised,contrast=0", PLAIN)
CHEAP = 30  # passes a pair; what costs less is what one pass of each image has to beat


def passes(cost: Mapping[str, float]) -> float:
    """Forward passes, a backward pass counted as two more."""
    return cost["forward"] + 2 * cost["backward"]


def advantages_table(results: Results, tests: Mapping[str, str] = TESTS) -> pd.DataFrame:
    """By how much `OURS` is better than each other method, with 95 % intervals.

    A star: the difference is significant after Holm's correction over all others.

    Args:
        results: of the methods.
        tests: names of the metrics.
    """
    import pandas as pd

    table = {}
    for metric, test in tests.items():
        for kind in KINDS:
            found = results.against(metric, kind, OURS, results.explainers)
            table[f"{test}, {kind}"] = {reader_name(row["other"]): advantage(row) for row in found}
    return pd.DataFrame(table).rename_axis(f"{reader_name(OURS)} over")


@dataclass(frozen=True)
class Goal:
    """How one method does in one test on one set of images.

    Attributes:
        images: their name.
        test: with the kind of pairs.
        beaten: methods that cost less than `CHEAP` passes and are significantly worse.
        others: all that cost less.
        hardest: what `Results.against` found of the one that it is least ahead of.
        share: of the score of exact occlusion that `PLAIN` reaches, with its 95 % interval; both
            look at the similarity to the partner and at nothing else.
    """

    images: str
    test: str
    beaten: list[str]
    others: list[str]
    hardest: dict[str, Any]
    share: tuple[float, float, float]


def goals(
    results: Mapping[str, Results], costs: Mapping[str, Mapping[str, float]], of: str = OURS
) -> list[Goal]:
    """Does a method beat all that cost less than `CHEAP` passes, and how near occlusion is `PLAIN`?

    Args:
        results: of the same methods, by the name of the images.
        costs: of the methods, as the study of costs stores them.
        of: the method.
    """
    found = []
    for images, measured in results.items():
        others = [
            name
            for name in measured.explainers
            if parse(name)[0] != parse(of)[0] and passes(costs[name]) < CHEAP
        ]
        for metric, test in TESTS.items():
            for kind in KINDS:
                rows = measured.against(metric, kind, of, others)
                beaten = [row["other"] for row in rows if row["by"] > 0 and row["p"] < SIGNIFICANT]
                scores = measured.scores(metric, kind)
                plain, exact = (
                    scores[:, measured.explainers.index(name)] for name in (PLAIN, "occlusion")
                )
                hardest = min(rows, key=lambda row: row["by"])
                share = ratio_of_means(plain, exact, measured.classes_of(metric, kind))
                found.append(Goal(images, f"{test}, {kind}", beaten, others, hardest, share))
    return found


def goals_table(found: Sequence[Goal]) -> pd.DataFrame:
    """What `goals` found, as a table."""
    import pandas as pd

    return pd.DataFrame(
        {
            (goal.images, goal.test): {
                "significantly better than": f"{len(goal.beaten)} of {len(goal.others)}",
                "smallest lead": advantage(goal.hardest),
                "over": reader_name(goal.hardest["other"]),
                "share of occlusion, partner alone": "{:.2f} [{:.2f}, {:.2f}] (n = {})".format(
                    *goal.share, goal.hardest["pairs"]
                ),
            }
            for goal in found
        }
    ).T.rename_axis(["images", "test"])


def won(found: Sequence[Goal]) -> list[Goal]:
    """The tests in which a method beats all that cost less than `CHEAP` passes."""
    return [goal for goal in found if len(goal.beaten) == len(goal.others)]


def forms_table(found: Mapping[str, Sequence[Goal]]) -> pd.DataFrame:
    """In how many tests each form of the one-pass map beats all that is as cheap, by images.

    Args:
        found: what `goals` found of each form.
    """
    import pandas as pd

    table: dict[str, dict[str, str]] = {}
    for form, all_goals in found.items():
        line = table.setdefault(reader_name(form), {})
        for images in dict.fromkeys(goal.images for goal in all_goals):
            some = [goal for goal in all_goals if goal.images == images]
            line[images] = f"{len(won(some))} of {len(some)}"
        line["all"] = f"{len(won(all_goals))} of {len(all_goals)}"
    return pd.DataFrame(table).T.rename_axis("form")


def ratio_of_means(
    above: np.ndarray, below: np.ndarray, classes: np.ndarray | None = None
) -> tuple[float, float, float]:
    """The ratio of two means over the same pairs (P,), and its 95 % bootstrap interval.

    Args:
        above: (P,), NaN where unknown.
        below: (P,), NaN where unknown.
        classes: (P,2) of both images of each pair, where known.
    """
    known = np.isfinite(above) & np.isfinite(below)
    above, below = above[known], below[known]
    ratio, low, high = bootstrap(
        lambda counts: (counts @ above) / (counts @ below),
        len(above),
        classes=None if classes is None else classes[known],
    )
    return float(ratio), float(low), float(high)


def means_table(results: Mapping[str, Results]) -> pd.DataFrame:
    """Mean scores of every method on every set of images."""
    import pandas as pd

    table = {
        (where, reader_name(explainer)): {
            f"{test}, {kind}": _mean(of.scores(metric, kind)[:, place])
            for metric, test in TESTS.items()
            for kind in KINDS
        }
        for where, of in results.items()
        for place, explainer in enumerate(of.explainers)
    }
    found = pd.DataFrame(table).T.rename_axis(["images", "explainer"])
    return found if len(results) > 1 else found.droplevel("images")


def _mean(scores: np.ndarray) -> str:
    """The mean of scores (P,), and of how many pairs it is."""
    return f"{np.nanmean(scores):.3f} (n = {np.isfinite(scores).sum()})"


def weights_table(results: Results) -> pd.DataFrame:
    """Mean scores of the one-pass causal map under every pair of weights, and their mean."""
    import pandas as pd

    table = {}
    for (own, contrast), means in _means_by_weights(results).items():
        told = {test: f"{mean:.3f}" for test, mean in means.items()}
        table[own, contrast] = told | {"mean": f"{np.mean(list(means.values())):.3f}"}
    return pd.DataFrame(table).T.rename_axis(["own", "contrast"])


def ranked_weights(results: Results) -> dict[tuple[float, float], float]:
    """The mean score over all tests and kinds of pairs, by own and contrast, best first."""
    means = {
        weights: float(np.mean(list(of.values())))
        for weights, of in _means_by_weights(results).items()
    }
    return dict(sorted(means.items(), key=lambda one: -one[1]))


def _means_by_weights(results: Results) -> dict[tuple[float, float], dict[str, float]]:
    """By own and contrast the mean score of each test and kind of pairs."""
    found: dict[tuple[float, float], dict[str, float]] = {}
    for metric, test in TESTS.items():
        for kind in KINDS:
            means = np.nanmean(results.scores(metric, kind), axis=0)
            for explainer, mean in zip(results.explainers, means, strict=True):
                options = parse(explainer)[1]
                weights = (float(str(options["own"])), float(str(options["contrast"])))
                found.setdefault(weights, {})[f"{test}, {kind}"] = float(mean)
    return found


def without_pairs(results: Results, positions: Sequence[int]) -> Results:
    """The same results without some pairs, as those that show somebody with a twin.

    Args:
        results: of P pairs.
        positions: of the pairs to leave out, from 0.
    """
    kept = np.setdiff1d(np.arange(len(results.same)), positions)
    places = {int(old): new for new, old in enumerate(kept)}
    return replace(
        results,
        manifest={**results.manifest, "number": len(kept)},
        same=results.same[kept],
        similarity=results.similarity[kept],
        seed=results.seed[kept],
        measured={
            explainer: {metric: numbers[kept] for metric, numbers in of.items()}
            for explainer, of in results.measured.items()
        },
        problems={
            explainer: {places[k]: problem for k, problem in of.items() if k in places}
            for explainer, of in results.problems.items()
        },
        maps={},
        classes=None if results.classes is None else results.classes[kept],
    )


def parts_table(results: Results) -> pd.DataFrame:
    """What relevance does under each map: mean scores with 95 % intervals."""
    import pandas as pd

    table: dict[tuple[str, str], dict[str, str]] = {}
    for metric, test in TESTS.items():
        for kind in KINDS:
            scores, classes = results.scores(metric, kind), results.classes_of(metric, kind)
            means, low, high = bootstrap_means(scores, classes=classes)
            pairs = np.isfinite(scores).sum(axis=0)
            for k, explainer in enumerate(results.explainers):
                under, _, relevance = explainer.rpartition(",relevance=")
                line = table.setdefault((RELEVANCE_WORDS[relevance], reader_name(under)), {})
                found = Interval(means[k], low[k], high[k], int(pairs[k]))
                line[f"{test}, {kind}"] = str(found)
    return pd.DataFrame(table).T.rename_axis(["relevance", "map"])


def variants_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """What heads leave unexplained if trained on fewer photographs, or on fewer maps."""
    import pandas as pd

    columns = {"partners": "partner: others", "itself": "partner: the image itself"}
    return pd.DataFrame(
        {
            (
                row["images"],
                " + ".join(_block(name) for name in row["layers"]) or "the image",
            ): {title: f"{row[key]:.0%}" for key, title in columns.items()}
            for row in rows
        }
    ).T.rename_axis(["photographs", "maps of"])


def _block(layer: str) -> str:
    """A layer's name for readers: the last part of its name."""
    return layer.rpartition(".")[2].replace("_", " ")


def saved_table(results: Results, control: str = "centre") -> pd.DataFrame:
    """By how much each map is better than with random relevance, and than a control.

    Stars are of p-values that are corrected over the table.
    """
    import pandas as pd

    rows: dict[tuple[tuple[str, str], str], dict[str, Any]] = {}
    for explainer in results.explainers:
        if not explainer.endswith(",relevance=paper"):
            continue
        under = explainer.removesuffix(",relevance=paper")
        controls = {
            f"{under},relevance=random": RELEVANCE_WORDS["random"],
            control: reader_name(control),
        }
        for other, named in controls.items():
            for metric, test in TESTS.items():
                for kind in KINDS:
                    (row,) = results.against(metric, kind, explainer, [other])
                    rows[(reader_name(under), named), f"{test}, {kind}"] = row
    corrected = holm(np.array([row["p"] for row in rows.values()]))
    table: dict[tuple[str, str], dict[str, str]] = {}
    for ((line, column), row), p in zip(rows.items(), corrected, strict=True):
        table.setdefault(line, {})[column] = advantage({**row, "p": p})
    return pd.DataFrame(table).T.rename_axis(["map", "over"])


def advantage(row: Mapping[str, float]) -> str:
    """What `Results.against` found, with its interval; starred where it is significant."""
    star = " *" if row["p"] < SIGNIFICANT else ""
    return f"{row['by']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}] (n = {row['pairs']}){star}"


def nearness_table(found: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """How close heads come to exact maps: mean correlations over the windows of an image."""
    import pandas as pd

    def mean(values: Sequence[float]) -> str:
        return f"{np.mean(values):.2f}"

    rows = {}
    for network, of in found.items():
        for against in ("exact", "shared"):
            line = {f"partner: {who}": mean(values) for who, values in of[against].items()}
            rows[network_title(network), f"head and {against} map"] = line
        rows[network_title(network), "mean map of other images and exact map"] = {
            f"partner: {who}": mean(values) for who, values in of["mean map"].items()
        }
    return pd.DataFrame(rows).T.rename_axis(["network", "correlation of"])
