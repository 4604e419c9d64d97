"""When an explanation is not to be trusted, in words for the reader."""

from __future__ import annotations

from functools import cache

from lfs_core.comparators import explainer_class
from lfs_core.errors import LFSError
from lfs_core.evaluation.results import KINDS, Results, is_control, load_results
from lfs_core.util.manifest import RESULTS

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


@cache
def doubts_about_method(network: str, explainer: str, kind: str) -> list[str]:
    """What measurements say against a method's maps of pairs of one kind.

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
        return [f"{explainer} is a control: its map knows nothing of what the network computes."]
    results = stored_results(network, explainer)
    if not results:
        return [
            f"{explainer} has not been measured on {network}: how good its maps are is unknown."
        ]
    beaten = all(results.beats_controls(metric, kind, explainer) for metric in results.metrics)
    if beaten:
        return []
    return [
        f"{explainer} does not beat its controls on {kind} pairs: hiding its bright regions "
        "changes the similarity no more than hiding regions that a control chose "
        f"(pixel flipping on {_pairs(results)})."
    ]


@cache
def stored_results(network: str, explainer: str | None = None) -> Results | None:
    """The first stored evaluation of a network, or of an explainer on it; None if there is none."""
    for path in (RESULTS / f"{name}.json" for name in STORED):
        if path.is_file():
            results = load_results(path)
            measured = explainer is None or explainer in results.explainers
            if results.manifest["embedder"] == network and measured:
                return results
    return None


def _pairs(results: Results) -> str:
    return f"the {len(results.same)} measured pairs of {results.manifest['pairs']}"
