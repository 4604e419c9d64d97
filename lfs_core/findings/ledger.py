"""The paper's claims one by one: what was tested, what came out, and what follows.

Every number is computed from the raw results in `book/results`; verdicts follow from intervals by
rules that are written here, not by reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.stats import rankdata

from lfs_core.comparators import explainer_class
from lfs_core.evaluation.results import KINDS, Results, load_results
from lfs_core.evaluation.statistics import bootstrap_means
from lfs_core.findings.results import RESULTS
from lfs_core.findings.results import load_results as load_study

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["confirmed", "refuted", "undecided"]

METHOD, RANDOM, CHANCE = "explainlfs", "explainlfs,relevance=random", "random"
RIVALS = ("simexpert", "tummala", "utkin")
FLIPS = "selectivity,every=2"
FEW_FLIPS = "selectivity,every=5"
ALIKE = 0.95  # maps whose rank correlation is above it are the same for a reader
COMMON = 0.5  # maps that agree more than this have more in common than of their own
NAMES = {
    "simexpert": "SIMExpert",
    "tummala": "Tummala",
    "utkin": "Utkin",
    RANDOM: "random relevance",
    CHANCE: "random order",
}


@dataclass(frozen=True)
class Interval:
    """A mean over pairs with the ends of its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def above(self, value: float = 0.0) -> Verdict:
        """Whether the mean lies above a value."""
        if self.low > value:
            return "confirmed"
        return "refuted" if self.high < value else "undecided"

    def below(self, value: float = 0.0) -> Verdict:
        """Whether the mean lies below a value."""
        return Interval(-self.mean, -self.high, -self.low).above(-value)


@dataclass(frozen=True)
class Claim:
    """One line of the ledger.

    Attributes:
        section: of the paper.
        statement: what it says, in our words.
        test: what would have to be seen if it is so.
        study: `lfs study` by this name repeats the numbers.
        judge: finds the result, in words and numbers, and the verdict.
    """

    section: str
    statement: str
    test: str
    study: str
    judge: Callable[[], tuple[str, Verdict]]

    @property
    def command(self) -> str:
        """What repeats the numbers."""
        return f"lfs study {self.study} --data DATA -o {self.study}.json"


def ledger() -> pd.DataFrame:
    """Every claim with its result and verdict, in the order of the paper."""
    import pandas as pd

    lines = []
    for claim in CLAIMS:
        result, verdict = claim.judge()
        lines.append(
            {
                "section": claim.section,
                "claim": claim.statement,
                "test": claim.test,
                "result": result,
                "verdict": verdict,
                "command": claim.command,
            }
        )
    return pd.DataFrame(lines, index=range(1, len(lines) + 1))


def ledger_markdown(lines: pd.DataFrame) -> str:
    """Lines of the ledger as Markdown, one paragraph and a list for each claim."""
    parts = [
        f"**{number}. {line['claim']}** Section {line['section']}: *{line['verdict']}*\n\n"
        f"- Test: {line['test']}\n"
        f"- Result: {line['result']}.\n"
        f"- To repeat: `{line['command']}`\n"
        for number, line in lines.iterrows()
    ]
    return "\n".join(parts)


@cache
def evaluation(name: str) -> Results:
    """A stored evaluation."""
    return load_results(RESULTS / f"{name}.json")


def interval(values: np.ndarray) -> Interval:
    """The mean of values of pairs (P,)."""
    return Interval(*(float(x) for x in bootstrap_means(np.asarray(values, dtype=float))))


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """Confirmed if every part is; refuted if any part is."""
    if "refuted" in verdicts:
        return "refuted"
    return "undecided" if "undecided" in verdicts else "confirmed"


def advantage(name: str, metric: str, kind: str, other: str) -> Interval:
    """By how much ExplainLFS scores better than another explainer on the same pairs."""
    found = evaluation(name).against(metric, kind, METHOD, [other])[0]
    return Interval(found["by"], found["low"], found["high"])


def _moves(kind: str) -> tuple[str, Verdict]:
    curves = evaluation("faces").curves(METHOD, FLIPS, kind)
    sign = 1 if kind == "similar" else -1
    moved = interval(sign * (curves[:, 0] - curves[:, -1]))
    return f"{'fall' if sign > 0 else 'rise'} of the cosine after 20 flips {moved}", moved.above()


def _compared(studies: Sequence[str], metric: str, others: Sequence[str]) -> tuple[str, Verdict]:
    """Advantages over others in scores of pixel flipping, on both kinds of pair."""
    parts, verdicts = [], []
    for study in studies:
        for kind in KINDS:
            found = {other: advantage(study, metric, kind, other) for other in others}
            verdicts += [of.above() for of in found.values()]
            listed = ", ".join(f"{NAMES[other]} {of}" for other, of in found.items())
            where = f"{study}, {kind} pairs" if len(studies) > 1 else f"{kind} pairs"
            parts.append(f"{where}: over {listed}")
    return "advantage in the mean change of the cosine, " + "; ".join(parts), together(verdicts)


def _six() -> tuple[str, Verdict]:
    results = evaluation("faces")
    at_six = {
        of: (lambda c: c[:, 0] - c[:, 3])(results.curves(of, FLIPS, "similar"))
        for of in (METHOD, CHANCE)
    }
    own, more = interval(at_six[METHOD]), interval(at_six[METHOD] - at_six[CHANCE])
    return f"fall after 6 flips {own}; more than in random order {more}", more.above()


def _continuous() -> tuple[str, Verdict]:
    measured = evaluation("continuity").measured
    linear, conv = (
        measured[of]["continuity"].double().numpy() for of in (METHOD, f"{METHOD},decoder=conv")
    )
    found = interval(_rises(conv))
    return (
        f"largest change with the linear decoder, which gives both images one map, "
        f"{np.nanmax(linear):.3f}; with the convolutional one, rank correlation of size of "
        f"displacement and change of map {found}",
        found.above(),
    )


def _rises(curves: np.ndarray) -> np.ndarray:
    """Of curves (P,20), how far they follow displacements of 1 to 10 and 10 to 1 tenths."""
    size = rankdata([*range(1, 11), *range(10, 0, -1)])
    kept = curves[np.isfinite(curves).all(axis=1)]
    kept = kept[np.ptp(kept, axis=1) > 0]
    return np.array([np.corrcoef(size, rankdata(curve))[0, 1] for curve in kept])


def _expert() -> tuple[str, Verdict]:
    found = load_study("judgement")["with_expert"]

    def beyond(name: str) -> np.ndarray:
        of = found[name]["rank correlation"]
        return np.subtract(of["same_pair"], of["other_pairs"])

    own = beyond(METHOD)
    ahead = {other: interval(own - beyond(other)) for other in ("tummala", "utkin")}
    listed = ", ".join(f"than {NAMES[other]} by {of}" for other, of in ahead.items())
    plain = interval(found[METHOD]["rank correlation"]["same_pair"])
    return (
        f"rank correlation with SIMExpert {plain}, beyond other pairs {interval(own)}; "
        f"higher {listed}",
        together([of.above() for of in ahead.values()]),
    )


PARTS = ("eyes", "nose", "mouth")


def part_ratios(explainer: str, kind: str) -> dict[str, np.ndarray]:
    """How many times its share of the area each part of the face has of a map, pair by pair."""
    measured = evaluation("behaviour").curves(explainer, "parts", kind)
    return {part: measured[:, k] for k, part in enumerate(PARTS)}


def _parts() -> tuple[str, Verdict]:
    of = part_ratios(METHOD, "similar")
    shown = ", ".join(f"{part} {interval(of[part])}" for part in ("mouth", "eyes", "nose"))
    orders = [interval(of["mouth"] - of["eyes"]), interval(of["eyes"] - of["nose"])]
    verdicts = [order.above() for order in orders] + [interval(x).above(1) for x in of.values()]
    return f"evidence beside an even spread (1 is chance): {shown}", together(verdicts)


def _more_pixels() -> tuple[str, Verdict]:
    results = evaluation("behaviour")
    shown = results.scores("shown", "similar")[:, results.explainers.index(METHOD)]
    similarity = results.similarity[results.labels.is_similar].numpy()
    found = correlation(similarity, shown)
    return f"rank correlation of cosine and share of pixels above 0.7: {found}", found.below()


def correlation(x: np.ndarray, y: np.ndarray, draws: int = 2000) -> Interval:
    """Spearman's correlation over pairs, with the interval of a bootstrap over pairs."""
    generator = np.random.default_rng(0)

    def of(chosen: np.ndarray) -> float:
        return np.corrcoef(rankdata(x[chosen]), rankdata(y[chosen]))[0, 1]

    samples = [of(generator.integers(len(x), size=len(x))) for _ in range(draws)]
    low, high = np.percentile(samples, [2.5, 97.5])
    return Interval(float(of(np.arange(len(x)))), float(low), float(high))


def _p() -> tuple[str, Verdict]:
    decoders = load_study("hyperparameters")["decoders"]
    found = {
        name: {p: interval(of["p"][p]["rank correlation"]) for p in ("0.01", "1.0")}
        for name, of in decoders.items()
    }
    listed = "; ".join(f"{name} decoder {of['0.01']} and {of['1.0']}" for name, of in found.items())
    return (
        f"rank correlation of the map for p = 0.3 with those for 0.01 and 1: {listed}",
        together([one.above(ALIKE) for of in found.values() for one in of.values()]),
    )


def _map_threshold() -> tuple[str, Verdict]:
    shown = load_study("hyperparameters")["decoders"]["linear"]["shown"]
    shares = {threshold: interval(of) for threshold, of in shown.items()}
    ratio = np.array(shown["0.8"]) / np.array(shown["0.6"])
    found = interval(ratio)
    return (
        f"pixels shown at 0.6 / 0.7 / 0.8: {shares['0.6']} / {shares['0.7']} / {shares['0.8']}; "
        f"of those at 0.6 there are left at 0.8 {found}",
        found.above(0.8),
    )


def _similarity_threshold() -> tuple[str, Verdict]:
    results = evaluation("faces")
    right = interval((results.labels.is_similar == results.same).double().numpy())
    return f"share of pairs decided right {right}", right.above(0.9)


def _decoding(sources: Sequence[str], paper: Sequence[float], study: str) -> tuple[str, Verdict]:
    rows = load_study(study)["rows"]
    parts, reached = [], []
    for source, wanted in zip(sources, paper, strict=True):
        errors: dict[tuple, list[float]] = {}
        for row in rows:
            if row["source"] == source and row["all_images"]:
                key = (row["decoder"], row["mirrored"], row["ssim"])
                errors.setdefault(key, []).append(row["error"])
        best = min(float(np.mean(of)) for of in errors.values())
        reached.append(best <= wanted)
        parts.append(f"{source}: {best:.4f} (paper {wanted:.2f})")
    return (
        "lowest held-out error of any decoder, " + "; ".join(parts),
        "confirmed" if all(reached) else "undecided",  # another network, other images
    )


def _decoder_matters() -> tuple[str, Verdict]:
    rows = load_study("agreement")["rows"]
    others = [row for row in rows if row["decoder"] != rows[0]["decoder"]]
    found = {
        kind: interval(np.mean([row[kind]["with_first_decoder"] for row in others], axis=0))
        for kind in KINDS
    }
    listed = ", ".join(f"{kind} pairs {of}" for kind, of in found.items())
    return (
        f"mean rank correlation of {len(others)} decoders' maps with the first one's: {listed}",
        together([of.above(ALIKE) for of in found.values()]),
    )


def _nearest() -> tuple[str, Verdict]:
    found = {
        row["source"]: interval(row["nearest"]["cosine"])
        for row in load_study("retrieval")["explanations"]
        if row["decoder"] == "linear" and "trained" in row["source"]
    }
    listed = ", ".join(f"{source} {of}" for source, of in found.items())
    high = all(of.low > 0.9 for of in found.values())
    return f"mean cosine to the most similar: {listed}", "confirmed" if high else "undecided"


def _partner() -> tuple[str, Verdict]:
    judged = load_study("judgement")
    similar = np.array(judged["is_similar"]).astype(bool)
    others = np.array(judged["with_itself"]["rank correlation"]["other_pairs"])[similar]
    results = evaluation("behaviour")
    swapped = results.scores("partner", "dissimilar")[:, results.explainers.index(METHOD)]
    found = interval(others), interval(swapped)
    return (
        f"rank correlation of maps of different similar pairs {found[0]}; of a dissimilar pair's "
        f"map with the one for another partner {found[1]}",
        together([of.below(COMMON) for of in found]),
    )


def _forgotten() -> tuple[str, Verdict]:
    found = {
        name.rpartition(":")[2]: interval(of["rank correlation"]["same_pair"])
        for name, of in load_study("judgement")["with_forgotten"].items()
    }
    return (
        "rank correlation with the map after the weights were shuffled, of the network "
        f"{found['encoder']}, of the network with a decoder fitted to it "
        f"{found['encoder_and_decoder']}, of the decoder {found['decoder']}",
        found["encoder"].below(COMMON),
    )


def _any_network() -> tuple[str, Verdict]:
    networks = [evaluation(name).manifest["embedder"] for name in ("faces", "birds", "cars")]
    inside = explainer_class(METHOD).needs & {"gradients", "layers"}
    needed = ", ".join(inside) or "a decoder for the network, but no gradients and no layers"
    return (
        f"needs {needed}; ran on {', '.join(networks)}",
        "refuted" if inside else "confirmed",
    )


CLAIMS = (
    Claim(
        "3",
        "The method applies to any network that gives embeddings.",
        "It runs on networks for faces, birds and cars without gradients or layers.",
        "birds",
        _any_network,
    ),
    Claim(
        "3.2",
        "Latents matter by their relevance R (Eq. 2).",
        "With R its maps find more of what moves the similarity than with random numbers for R.",
        "faces",
        lambda: _compared(["faces"], FLIPS, [RANDOM]),
    ),
    Claim(
        "3",
        "The map explains the decision about this pair.",
        f"Maps of other pairs, and for other partners, differ: rank correlation below {COMMON}.",
        "behaviour",
        _partner,
    ),
    Claim(
        "3",
        "The map shows what the network has learnt.",
        f"It changes when the network forgets: the rank correlation is below {COMMON}.",
        "judgement",
        _forgotten,
    ),
    Claim(
        "4.1",
        "A cosine of 0.3 separates the same person from another.",
        "More than 0.9 of the pairs are decided right.",
        "faces",
        _similarity_threshold,
    ),
    Claim(
        "4.1",
        "Faces are decoded with an error of 0.02.",
        "The lowest held-out error reaches it, on aligned faces and on whole images.",
        "decoding",
        lambda: _decoding(
            ("CelebA, aligned faces", "CelebA, whole images"), (0.02, 0.02), "decoding"
        ),
    ),
    Claim(
        "4.1",
        "The method is not sensitive to p.",
        f"Maps for p = 0.01 and 1 are those for 0.3: their rank correlation is above {ALIKE}.",
        "hyperparameters",
        _p,
    ),
    Claim(
        "4.1",
        "The method is not sensitive to the threshold of the map.",
        "Of the pixels shown at 0.6, more than 0.8 are shown at 0.8.",
        "hyperparameters",
        _map_threshold,
    ),
    Claim(
        "4.1",
        "The network looks at mouth, eyes and nose, in this order.",
        "Each part has more of the map than of the area, and they come in this order.",
        "behaviour",
        _parts,
    ),
    Claim(
        "4.1",
        "The less similar a similar pair, the more pixels are shown.",
        "Similarity and share of pixels above 0.7 are negatively correlated.",
        "behaviour",
        _more_pixels,
    ),
    Claim(
        "4.2",
        "Birds and cars are decoded with errors of 0.03 and 0.05.",
        "The lowest held-out error reaches them.",
        "decoding",
        lambda: _decoding(("CUB-200 birds", "Cars-196"), (0.03, 0.05), "decoding"),
    ),
    Claim(
        "4.2",
        "The decoder's error does not affect the explanations.",
        f"Maps of other decoders are the same: their mean rank correlation is above {ALIKE}.",
        "agreement",
        _decoder_matters,
    ),
    Claim(
        "4.2",
        "The most similar image of a query has a cosine of 0.94 to 0.98.",
        "So it is here, with other networks and galleries: the means are above 0.9.",
        "retrieval",
        _nearest,
    ),
    Claim(
        "4.3.1",
        "Similar pairs become less similar as the most relevant superpixels are perturbed.",
        "The cosine falls.",
        "faces",
        lambda: _moves("similar"),
    ),
    Claim(
        "4.3.1",
        "Dissimilar pairs become more similar as those of both images are perturbed.",
        "The cosine rises.",
        "faces",
        lambda: _moves("dissimilar"),
    ),
    Claim(
        "4.3.1",
        "It moves because the superpixels are the most relevant ones.",
        "It moves more than when superpixels are perturbed in random order.",
        "faces",
        lambda: _compared(["faces"], FLIPS, [CHANCE]),
    ),
    Claim(
        "4.3.2",
        "The further an image is displaced, the more its explanation changes.",
        "Size of displacement and change of the map are positively correlated.",
        "continuity",
        _continuous,
    ),
    Claim(
        "4.3.3",
        "ExplainLFS is closer to SIMExpert than the methods of Utkin and Tummala.",
        "Its rank correlation with SIMExpert, beyond that with other pairs, is higher.",
        "judgement",
        _expert,
    ),
    Claim(
        "4.4",
        "ExplainLFS finds relevant pixels better than Tummala, Utkin and SIMExpert.",
        "The similarity moves further than under each of the three.",
        "faces",
        lambda: _compared(["faces"], FLIPS, RIVALS),
    ),
    Claim(
        "4.4",
        "The similarity drops sharply at the six most relevant superpixels.",
        "It drops further than at six superpixels in random order.",
        "faces",
        _six,
    ),
    Claim(
        "4.2, 4.4",
        "So it is on birds and cars.",
        "The similarity moves further than under each of the three.",
        "birds",
        lambda: _compared(["birds", "cars"], FEW_FLIPS, RIVALS),
    ),
)
"""In the order of the paper; each stands for itself."""
