"""How sure decisions are: the stored run, what ships of it, and pairs held out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lfs_core.embedders.dlib_resnet import DlibResNet
from lfs_core.embedders.mobilenet import MobileNet
from lfs_core.embedders.spreads import shipped_spreads
from lfs_core.findings.confidence import (
    calibration_error,
    calibration_table,
    held_out,
    threshold_in_use,
)
from lfs_core.findings.stored import stored_run
from lfs_core.studies.confidence import MEASURED
from lfs_core.util.confidence import Spread


@pytest.fixture(scope="module")
def confidence() -> dict[str, Any]:
    return stored_run("confidence")


def test_what_ships_is_what_was_measured(confidence: dict[str, Any]) -> None:
    shipped = shipped_spreads()
    measured = {name: Spread(**of) for name, of in confidence["spreads"].items()}
    assert shipped == measured and set(shipped) == {*MEASURED}


@pytest.mark.parametrize("name", MEASURED)
def test_confidence_is_right_on_pairs_held_out(name: str, confidence: dict[str, Any]) -> None:
    """About as many decisions are right as it says, among the sure ones and the unsure."""
    sure, right = held_out(confidence, name)
    assert len(right) >= 200
    assert calibration_error(sure, right) < 0.08
    assert np.mean((sure - right) ** 2) < np.mean((right.mean() - right) ** 2) + 0.005


def test_the_table_of_calibration(confidence: dict[str, Any]) -> None:
    table = calibration_table(confidence)
    assert len(table) == len(MEASURED)
    sure, right = held_out(confidence, "facenet-casia")
    assert table.loc["FaceNet (CASIA-WebFace)", "mean confidence"] == f"{sure.mean():.3f}"
    assert f"{right.mean():.3f}" in table.loc["FaceNet (CASIA-WebFace)", "right decisions"]


def test_decisions_are_those_at_the_threshold_in_use(confidence: dict[str, Any]) -> None:
    for name, network in (("mobilenet-vggface2", MobileNet), ("dlib-resnet", DlibResNet)):
        assert threshold_in_use(confidence, name) == network.similarity_threshold
        assert held_out(confidence, name)[1].mean() > 0.85
    assert threshold_in_use(confidence, "efficientnet-lite0-cub") == 0.3
