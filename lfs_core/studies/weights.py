"""The choice of the two weights of the one-pass causal map, on people who serve for nothing else.

For every pair of weights what pixel flipping and its counterpart say, so that readers can see what
another choice would have given, and whether the one that ships is the best.
"""

from __future__ import annotations

from pathlib import Path

from lfs_core.evaluation.fresh_people import digests, parts_of_people, whose
from lfs_core.studies.comparisons import BOTH_WAYS
from lfs_core.studies.run import Run

OWN = (0, 0.5, 1, 2)
CONTRAST = (0, 0.05, 0.1, 0.3, 1)

WEIGHTS = Run(
    tuple(f"amortised,own={own},contrast={contrast}" for own in OWN for contrast in CONTRAST),
    BOTH_WAYS,
    number=200,
    seeds=2,
    people="weights",
)


def weights_study(data: Path) -> dict[str, object]:
    """Every pair of weights on the third quarter of the people; and who served for what.

    Args:
        data: the folder of the local tier.
    """
    people = {
        part: digests(names)
        for part, names in parts_of_people(whose(data / WEIGHTS.folder)).items()
    }
    return {**WEIGHTS(data), "people": people}
