"""Is the part that two recordings share found? The stored run of `lfs study sounds`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lfs_core.evaluation.names import listed
from lfs_core.sound.spliced import SHARED, STRETCHES

if TYPE_CHECKING:
    import pandas as pd

MEASURE = "auroc"


def sounds_table(results: dict[str, Any]) -> pd.DataFrame:
    """By method and kind of recordings: AUROC of the shared part, with 95 % intervals."""
    import pandas as pd

    return pd.DataFrame(
        {
            kind: {
                title: told(found["methods"][name][MEASURE])
                for name, title in results["titles"].items()
            }
            for kind, found in results["kinds"].items()
        }
    )


def told(ends: list[float]) -> str:
    """A value and its interval, as 0.59 [0.54, 0.65]."""
    value, low, high = ends
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def sounds_sentences(results: dict[str, Any]) -> str:
    """What the run shows: which methods find the shared part, and whether ExplainLFS does."""
    kinds = results["kinds"]
    by_map, by_decoder = (above_chance(results, of) for of in ("causal", "explainlfs"))
    name = "explainlfs - explainlfs,relevance=random"
    by = [of["differences"][name][MEASURE] for of in kinds.values()]
    apart = sum(low > 0 or high < 0 for _, low, high in by)
    return (
        f"Of {results['manifest']['number']} pairs of each kind, the causal map finds the shared "
        f"part better than chance in {len(by_map)} of {len(kinds)} kinds, and ExplainLFS in "
        f"{len(by_decoder)}. {_in_all_kinds(results)}ExplainLFS differs from its own random "
        f"relevance in {apart} of {len(kinds)} kinds; the largest difference is "
        f"{max(abs(mean) for mean, _, _ in by):.2f}."
    )


def _in_all_kinds(results: dict[str, Any]) -> str:
    """Which methods find the shared part better than chance in every kind; nothing, if none do."""
    kinds = results["kinds"]
    methods = next(iter(kinds.values()))["methods"]
    found = [name for name in methods if len(above_chance(results, name)) == len(kinds)]
    if not found:
        return ""
    return f"In all kinds it is found by {listed([results['titles'][name] for name in found])}. "


def sounds_described(results: dict[str, Any]) -> str:
    """What the run measured: on how many pairs, of what, and how intervals were found."""
    kinds = results["kinds"]
    return (
        f"Each of the {len(kinds)} kinds has {results['manifest']['number']} pairs of recordings "
        f"of 1.5 s, cut into {STRETCHES} moments, of which {SHARED} are shared. A score is the "
        "AUROC: the chance that a shared moment has more evidence than one that is not. It is the "
        "mean of both recordings of a pair. Brackets hold 95 % intervals over pairs, by the "
        "bootstrap."
    )


def sounds_doubts(results: dict[str, Any]) -> str:
    """How little the shared part changes, and how well the decoders decode."""
    kinds = results["kinds"]
    gains = ", ".join(f"{gain_of_sharing(results, kind):+.3f} ({kind})" for kind in kinds)
    errors = ", ".join(
        f"{of['decoder error'][0] / of['decoder error'][1]:.2f} ({kind})"
        for kind, of in kinds.items()
    )
    return (
        f"The shared half second changes the cosine on average by {gains}. So even a perfect "
        f"account of the network would not always put it first. The decoder's squared error, as a "
        f"share of that of the mean spectrogram, is {errors}. Where it is near 1, the decoder has "
        "learnt hardly anything, and a better one might do better; that is not shown here."
    )


def above_chance(results: dict[str, Any], method: str) -> list[str]:
    """The kinds of recordings in which a method's interval lies above 1/2."""
    return [
        kind
        for kind, found in results["kinds"].items()
        if found["methods"][method][MEASURE][1] > 0.5
    ]


def gain_of_sharing(results: dict[str, Any], kind: str) -> float:
    """By how much the cosine of two recordings grows, on average, by what they share."""
    cosines = np.array(results["kinds"][kind]["cosine with and without the shared part"])
    return float((cosines[:, 0] - cosines[:, 1]).mean())
