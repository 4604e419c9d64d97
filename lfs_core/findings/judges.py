"""What the stored results say about each claim: in words and numbers, and as a verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from lfs_core.decoder import decoder_title
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS
from lfs_core.findings.intervals import (
    ALIKE,
    COMMON,
    Interval,
    Verdict,
    correlation,
    interval,
    joint_verdict,
)
from lfs_core.findings.map_readings import of_the_shipped_decoder
from lfs_core.findings.stored import stored_classes, stored_evaluation, stored_run

METHOD, RANDOM, CHANCE = "explainlfs", "explainlfs,relevance=random", "random"
FORGETFUL = "randomised,shuffled=network"
RIVALS = ("simexpert", "tummala", "utkin")
FLIPS = "selectivity,every=2"
FEW_FLIPS = "selectivity,every=5"


def advantage(name: str, metric: str, kind: str, other: str) -> Interval:
    """By how much ExplainLFS scores better than another explainer on the same pairs."""
    found = stored_evaluation(name).against(metric, kind, METHOD, [other])[0]
    return Interval(found["by"], found["low"], found["high"], found["pairs"])


def moves(kind: str) -> tuple[str, Verdict]:
    """Whether the cosine moves as flips should make it, on pairs of one kind."""
    results = stored_evaluation("faces")
    sign = 1 if kind == "similar" else -1
    classes = results.classes_of(FLIPS, kind)
    moved, chance = (
        interval(sign * (of[:, 0] - of[:, -1]), classes=classes)
        for of in (results.curves(name, FLIPS, kind) for name in (METHOD, CHANCE))
    )
    return (
        f"{'fall' if sign > 0 else 'rise'} of the cosine after 20 flips {moved}; in random order, "
        f"which uses no map, {chance}",
        moved.above(),
    )


def compared(studies: Sequence[str], metric: str, others: Sequence[str]) -> tuple[str, Verdict]:
    """Advantages over others in scores of pixel flipping, on both kinds of pair."""
    parts: list[str] = []
    shown: list[Interval] = []
    for study in studies:
        for kind in KINDS:
            found = {other: advantage(study, metric, kind, other) for other in others}
            shown += found.values()
            listed = ", ".join(f"{reader_name(other)} {of}" for other, of in found.items())
            where = f"{study}, {kind} pairs" if len(studies) > 1 else f"{kind} pairs"
            parts.append(f"{where}: over {listed}")
    return "advantage in the mean change of the cosine, " + "; ".join(parts), joint_verdict(shown)


def six() -> tuple[str, Verdict]:
    """How far the cosine of similar pairs falls in six flips, and how much beyond chance."""
    results = stored_evaluation("faces")
    at_six = {
        of: (lambda c: c[:, 0] - c[:, 3])(results.curves(of, FLIPS, "similar"))
        for of in (METHOD, CHANCE)
    }
    classes = results.classes_of(FLIPS, "similar")
    own = interval(at_six[METHOD], classes=classes)
    more = interval(at_six[METHOD] - at_six[CHANCE], classes=classes)
    return f"fall after 6 flips {own}; more than in random order {more}", more.above()


def continuous() -> tuple[str, Verdict]:
    """Whether a map changes more the further its image is displaced."""
    results = stored_evaluation("continuity")
    measured = results.measured
    linear, conv = (
        measured[of]["continuity"].double().numpy() for of in (METHOD, f"{METHOD},decoder=conv")
    )
    found = [interval(_rises(curves), classes=results.classes) for curves in (linear, conv)]
    return (
        f"rank correlation of size of displacement and change of map: with the linear decoder, "
        f"which gives both images one map (largest change {np.nanmax(linear):.3f}), {found[0]}; "
        f"with the convolutional one {found[1]}",
        joint_verdict(found),
    )


def _rises(curves: np.ndarray) -> np.ndarray:
    """Of curves (P,20), how far they follow displacements of 1 to 10 and 10 to 1 tenths.

    NaN where a curve is unknown, 0 where it is flat: such a map follows nothing.
    """
    size = rankdata([*range(1, 11), *range(10, 0, -1)])
    found = np.where(np.isfinite(curves).all(axis=1), 0.0, np.nan)
    known = np.ptp(curves, axis=1) > 0
    found[known] = [np.corrcoef(size, rankdata(curve))[0, 1] for curve in curves[known]]
    return found


def expert() -> tuple[str, Verdict]:
    """How far maps agree with SIMExpert's, beyond their agreement with those of other pairs."""
    judged = stored_run("judgement")
    found, classes = judged["with_expert"], stored_classes(judged["manifest"])

    def beyond(name: str) -> np.ndarray:
        of = found[name]["rank correlation"]
        return np.subtract(of["same_pair"], of["other_pairs"])

    own = beyond(METHOD)
    ahead = {
        other: interval(own - beyond(other), classes=classes) for other in ("tummala", "utkin")
    }
    listed = ", ".join(f"than {reader_name(other)} by {of}" for other, of in ahead.items())
    plain = interval(found[METHOD]["rank correlation"]["same_pair"], classes=classes)
    return (
        f"rank correlation with SIMExpert {plain}, beyond other pairs "
        f"{interval(own, classes=classes)}; "
        f"higher {listed}",
        joint_verdict(list(ahead.values())),
    )


PARTS = ("eyes", "nose", "mouth")


def part_ratios(explainer: str, kind: str) -> dict[str, np.ndarray]:
    """How many times its share of the area each part of the face has of a map, pair by pair."""
    measured = stored_evaluation("behaviour").curves(explainer, "parts", kind)
    return {part: measured[:, k] for k, part in enumerate(PARTS)}


def parts() -> tuple[str, Verdict]:
    """How many times its share of the area each part of the face has, and in what order."""
    of = part_ratios(METHOD, "similar")
    classes = stored_evaluation("behaviour").classes_of("parts", "similar")
    found = {part: interval(of[part], classes=classes) for part in ("mouth", "eyes", "nose")}
    shown = ", ".join(f"{part} {share}" for part, share in found.items())
    orders = [
        interval(of[before] - of[after], classes=classes)
        for before, after in (("mouth", "eyes"), ("eyes", "nose"))
    ]
    even = [share.minus(1) for share in found.values()]
    return f"evidence over an even spread (1 is chance): {shown}", joint_verdict(orders + even)


def more_pixels() -> tuple[str, Verdict]:
    """Whether less similar pairs show more pixels."""
    results = stored_evaluation("behaviour")
    shown = results.scores("shown", "similar")[:, results.explainers.index(METHOD)]
    similarity = results.similarity[results.labels.is_similar].numpy()
    found = correlation(similarity, shown, classes=results.classes_of("shown", "similar"))
    return f"rank correlation of cosine and share of pixels above 0.7: {found}", found.below()


def p(values: Sequence[str]) -> tuple[str, Verdict]:
    """Whether p changes the order of a map's pixels."""
    stored = stored_run("hyperparameters")
    classes = stored_classes(stored["manifest"])
    found = {
        decoder_title(name): [
            interval(of["p"][p]["rank correlation"], classes=classes) for p in values
        ]
        for name, of in stored["decoders"].items()
    }
    listed = "; ".join(f"{name} decoder {' and '.join(map(str, of))}" for name, of in found.items())
    return (
        f"rank correlation of the map for p = 0.3 with those for {' and '.join(values)}: {listed}",
        joint_verdict([one.minus(ALIKE) for of in found.values() for one in of]),
    )


def threshold_of_display() -> tuple[str, Verdict]:
    """The threshold cannot change a map, only which of its pixels are shown."""
    shares = " / ".join(str(of) for of in _shown_above()[0].values())
    return f"so it is in Algorithm 1; pixels shown at 0.6 / 0.7 / 0.8: {shares}", "holds"


def _shown_above() -> tuple[dict[str, Interval], Interval]:
    """Shares of pixels shown at three thresholds; and of those at the lowest, at the highest."""
    stored = stored_run("hyperparameters")
    shown, classes = stored["decoders"]["linear"]["shown"], stored_classes(stored["manifest"])
    ratio = np.array(shown["0.8"]) / np.array(shown["0.6"])
    return (
        {at: interval(shown[at], classes=classes) for at in ("0.6", "0.7", "0.8")},
        interval(ratio, classes=classes),
    )


def map_threshold() -> tuple[str, Verdict]:
    """How many of the pixels shown are still shown at a higher threshold."""
    shares, found = _shown_above()
    return (
        f"pixels shown at 0.6 / 0.7 / 0.8: {shares['0.6']} / {shares['0.7']} / {shares['0.8']}; "
        f"of those at 0.6 there are left at 0.8 {found}",
        found.above(0.8),
    )


def similarity_threshold() -> tuple[str, Verdict]:
    """How often xi_1 tells the same person from another."""
    results = stored_evaluation("faces")
    decided = (results.labels.is_similar == results.same).double().numpy()
    right = interval(decided, classes=results.classes)
    return f"share of pairs decided right {right}", right.above(0.9)


def decoding(sources: Sequence[str], paper: Sequence[float], study: str) -> tuple[str, Verdict]:
    """The lowest held-out error of any decoder on each source against the paper's."""
    rows = stored_run(study)["rows"]
    parts, reached = [], []
    for source, wanted in zip(sources, paper, strict=True):
        errors: dict[tuple, list[float]] = {}
        for row in rows:
            if row["source"] == source and row["all_images"]:
                key = (row["decoder"], row["mirrored"], row["ssim"])
                errors.setdefault(key, []).append(row["error"])
        best = min(float(np.mean(of)) for of in errors.values())
        reached.append(round(best, 2) <= wanted)
        parts.append(f"{source}: {best:.4f} (paper {wanted:.2f})")
    return (
        "lowest held-out error of any decoder, " + "; ".join(parts),
        "holds" if all(reached) else "not reproduced here",
    )


def decoder_matters() -> tuple[str, Verdict]:
    """Whether other decoders make the same maps."""
    rows = stored_run("agreement")["rows"]
    others = [row for row in rows if row["decoder"] != rows[0]["decoder"]]
    found = {
        kind: interval(np.mean([row[kind]["with_first_decoder"] for row in others], axis=0))
        for kind in KINDS
    }
    listed = ", ".join(f"{kind} pairs {of}" for kind, of in found.items())
    return (
        f"mean rank correlation of {len(others)} decoders' maps with the first one's: {listed}",
        joint_verdict([of.minus(ALIKE) for of in found.values()]),
    )


def nearest() -> tuple[str, Verdict]:
    """How similar the most similar image of a gallery is."""
    found = {
        row["source"]: interval(row["nearest"]["cosine"])
        for row in stored_run("retrieval")["explanations"]
        if row["decoder"] == "linear" and "trained" in row["source"]
    }
    listed = ", ".join(f"{source} {of}" for source, of in found.items())
    high = all(of.low > 0.9 for of in found.values())
    return f"mean cosine to the most similar: {listed}", "holds" if high else "not reproduced here"


def partner() -> tuple[str, Verdict]:
    """Whether an image's map changes with its partner."""
    found = (
        of_the_shipped_decoder("other pairs", "similar"),
        of_the_shipped_decoder("other partner", "dissimilar"),
    )
    return (
        f"rank correlation of maps of different similar pairs {found[0]}; of a dissimilar pair's "
        f"map with the one for another partner {found[1]}",
        joint_verdict([of.under(COMMON) for of in found]),
    )


def forgotten() -> tuple[str, Verdict]:
    """Whether a map changes when weights are shuffled."""
    classes = stored_evaluation("randomised").classes
    found = {}
    for name, of in stored_run("judgement")["with_forgotten"].items():
        values = of["rank correlation"]["same_pair"]
        # The pairs of a smaller run are the first of a larger one.
        of_these = None if classes is None else classes[: len(values)]
        found[name] = interval(values, classes=of_these)
    return (
        "rank correlation with the map after the weights were shuffled, of the network "
        f"{found[FORGETFUL]}, of the network with a decoder fitted to it "
        f"{found[f'{FORGETFUL},refitted=true']}, of the decoder "
        f"{found['randomised,shuffled=decoder']}",
        found[FORGETFUL].below(COMMON),
    )
