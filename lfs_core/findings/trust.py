"""When an explanation is not to be trusted, in words for the reader."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

from lfs_core.comparators import explainer_class
from lfs_core.embedders import network_title
from lfs_core.errors import LFSError
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS, Results, is_control
from lfs_core.findings.stored import images_title, is_stored, stored_evaluation
from lfs_core.util.confidence import Spread

if TYPE_CHECKING:
    from lfs_core.explanation import PairExplanation

Standing = Literal[
    "is a control", "has not been measured", "beats its controls", "does not beat them"
]
STORED = (  # evaluations in `book/results`, each of one network; the later ones of more methods
    *("faces", "birds", "cars"),
    *("beyond-faces", "beyond-birds", "beyond-cars"),
)
NEAR = 0.05  # a cosine this close to xi_1 might as well have fallen on its other side

NO_FACE = (
    "No face is found in {name}. The network reads the whole photograph, for which it was not "
    "made: neither its decision nor the map means anything."
)
UNSURE_FACE = "It is not sure that this part of {name} is a face."


def doubts_about_similarity(network: str, similarity: float, threshold: float) -> list[str]:
    """What makes a decision doubtful: a cosine next to xi_1, or one that no measured pair has.

    Args:
        network: its name.
        similarity: cosine of the pair.
        threshold: xi_1.
    """
    doubts = []
    if abs(similarity - threshold) < NEAR:
        doubts.append(
            f"The cosine is within {NEAR} of \u03be\u2081: the decision could as well have been "
            "the other one, and its explanation too."
        )
    results = stored_results(network)
    if results:
        low, high = results.similarity.min().item(), results.similarity.max().item()
        if not low <= similarity <= high:
            doubts.append(
                f"The cosine lies outside all that {_pairs(results)} gave, "
                f"{low:+.2f} to {high:+.2f}: methods have not been measured on such pairs."
            )
    return doubts


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
            f"How sure a decision of {network_title(network)} is, is not known: its similarities "
            "of pairs that show one and of pairs that show two have not been measured. "
            "`lfs evaluate` measures them, on pairs of yours."
        )
    genuine, impostor = spread.number
    return (
        "The confidence is the probability that the decision is right, if a pair is as likely to "
        f"show one person or class as two; from the similarities of {genuine} pairs of one and "
        f"{impostor} of two, of {spread.pairs}. Among many candidates a match is wrong more often."
    )


def what_likeness_means(spread: Spread | None, network: str) -> str:
    """What the shares beside retrieved photographs mean, or why there are none; as above."""
    if spread is None:
        return what_confidence_means(None, network)
    genuine, impostor = spread.number
    return (
        "Same is the probability that both show one person or class, if a pair is as likely to "
        f"show one as two; from the similarities of {genuine} pairs of one "
        f"and {impostor} of two, of {spread.pairs}. Among many photographs it is lower."
    )


@cache
def standing(network: str, explainer: str, kind: str) -> Standing:
    """What measurements say of a method's maps of pairs of one kind, in a word or two.

    Args:
        network: its name.
        explainer: a name with options, as `lfs evaluate` takes it.
        kind: "similar" or "dissimilar".

    Raises:
        LFSError: there is no such method or kind.
    """
    if kind not in KINDS:
        raise LFSError(f"Pairs are {' or '.join(KINDS)}, not {kind!r}.")
    explainer_class(explainer.split(",")[0])
    if is_control(explainer):
        return "is a control"
    results = stored_results(network, explainer)
    if not results:
        return "has not been measured"
    beaten = all(results.beats_controls(metric, kind, explainer) for metric in results.metrics)
    return "beats its controls" if beaten else "does not beat them"


def doubts_about_method(network: str, explainer: str, kind: str) -> list[str]:
    """What `standing` says against a method, in a sentence for the reader; none if it is good.

    Raises:
        LFSError: as `standing`.
    """
    found, results = standing(network, explainer, kind), stored_results(network, explainer)
    name = reader_name(explainer)
    if found == "beats its controls":
        return []
    if found == "is a control":
        return [f"{name} is a control: its map knows nothing of what the network computes."]
    if results is None:
        return [
            f"{name} has not been measured on {network_title(network)}: how good its maps are is "
            "unknown."
        ]
    return [
        f"{name} does not beat its controls on {kind} pairs: hiding its bright regions "
        "changes the similarity no more than hiding regions that a control chose "
        f"(pixel flipping on {_pairs(results)})."
    ]


@cache
def stored_results(network: str, explainer: str | None = None) -> Results | None:
    """The first stored evaluation of a network, or of an explainer on it; None if there is none."""
    for results in (stored_evaluation(name) for name in STORED if is_stored(name)):
        measured = explainer is None or explainer in results.explainers
        if results.manifest["embedder"] == network and measured:
            return results
    return None


def _pairs(results: Results) -> str:
    return f"the {len(results.same)} measured pairs of {images_title(results.manifest['pairs'])}"
