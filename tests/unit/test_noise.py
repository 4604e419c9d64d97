"""Whether results depend on which noise replaces superpixels: changes that are known beforehand."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from lfs_core.evaluation.results import Results
from lfs_core.findings import noise
from lfs_core.findings.stored import stored_evaluation

METRIC = "selectivity,every=2"


def results(lead: float, draws: int) -> Results:
    """40 pairs, half of them similar; one method is ahead of another by `lead`, give or take."""
    similar = torch.arange(40) % 2 == 0
    sign = torch.where(similar, -1.0, 1.0)[:, None]
    spread = 0.1 * torch.randn(40, 1, generator=torch.Generator().manual_seed(0))
    fall = torch.linspace(0, 1, 11)
    return Results(
        {"threshold": 0.3},
        similar,
        torch.where(similar, 0.8, 0.0),
        torch.arange(40) % draws,
        {
            "gradcam": {METRIC: sign * (0.5 + lead + spread) * fall},
            "xssab": {METRIC: sign * 0.5 * fall.expand(40, -1)},
            "random": {METRIC: 0.0 * fall.expand(40, -1)},
        },
        {},
    )


def test_a_lead_that_goes_is_told() -> None:
    """A lead of 0.6 at the end is 0.3 on average; without it, one comparison of each kind turns."""
    said = noise.per_pair(results(0.6, 5), results(0.0, 40), METRIC)
    assert "(5 draws for 40 pairs). Another run of 3 methods" in said
    assert "more than 0.300 (Grad-CAM against " in said
    assert "changes in 2 of 6 comparisons" in said


def test_only_the_methods_of_both_runs_are_compared() -> None:
    own = results(0.6, 40)
    own = replace(own, measured={k: own.measured[k] for k in ("gradcam", "random")})
    said = noise.per_pair(results(0.6, 5), own, METRIC)
    assert "more than 0.000" in said and "changes in 0 of 2 comparisons" in said


def test_the_stored_runs_are_of_the_same_pairs_with_other_noise() -> None:
    shared, own = stored_evaluation("faces"), stored_evaluation("noise-per-pair")
    assert (shared.same == own.same).all()  # by two processors, which cut a few crops otherwise
    assert (shared.similarity - own.similarity).abs().max() < 0.02
    assert len(own.seed.unique()) == len(own.same) == 500
    said = noise.per_pair(shared, own, METRIC)
    change = float(re.search(r"more than (\d\.\d+)", said)[1])
    for kind in ("similar", "dissimilar"):  # by hand, against one method
        leads = []
        for of in (shared, own):
            scores = of.scores(METRIC, kind)
            one, other = (of.explainers.index(name) for name in ("lrp", "random"))
            leads.append((scores[:, one] - scores[:, other]).mean())
        assert abs(leads[0] - leads[1]) <= change + 5e-4
        assert leads[0] != pytest.approx(leads[1], abs=1e-6)
