"""A class-to-class network: what a query's difference from a case says of the query's class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss, normalize

from lfs_core.errors import LFSError
from lfs_core.util.progress import batches
from lfs_core.util.threads import one_thread

WIDTH = 128  # of its hidden layer
STEPS, BATCH = 300, 512  # of learning; pairs at a step
LEARNING_RATE = 3e-3
MOST = 100  # classes; there is an answer for every pair of them


class ClassToClass(nn.Module):
    """Reads how a query differs from a case, and says from which class to which that leads.

    After Ye, Leake, Huibregtse and Dalkilic (2020), whose networks each learn the pattern from one
    class to another and say whether two images follow it. Reconstructed: one network has an answer
    for every ordered pair of classes, and its answers for the class of the case add up to 1. It
    reads embeddings that are made already, of length one.

    Where classes are round clouds of one size, the evidence for one class against that of the case
    is linear in the difference, along that of their means. By default, the pattern of `find_cases`
    is the cosine of the two. The network learns what is not round, too; `find_cases(learnt=True)`
    and `lfs retrieve --learnt` ask it.

    Args:
        labels: K classes.
        latents: D of an embedding.
    """

    def __init__(self, labels: Sequence[str], latents: int) -> None:
        super().__init__()
        self.labels = list(labels)
        self.layers = nn.Sequential(
            nn.Linear(latents, WIDTH), nn.ReLU(), nn.Linear(WIDTH, len(labels) ** 2)
        )

    def forward(self, steps: Tensor) -> Tensor:
        """Log-probabilities (...,K,K) of differences (...,D): from the class of a row to others."""
        size = len(self.labels)
        return self.layers(steps).unflatten(-1, (size, size)).log_softmax(dim=-1)

    @classmethod
    def fit(cls, embeddings: Tensor, labels: Sequence[str], seed: int = 0) -> ClassToClass:
        """Learn from random pairs of cases, as many of each class, on one thread.

        Args:
            embeddings: (N,D), none of them 0.
            labels: N classes.
            seed: of the start and of the pairs.

        Raises:
            LFSError: lengths differ, or there are fewer than two classes or more than 100.
        """
        names = sorted(set(labels))
        if len(labels) != len(embeddings) or len(names) < 2:
            raise LFSError(
                f"There are {len(embeddings)} embeddings and {len(labels)} labels of {len(names)} "
                "classes; give as many of each, of two classes or more."
            )
        if len(names) > MOST:
            raise LFSError(
                f"There are {len(names)} classes; a class-to-class network learns up to {MOST}. "
                "Take the patterns of class means."
            )
        h = normalize(embeddings.float(), dim=-1)
        y = torch.tensor([names.index(label) for label in labels])
        rare = 1 / torch.bincount(y).float()[y]
        with torch.random.fork_rng(devices=[]), one_thread():
            torch.manual_seed(seed)
            network = cls(names, h.shape[1])
            optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE)
            for _ in batches(range(STEPS), 1, "step"):
                case, query = torch.multinomial(rare, 2 * BATCH, replacement=True).view(2, BATCH)
                told = network(h[query] - h[case])[torch.arange(BATCH), y[case]]
                optimizer.zero_grad()
                nll_loss(told, y[query]).backward()
                optimizer.step()
        return network.eval().requires_grad_(False)

    def evidence(self, h: Tensor, cases: Tensor, labels: Sequence[str]) -> Tensor:
        """What each case says of the class of a query: log-probabilities (N,K).

        A case is supportive where the first is high for its own class. It is contrastive where
        another class is likely although it is compared with this one.

        Args:
            h: (D,), the query's embedding.
            cases: (N,D), embeddings of cases.
            labels: their N classes, each one that was learnt.
        """
        rows = torch.tensor([self.labels.index(label) for label in labels])
        steps = normalize(h.float(), dim=-1) - normalize(cases.float(), dim=-1)
        return self(steps)[torch.arange(len(rows)), rows]

    def answer(self, h: Tensor, cases: Tensor, labels: Sequence[str]) -> str:
        """The class for which the evidence of all cases is strongest on average."""
        return self.labels[int(self.evidence(h, cases, labels).mean(dim=0).argmax())]
