"""Can places be ordered better than by the one-pass map, without another pass?

The causal map C says more than what one place does alone. Without a set S of places, h has about
the direction of h - sum_{k in S} C[k]. Shown in an empty image, S gives about the direction of the
empty image's embedding and what the places of S add to it. In this model, deletion and insertion
can be played through without the network, and the best place taken at each step.

All orders are compared on the people by whom weights are chosen. The map's own order and the best
other one are then compared on fresh people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize
from tqdm import tqdm

from lfs_core.comparators import load_explainer
from lfs_core.comparators.amortised import Amortised, PairsWithMaps
from lfs_core.embedders import Embedder, embed, image_sides, load_embedder
from lfs_core.evaluation.fresh_people import Part, pairs_of
from lfs_core.evaluation.metrics.base import Case, Labels
from lfs_core.evaluation.spec import make_metric
from lfs_core.studies.comparisons import BOTH_WAYS
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.util.distances import cosines
from lfs_core.util.rounding import rounded

NETWORK, FOLDER = "facenet-casia", "lfw"
METRICS = tuple(f"{of},fill={fill}" for of in BOTH_WAYS for fill in ("noise", "blur"))


@dataclass(frozen=True)
class Play:
    """What the best place at each step is.

    Attributes:
        away: weight of how far the decision falls without the place.
        back: weight of how far it rises when the place is put into an empty image.
        own: weight of the image's likeness to itself in both, as in the one-pass map.
    """

    away: float = 0.0
    back: float = 0.0
    own: float = 0.0


PLAYS = {
    "greedy deletion": Play(away=1),
    "greedy insertion": Play(back=1),
    "greedy deletion with own-likeness": Play(away=1, own=1),
    "both greedily": Play(away=1, back=1),
    "both greedily with own-likeness": Play(away=1, back=1, own=1),
}
OURS = "one-pass map"
MAPS: dict[str, dict[str, float]] = {
    OURS: {},
    "one-pass map, partner alone": {"own": 0.0, "contrast": 0.0},
}
MIXED = "mean rank of map and both"
CENTRE = "centre"
CHOICE: tuple[Part, int] = ("weights", 60)
TEST: tuple[Part, int] = ("fresh", 120)
TESTED = (OURS, MIXED)


def one_pass_orders_study(data: Path) -> dict[str, object]:
    """Scores of each pair under each order, in deletion and insertion, of two sets of people.

    Args:
        data: the folder of the local tier.
    """
    network = load_embedder(NETWORK)
    found = {}
    chosen_from = (*MAPS, *PLAYS, MIXED, CENTRE)
    for (part, number), names in ((CHOICE, chosen_from), (TEST, TESTED)):
        pairs = pairs_of(data / FOLDER, network, part, number)
        found[part] = _scores(network, pairs.images.float() / 255, pairs.same, names)
    return {
        "manifest": {
            "pairs": FOLDER,
            "number": CHOICE[1] + TEST[1],
            "embedder": NETWORK,
            "plays": {name: asdict(play) for name, play in PLAYS.items()},
        },
        "people": found,
    }


def _scores(
    network: Embedder, images: Tensor, same: Tensor, names: Sequence[str]
) -> dict[str, Any]:
    """What `scored` gives for the orders of these names."""
    makers = {name: _one_pass(network, **options) for name, options in MAPS.items()}
    seen = makers[OURS].see(images)
    found = orders(makers, seen, empty_image(network), names)
    return scored(network, images, same, seen.h, found)


def scored(
    network: Embedder, images: Tensor, same: Tensor, h: Tensor, found: Mapping[str, Tensor]
) -> dict[str, Any]:
    """The score of each pair, higher is better, by order and test; and which are called similar.

    Args:
        network: what is explained.
        images: pairs (P,2,3,H,W) in [0,1].
        same: (P,) bool, which show one person.
        h: their embeddings (P,2,D).
        found: orders (P,2,K) of the places of a square grid, 0 first, by name.
    """
    labels = Labels(same, cosines(h), THRESHOLD)
    tests = {name: make_metric(name) for name in METRICS}
    scores: dict[str, dict[str, list[float]]] = {}
    for name, when in tqdm(found.items(), "Orders"):
        maps = -when.float().unflatten(-1, (round(when.shape[-1] ** 0.5), -1))
        case = Case(network, images, h, labels, maps, lambda of: of, 0)
        scores[name] = {
            metric: rounded(test.score(test.measure(case), labels))
            for metric, test in tests.items()
        }
    return {"similar": labels.is_similar.tolist(), "scores": scores}


def _one_pass(network: Embedder, **options: float) -> Amortised:
    explain = load_explainer("amortised", network, similarity_threshold=THRESHOLD, **options)
    assert isinstance(explain, Amortised)
    return explain


def empty_image(network: Embedder) -> Tensor:
    """The embedding (D,) of plain grey, of length one; the same for all images."""
    grey = torch.full((1, 3, *image_sides(network)), 0.5)
    with torch.no_grad():
        return normalize(embed(network, grey)[0], dim=-1)


def orders(
    makers: dict[str, Amortised], seen: PairsWithMaps, empty: Tensor, names: Sequence[str]
) -> dict[str, Tensor]:
    """When each place of the images is taken, (P,2,K), 0 first, by the names of the orders."""
    sign = seen.is_similar.float().mul(2).sub(1)[:, None, None]
    known = {
        name: ranked(sign * explain.of_windows(seen.C, seen)) for name, explain in makers.items()
    }
    for name, play in PLAYS.items():
        known[name] = greedy_order(normalize(seen.h, dim=-1), seen.C, seen.is_similar, empty, play)
    known[MIXED] = ranked(-(known[OURS] + known["both greedily with own-likeness"]).float())
    side = makers[OURS].head.grid
    along = torch.arange(side) - (side - 1) / 2
    known[CENTRE] = ranked(-(along[:, None].square() + along.square()).flatten())
    return {name: known[name].expand_as(known[OURS]) for name in names}


def ranked(values: Tensor) -> Tensor:
    """Ranks of values (...,K), 0 for the highest; the first of equals before the others."""
    return values.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)


def greedy_order(h: Tensor, C: Tensor, is_similar: Tensor, empty: Tensor, play: Play) -> Tensor:
    """When each place is taken, if the best one by the model is taken at every step.

    The tests change both images of a dissimilar pair, so both change here, step by step. The
    partner of an image of a similar pair stays whole.

    Args:
        h: embeddings (P,2,D) of length one.
        C: causal maps (P,2,K,D).
        is_similar: (P,) bool.
        empty: of `empty_image`, (D,).
        play: which place is best.

    Returns:
        (P,2,K), 0 first; the first of equal places before the others.
    """
    places = C.shape[2]
    sign = is_similar.float().mul(2).sub(1)[:, None, None]
    # What is put into an empty image must lead to the whole one.
    added = C + ((h - empty) - C.sum(dim=2))[:, :, None] / places
    left, shown = h, empty.expand_as(h)
    when = torch.zeros(C.shape[:3], dtype=torch.long)
    taken = torch.zeros(C.shape[:3], dtype=torch.bool)
    for step in range(places):
        costs = torch.zeros(C.shape[:3])
        for weight, state, change in ((play.away, left, -C), (-play.back, shown, added)):
            if weight:
                partner = torch.where(is_similar[:, None, None], h, state).flip(1)
                aim = sign * normalize(partner, dim=-1) + play.own * h
                costs = costs + weight * _along(state, change, aim)
        first = costs.masked_fill(taken, torch.inf).argmin(dim=-1, keepdim=True)  # (P,2,1)
        when.scatter_(-1, first, step)
        taken.scatter_(-1, first, value=True)
        at = first[..., None].expand(-1, -1, 1, C.shape[-1])
        left = left - C.gather(2, at)[:, :, 0]
        shown = shown + added.gather(2, at)[:, :, 0]
    return when


def _along(state: Tensor, change: Tensor, aim: Tensor) -> Tensor:
    """The product of aim (P,2,D) and direction of state (P,2,D) + change (P,2,K,D): (P,2,K)."""
    square = state.square().sum(dim=-1)[..., None]
    lengths = square + 2 * (change @ state[..., None])[..., 0] + change.square().sum(dim=-1)
    along = (state * aim).sum(dim=-1)[..., None] + (change @ aim[..., None])[..., 0]
    return along / lengths.clamp_min(1e-12).sqrt()
