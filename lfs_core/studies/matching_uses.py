"""What matches are good for: telling one person from two, and finding what to take away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize
from tqdm import tqdm

from lfs_core.comparators import load_explainer
from lfs_core.comparators.amortised import Amortised
from lfs_core.comparators.fills import plain
from lfs_core.correspondence import matched, probabilities
from lfs_core.datasets.faces import align_face
from lfs_core.datasets.images import to_tensor
from lfs_core.embedders import Embedder, embed, embed_all
from lfs_core.errors import FaceError
from lfs_core.evaluation.fresh_people import parts_of_people, whose
from lfs_core.studies.matchers import RAW, Matcher, Matching
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.util.rounding import rounded
from lfs_core.util.windows import tiles

DELETED = 10  # pairs of places that are taken away
CLOSE = 0.02  # between the similarities of a pair of one person and of two
POOL = 6  # photographs of a person, at most, among which pairs are looked for
COMPARED = 60  # pairs of one person, and as many of two


def of_two_people(network: Embedder, folder: Path, match: Matcher) -> dict[str, Any]:
    """Are matches fewer and weaker between two people than in pairs of one person as similar?

    After PAIR-X: each pair of one person has a pair of two that the network calls as similar.
    """
    classes = whose(folder)
    people = parts_of_people(classes)["fresh"] | parts_of_people(classes)["test"]
    theirs = {name: of for name, of in classes.items() if of in people}
    images, owners = [], []
    photographs = Counter[str]()
    for name in sorted(theirs):
        photographs[theirs[name]] += 1
        if photographs[theirs[name]] > POOL:
            continue
        try:
            images.append(to_tensor(align_face(folder / name)))
        except FaceError:
            continue
        owners.append(theirs[name])
    h = normalize(embed_all(network, torch.stack(images)), dim=-1)
    cosines = h @ h.T
    names = sorted(set(owners))
    owner = torch.tensor([names.index(of) for of in owners])
    chosen = list(_as_similar(cosines, owner))[:COMPARED]
    found: dict[str, Any] = {"similarity": [], "matches": {}}
    for both in tqdm(chosen, "One person and two"):
        found["similarity"].append([round(cosines[pair].item(), 4) for pair in both])
        sums = [_strength(match(torch.stack([images[k] for k in pair]))) for pair in both]
        for method in sums[0]:
            found["matches"].setdefault(method, []).append([of[method] for of in sums])
    return found


def _as_similar(
    cosines: Tensor, owner: Tensor
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of photographs of one person, and of two that are as similar; nobody serves twice.

    Nobody is in two pairs of one person, nor in two pairs of two, so that pairs are independent.

    Args:
        cosines: (N,N) of photographs.
        owner: (N,), whose they are.
    """
    similar = (cosines > THRESHOLD).triu(1)
    same = owner[:, None] == owner
    one, two = (similar & same).nonzero(), (similar & ~same).nonzero()
    of_two, free = cosines[tuple(two.T)], torch.ones(len(two), dtype=torch.bool)
    served = set()
    for k in torch.randperm(len(one), generator=torch.Generator().manual_seed(0)).tolist():
        a, b = one[k].tolist()
        person = owner[a].item()
        apart = (of_two - cosines[a, b]).abs().where(free, torch.inf)
        if person in served or not len(two) or apart.min() > CLOSE:
            continue
        served.add(person)
        c, d = two[apart.argmin()].tolist()
        free &= ~torch.isin(owner[two], owner[[c, d]]).any(dim=1)
        yield (a, b), (c, d)


def _strength(found: Mapping[str, Matching]) -> dict[str, float]:
    """How many matches are expected, by method."""
    return {
        method: round(probabilities(alike).sum().item(), 4)
        for method, (alike, _) in found.items()
        if RAW not in method
    }


def deletion(network: Embedder, pairs: list[Tensor]) -> dict[str, list[list[float]]]:
    """The cosine as places are taken away in both images, by order: a value for each step and pair.

    Each step removes one place of each image: the next matched pair, by confidence or by joint
    evidence; the next best place of each image's own map; or random places.
    """
    explain = load_explainer("amortised", network)
    assert isinstance(explain, Amortised)
    curves: dict[str, list[list[float]]] = {}
    for number, images in enumerate(tqdm(pairs, "Deletion")):
        windows = tiles((images.shape[-2], images.shape[-1]), [explain.head.grid])
        seen = explain.see(images[None])
        found = explain.matching(seen.C, seen.features)
        values = explain.of_windows(seen.C, seen)[0]
        apart = matched(found["likeness"][0], least=0)
        drawn, K = torch.Generator().manual_seed(number), len(windows)
        orders = {
            "matches, by confidence": [(of.k, of.l) for of in apart],
            "matches, by what both say": [
                divmod(place, K)
                for place in found["matches"][0].flatten().argsort(descending=True).tolist()
            ],
            "each image's own map": list(
                zip(*(of.argsort(descending=True).tolist() for of in values), strict=True)
            ),
            "at random": list(
                zip(
                    *(torch.randperm(len(windows), generator=drawn).tolist() for _ in "ab"),
                    strict=True,
                )
            ),
        }
        baseline = plain(images, "mean")
        for name, order in orders.items():
            steps = [images, *_without(images, baseline, windows, _one_to_one(order))]
            h = normalize(embed(network, torch.cat(steps)), dim=-1)
            cosine = (h[::2] * h[1::2]).sum(dim=-1)
            curves.setdefault(name, []).append(rounded(cosine))
    return curves


def _one_to_one(order: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The first pairs of places, no place twice."""
    taken: tuple[set[int], set[int]] = (set(), set())
    kept = []
    for k, l in order:  # noqa: E741
        if k not in taken[0] and l not in taken[1]:
            taken[0].add(k)
            taken[1].add(l)
            kept.append((k, l))
    return kept[:DELETED]


def _without(
    images: Tensor, baseline: Tensor, windows: Tensor, order: list[tuple[int, int]]
) -> Iterator[Tensor]:
    """The images (2,3,H,W) without the first places, one more at a time; the last stay."""
    for count in range(1, DELETED + 1):
        gone = torch.stack(
            [windows[list(of)].any(dim=0) for of in zip(*order[:count], strict=True)]
        )
        yield torch.where(gone[:, None], baseline, images)
