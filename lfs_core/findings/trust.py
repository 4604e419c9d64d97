"""When an explanation is not to be trusted, in words for the reader.

One function makes the sentences about a method, from all tests of it that are stored; others make
those about a cosine and about what was learnt. Commands, reports and explorers show them alike.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from lfs_core.comparators import EXPLAINERS, explainer_class
from lfs_core.decoder import load_decoder
from lfs_core.embedders import network_title
from lfs_core.errors import LFSError
from lfs_core.evaluation.names import KINDS, images_title, is_control, listed, reader_name
from lfs_core.explanation import PairExplanation
from lfs_core.util.confidence import Spread

Standing = Literal[
    "is a control",
    "has not been tested",
    "beats its controls",
    "beats them in most tests",
    "does not beat them",
]
FILE = Path(__file__).with_name("standings.json")
NEAR = 0.05  # a cosine this close to xi_1 might as well have fallen on its other side
NAMED = 3  # methods that do better
NO_GAIN = 0.05  # R2, or share explained: below it nothing is gained to speak of
ASIDE = (  # settings that are no options of a test, or change little
    *("embedder", "decoder", "head", "autoencoder", "prototypes"),
    *("p", "seed", "similarity_threshold", "map_threshold"),
)

NO_FACE = (
    "No face is found in {name}. The network reads the whole photograph, for which it was not "
    "made: neither its decision nor the map means anything."
)
UNSURE_FACE = "It is not sure that this part of {name} is a face."


@dataclass(frozen=True)
class Stands:
    """How one method stands in one test.

    Attributes:
        network: its name.
        explainer: a name with options.
        test: the metric, with options.
        kind: "similar" or "dissimilar", what the network calls the pairs.
        images: where the pairs are from.
        pairs: how many have a score.
        better: than how many controls it is, significantly.
        worse: likewise; but own-likeness counts for the book's own map only, as its own term.
        controls: how many there are.
        beats_untrained: whether it is significantly better than every control but own-likeness,
            which is a term of the book's own map, from its trained head.
    """

    network: str
    explainer: str
    test: str
    kind: str
    images: str
    pairs: int
    better: int
    worse: int
    controls: int
    beats_untrained: bool = False

    @property
    def passed(self) -> bool:
        """Whether it is significantly better than every control."""
        return self.better == self.controls


@cache
def shipped() -> dict[str, Any]:
    """What the file holds."""
    return json.loads(FILE.read_text("utf-8"))


@cache
def standings() -> Mapping[tuple[str, str], list[Stands]]:
    """The table that ships: by network and kind of pairs."""
    found: dict[tuple[str, str], list[Stands]] = {}
    for row in shipped()["standings"]:
        one = Stands(*row)
        found.setdefault((one.network, one.kind), []).append(one)
    return found


def doubts(explanation: PairExplanation) -> list[str]:
    """All reasons against trusting an explanation, as far as it says how it was made."""
    settings = explanation.settings
    found = []
    if "similarity_threshold" in settings:
        xi_1, network = settings["similarity_threshold"], str(settings.get("embedder"))
        found += doubts_about_similarity(network, explanation.similarity, xi_1)
    return [*found, *doubts_about_maps(explanation)]


def doubts_about_maps(explanation: PairExplanation) -> list[str]:
    """Reasons against trusting its maps: the method's results in tests, and its decoder."""
    settings, network = explanation.settings, str(explanation.settings.get("embedder"))
    kind = KINDS[0] if explanation.is_similar else KINDS[1]
    found = doubts_about_method(network, spec_of(explanation.method, network, settings), kind)
    for name in ("decoder", "autoencoder"):
        found += doubts_about_decoder(settings.get(name) or {})
    return found


def doubts_about_learnt(embedder: object, explain: object) -> list[str]:
    """Reasons against a network and a causal head, which an explanation only names.

    Args:
        embedder: the network.
        explain: the explainer.
    """
    head = getattr(explain, "head", None)
    return [
        *doubts_about_network(getattr(embedder, "info", {})),
        *doubts_about_head(getattr(head, "info", {})),
    ]


def doubts_about_similarity(network: str, similarity: float, threshold: float) -> list[str]:
    """What makes a decision doubtful: a cosine next to xi_1, or one that no measured pair has.

    Args:
        network: its name.
        similarity: cosine of the pair.
        threshold: xi_1.
    """
    found = []
    if abs(similarity - threshold) < NEAR:
        found.append(
            f"The cosine is within {NEAR} of \u03be\u2081: the decision could as well have been "
            "the other one, and its explanation too."
        )
    if network in shipped()["similarities"]:
        images, pairs, low, high = shipped()["similarities"][network]
        if not low <= similarity <= high:
            found.append(
                f"The cosine lies outside all that the {pairs} measured pairs of "
                f"{images_title(images)} gave, {low:+.2f} to {high:+.2f}: methods have not been "
                "measured on such pairs."
            )
    return found


def confidence_in_words(explanation: PairExplanation) -> str:
    """How sure a decision is, or that it is not known; follows what it was."""
    return confidence_words(explanation.confidence)


def confidence_words(confidence: float | None) -> str:
    """A confidence in [0,1] as a share; or that none is known."""
    return "confidence not known" if confidence is None else f"confidence {confidence:.1%}"


def confidence_means(explanation: PairExplanation) -> str:
    """What the confidence means and what it was measured on; or how to measure it."""
    spread, network = map(explanation.settings.get, ("spread", "embedder"))
    return what_confidence_means(spread and Spread(**spread), network or "the network")


def what_confidence_means(spread: Spread | None, network: str) -> str:
    """What a network's confidence means and what it was measured on; or how to measure it.

    Args:
        spread: of its similarities, where known.
        network: its name.
    """
    if spread is None:
        return (
            f"How sure a decision of {network_title(network)} is, is not known, because its "
            "similarities have not been measured on pairs that show one and pairs that show two. "
            "`lfs evaluate` measures them on your pairs."
        )
    genuine, impostor = spread.number
    return (
        "The confidence is the probability that the decision is right, if a pair is as likely to "
        f"show one person or class as two. It comes from the similarities of {genuine} pairs of "
        f"one and {impostor} of two, of {spread.pairs}. Among many candidates a match is wrong "
        "more often."
    )


def what_likeness_means(spread: Spread | None, network: str) -> str:
    """What the shares of retrieved photographs mean, or why there are none; as above."""
    if spread is None:
        return what_confidence_means(None, network)
    genuine, impostor = spread.number
    return (
        "Same is the probability that both show one person or class, if a pair is as likely to "
        f"show one as two. It comes from the similarities of {genuine} pairs of one "
        f"and {impostor} of two, of {spread.pairs}. Among many photographs it is lower."
    )


def standing(network: str, explainer: str, kind: str) -> Standing:
    """What all stored tests say of a method's maps of pairs of one kind, in a word or two.

    Args:
        network: its name.
        explainer: a name with options, as `lfs evaluate` takes it.
        kind: "similar" or "dissimilar".

    Raises:
        LFSError: there is no such kind.
    """
    if kind not in KINDS:
        raise LFSError(f"Pairs are {' or '.join(KINDS)}, not {kind!r}.")
    if is_control(explainer):
        return "is a control"
    return _standing(standings_of(network, explainer, kind))


def standings_of(network: str, explainer: str, kind: str) -> list[Stands]:
    """The stored tests of a method on a network's pairs of one kind."""
    return [one for one in standings().get((network, kind), ()) if one.explainer == explainer]


def _standing(tests: Sequence[Stands]) -> Standing:
    passed = sum(one.passed for one in tests)
    if not tests:
        return "has not been tested"
    if passed == len(tests):
        return "beats its controls"
    return "beats them in most tests" if 2 * passed >= len(tests) else "does not beat them"


def doubts_about_method(network: str, explainer: str, kind: str) -> list[str]:
    """What `standing` says against a method, and what does better; none if it is good.

    Raises:
        LFSError: as `standing`.
    """
    found = standing(network, explainer, kind)
    name = reader_name(explainer)
    if found == "beats its controls":
        return []
    if found == "is a control":
        told = (
            f"Not to be trusted: {name} is a control, whose map does not show what the network "
            "computes."
        )
    elif found == "has not been tested":
        told = (
            f"Not known whether to be trusted: {name} has not been tested on "
            f"{network_title(network)}, so how good its maps are is unknown. `lfs evaluate` tests "
            "it, with centre and random as controls."
        )
    else:
        told = in_words(standings_of(network, explainer, kind))
    return [f"{told} {_better(network, explainer, kind)}".strip()]


def in_words(tests: Sequence[Stands]) -> str:
    """How a method stands in tests of one kind of pairs; nothing if it beats its controls."""
    found = _standing(tests)
    if found == "beats its controls":
        return ""
    first = tests[0]
    passed, behind = sum(one.passed for one in tests), sum(one.worse > 0 for one in tests)
    number = f"{passed} of {len(tests)} tests" if len(tests) > 1 else f"{passed} of 1 test"
    worse = f"; in {behind} a control is better" if behind else "; in none is a control better"
    warning = "With caution" if found == "beats them in most tests" else "Not to be trusted"
    return (
        f"{warning}: {reader_name(first.explainer)} beats every control in {number} on "
        f"{first.kind} pairs of {images_title(first.images)}{worse}."
    )


def _better(network: str, explainer: str, kind: str) -> str:
    """The methods that beat their controls in most tests, and in a larger share than this one."""
    if (network, kind) not in standings():
        return ""
    own = standings_of(network, explainer, kind)
    share = sum(one.passed for one in own) / len(own) if own else 0
    counts = {}
    for name in EXPLAINERS:
        tests = standings_of(network, name, kind)
        passed = sum(one.passed for one in tests)
        if len(tests) > 1 and passed / len(tests) >= 0.5 and passed / len(tests) > share:
            counts[name] = passed, len(tests)
    names = sorted(counts, key=lambda name: (-counts[name][0], counts[name][1]))[:NAMED]
    if not names:
        return "No method that was tested there beats its controls more often."
    told = [f"{reader_name(name)} ({counts[name][0]} of {counts[name][1]})" for name in names]
    return f"What beats every control in more tests there: {listed(told)}."


def spec_of(method: str, network: str, settings: Mapping[str, Any]) -> str:
    """The name under which a method with these settings would have been tested.

    Size of the perturbation, thresholds and seed count for nothing: the book's readings show what
    they do.

    Args:
        method: the explainer's name.
        network: its name.
        settings: as an explanation has them; of a decoder its `info`.
    """
    if method not in EXPLAINERS:
        return method
    usual = inspect.signature(explainer_class(method)).parameters
    options = {
        name: value
        for name, value in settings.items()
        if name in usual and name not in ASIDE and value != usual[name].default
    }
    if "decoder" in usual and "decoder" in settings:
        kind = _shipped_decoders(network).get(str(settings["decoder"]), "another")
        options |= {"decoder": kind} if kind else {}
    return ",".join([method, *(f"{name}={_written(value)}" for name, value in options.items())])


def _written(value: object) -> str:
    """An option's value as tests name it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


@cache
def _shipped_decoders(network: str) -> dict[str, str]:
    """What decoders that ship for a network say of themselves, and what tests call them."""
    found = {}
    for kind in ("", "mlp", "conv"):
        with suppress(LFSError):
            found[str(load_decoder(f"{network}-{kind}" if kind else network).info)] = kind
    return found


def doubts_about_decoder(info: Mapping[str, Any]) -> list[str]:
    """The reason against a decoder: it is no better than the mean image.

    Args:
        info: what its file says of it.
    """
    r2 = info.get("r2")
    if not isinstance(r2, float) or r2 >= NO_GAIN:
        return []
    than = "worse than" if r2 < 0 else "hardly better than"
    return [
        f"Not to be trusted: this decoder is {than} the mean image (R\u00b2 {r2:.3f} on images "
        "that it has not seen). It shows next to nothing of what an embedding holds, and maps made "
        "with it mean nothing. More photographs of more people or classes, framed as the network "
        "reads them, would make a better one; occlusion needs no decoder."
    ]


def doubts_about_head(info: Mapping[str, Any]) -> list[str]:
    """The reason against a causal head: it explains nothing of what removals do.

    Args:
        info: what its file says of it.
    """
    left = (info.get("unexplained") or {}).get("partners")
    if not isinstance(left, float) or left <= 1 - NO_GAIN:
        return []
    return [
        f"Not to be trusted: this head leaves {left:.0%} of what removals do to the similarity "
        "unexplained; a head that says nothing leaves 100%. More photographs would make a better "
        "one; the methods causal and occlusion measure what it guesses."
    ]


def doubts_about_network(info: Mapping[str, Any]) -> list[str]:
    """The reason against a network that was trained: it finds less than before.

    Args:
        info: what its file says of it.
    """
    quality = info.get("quality") or {}
    if "trained" not in quality or "frozen" not in quality:
        return []
    after, before = (quality[which]["recall@1"] for which in ("trained", "frozen"))
    if after > before:
        return []
    fell = "fell" if after < before else "did not rise"
    return [
        f"Not to be trusted: by its training this network's Recall@1 {fell}, from {before:.3f} to "
        f"{after:.3f} on classes that it has not seen. EfficientNet-Lite0, from which it started, "
        "is the better one; more classes or fewer epochs may help."
    ]
