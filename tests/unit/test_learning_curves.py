"""Which images a share of the training data has."""

import torch

from lfs_core.studies.learning_curves import taken
from lfs_core.training.removals import Removals

NAMES = ["wren"] * 8 + ["gull"] * 4 + ["tern"] * 4 + ["crow"] * 8
REMOVED = Removals(
    torch.arange(24.0)[:, None], [], torch.zeros(24, 1, 1), torch.zeros(24, 1, 1), NAMES, {}
)
ORDER = ["tern", "wren", "gull", "crow"]


def test_whole_classes_are_the_first_in_the_order() -> None:
    some = taken(REMOVED, ORDER, 0.5, "classes")
    assert set(some.identities) == {"tern", "wren"}
    assert len(some) == 12


def test_photographs_are_the_same_part_of_each_class() -> None:
    some = taken(REMOVED, ORDER, 0.25, "photographs")
    assert {name: some.identities.count(name) for name in ORDER} == {
        "tern": 1,
        "wren": 2,
        "gull": 1,
        "crow": 2,
    }
    assert set(some.h[:, 0].tolist()) == {0, 1, 8, 12, 16, 17}


def test_all_leaves_out_only_classes_that_were_not_given() -> None:
    some = taken(REMOVED, ORDER[:3], 1.0, "all")
    assert sorted(some.h[:, 0].tolist()) == [float(k) for k in range(16)]
