"""Passes are counted as they happen, and time is measured in turn with two passes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import lfs_core as lfs
from lfs_core.comparators import explainers_without
from lfs_core.comparators.xssab import XSSAB
from lfs_core.evaluation.cost import Cost, counted, measure_cost
from lfs_core.findings.methods_table import costs_table, methods_table
from lfs_core.findings.stored import stored_run
from lfs_core.studies.comparisons import CONTROLS
from lfs_core.studies.costs import ONE_GRID

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
PAIRS = list(zip(IMAGES[::2], IMAGES[1::2], strict=True))


class Tiny(nn.Module):
    name = "tiny"

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(3, 4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B,3,8,8) -> (B,4)."""
        return self.maps(images).mean(dim=(2, 3))


def test_every_image_is_counted_forwards_and_backwards() -> None:
    network = Tiny()
    with counted(network) as passes:
        network(torch.rand(3, 3, 8, 8))
        images = torch.rand(2, 3, 8, 8, requires_grad=True)
        h = network(images)
        for j in range(4):
            torch.autograd.grad(h[:, j].sum(), images, retain_graph=True)
    assert (passes.forward, passes.backward) == (5, 8)
    network(images).sum().backward()
    assert (passes.forward, passes.backward) == (5, 8)  # nothing is counted afterwards


def test_the_cost_of_methods() -> None:
    """Two images once; the windows of both; no gradient further than the last maps."""
    two = {"decoder": lambda h: h[:, :3, None, None]}
    cost = {
        name: measure_cost(lfs.load_explainer(name, Tiny(), **options), PAIRS)
        for name, options in {
            "explainlfs": two,
            "gradcam": {},
            "gradient-x-input": {},
            "xssab": {},
            "causal": {"grid": 4, "scales": 1, "shifted": False},
        }.items()
    }
    # The pair, and each image whole and without each window, though seen images are remembered.
    assert (cost["causal"].forward, cost["causal"].backward) == (2 + 2 * (1 + 4 * 4), 0)
    assert (cost["explainlfs"].forward, cost["explainlfs"].backward) == (2, 0)
    assert (cost["gradcam"].forward, cost["gradcam"].backward) == (2, 0)
    assert (cost["gradient-x-input"].forward, cost["gradient-x-input"].backward) == (2, 2)
    assert (cost["xssab"].forward, cost["xssab"].backward) == (2, 4)
    assert all(c.seconds > 0 and c.two_passes > 0 for c in cost.values())
    assert Cost(2, 0, seconds=6.0, two_passes=2.0).ratio == 3


def test_passes_of_a_plain_function_cannot_be_counted() -> None:
    explain = lfs.load_explainer("centre", lambda images: images.mean(dim=(2, 3)))
    with pytest.raises(lfs.LFSError, match=r"nn\.Module"):
        measure_cost(explain, PAIRS)


def test_the_table_says_of_each_method_what_it_is_needs_and_costs() -> None:
    explainers = {
        name: lfs.load_explainer(name, Tiny()) for name in ("simexpert", "tummala", "xssab")
    }
    of_pair = {name: explain(*PAIRS[0]) for name, explain in explainers.items()}
    costs = {
        name: {"forward": 2, "backward": k, "milliseconds": 1234.5, "of two passes": 1.25}
        for k, name in enumerate(("simexpert", "xssab"))
    }
    table = methods_table(explainers, of_pair, costs)
    assert list(table.index) == ["SIMExpert", "Tummala and Suresh", "xSSAB"]
    assert list(table["needs"]) == ["layers", "gradients, layers", "gradients"]
    assert list(table["forward"]) == ["2", "", "2"] and list(table["backward"]) == ["0", "", "1"]
    assert list(table["ms"]) == ["1,234", "", "1,234"]
    assert list(table["formula"]) == ["verified", "reconstructed", "verified"]
    assert float(table.loc["SIMExpert", "completeness error"]) < 1e-6
    assert list(table["completeness error"])[1:] == ["", ""]  # they promise no sum
    assert table.loc["xSSAB", "source"] == XSSAB.source
    shown = costs_table(costs, ["xssab"])
    assert list(shown.columns) == ["forward", "backward", "ms", "in two passes"]
    assert list(shown.loc["xSSAB"]) == ["2", "1", "1,234", "1.2"]


def test_the_pages_find_the_costs_of_every_method() -> None:
    costs = stored_run("costs")["costs"]
    assert {*explainers_without(), *CONTROLS, ONE_GRID} <= set(costs)
    assert costs["explainlfs"]["forward"] == 2 and costs["occlusion"]["forward"] > 100
    assert costs[ONE_GRID]["forward"] == 2 + 2 * (1 + 8 * 8)  # the pair; each whole, and windows
