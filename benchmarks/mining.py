"""Whether similarity mining helps a small network to tell digits apart that it has not seen.

    python benchmarks/mining.py [WEIGHT ...]

Each seed draws five digits to learn from; a trained network is measured by the share of images of
the other five whose nearest neighbour is of their class. Weights share their seeds.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from pytorch_metric_learning import losses, miners, samplers
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import normalize

from lfs_core.training.mining import hard_triplets, mining_loss

WEIGHTS = (0.003, 0.01, 0.1)
SEEDS, STEPS, EACH = 8, 80, 8  # EACH images of each of five digits at a step


class Small(nn.Module):
    """Three convolutions, the mean of their maps, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(16, 32, 3, padding=1, stride=2), nn.ReLU()),
            *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()),
        )
        self.linear = nn.Linear(32, 32)

    def head(self, maps: Tensor) -> Tensor:
        """Embeddings (B,32) of length one of last maps (B,32,4,4)."""
        return normalize(self.linear(maps.mean(dim=(2, 3))))


def recall(images: Tensor, labels: Tensor, seed: int, weight: float) -> float:
    """Recall@1 on five digits after training on the other five with a weight of mining."""
    digits = torch.from_numpy(np.random.RandomState(seed).permutation(10)[:5])
    seen = torch.isin(labels, digits)
    x, y = images[seen], labels[seen]
    torch.manual_seed(seed)
    np.random.seed(seed)
    network, batch = Small(), 5 * EACH
    loss_of, miner = losses.MultiSimilarityLoss(), miners.MultiSimilarityMiner()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    drawn = samplers.MPerClassSampler(y, EACH, batch, length_before_new_iter=STEPS * batch)
    for of in torch.tensor(list(drawn)).split(batch):
        maps = network.last(x[of])
        h = network.head(maps)
        loss = loss_of(h, y[of], miner(h, y[of]))
        if weight:
            triplets = hard_triplets(h, y[of])
            loss = loss + weight * mining_loss(x[of], maps, triplets, network.last, network.head)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        h = network.head(network.last(images[~seen]))
    nearest = (h @ h.T).fill_diagonal_(-2).argmax(dim=1)
    return (labels[~seen][nearest] == labels[~seen]).double().mean().item()


def main() -> None:
    """Print recall without mining, and by how much it changes with each weight."""
    pixels, digits = load_digits(return_X_y=True)
    images = torch.from_numpy(pixels).float().view(-1, 1, 8, 8) / 16
    labels = torch.from_numpy(digits)
    weights = [float(of) for of in sys.argv[1:]] or WEIGHTS
    without = np.array([recall(images, labels, seed, 0) for seed in range(SEEDS)])
    print(f"without: {without.mean():.3f}, {SEEDS} seeds")
    for weight in weights:
        more = [recall(images, labels, seed, weight) for seed in range(SEEDS)] - without
        error = more.std(ddof=1) / SEEDS**0.5
        print(f"weight {weight}: {more.mean():+.3f}, standard error {error:.3f}", flush=True)


if __name__ == "__main__":
    main()
