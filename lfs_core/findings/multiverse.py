"""Readings of the claims about pixel flipping, from the stored multiverse and the stored runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from lfs_core.decoder import decoder_title
from lfs_core.evaluation.results import KINDS
from lfs_core.evaluation.spec import parse
from lfs_core.findings.intervals import interval
from lfs_core.findings.readings import Reading
from lfs_core.findings.stored import stored_evaluation, stored_run

DRAWS = 2000  # of each bootstrap; there are hundreds of readings
USUAL = {  # choices of the stored runs, but for the decoder
    "superpixels": "8x8",
    "fill": "noise",
    "changed": "first",
    "p": "0.3",
    "latents": "raw",
}
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
    """How much further ExplainLFS moves the cosine than each other method does.

    Args:
        others: "relevance", the same method with random numbers for the relevance; "order", a
            random order; or the name of a rival.
        images: of which readings, names in `RUNS`.
    """
    found = []
    for other in others:

        def further(own: str, of: Curves, score: Curves, other: str = other) -> np.ndarray:
            return score(own) - score(_control(own, other))

        found += _readings(KINDS, further, {"against": other} if len(others) > 1 else {})
    return [reading for reading in found if reading.choices["images"] in images]


def ahead_at_six() -> list[Reading]:
    """How much further the cosine of similar pairs falls in six flips than in a random order."""

    def further(own: str, of: Curves, score: Curves) -> np.ndarray:
        mine, chance = of(own), of("random")
        return mine[:, 0] - mine[:, 1] - (chance[:, 0] - chance[:, 1])

    return _readings(["similar"], further, stored_runs=False)


def _sign(kind: str) -> int:
    return 1 if kind == "similar" else -1


def _control(own: str, other: str) -> str:
    """The name of what a method is compared with."""
    return {"relevance": f"{own},relevance=random", "order": "random"}.get(other, other)


def _readings(
    kinds: Sequence[str],
    value: Callable[[str, Curves, Curves], np.ndarray],
    more: Mapping[str, str] | None = None,
    stored_runs: bool = True,
) -> list[Reading]:
    """One reading for each method, test, and kind of pair."""
    values, choices = [], []
    for kind in kinds:
        for test in _tests(kind):
            for own in test["own"]:
                values.append(value(own, test["curves"], test["score"]))
                choices.append(
                    {"images": "faces", "pairs": kind, **test["choices"], **test["own"][own]}
                )
        for images, metric in RUNS.items() if stored_runs else ():
            of, score = _of_run(images, metric, kind)
            for own, decoder in _decoders(images).items():
                with suppress(KeyError):  # a control that the run did not have
                    values.append(value(own, of, score))
                    choices.append({"images": images, "pairs": kind, "decoder": decoder, **USUAL})
    return [
        Reading({**chosen, **(more or {})}, interval(of, DRAWS))
        for chosen, of in zip(choices, values, strict=True)
    ]


@cache
def _tests(kind: str) -> list[dict[str, Any]]:
    """Of each stored test: its choices, methods with theirs, and curves of pairs of one kind."""
    found = stored_run("multiverse")
    manifest = found["manifest"]
    similar = np.array(found["similarity"]) > manifest["threshold"]
    at = np.array([0.0, *manifest["shares"]])
    tests = []
    for test in found["tests"]:
        curves = {
            _plain(name, test): np.array(of, dtype=float)[similar == (kind == "similar")]
            for name, of in test["curves"].items()
        }
        tests.append(
            {
                "choices": {
                    choice: test[choice] for choice in manifest["choices"] if choice in test
                },
                "own": {
                    name: _chosen(name)
                    for name in curves
                    if name.startswith("explainlfs") and "relevance" not in name
                },
                "curves": curves.__getitem__,
                "score": lambda name, of=curves: _sign(kind) * _lost(of[name], at),
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


def _plain(name: str, test: Mapping[str, Any]) -> str:
    """A method's name without what the test chose for it: p, and the draw of a control."""
    return name.replace(f",p={test['p']}", "").replace(f",seed={test['draw']}", "")


def _of_run(name: str, metric: str, kind: str) -> tuple[Curves, Curves]:
    """Curves and scores of a stored run; a KeyError for methods that it did not have."""
    results = stored_evaluation(name)

    def of(explainer: str) -> np.ndarray:
        return results.curves(explainer, metric, kind)

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
