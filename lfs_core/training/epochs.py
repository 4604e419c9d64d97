"""Epochs that are judged on data held out; the weights of the best one are kept."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import Tensor, nn
from tqdm import tqdm

from lfs_core.errors import LFSError


class Epochs:
    """The epochs of a training: `for epoch in epochs` trains, judges, and at the end restores.

    Args:
        module: what is trained.
        number: of epochs at most.
        patience: how many epochs without a new best are allowed; None for all.
        title: of the progress bar.
        progress: show it.

    Attributes:
        history: (error on the training data, held-out error) of each epoch so far.
        best: the state of the module after the epoch with the lowest held-out error.
    """

    def __init__(
        self,
        module: nn.Module,
        number: int,
        *,
        patience: int | None = None,
        title: str,
        progress: bool = True,
    ) -> None:
        self.module, self.number, self.patience = module, number, patience
        self.title, self.progress = title, progress
        self.history: list[tuple[float, float]] = []
        self.best: dict[str, Tensor] = {}

    def __iter__(self) -> Iterator[int]:
        """Epochs from 0, or from where `history` ends, until the last or patience is used up."""
        left = range(len(self.history), self.number)
        for epoch in (bar := tqdm(left, self.title, disable=not self.progress, unit="epoch")):
            if self._out_of_patience():
                break
            yield epoch
            train, held_out = self.history[-1]
            bar.set_postfix(train=f"{train:.4f}", held_out=f"{held_out:.4f}")

    def judge(self, train: float, held_out: float) -> None:
        """Note the errors of an epoch, and keep the weights if they are the best so far.

        Raises:
            LFSError: the held-out error is not finite.
        """
        if not math.isfinite(held_out):
            raise LFSError(
                f"The training diverged in epoch {len(self.history) + 1}; use a lower learning "
                "rate."
            )
        self.history.append((train, held_out))
        if held_out <= min(error for _, error in self.history):
            state = self.module.state_dict()
            self.best = {key: value.detach().clone() for key, value in state.items()}

    def restore(self) -> list[tuple[float, float]]:
        """Give the module the weights of the best epoch; the history."""
        self.module.load_state_dict(self.best)
        return self.history

    def _out_of_patience(self) -> bool:
        errors = [error for _, error in self.history]
        if self.patience is None or not errors:
            return False
        return len(errors) - 1 - errors.index(min(errors)) > self.patience
