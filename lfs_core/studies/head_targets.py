"""Would the shipped head order places better if it learnt from something else?

It was trained by least squares on removals of all sizes. Here it is trained on, with the same
photographs and as many steps, towards

- the same target, as a control;
- removals of few windows, or of many, and the mean of the two heads;
- what a *set* of windows leaves: a direction, so that the length is taken after the sum;
- the goal itself: places in the order of their evidence are hidden, or shown alone, and the
  gradient of the similarity teaches the head through a straight-through mask.

All are compared on the people by whom weights are chosen. The control and the best other one are
then compared on fresh people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize
from tqdm import tqdm

from lfs_core.amortised import CausalHead, load_head
from lfs_core.comparators.amortised import Amortised, PairsWithMaps
from lfs_core.embedders import Embedder, image_sides, load_embedder
from lfs_core.embedders.taps import find_layers
from lfs_core.evaluation.fresh_people import pairs_of
from lfs_core.studies.goal import goal_loss
from lfs_core.studies.heads import first_classes
from lfs_core.studies.one_pass_orders import (
    CHOICE,
    FOLDER,
    NETWORK,
    PLAYS,
    TEST,
    empty_image,
    greedy_order,
    ranked,
    scored,
)
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.training.heads import losses, what_windows_do
from lfs_core.training.removals import Removals

CELEBRITIES = 1024  # photographs to train on with
STEPS = 64
BATCH = 64  # images in each
PARTNERS = 64
LEARNING_RATE = 1e-4
GREEDY = "both greedily with own-likeness"
CONTROL = "trained on"
SHIPPED = "as shipped"
JOINED = "mean of few and many"

Loss = Callable[[CausalHead, Removals, Tensor], Tensor]


def head_targets_study(data: Path) -> dict[str, object]:
    """Scores of each pair by each head, in deletion and insertion, of two sets of people.

    Args:
        data: the folder of the local tier.
    """
    network = load_embedder(NETWORK)
    heads = trained_heads(network, data)
    found: dict[str, dict[str, Any]] = {}
    wanted: Sequence[str] | None = None
    for part, number in (CHOICE, TEST):
        pairs = pairs_of(data / FOLDER, network, part, number)
        found[part] = _scores(network, pairs.images.float() / 255, pairs.same, heads, wanted)
        wanted = (CONTROL, best_of(found[part]))
    return {
        "manifest": {
            "pairs": FOLDER,
            "number": CHOICE[1] + TEST[1],
            "embedder": NETWORK,
            "learnt from": f"{CELEBRITIES} photographs of CelebA",
            "steps": STEPS,
            "learning_rate": LEARNING_RATE,
        },
        "people": found,
    }


def trained_heads(network: Embedder, data: Path) -> dict[str, CausalHead]:
    """The shipped head, and it trained on towards each target."""
    layers = find_layers(network, image_sides(network), 8)
    photographs = first_classes(data / "celeba")[:CELEBRITIES]
    removed = what_windows_do(network, photographs, layers)
    goal = goal_loss(network, data / "celeba")

    def and_the_goal(head: CausalHead, some: Removals, partners: Tensor) -> Tensor:
        return additive(head, some, partners) + goal(head)

    targets: dict[str, tuple[Removals, Loss]] = {
        CONTROL: (removed, additive),
        "few windows": (of_size(removed, "few"), additive),
        "many windows": (of_size(removed, "many"), additive),
        "sets": (removed, of_sets),
        "the goal": (removed, and_the_goal),
    }
    return {SHIPPED: load_head(NETWORK)} | {
        name: trained_on(load_head(NETWORK), some, loss, name)
        for name, (some, loss) in targets.items()
    }


def of_size(removed: Removals, which: str) -> Removals:
    """The half of each image's removals that take away the fewest or the most windows.

    One single window stays among the large ones: the head's doubt is learnt from single windows.
    """
    sizes = removed.sets.sum(dim=-1)
    order = sizes.argsort(dim=1, stable=True)
    half = order.shape[1] // 2
    chosen = order[:, :half] if which == "few" else torch.cat([order[:, :1], order[:, half:]], 1)
    rows = torch.arange(len(order))[:, None]
    return replace(removed, sets=removed.sets[rows, chosen], after=removed.after[rows, chosen])


def trained_on(head: CausalHead, removed: Removals, loss: Loss, title: str) -> CausalHead:
    """A head after some more steps on removals."""
    optimizer = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    generator = torch.Generator().manual_seed(0)
    head.requires_grad_(True).train()
    for module in head.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()  # its statistics are those of many more photographs
    for _ in tqdm(range(STEPS), title, unit="step"):
        chosen = torch.randperm(len(removed), generator=generator)[:BATCH]
        partners = removed.h[torch.randint(len(removed), (PARTNERS,), generator=generator)]
        optimizer.zero_grad()
        loss(head, removed[chosen.tolist()], partners).backward()
        optimizer.step()
        schedule.step()
    return head.requires_grad_(False).eval()


def additive(head: CausalHead, some: Removals, partners: Tensor) -> Tensor:
    """The loss that the shipped head has learnt by."""
    left, doubt = losses(head, some, partners)
    return left.mean() + doubt


def of_sets(head: CausalHead, some: Removals, partners: Tensor) -> Tensor:
    """What is left unexplained if h without S has the *direction* of h - sum_{k in S} C[k].

    Weighed as in `losses`: by partners and the image itself, and by the size of the set.
    """
    C, _ = head(some.h, [maps.float() for maps in some.maps])
    h, after = some.h[:, None], some.after.float()
    left = normalize(h - some.sets.float() @ C, dim=-1)
    error, change = left - after, h - after
    weights = 1 / some.sets.sum(dim=-1)
    of_partners = [(of @ partners.T).square().mean(-1) for of in (error, change)]
    of_itself = [(of * h).sum(-1).square() for of in (error, change)]
    shares = [(e * weights).sum() / (c * weights).sum() for e, c in (of_partners, of_itself)]
    return torch.stack(shares).mean()


def best_of(scored: dict[str, Any]) -> str:
    """The head or order with the highest sum of mean scores over tests and both kinds of pairs.

    Args:
        scored: "similar", whether each pair is; and "scores" of each, by name and test. The control
            and what ships are left out.
    """
    similar = torch.tensor(scored["similar"])
    sums = {
        name: sum(
            float(torch.tensor(of)[similar == kind].mean())
            for of in tests.values()
            for kind in (True, False)
        )
        for name, tests in scored["scores"].items()
        if name not in (CONTROL, SHIPPED)
    }
    return max(sums, key=lambda name: sums[name])


def _scores(
    network: Embedder,
    images: Tensor,
    same: Tensor,
    heads: dict[str, CausalHead],
    names: Sequence[str] | None,
) -> dict[str, Any]:
    """What `scored` gives for the orders of these names; of all if None."""
    seen = {
        name: Amortised(network, head, similarity_threshold=THRESHOLD).see(images)
        for name, head in heads.items()
    }
    return scored(network, images, same, seen[SHIPPED].h, dict(orders(network, seen, names)))


def orders(
    network: Embedder, seen: dict[str, PairsWithMaps], names: Sequence[str] | None
) -> Iterator[tuple[str, Tensor]]:
    """When each place is taken, (P,2,K), 0 first: by the evidence of each head, and greedily.

    Args:
        network: whose pairs these are.
        seen: what each head returns for them.
        names: the orders wanted; all if None.
    """
    maps = {name: of.C for name, of in seen.items()}
    maps[JOINED] = (maps["few windows"] + maps["many windows"]) / 2
    for name, C in maps.items():
        pairs = seen[SHIPPED]
        if names is None or name in names:
            explain = Amortised(network, similarity_threshold=THRESHOLD)
            sign = pairs.is_similar.float().mul(2).sub(1)[:, None, None]
            yield name, ranked(sign * explain.of_windows(C, pairs))
        greedily = f"{name}, {GREEDY}"
        if name in (CONTROL, "sets") and (names is None or greedily in names):
            empty = empty_image(network)
            h = normalize(pairs.h, dim=-1)
            yield greedily, greedy_order(h, C, pairs.is_similar, empty, PLAYS[GREEDY])
