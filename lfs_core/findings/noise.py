"""Whether a result depends on which noise replaces superpixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS, SIGNIFICANT, Results
from lfs_core.findings.beyond import OTHER_NOISE, OURS, TESTS


def per_image(usual: Results, own: Results) -> str:
    """Whether leads depend on both images of a pair showing the same noise: the largest change."""
    changes = []
    for (metric, test), noisy in zip(TESTS.items(), OTHER_NOISE, strict=True):
        for kind in KINDS:
            before = {r["other"]: r for r in usual.against(metric, kind, OURS, usual.explainers)}
            for row in own.against(noisy, kind, OURS, own.explainers):
                leads = before[row["other"]]["by"], row["by"]
                where = f"{test.lower()} of {kind} pairs", row["other"]
                changes.append((abs(leads[1] - leads[0]), *where, *leads))
    change, test, other, with_same, with_own = max(changes)
    return (
        "With different noise for each image of the same pairs, no lead changes by "
        f"more than {change:.3f} ({test}, over {reader_name(other)}: from {with_same:+.3f} to "
        f"{with_own:+.3f})."
    )


def per_pair(shared: Results, own: Results, metric: str) -> str:
    """Whether differences between methods depend on pairs sharing their noise.

    Args:
        shared: where pairs of one seed share it.
        own: of the same pairs, each with its own, and of some of the methods.
        metric: of both.
    """
    names = own.explainers
    shared = replace(shared, measured={name: shared.measured[name] for name in names})
    one, other = np.triu_indices(len(names), 1)
    changes, turned = [], 0
    for kind in KINDS:
        (before, p_before), (after, p_after) = (
            (by[one, other], p[one, other])
            for by, p in (of.pairwise(metric, kind) for of in (shared, own))
        )
        most = np.abs(after - before).argmax()
        changes.append((abs(after - before)[most], kind, most, before[most], after[most]))
        shown_before, shown_after = p_before < SIGNIFICANT, p_after < SIGNIFICANT
        sides = np.sign(before) * shown_before, np.sign(after) * shown_after
        turned += int((sides[0] != sides[1]).sum())
    change, kind, most, with_shared, with_own = max(changes)
    return (
        f"In the stored run all pairs of a part share their noise ({len(shared.seed.unique())} "
        f"draws for {len(shared.same)} pairs). Another run of {len(names)} methods on the same "
        "pairs has a draw for each pair. With it, no difference between two methods changes by "
        f"more than {change:.3f} "
        f"({reader_name(names[one[most]])} against {reader_name(names[other[most]])}, {kind} "
        f"pairs: from {with_shared:+.3f} to {with_own:+.3f}). The verdict on two methods (better, "
        f"worse, not shown) changes in {turned} of {2 * len(one)} comparisons."
    )
