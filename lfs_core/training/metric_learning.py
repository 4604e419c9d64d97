"""Metric learning: from photographs in classes to a network that finds photographs of one class.

EfficientNet-Lite0's late blocks and a linear head are trained with the multi-similarity loss (Wang
et al. 2019). The early blocks, which are most of the work, stay ImageNet's: their maps of a few
views of every photograph are made once.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import v2
from torchvision.transforms.functional import pil_to_tensor
from tqdm import tqdm

from lfs_core.datasets.folders import (
    find_photographs,
    folder_name,
    of_this_file,
    split_classes,
)
from lfs_core.datasets.images import load_image
from lfs_core.embedders import embed_all
from lfs_core.embedders.efficientnet import (
    FIRST_BLOCK,
    IMAGE_SIZE,
    MetricNetwork,
    efficientnet_lite0,
)
from lfs_core.embedders.network import Network
from lfs_core.errors import ImageError, LFSError
from lfs_core.training.mining import hard_triplets, mining_loss
from lfs_core.training.recall import retrieval_quality
from lfs_core.util.extras import needs
from lfs_core.util.manifest import versions

VIEWS = 10  # random views of every photograph, in addition to itself and its mirror image
BATCH = 32  # photographs that pass through the early blocks at once
CLASSES, EACH = 16, 4  # of a step: classes, and views of each
LEARNING_RATE = 1e-4  # AdamW's at its highest; it rises for WARM_UP steps and falls along a cosine
WEIGHT_DECAY = 0.01
WARM_UP = 10
RIDGE = 3.0  # of the head's start, in mean variances within a class
KEPT = 0.75  # of what was learnt; the rest of the way lies back towards the start
PACKAGES = ("torch", "torchvision", "pillow", "onnxruntime", "pytorch-metric-learning")

Photographs = Sequence[tuple[Path, str]]


def train_network(
    folder: str | os.PathLike[str],
    *,
    name: str,
    hold_out: float = 0.5,
    epochs: int = 10,
    first_block: int = FIRST_BLOCK,
    mining: float = 0.0,
    seed: int = 0,
    progress: bool = True,
) -> MetricNetwork:
    """Train on the first classes by name, and measure on the others.

    Files that cannot be read are left out and listed in `info["skipped"]`. The same seed gives the
    same weights on the same machine with as many threads.

    Args:
        folder: laid out as `find_photographs` reads it, one sub-folder for each class.
        name: of the network.
        hold_out: share of the classes, the last by name, to measure on; 0 measures nothing.
        epochs: passes over the photographs.
        first_block: of EfficientNet-Lite0's 16, counted from 0, that is trained.
        mining: weight of `mining_loss`, on one triplet for each class of a step; 0 leaves it out.
        seed: of the views and their order.
        progress: show a progress bar.

    Returns:
        The network; `info["quality"]` compares it with the frozen features on the classes that it
        has not seen, by `retrieval_quality`.

    Raises:
        ImageError: there is no folder, or no image in it.
        LFSError: `hold_out`, `epochs`, `first_block` or `mining` is out of range; there are fewer
            than two classes to learn from or to measure on, or none with two photographs; or
            pytorch-metric-learning is not installed.
    """
    with needs("train", "Training a network"):  # now, not after hours
        import faiss  # noqa: F401, which `retrieval_quality` asks for
        import pytorch_metric_learning  # noqa: F401
    if not 0 <= hold_out < 1:
        raise LFSError(f"hold_out is {hold_out}; it is a share of the classes, in [0, 1).")
    if epochs < 1:
        raise LFSError(f"epochs is {epochs}; it must be 1 or more.")
    if not 1 <= first_block <= 15:
        raise LFSError(f"first_block is {first_block}; it lies in [1, 15].")
    if not 0 <= mining < math.inf:
        raise LFSError(f"mining is {mining}; it is a weight, 0 or more.")
    photographs = find_photographs(folder)
    seen, unseen = split_classes((label for _, label in photographs), hold_out)
    learnt = [photograph for photograph in photographs if photograph[1] in seen]
    held_out = [photograph for photograph in photographs if photograph[1] in unseen]
    _check(learnt, "learn from")
    if hold_out:
        _check(held_out, "measure on")
    skipped: dict[Path, str] = {}
    quality = {}
    if hold_out:
        quality["frozen"] = _quality(efficientnet_lite0(), held_out, skipped)
    network = MetricNetwork(name, first_block=first_block)
    with _seeded(seed):
        maps, labels = _views(network, learnt, skipped, progress)
        _check([photograph for photograph in learnt if photograph[0] not in skipped], "learn from")
        loss_by_epoch = _train(network, maps, labels, epochs, progress, mining)
    if hold_out:
        quality["trained"] = _quality(network, held_out, skipped)
    network.info = {
        "start": "efficientnet-lite0, trained on ImageNet",
        "data": folder_name(folder),
        "classes": {"learnt": len(seen), "held out": len(unseen)},
        "images": {
            "learnt": len(labels),
            "held out": len(photographs) - len(labels) - len(skipped),
        },
        "seed": seed,
        "settings": {
            "loss": "multi-similarity",
            "mining": mining,
            "epochs": epochs,
            "first_block": first_block,
            "hold_out": hold_out,
            "views": VIEWS,
            "batch": [CLASSES, EACH],
            "learning_rate": LEARNING_RATE,
            "weight_decay": WEIGHT_DECAY,
            "ridge": RIDGE,
            "kept": KEPT,
            "threads": torch.get_num_threads(),
        },
        "losses": loss_by_epoch,
        "quality": quality,
        "skipped": {path.relative_to(folder).as_posix(): why for path, why in skipped.items()},
        "versions": versions(PACKAGES),
    }
    return network


class _Early(Network):
    """The blocks that are not trained, on ONNX Runtime: (B,3,224,224) -> (B,c,h,w)."""

    def __init__(self, network: MetricNetwork) -> None:
        super().__init__(
            f"efficientnet-lite0-first-{network.first_block}", IMAGE_SIZE, framing="whole"
        )
        self.network = network

    def in_torch(self, images: Tensor) -> Tensor:
        return self.network.early(images)


def _train(
    network: MetricNetwork,
    maps: Tensor,
    labels: Sequence[str],
    epochs: int,
    progress: bool,
    mining: float = 0.0,
) -> list[float]:
    """Train in place; return the mean loss by epoch.

    Args:
        network: with ImageNet's weights.
        maps: (V,N,c,h,w), early maps of V views of every photograph, the plain one first.
        labels: N classes.
        epochs: passes over the photographs.
        progress: show a progress bar.
        mining: weight of `mining_loss`.
    """
    from pytorch_metric_learning import losses, miners, samplers

    classes = sorted(set(labels))
    y = torch.tensor([classes.index(label) for label in labels])
    _start_head(network, maps[0], y)
    layers = nn.ModuleList(network.trained_layers()).requires_grad_(True)
    start = [parameter.detach().clone() for parameter in layers.parameters()]
    layers.to(memory_format=torch.channels_last)  # twice as fast on a CPU
    batch = EACH * min(CLASSES, len(classes))
    steps = max(1, len(y) // batch)  # of an epoch
    sampler = samplers.MPerClassSampler(y, EACH, batch, length_before_new_iter=steps * batch)
    loss_of, miner = losses.MultiSimilarityLoss(), miners.MultiSimilarityMiner()
    optimizer = torch.optim.AdamW(layers.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: (
            min(1, (step + 1) / WARM_UP) * (1 + math.cos(math.pi * step / (steps * epochs))) / 2
        ),
    )
    history = []
    with tqdm(total=epochs * steps, desc="Training", unit="step", disable=not progress) as bar:
        for _ in range(epochs):
            total = 0.0
            for photographs in torch.tensor(list(sampler)).split(batch):
                views = torch.randint(len(maps), (len(photographs),))
                x = maps[views, photographs].float().to(memory_format=torch.channels_last)
                last = _last_maps(network, x)
                h = _of_last_maps(network, last)
                loss = loss_of(h, y[photographs], miner(h, y[photographs]))
                if mining:
                    loss = loss + mining * mining_loss(
                        x,
                        last,
                        hard_triplets(h, y[photographs]),
                        partial(_last_maps, network),
                        partial(_of_last_maps, network),
                    )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item()
                bar.update()
            history.append(total / steps)
            bar.set_postfix(loss=history[-1])
    layers.to(memory_format=torch.contiguous_format).requires_grad_(False)
    for parameter, before in zip(layers.parameters(), start, strict=True):
        # Part of the way back keeps more of what ImageNet's network knows of classes not seen
        # (Wortsman et al. 2022). Files hold half precision: what is measured is what is saved.
        parameter.copy_(before.lerp(parameter, KEPT).half())
    return history


def _last_maps(network: MetricNetwork, maps: Tensor) -> Tensor:
    """The last maps (B,1280,h,w) of early maps, which `MetricNetwork.pooled` takes the mean of."""
    for block in network.layers._blocks[network.first_block :]:
        maps = block(maps)
    return network.layers._swish(network.layers._conv_head(maps))


def _of_last_maps(network: MetricNetwork, maps: Tensor) -> Tensor:
    """The embeddings (B,512) of last maps."""
    return nn.functional.normalize(network.project(maps.mean(dim=(2, 3))))


def _start_head(network: MetricNetwork, maps: Tensor, y: Tensor) -> None:
    """Let the head divide by the spread within classes, and keep the 512 widest directions left.

    Args:
        network: its head is changed in place.
        maps: (N,c,h,w) of the plain photographs.
        y: (N,) classes, as numbers from 0.
    """
    with torch.no_grad():
        h = torch.cat([network.pooled(x.float()) for x in maps.split(BATCH)]).double()
    mean = h.mean(dim=0)
    of_class = nn.functional.one_hot(y).double()
    within = h - of_class @ (of_class.T @ h / of_class.sum(dim=0)[:, None])
    variances, directions = torch.linalg.eigh(within.T @ within / len(h))
    variances = variances.clamp_min(0) + RIDGE * variances.clamp_min(0).mean()
    whitening = directions * variances.rsqrt() @ directions.T
    white = (h - mean) @ whitening
    widest = torch.linalg.eigh(white.T @ white).eigenvectors[:, -network.head.out_features :]
    weight = (whitening @ widest).T
    # Of the size that PyTorch starts layers with, so that the learning rate suits it.
    weight /= weight.square().mean().sqrt() * math.sqrt(weight.shape[1])
    network.head.weight.copy_(weight)
    network.head.bias.copy_(-weight @ mean)


def _views(
    network: MetricNetwork, photographs: Photographs, skipped: dict[Path, str], progress: bool
) -> tuple[Tensor, list[str]]:
    """Early maps (V,N,c,h,w), fp16, of V views of N photographs; and their classes."""
    early, maps, labels = _Early(network), [], []
    with tqdm(total=len(photographs), desc="Early maps", unit="img", disable=not progress) as bar:
        for images, names, done in _batches(photographs, skipped):
            views = torch.stack([view for image in images for view in _views_of(image)])
            with torch.no_grad():
                maps += [early(x.float() / 255).half() for x in views.split(BATCH)]
            labels += names
            bar.update(done)
    if not labels:
        return torch.empty(0), []
    return torch.cat(maps).unflatten(0, (len(labels), -1)).transpose(0, 1), labels


def _views_of(image: Image.Image) -> list[Tensor]:
    """The photograph, its mirror image, and random views: (3,224,224) uint8 each."""
    plain = _plain(image)
    square = image.resize((256, 256), Image.Resampling.BILINEAR)
    return [plain, plain.flip(2), *(pil_to_tensor(_augment(square)) for _ in range(VIEWS))]


_augment = v2.Compose(
    [
        v2.RandomResizedCrop(IMAGE_SIZE, scale=(0.25, 1)),
        v2.RandomHorizontalFlip(),
        v2.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25, hue=0.03),
    ]
)


def _plain(image: Image.Image) -> Tensor:
    """A photograph as the network reads it, (3,224,224) uint8."""
    return pil_to_tensor(image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR))


def _quality(
    network: Network, photographs: Photographs, skipped: dict[Path, str]
) -> dict[str, float]:
    """`retrieval_quality` of a network."""
    h, labels = [], []
    for images, names, _ in _batches(photographs, skipped):
        h.append(embed_all(network, torch.stack([_plain(image) for image in images])))
        labels += names
    return retrieval_quality(torch.cat(h) if h else torch.empty(0, 1), labels)


def _batches(
    photographs: Photographs, skipped: dict[Path, str]
) -> Iterator[tuple[list[Image.Image], list[str], int]]:
    """Photographs that can be read, their classes, and how many were tried; others are noted."""
    for start in range(0, len(photographs), BATCH):
        batch, images, labels = photographs[start : start + BATCH], [], []
        for path, label in batch:
            try:
                images.append(load_image(path))
            except ImageError as error:
                skipped[path] = of_this_file(error, path)
            else:
                labels.append(label)
        if images:
            yield images, labels, len(batch)


def _check(photographs: Photographs, what: str) -> None:
    """Check that photographs are of two or more classes, one of which has two or more of them.

    Raises:
        LFSError: they are not.
    """
    labels = [label for _, label in photographs]
    classes = len(set(labels))
    if classes < 2 or classes == len(labels):
        raise LFSError(
            f"There are {len(labels)} photographs of {classes} classes to {what}. It takes two or "
            "more classes, with two or more photographs each: one sub-folder for each class. "
            "`hold_out` says which share of the classes is kept to measure on; 0 keeps none."
        )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """PyTorch's and NumPy's random numbers from a seed; pytorch-metric-learning draws from both."""
    numpys = np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(numpys)
