"""Training a causal head: a least-squares fit to what taking windows away does (FastSHAP's idea).

A removal of several windows should change the embedding by the sum of what the head says of each.
No exact map is needed, so that many images can be seen, and what windows do together is shared out
among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from lfs_core.amortised import HIDDEN, CausalHead
from lfs_core.embedders import Embedder, embedder_name, image_sides
from lfs_core.embedders.taps import find_layers
from lfs_core.errors import LFSError
from lfs_core.training.enough import check_enough
from lfs_core.training.epochs import Epochs
from lfs_core.training.fitting import LOOK_ALIKE
from lfs_core.training.removals import Removals, gather_removals, together
from lfs_core.util.distances import needs_cosine
from lfs_core.util.networks import print_of, ready

PARTNERS = 64  # random ones, in each step
BATCH = 128  # images

SINGLE = 2.0  # weight of a window that is taken away alone
ALONE = 16  # windows of each image that are removed one at a time, in addition to sets of them
SHARES = (0.9, 0.1)  # of the identities: to learn from, to choose by


def fit_causal(
    embedder: Embedder,
    photographs: Sequence[tuple[Path, str]],
    *,
    description: str,
    guarded: Tensor | None = None,
    layers: Sequence[str] | None = None,
    grid: int = 8,
    variations: int = 0,
    epochs: int = 20,
    learning_rate: float = 2e-3,
    seed: int = 0,
    progress: bool = True,
) -> CausalHead:
    """A causal head for a network, from photographs.

    Args:
        embedder: the network.
        photographs: files, and whose or of which class they are; some of these are held out, and
            say which epoch is best.
        description: of the data, for the head's header.
        guarded: embeddings (n,D); identities of which one image resembles one of these are left
            out, so that a test set keeps its people to itself.
        layers: of the network, whose maps the head reads; left out, `find_layers` chooses; none
            for the images themselves.
        grid: windows along each side of the image.
        variations: further views of each photograph to learn from: cropped, mirrored and with other
            lighting. Each costs as much as the photographs themselves.
        epochs: passes over the images.
        learning_rate: AdamW's, at its highest.
        seed: of everything random.
        progress: show progress bars.

    Raises:
        LFSError: no photograph can be used, or they show fewer than ten people or classes.
    """
    check_enough(who for _, who in photographs)  # now, not after the work
    ready(embedder)
    needs_cosine(embedder, "A causal head")
    if layers is None:
        layers = find_layers(embedder, image_sides(embedder), grid)

    gather = partial(
        what_windows_do,
        embedder,
        photographs,
        layers,
        grid=grid,
        seed=seed,
        progress=progress,
    )
    data = gather()
    alike = set()
    if guarded is not None:
        nearest = (data.h @ torch.nn.functional.normalize(guarded).T).amax(dim=1)
        alike = {data.identities[k] for k in (nearest > LOOK_ALIKE).nonzero()[:, 0].tolist()}
    names = sorted(set(data.identities) - alike)
    check_enough(names, data.skipped, len(photographs), embedder)
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    held = {names[k] for k in order[: max(1, round(SHARES[1] * len(names)))]}
    learnt = set(names) - held
    train, choose = data.of(learnt), data.of(held)
    if variations:
        train = gather(variations=variations).of(learnt)
    head = fit_head(
        train,
        choose,
        tuple(layers),
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
        progress=progress,
    )
    partners, itself = unexplained(head, choose).tolist()
    head.info |= {
        "name": embedder_name(embedder),
        "print": print_of(embedder),
        "data": description,
        "images": {"train": len(train), "choose": len(choose)},
        "identities": {"train": len(names) - len(held), "choose": len(held)},
        "left out for their likeness": len(alike),
        "skipped": {
            f"{who}/{path.name}": data.skipped[str(path)]
            for path, who in photographs
            if str(path) in data.skipped
        },
        "several faces": len(data.several),
        "variations": variations,
        "seed": seed,
        "epochs": epochs,
        "learning rate": learning_rate,
        "sets": data.sets.shape[1],
        "unexplained": {"partners": partners, "itself": itself},
    }
    return head


def what_windows_do(
    embedder: Embedder,
    photographs: Sequence[tuple[Path, str]],
    layers: Sequence[str],
    *,
    grid: int = 8,
    variations: int = 0,
    seed: int = 0,
    progress: bool = True,
) -> Removals:
    """Removals of sets of windows and of single ones, of photographs and variations of them.

    Args:
        embedder: the network.
        photographs: files, and whose or of which class they are.
        layers: of the network, whose maps are kept; none for the images themselves.
        grid: windows along each side of the image.
        variations: further views of each photograph, after all photographs as they are.
        seed: of the sets.
        progress: show progress bars.

    Raises:
        LFSError: no photograph can be used, or the cache cannot be written.
    """
    gather = partial(
        gather_removals, embedder, photographs, layers, grid=grid, seed=seed, progress=progress
    )
    alone = partial(gather, count=min(ALONE, grid**2), alone=True)
    return together(
        [
            gather(variation=variation).joined(alone(variation=variation))
            for variation in range(variations + 1)
        ]
    )


def fit_head(
    train: Removals,
    choose: Removals,
    layers: tuple[str, ...],
    *,
    epochs: int = 20,
    learning_rate: float = 2e-3,
    weight_decay: float = 0.05,
    hidden: int = HIDDEN,
    seed: int = 0,
    progress: bool = True,
) -> CausalHead:
    """Train a head; keep the weights of the epoch that is best on images held out.

    Args:
        train: what to learn from.
        choose: of other people or classes, by which each epoch is judged.
        layers: of the network, which the maps of both come from.
        epochs: passes over the images; the learning rate rises, then falls to 0.
        learning_rate: AdamW's, at its highest.
        weight_decay: AdamW's.
        hidden: channels of the head.
        seed: of weights, order and partners.
        progress: show a progress bar.

    Raises:
        LFSError: there is nothing to train on or to judge by.
    """
    if min(len(train), len(choose), epochs) < 1:
        raise LFSError(
            f"Cannot train on {len(train)} images and {len(choose)} held out, {epochs} epochs; "
            "all must be at least 1."
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        grid = round(train.sets.shape[-1] ** 0.5)
        head = CausalHead(
            train.h.shape[1], grid, layers, [maps.shape[1] for maps in train.maps], hidden
        ).to(device)
        optimizer = torch.optim.AdamW(head.parameters(), learning_rate, weight_decay=weight_decay)
        steps = -(-len(train) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, learning_rate, epochs=epochs, steps_per_epoch=steps
        )
        done = Epochs(head, epochs, title="Causal head", progress=progress)
        for _ in done:
            head.train()
            total = 0.0
            for chosen in torch.randperm(len(train)).split(BATCH):
                some = train[chosen.tolist()].to(device)
                partners = train.h[torch.randint(len(train), (PARTNERS,))].to(device)
                left, doubt = losses(head, some, partners)
                optimizer.zero_grad()
                (left.mean() + doubt).backward()
                optimizer.step()
                schedule.step()
                total += left.mean().item() * len(chosen)
            done.judge(total / len(train), unexplained(head, choose).mean().item())
    head.info["history"] = done.restore()
    return head.cpu().eval()


def losses(head: CausalHead, some: Removals, partners: Tensor) -> tuple[Tensor, Tensor]:
    """What a head leaves unexplained of some removals, and how badly it knows its own errors.

    Args:
        head: the head.
        some: images and removals.
        partners: embeddings (n,D) of length one.

    Returns:
        (2,) shares of the variance of the fall of the cosine, with the partners and with the image
        itself: 0 if all is explained, 1 for a head that finds nothing. And the negative log
        likelihood, up to a constant, of the errors at single windows.
    """
    C, doubt = head(some.h, [maps.float() for maps in some.maps])
    change = some.h[:, None] - some.after.float()
    error = some.sets.float() @ C - change
    own = some.h[:, None]
    of_partners = [(error @ partners.T).square().mean(-1), (change @ partners.T).square().mean(-1)]
    of_itself = [(error * own).sum(-1).square(), (change * own).sum(-1).square()]
    # Large sets move the embedding farther; they should not be all that counts.
    sizes = some.sets.sum(dim=-1)
    single = sizes == 1
    weights = torch.where(single, SINGLE, 1.0) / sizes
    shares = [
        (left * weights).sum() / (all_ * weights).sum() for left, all_ in (of_partners, of_itself)
    ]
    which = some.sets[single].byte().argmax(dim=-1)
    image = single.nonzero()[:, 0]
    expected = doubt[image, which]
    squared = of_partners[0][single].detach()
    return torch.stack(shares), (expected.log() + squared / (2 * expected.square())).mean()


@torch.no_grad()
def unexplained(head: CausalHead, data: Removals) -> Tensor:
    """The shares (2,) of `losses` on all of some data, with its own images as partners."""
    head.eval()
    device = head.places.device
    partners = data.h[: 4 * PARTNERS].to(device)
    parts, weights = [], []
    for chosen in torch.arange(len(data)).split(BATCH):
        parts.append(losses(head, data[chosen.tolist()].to(device), partners)[0].cpu())
        weights.append(len(chosen))
    return (torch.stack(parts) * torch.tensor(weights)[:, None]).sum(0) / len(data)
