"""Do methods agree with SIMExpert, with each other, and with a network of shuffled weights?"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lfs_core.evaluation.metrics.agreement import agreement_beyond_chance, agreement_of_methods
from lfs_core.evaluation.spec import parse
from lfs_core.studies.comparisons import ALL_METHODS, FACES, RANDOMISED
from lfs_core.util.rounding import rounded

EXPERT = "simexpert"  # the paper's stand-in for an expert's judgement (Sec. 4.3.3)
METHOD = "explainlfs"
REMEMBERED = {
    "randomised": METHOD,
    "randomised-causal": "amortised",
}  # before weights were shuffled


def judgement_study(data: Path) -> dict[str, object]:
    """Agreement of maps of the same pairs, compared with that of maps of other pairs.

    On the pairs of `FACES`: every method with SIMExpert, and ExplainLFS with itself on other pairs.
    On those of `ALL_METHODS`: all methods with each other. On those of `RANDOMISED`: ExplainLFS and
    the one-pass causal map with themselves after weights were shuffled.
    """
    faces, everybody, forgotten = (run.evaluated(data) for run in (FACES, ALL_METHODS, RANDOMISED))
    known = torch.stack(list(faces.maps.values())).isfinite().all(dim=(0, 2, 3, 4))
    is_similar = faces.labels.is_similar[known]
    with_expert = {
        name: _agreement(maps[known], faces.maps[EXPERT][known], is_similar)
        for name, maps in faces.maps.items()
        if name != EXPERT
    }
    usable = torch.stack(list(everybody.maps.values())).isfinite().all(dim=(0, 2, 3, 4))
    between, with_next = agreement_of_methods(
        {name: list(maps[usable]) for name, maps in everybody.maps.items()}
    )
    return {
        "manifest": {
            key: faces.manifest[key] for key in ("pairs", "number", "digest", "embedder", "seeds")
        },
        "is_similar": is_similar.int().tolist(),
        "with_expert": with_expert,
        "with_itself": _agreement(faces.maps[METHOD][known], faces.maps[METHOD][known], is_similar),
        "methods": list(everybody.maps),
        "pairs_between_methods": int(usable.sum()),
        "between_methods": rounded(between),
        "with_next_pair": rounded(with_next),
        "forgotten_is_similar": forgotten.labels.is_similar.int().tolist(),
        "with_forgotten": {
            name: _agreement(maps, forgotten.maps[before], forgotten.labels.is_similar)
            for name, maps in forgotten.maps.items()
            if (before := REMEMBERED.get(parse(name)[0]))
        },
    }


def _agreement(maps: Tensor, others: Tensor, is_similar: Tensor) -> dict[str, dict[str, list]]:
    return {
        measure: {"same_pair": rounded(same), "other_pairs": rounded(chance)}
        for measure, (same, chance) in agreement_beyond_chance(maps, others, is_similar).items()
    }
