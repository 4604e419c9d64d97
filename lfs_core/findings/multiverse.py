"""Readings of the claims about pixel flipping, from the stored multiverses and the stored runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.decoder import decoder_title
from lfs_core.embedders import network_title
from lfs_core.evaluation.names import listed, reader_name
from lfs_core.evaluation.results import KINDS
from lfs_core.evaluation.spec import parse
from lfs_core.findings.intervals import interval
from lfs_core.findings.judges import CHANCE, METHOD, RIVALS
from lfs_core.findings.readings import Reading, lowest, verdicts
from lfs_core.findings.stored import (
    is_stored,
    remembered,
    stored_classes,
    stored_evaluation,
    stored_run,
)

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 2000  # of each bootstrap; there are hundreds of readings
USUAL = {  # choices of the stored runs, but for the decoder
    "superpixels": "8x8",
    "fill": "noise",
    "changed": "first",
    "p": "0.3",
    "latents": "raw",
    "size": "full",
}
MULTIVERSES = {  # stored runs of drawn tests, with what their images show
    "multiverse": "faces",
    "multiverse-mobilenet": "faces",
    "multiverse-dlib": "faces",
    "multiverse-birds": "birds",
    "multiverse-cars": "cars",
}
DRAWS_OF_ORDER = 4  # of a random order in each test
OWN = "OWN"  # stands for the method that is compared, in the name of its control
SIGNED = ",order=signed"  # of a rival, in the name of its curves
UNSIGNED = ("utkin",)  # rivals whose maps do not tell for from against
WITNESS = f"simexpert{SIGNED}"  # which each run has that tried signed evidence
RUNS = {
    "faces": "selectivity,every=2",
    "birds": "selectivity,every=5",
    "cars": "selectivity,every=5",
}

Curves = Callable[[str], np.ndarray]
"""From a method's name to its curves (P,n)."""


def moves(kind: str) -> list[Reading]:
    """How far the cosine of pairs of one kind moves against the decision in all."""
    return _readings([kind], lambda own, of, score: _sign(kind) * (of(own)[:, 0] - of(own)[:, -1]))


def ahead(others: Sequence[str], images: Sequence[str] = tuple(RUNS)) -> list[Reading]:
    """How much further ExplainLFS moves the cosine than all of some other methods do.

    Similar and dissimilar pairs are parts of the claim, and so are the others: a reading is of the
    part that speaks most against it. A rival that tells for from against is read twice: its places
    in the order of what its map shows, and in that of its signed evidence, at its own resolution.

    Args:
        others: "relevance", the same method with random numbers for the relevance; "order", a
            random order, on average over its draws; or the name of a rival.
        images: of which readings, names in `RUNS`.
    """
    found = []
    for other in others:
        for control, more in _controls(other):

            def further(own: str, of: Curves, score: Curves, control: str = control) -> np.ndarray:
                return score(own) - _score_of(control.replace(OWN, own), score)

            found += _readings(KINDS, further, {**more, "against": other})
    found = [reading for reading in found if reading.choices["images"] in images]
    return lowest(found, "pairs", "against")


def _score_of(control: str, score: Curves) -> np.ndarray:
    """A control's score; where a rival has no signed evidence, that of what it shows."""
    if control == CHANCE:
        return _mean_of_draws(score)
    rival = control.removesuffix(SIGNED)
    if control == rival or rival not in UNSIGNED:
        return score(control)
    score(WITNESS)  # a KeyError, as for other rivals, if the run did not try signed evidence
    return score(rival)


def _mean_of_draws(of: Curves) -> np.ndarray:
    """Of a random order, the mean over the draws that a test has: one draw alone may be lucky."""
    found = []
    for draw in range(DRAWS_OF_ORDER):
        with suppress(KeyError):
            found.append(of(f"{CHANCE},draw={draw}"))
    return np.mean(found, axis=0)


def _controls(other: str) -> list[tuple[str, dict[str, str]]]:
    """The names of what a method is compared with, and by what choice they differ."""
    if other == "relevance":
        return [(f"{OWN},relevance=random", {})]
    if other == "order":
        return [(CHANCE, {})]
    if other in (*RIVALS, *OTHERS):
        return [
            (other, {"rival's order": "as shown"}),
            (other + SIGNED, {"rival's order": "signed"}),
        ]
    return [(other, {})]


def one_pass_ahead(other: str, own: str = "amortised") -> list[Reading]:
    """How much further the book's one-pass map moves the cosine than another method does.

    As in `ahead`, a reading is of the kind of pairs that speaks most against it.

    Args:
        other: the name of a method or control that each test has.
        own: the one-pass map, by its name with options.
    """
    found = []
    for control, more in _controls(other):

        def further(own: str, of: Curves, score: Curves, control: str = control) -> np.ndarray:
            return score(own) - _score_of(control, score)

        found += _readings(KINDS, further, more, stored_runs=False, method=own)
    return lowest(found, "pairs")


ONE_PASS = ("amortised", "amortised,contrast=0", "amortised,own=0,contrast=0")
OTHERS = ("occlusion", "gradcam", "xssab", "lrp")  # that the paper does not compare with
COURT = ("own-likeness", "centre", "order", *OTHERS, "with-own-likeness,of=lrp", *RIVALS)
"""What the one-pass map is compared with: controls first, then rivals."""


def one_pass_table() -> pd.DataFrame:
    """In how many readings each form of the one-pass map is ahead of others, behind, and neither.

    Readings of one cell are corrected for their number.
    """
    import pandas as pd

    cells = {
        reader_name(own): {
            "a random order" if other == "order" else reader_name(other): _counted(own, other)
            for other in COURT
        }
        for own in ONE_PASS
    }
    return pd.DataFrame(cells).rename_axis("ahead / behind / open, against")


def _counted(own: str, other: str) -> str:
    count = Counter(verdicts(one_pass_ahead(other, own)))
    return " / ".join(str(count[verdict]) for verdict in ("holds", "fails", "not shown"))


def one_pass_by_images(other: str) -> dict[str, Counter[str]]:
    """By images: in how many readings the one-pass map is ahead of another, behind, and neither."""
    readings = one_pass_ahead(other)
    found: dict[str, Counter[str]] = {}
    for verdict, reading in zip(verdicts(readings), readings, strict=True):
        found.setdefault(reading.choices["images"], Counter())[verdict] += 1
    return found


def networks_without(method: str, images: str = "faces") -> list[str]:
    """The networks of the drawn tests on some images in which a method could not be tried."""
    found = []
    for name, shown in MULTIVERSES.items():
        if shown == images and is_stored(name):
            run = stored_run(name)
            tried = np.array(run["tests"][0]["curves"].get(method, np.nan), dtype=float)
            if not np.isfinite(tried).any():
                found.append(network_title(run["manifest"]["embedder"]))
    return found


def by_images_in_words(other: str) -> str:
    """The same in words: "ahead in 1 of 4 and behind in 2 on cars"."""
    return listed(
        [
            f"ahead in {of['holds']} of {of.total()} and behind in {of['fails']} on {images}"
            for images, of in one_pass_by_images(other).items()
        ]
    )


def one_pass_in_words() -> str:
    """How the one-pass map compares with the two hardest controls, and with LRP."""
    parts, unshown = [], []
    for other in ("own-likeness", "centre", "lrp"):
        readings = one_pass_ahead(other)
        if other == "own-likeness":
            by_images = one_pass_by_images(other)
            unshown = [images for images, of in by_images.items() if not of["holds"]]
        parts.append(
            f"Against {reader_name(other)}: {by_images_in_words(other)}; mean advantage on the "
            f"harder kind of pairs {np.mean([of.found.mean for of in readings]):+.3f}."
        )
    absent = networks_without("amortised")
    no_head = f" No head is trained for {listed(absent)}, so faces are FaceNet's." if absent else ""
    text = f"**The one-pass map under every reading.** {' '.join(parts)}{no_head}"
    if not unshown:
        return text
    return (
        f"{text} {reader_name('own-likeness')} never uses the partner. So on {listed(unshown)} "
        "these readings do not show that the lead comes from the pair, and not from each image "
        "alone."
    )


def ahead_at_six() -> list[Reading]:
    """How much further the cosine of similar pairs falls in six flips than in a random order.

    The random order is the mean of its draws.
    """

    def further(own: str, of: Curves, score: Curves) -> np.ndarray:
        return _fall(of(own), 1) - _fall(_mean_of_draws(of), 1)

    readings = _readings(["similar"], further, stored_runs=False)
    results = stored_evaluation("faces")
    metric, kind, six = RUNS["faces"], "similar", 3  # every second flip is in these curves
    chance = _fall(results.curves(CHANCE, metric, kind), six)
    choices = {"images": "faces", "network": network_title(results.manifest["embedder"])}
    classes = results.classes_of(metric, kind)
    for own, decoder in _decoders("faces").items():
        found = _fall(results.curves(own, metric, kind), six) - chance
        readings.append(
            Reading(
                {**choices, "pairs": kind, "decoder": decoder, **USUAL},
                interval(found, DRAWS, classes),
            )
        )
    return readings


def _fall(curves: np.ndarray, point: int) -> np.ndarray:
    """How far curves (P,n) have fallen at a point."""
    return curves[:, 0] - curves[:, point]


def _sign(kind: str) -> int:
    return 1 if kind == "similar" else -1


def _readings(
    kinds: Sequence[str],
    value: Callable[[str, Curves, Curves], np.ndarray],
    more: Mapping[str, str] | None = None,
    stored_runs: bool = True,
    method: str = METHOD,
) -> list[Reading]:
    """One reading for each method, test, and kind of pair; none where a method was not tried."""
    values, choices, classes = [], [], []

    def read(
        own: str,
        of: Curves,
        score: Curves,
        chosen: Mapping[str, str],
        those: np.ndarray | None,
    ) -> None:
        with suppress(KeyError):  # a rival or control that the run did not have
            found = value(own, of, score)
            if np.isfinite(found).any():
                values.append(found)
                choices.append(dict(chosen))
                classes.append(those)

    for kind in kinds:
        for name, images in MULTIVERSES.items():
            for test in tests_of(name, kind) if is_stored(name) else ():
                for own, choice in (test["own"] if method == METHOD else {method: {}}).items():
                    chosen = {"images": images, "pairs": kind, **test["choices"], **choice}
                    read(own, test["curves"], test["score"], chosen, test["classes"])
        for images, metric in RUNS.items() if stored_runs else ():
            if not is_stored(images):
                continue
            of, score = _of_run(images, metric, kind)
            network = network_title(stored_evaluation(images).manifest["embedder"])
            for own, decoder in _decoders(images).items():
                chosen = {"images": images, "network": network, "pairs": kind, "decoder": decoder}
                classes_of = stored_evaluation(images).classes_of(metric, kind)
                read(own, of, score, {**chosen, **USUAL}, classes_of)
    return [
        Reading({**chosen, **(more or {})}, interval(of, DRAWS, those))
        for chosen, of, those in zip(choices, values, classes, strict=True)
    ]


@remembered
def tests_of(name: str, kind: str) -> list[dict[str, Any]]:
    """Of each stored test: its choices, methods with theirs, and curves of pairs of one kind."""
    found = stored_run(name)
    manifest = found["manifest"]
    similar = np.array(found["similarity"]) > manifest["threshold"]
    at = np.array([0.0, *manifest["shares"]])
    tests = []
    for test in found["tests"]:
        curves = {
            _plain(spec, test, manifest["draws"]): np.array(of, dtype=float)[
                similar == (kind == "similar")
            ]
            for spec, of in test["curves"].items()
        }
        tests.append(
            {
                "choices": {"network": network_title(manifest["embedder"])}
                | {choice: test[choice] for choice in manifest["choices"] if choice in test},
                "own": {
                    spec: _chosen(spec)
                    for spec in curves
                    if spec.startswith(METHOD) and "relevance" not in spec
                },
                "classes": stored_classes(manifest, similar == (kind == "similar")),
                "curves": curves.__getitem__,
                "score": lambda spec, of=curves: _sign(kind) * _lost(of[spec], at),
            }
        )
    return tests


def _chosen(name: str) -> dict[str, str]:
    """The choices that make a method, by its name, in words for readers."""
    _, options = parse(name)
    return {
        choice: decoder_title(str(of)) if choice == "decoder" else str(of)
        for choice, of in options.items()
    }


def _plain(name: str, test: Mapping[str, Any], draws: int) -> str:
    """A method's name without what the test chose for it: p, and the seed of a control."""
    method, options = parse(name)
    if method == CHANCE:
        return f"{CHANCE},draw={int(str(options['seed'])) - draws * test['draw']}"
    return name.replace(f",p={test['p']}", "").replace(f",seed={test['draw']}", "")


def _of_run(name: str, metric: str, kind: str) -> tuple[Curves, Curves]:
    """Curves and scores of a stored run; a KeyError for methods that it did not have."""
    results = stored_evaluation(name)

    def of(explainer: str) -> np.ndarray:
        return results.curves(explainer.removesuffix(",draw=0"), metric, kind)

    def score(explainer: str) -> np.ndarray:
        lost = _lost(of(explainer), np.linspace(0, 1, of(explainer).shape[1]))
        return _sign(kind) * lost

    return of, score


def _decoders(images: str) -> dict[str, str]:
    """ExplainLFS in a stored run, and the decoder of each."""
    known = stored_evaluation(images).explainers
    named = {"explainlfs": decoder_title("linear")}
    for decoder in ("mlp", "conv"):
        named[f"explainlfs,decoder={decoder}"] = decoder_title(decoder)
    return {name: decoder for name, decoder in named.items() if name in known}


def _lost(curves: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How far curves (P,n) lie below their beginning, on average over the shares replaced."""
    area = ((curves[:, 1:] + curves[:, :-1]) / 2 * np.diff(at)).sum(axis=1) / at[-1]
    return curves[:, 0] - area
