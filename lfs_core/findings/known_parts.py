"""Is what is known about sentences and graphs found? The stored run of `lfs study sentences`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lfs_core.embedders import XI_1
from lfs_core.findings.intervals import interval
from lfs_core.findings.sentences import listed
from lfs_core.findings.sounds import above_chance
from lfs_core.studies.sentences import FIRST, OTHERS
from lfs_core.things.explain import TITLES
from lfs_core.things.meanings import MEANINGS

CAUSAL = TITLES["causal"]
UNMATCHED, ALONE = "Words without a match", "Words alone without a match"
OF_WORDS = (ALONE, "Long words")
OF_GRAPHS = ("Core number", "Degree")
DRAWS = 2000

Scores = Mapping[str, Sequence[float]]


def told(values: Sequence[float] | np.ndarray) -> str:
    """A mean over pairs and its 95 % interval, as 0.59 [0.54, 0.65]."""
    found = interval(values, DRAWS)
    return f"{found.mean:.2f} [{found.low:.2f}, {found.high:.2f}]"


def first(scores: Scores) -> str:
    """The row with the highest mean, and that mean."""
    best = max(scores, key=lambda name: float(np.mean(scores[name])))
    return f"the best mean AUROC is that of {_within(best)} ({np.mean(scores[best]):.2f})"


def _within(name: str) -> str:
    """A row's name within a sentence; capitals of a proper name stay."""
    return name.lower() if name[1:].islower() else name


def lead(scores: Scores, one: str, other: str) -> str:
    """Whether one row is better than another one of the same pairs, and by how much."""
    by = interval(np.subtract(scores[one], scores[other]), DRAWS)
    verdict = {"holds": "better than", "fails": "worse than", "not shown": "not told apart from"}
    return (
        f"{verdict[by.above()]} {_within(other)} ({by.mean:+.2f} [{by.low:+.2f}, {by.high:+.2f}])"
    )


def threshold_sentences() -> str:
    """What the threshold of sentences separates."""
    same = len(MEANINGS)
    return (
        f"The threshold is not the paper's {XI_1} for faces. It separates best {same} pairs of "
        f"sentences with one meaning from {2 * same} pairs with two, which no test on this page "
        "uses. `lfs explain a.txt b.txt` uses it, and says how often it is right."
    )


def exchanged_sentences(results: Mapping[str, Any]) -> str:
    """How well exchanged words are found on the held-out list, and on the other one."""
    others, tried = results["exchanged"][OTHERS], results["exchanged"][FIRST]
    return (
        f"On the {len(others[CAUSAL])} held-out pairs, {first(others)}. Words without a match are "
        f"{lead(others, UNMATCHED, CAUSAL)} and {lead(others, UNMATCHED, ALONE)}. On the "
        f"{len(tried[CAUSAL])} pairs of the first list, {first(tried)}."
    )


def answering_sentences(results: Mapping[str, Any]) -> str:
    """How many words of paraphrases find their answer."""
    found = results["answering"]
    return (
        f"In {len(found[CAUSAL])} paraphrases, by their causal maps, a share of "
        f"{told(found[CAUSAL])} of the words finds its answer. Embedded alone it is "
        f"{told(found['Words alone'])}; by the place in the sentence, {told(found['Same place'])}."
    )


def motif_sentences(results: Mapping[str, Any]) -> str:
    """How well the nodes and the edges of motifs are found, by the network and by others."""
    lines = [
        f"- By {parts}, on {len(found[CAUSAL])} pairs, {first(found)}. The causal map is "
        f"{lead(found, CAUSAL, 'Core number')}."
        for parts, found in results["motifs"].items()
    ]
    return "\n".join([*lines, f"- {other_networks(results)}"])


def other_networks(results: Mapping[str, Any]) -> str:
    """Whether the causal map beats core number with networks learnt from other seeds, too."""
    others = results["motifs of other networks"]
    counts = []
    for parts in results["motifs"]:
        leads = [
            interval(np.subtract(of[parts][CAUSAL], of[parts]["Core number"]), DRAWS)
            for of in others
        ]
        said = [of.above() for of in leads]
        counts.append(
            f"by {parts} with {said.count('holds')}, and worse with {said.count('fails')} (lead "
            f"{min(of.mean for of in leads):+.2f} to {max(of.mean for of in leads):+.2f})"
        )
    return (
        f"{len(others)} more networks learnt from other seeds. The causal map is significantly "
        f"better than core number {'; '.join(counts)}."
    )


def conclusions(results: Mapping[str, Any], sounds: Mapping[str, Any]) -> str:
    """What both stored runs show together, as a list."""
    words = results["exchanged"][OTHERS]
    tests = {"words": words, **results["motifs"]}
    found = [name for name, of in tests.items() if interval(of[CAUSAL], DRAWS).low > 0.5]
    controls = {"words": ALONE, "nodes": "Core number", "edges": "Core number"}
    against = [f"for {name} {lead(of, CAUSAL, controls[name])}" for name, of in tests.items()]
    kinds = sounds["kinds"]
    by_map, by_decoder = (len(above_chance(dict(sounds), of)) for of in ("causal", "explainlfs"))
    return "\n".join(
        (
            f"- The causal map finds what is known more often than chance in {len(found)} of "
            f"{len(tests)} tests: {listed(found)}.",
            f"- Compared with a control that ignores the sentence or the network, the causal map "
            f"is {'; '.join(against)}.",
            f"- {other_networks(results)}",
            f"- On the held-out list, words without a match are {lead(words, UNMATCHED, ALONE)}.",
            f"- In recordings the causal map finds the shared part more often than chance in "
            f"{by_map} of {len(kinds)} kinds, and ExplainLFS in {by_decoder}.",
        )
    )
