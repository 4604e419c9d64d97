"""Epochs of a training: which are done, and which one's weights are kept."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import lfs_core as lfs
from lfs_core.training.epochs import Epochs


def trained(errors: list[float], **options: object) -> tuple[Epochs, nn.Linear]:
    """A layer whose bias is the number of the epoch, judged by these errors."""
    layer = nn.Linear(1, 1)
    epochs = Epochs(layer, len(errors), title="test", progress=False, **options)
    for epoch in epochs:
        nn.init.constant_(layer.bias, epoch)
        epochs.judge(2 * errors[epoch], errors[epoch])
    return epochs, layer


def test_the_weights_of_the_best_epoch_come_back() -> None:
    errors = [0.5, 0.2, 0.4, 0.3]
    epochs, layer = trained(errors)
    assert layer.bias.item() == 3
    assert epochs.restore() == [(2 * error, error) for error in errors]
    assert layer.bias.item() == 1


@pytest.mark.parametrize(("patience", "done"), [(0, 3), (1, 4), (2, 5), (None, 8)])
def test_so_many_epochs_may_bring_no_new_best(patience: int | None, done: int) -> None:
    """The second epoch is the best; with no patience the third is the last."""
    epochs, _ = trained([0.5, 0.2, 0.4, 0.3, 0.3, 0.3, 0.3, 0.3], patience=patience)
    assert len(epochs.history) == done


def test_a_training_goes_on_where_it_stopped() -> None:
    whole, _ = trained([0.5, 0.2, 0.4, 0.1])
    part = Epochs(nn.Linear(1, 1), 4, title="test", progress=False)
    part.history, part.best = whole.history[:3], {}
    assert list(part) == [3]


@pytest.mark.parametrize("error", [float("nan"), float("inf")])
def test_a_training_that_diverges_names_the_epoch(error: float) -> None:
    with pytest.raises(lfs.LFSError, match="diverged in epoch 2"):
        trained([0.5, error, torch.pi])
