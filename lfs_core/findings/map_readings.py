"""Readings of the claims about maps, and of those about numbers of the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import linregress, t

from lfs_core.decoder import decoder_title
from lfs_core.embedders import XI_1, network_title
from lfs_core.evaluation.names import listed
from lfs_core.evaluation.results import KINDS
from lfs_core.evaluation.statistics import LEVEL
from lfs_core.findings.intervals import (
    ALIKE,
    COMMON,
    Interval,
    Verdict,
    interval,
    joint_verdict,
)
from lfs_core.findings.readings import ANY, Reading, lowest, over_readings
from lfs_core.findings.stored import is_stored, remembered, stored_run

STUDY = "map-readings"
RUNS = (STUDY, f"{STUDY}-mobilenet", f"{STUDY}-dlib")  # those that are stored are read
ROUNDED = 0.005  # half of the last digit of the errors that the paper prints
RIGHT = 0.9  # share of pairs decided right
NEAR = 0.9  # cosine to the most similar image
WORDS = {  # for readers, where the study's word for a choice is short
    "than": "Tummala's map",
    "pairs from": "photographs of",
    "half": "half of the pairs",
    "compared": "which pair is compared",
    "beyond other pairs": "agreement with other pairs taken off",
    "seed": "decoder's seed",
    "size": "decoder's size",
}
FORM = WORDS["than"]
TUMMALA = {  # two readings of one rival
    "tummala": "by difference",
    "tummala, by gradient": "by gradient",
}
TOLERANCE = 0.02  # of the cosine: a fifth of the centre map's advantage
USUAL_P = ("0.1", "0.6")  # neither close to 0 nor to 1 (Sec. 3.3)
MARGINS = 5  # of claim 9
TOO_LOW = 1.74  # standard errors of the least of five equal means, by which it is too low
NORMAL = 1.96  # standard errors from a mean to the end of its interval


def within(of: Interval, limit: float) -> Interval:
    """How far the size of what was found lies below a limit.

    It is above 0 if the whole interval lies between minus and plus the limit, and below if all of
    it lies outside.
    """
    ends = abs(of.low), abs(of.high)
    smallest = 0.0 if of.low <= 0 <= of.high else min(ends)
    return Interval(limit - abs(of.mean), limit - max(ends), limit - smallest, of.pairs)


def asked(questions: Sequence[str], margin: Callable[[Interval], Interval]) -> list[Reading]:
    """Readings of all answers to some questions of the study.

    Args:
        questions: as the study names them; with several, "question" is a choice.
        margin: from what was found to a number that is above 0 if the claim holds.
    """
    found = []
    for question in questions:
        more = {"question": question} if len(questions) > 1 else {}
        found += [Reading({**more, **choices}, margin(of)) for choices, of in _answers(question)]
    return found


@remembered
def _answers(question: str) -> list[tuple[Mapping[str, str], Interval]]:
    """Choices for readers, and what was found, in every stored run."""
    runs = [stored_run(name) for name in RUNS if is_stored(name)]
    names = [of["name"] for run in runs for of in run["manifest"]["images"]]
    found: list[tuple[Mapping[str, str], Interval]] = []
    for run in runs:
        table = run["questions"].get(question, {"choices": [], "rows": []})
        for *values, mean, low, high, pairs in table["rows"]:
            choices = dict(zip(table["choices"], values, strict=True))
            choices = {WORDS.get(name, name): of for name, of in choices.items()}
            network = network_title(choices.pop("network"))
            if names.count(choices["images"]) > 1:  # else the images tell the network
                choices["network"] = network
            if choices.get("decoder") == "linear" and question != "p" and "p" in choices:
                if choices["p"] != "0.3":
                    continue  # p only scales the map of a linear decoder: the same reading again
                choices["p"] = ANY
            if "decoder" in choices:
                choices["decoder"] = decoder_title(choices["decoder"])
            found.append((choices, Interval(mean, low, high, pairs)))
    return found


def of_the_shipped_decoder(question: str, pairs: str, run: str = STUDY) -> Interval:
    """One reading: faces, the linear decoder that ships, latents as they are, the paper's p."""
    table = stored_run(run)["questions"][question]
    wanted = {
        "images": "faces",
        "decoder": "linear",
        "size": "shipped",
        "latents": "raw",
        "p": "0.3",
        "pairs": pairs,
    }
    return next(
        Interval(mean, low, high, number)
        for *values, mean, low, high, number in table["rows"]
        if wanted.items() <= dict(zip(table["choices"], values, strict=True)).items()
    )


def about_this_pair() -> list[Reading]:
    """How far below the limit maps of other pairs, and for another partner, agree."""
    found = [
        replace(reading, choices={"question": question, **reading.choices})
        for question in ("other pairs", "other partner")
        for reading in asked([question], lambda of: of.under(COMMON))
    ]
    return lowest(found, "question", "pairs")


def learnt() -> list[Reading]:
    """How far below the limit maps agree with those after the network's weights were shuffled."""
    found = asked(["shuffled"], lambda of: of.under(COMMON))
    return lowest([of for of in found if of.choices["shuffled"] != "decoder"], "pairs")


def decided() -> list[Reading]:
    """How far above the limit the share of pairs is that the paper's xi_1 decides right.

    Networks with a threshold of their own say nothing about it.
    """
    runs = [stored_run(name)["manifest"] for name in RUNS if is_stored(name)]
    other = {
        network_title(of["network"])
        for run in runs
        for of, threshold in zip(run["images"], run["thresholds"], strict=True)
        if threshold != XI_1
    }
    readings = asked(["decided"], lambda of: of.minus(RIGHT))
    return [of for of in readings if of.choices.get("network") not in other]


def p() -> list[Reading]:
    """How far above the limit maps agree with those for p = 0.3."""
    found = asked(["p"], lambda of: of.minus(ALIKE))
    return lowest([of for of in found if of.choices["p"] in USUAL_P], "p", "pairs")


def threshold_of_display() -> list[Reading]:
    """How far above the limit the share of pairs is whose map no threshold changes."""
    return asked(["map threshold"], lambda of: of.minus(ALIKE))


def parts() -> list[Reading]:
    """The smallest margin of mouth before eyes before nose, each above an even spread.

    The smallest of several means is too low on average, by about `TOO_LOW` of its standard errors
    if all are equal, else by less. So the upper end is that much higher, and p is that of five.
    """
    return [replace(of, parts=MARGINS) for of in asked(["parts"], not_too_low)]


def not_too_low(of: Interval) -> Interval:
    """The least of five means, with an upper end that allows for its being the least."""
    return replace(of, high=of.high + TOO_LOW * (of.high - of.mean) / NORMAL)


def more_pixels() -> list[Reading]:
    """Minus the rank correlation of cosine and share of pixels shown."""
    return asked(["pixels shown"], lambda of: of.under(0))


def continuous() -> list[Reading]:
    """Rank correlation of the size of a displacement and the change of the map."""
    return asked(["displaced"], lambda of: of.minus(0))


def expert() -> list[Reading]:
    """How much closer to SIMExpert ExplainLFS is than the closer of Utkin and Tummala."""
    found = []
    for reading in asked(["expert"], lambda of: of.minus(0)):
        rival = reading.choices[FORM]
        for form in [TUMMALA[rival]] if rival in TUMMALA else TUMMALA.values():
            found.append(replace(reading, choices={**reading.choices, FORM: form, "rival": rival}))
    return lowest(found, "rival")


def black_box() -> list[Reading]:
    """How far above the limit the share of pairs is that have the same map with a black box."""
    return asked(["black box"], lambda of: of.minus(ALIKE))


def error() -> list[Reading]:
    """How far below the tolerance the score changes over the errors that decoders have."""
    found = [Reading(choices, within(of, TOLERANCE)) for choices, of in _over_errors()]
    return lowest(found, "pairs")


def _over_errors() -> list[tuple[Mapping[str, str], Interval]]:
    """By how much the score grows from the largest error to the smallest, by decoder and pairs.

    It is taken from a line through several decoders of a kind, with its interval over decoders: two
    with the same error score differently, and more pairs do not change that.
    """
    found: list[tuple[Mapping[str, str], Interval]] = []
    for run in (stored_run(name) for name in RUNS if is_stored(name)):
        for decoder in dict.fromkeys(of["decoder"] for of in run.get("decoders", ())):
            of_kind = [of for of in run["decoders"] if of["decoder"] == decoder]
            x = -np.log2([of["error"] for of in of_kind])
            for kind in KINDS:
                line = linregress(x, [of["score"][kind] for of in of_kind])
                # Equal scores lie on a line, whose error SciPy does not know.
                half = t.ppf((1 + LEVEL) / 2, len(x) - 2) * np.nan_to_num(line.stderr)
                span = np.ptp(x)
                mean, half = float(span * line.slope), float(span * half)
                choices = {"decoder": decoder_title(decoder), "pairs": kind}
                of_line = Interval(mean, mean - half, mean + half, len(x), len(x) - 2)
                found.append((choices, of_line))
    return found


def any_network() -> tuple[str, Verdict]:
    """Whether the network can be a black box, and on which networks that was tried."""
    shares: dict[str, list[Interval]] = {}
    for choices, of in _answers("black box"):
        shares.setdefault(choices["images"], []).append(of)
    least = {images: min(of, key=lambda one: one.mean) for images, of in shares.items()}
    listed = ", ".join(f"{images} {of.mean:.3f} (n = {of.pairs})" for images, of in least.items())
    networks = ", ".join(network_title(name) for name in _networks())
    return (
        f"ran on {networks} as a plain function without gradients or layers, and on no other "
        f"network; least share of pairs whose maps stay the same in every place: {listed}",
        over_readings(black_box()) if shares else "not shown",
    )


def images_in_words() -> str:
    """What the stored runs show, and by which networks."""
    found: dict[str, list[str]] = {}
    for run in (stored_run(name) for name in RUNS if is_stored(name)):
        for of in run["manifest"]["images"]:
            found.setdefault(of["name"], []).append(network_title(of["network"]))
    return "; ".join(f"{images}, by {listed(networks)}" for images, networks in found.items())


def _networks() -> list[str]:
    """Of the stored runs; those of the comparisons, before there is one."""
    runs = [stored_run(name) for name in RUNS if is_stored(name)]
    found = [of["network"] for run in runs for of in run["manifest"]["images"]]
    others = (stored_run(name)["manifest"]["embedder"] for name in ("faces", "birds", "cars"))
    return list(dict.fromkeys(found or others))


def error_matters() -> tuple[str, Verdict]:
    """By how much the score of pixel flipping changes from the largest error to the smallest."""
    each = ", ".join(
        f"{choices['decoder']} decoders, {choices['pairs']} pairs {of}"
        for choices, of in _over_errors()
    )
    return (
        "change of the score of pixel flipping from the largest decoding error to the smallest, "
        f"where n counts decoders, too few to show so small a change: {each}",
        joint_verdict([reading.found for reading in error()]),
    )


def decoded(sources: Sequence[str], paper: Sequence[float]) -> list[Reading]:
    """How far the held-out errors of each decoder lie below what rounds to the paper's.

    Intervals are over seeds, by Student's t; one seed has none, and then its error counts as exact.
    """
    rows = [row for row in stored_run("decoding")["rows"] if row["all_images"]]
    found = []
    for source, wanted in zip(sources, paper, strict=True):
        errors: dict[tuple, list[float]] = {}
        for row in rows:
            if row["source"] == source:
                key = (row["decoder"], row["mirrored"], row["ssim"])
                errors.setdefault(key, []).append(wanted + ROUNDED - row["error"])
        for (kind, mirrored, ssim), of in errors.items():
            choices = {
                "images": source,
                "decoder": decoder_title(kind),
                "mirror images": "yes" if mirrored else "no",
                "loss": "Eq. 1 and SSIM" if ssim else "Eq. 1",
            }
            found.append(Reading(choices, _over_seeds(of)))
    return found


def _over_seeds(values: Sequence[float]) -> Interval:
    count, mean = len(values), float(np.mean(values))
    if count == 1:
        return Interval(mean, mean, mean)
    half = t.ppf((1 + LEVEL) / 2, count - 1) * np.std(values, ddof=1) / count**0.5
    return Interval(mean, float(mean - half), float(mean + half), freedom=count - 1)


def nearest() -> list[Reading]:
    """How far above the limit the cosine to the most similar image of a gallery is."""
    found = []
    for row in stored_run("retrieval")["explanations"]:
        if row["decoder"] == "linear":  # the cosine is of no decoder
            images, network = row["source"].split(", ")
            of = interval(row["nearest"]["cosine"], 2000)
            found.append(Reading({"images": images, "network": network}, of.minus(NEAR)))
    return found
