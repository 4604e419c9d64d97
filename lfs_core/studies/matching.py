"""How well places of two images are matched, by this book's causal map and by others' methods.

On people whom the causal head has not learnt from, and on crops that have decided nothing here. The
two constants of `correspondence` are found again on the people on whom weights are chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from lfs_core.datasets.choosing import chosen_face
from lfs_core.datasets.faces import find_faces
from lfs_core.datasets.known_matches import (
    FACE_KINDS,
    UPRIGHT,
    KnownPair,
    backwards,
    known_faces,
    known_scenes,
    place_of,
)
from lfs_core.datasets.pairs import all_pairs
from lfs_core.datasets.scenes import load_scenes
from lfs_core.embedders import Embedder, embed_all, load_embedder
from lfs_core.errors import FaceError
from lfs_core.evaluation.fresh_people import Part, parts_of_people, whose
from lfs_core.evaluation.matches import REFERENCE, match_scores, middles
from lfs_core.evaluation.metrics.overlap import partly_shared
from lfs_core.evaluation.pair_set import draw_pairs
from lfs_core.evaluation.spec import code_of_explainer
from lfs_core.studies.matchers import RAW, Matcher, by_explainer, controls, exact, one_pass
from lfs_core.studies.matching_uses import deletion, of_two_people
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.util.assets import cache_folder
from lfs_core.util.digests import key
from lfs_core.util.kept import keep_json, kept_json
from lfs_core.util.rounding import rounded

FACENET, LITE = "facenet-casia", "efficientnet-lite0"
FOLDER = "lfw"  # not CelebA, all of whose people the head has learnt from
PEOPLE, CHOOSING = 50, 40  # pairs of photographs, to measure on and to choose the constants by
SCENES, GRID = {"crops": 40, "stereo": 20}, 7  # pairs; places a side, those of the last maps
SCENE_SEED = 1  # other crops than those of `lfs study scenes`
RIVALS = {  # each with how many pairs of a kind it explains; None for all
    "activation-decomposition": None,
    "pairx": None,
    "bilrp": 12,
    "fixlip": 4,
}
CHEAP = [name for name, pairs in RIVALS.items() if pairs is None]


def matching_study(data: Path) -> dict[str, object]:
    """Scores of every method on the same pairs, and what the matches are good for.

    Args:
        data: the folder of the local tier.
    """
    network, lite = load_embedder(FACENET), load_embedder(LITE)
    matchers = {"one pass": one_pass(network), "exact": exact(network, REFERENCE[0])}
    matchers |= {name: by_explainer(network, name) for name in RIVALS}
    of_scenes = {"exact": exact(lite, GRID, features=True)}
    of_scenes |= {name: by_explainer(lite, name) for name in CHEAP}
    faces = list(islice(_face_pairs(data / FOLDER, "test"), PEOPLE))
    known = {kind: [pairs[kind] for _, pairs in faces] for kind in FACE_KINDS}
    scenes, kinds = _scene_pairs()
    people = sorted({person for person, _ in faces})
    return {
        "manifest": {
            "pairs": f"{FOLDER}, scenes",
            "number": len(faces) + len(scenes),
            "embedder": f"{FACENET}, {LITE}",
            "places": {FOLDER: REFERENCE, "scenes": (GRID, GRID)},
        },
        "constants": _constants(network, data / FOLDER),
        "people": [people.index(person) for person, _ in faces],
        "faces": {
            kind: _scored(network, matchers, pairs, REFERENCE) for kind, pairs in known.items()
        },
        "scenes": {
            kind: _scored(
                lite,
                of_scenes,
                [pair for of, pair in zip(kinds, scenes, strict=True) if of == kind],
                (GRID, GRID),
            )
            for kind in SCENES
        },
        "two people": of_two_people(network, data / FOLDER, matchers["one pass"]),
        "deletion": deletion(network, [pair.images for pair in known[UPRIGHT]]),
    }


# Pairs


def _face_pairs(folder: Path, part: Part) -> Iterator[tuple[str, dict[str, KnownPair]]]:
    """A person, and the pairs that two of their photographs give, by kind."""
    classes = whose(folder)
    people = parts_of_people(classes)[part]
    theirs = {name: of for name, of in classes.items() if of in people}
    for number, (a, b, same) in enumerate(draw_pairs(theirs, seed=0)):
        if not same:
            continue
        try:
            found = [find_faces(folder / name) for name in (a, b)]
        except FaceError:
            continue
        images = (found[0][0], found[1][0])
        faces = [those[chosen_face(those, image.size)] for image, those in found]
        pairs = known_faces(images, (faces[0], faces[1]), seed=number)
        yield classes[a], {pair.kind: pair for pair in pairs}


def _scene_pairs() -> tuple[list[KnownPair], list[str]]:
    """Pairs of crops and of views that share a part, and their kinds."""
    scenes = load_scenes(seed=SCENE_SEED)
    h = embed_all(load_embedder(LITE), scenes.images)
    similar = [pair for pair in all_pairs(h, scenes.labels) if pair.similarity > THRESHOLD]

    def kind(a: int, b: int) -> str:
        one = scenes.crops[a].photograph == scenes.crops[b].photograph
        return "crops" if one else "stereo"

    kinds, found = [], []
    for name, count in SCENES.items():
        among = [pair for pair in similar if kind(pair.a, pair.b) == name]
        for pair in partly_shared(scenes, among, count):
            found.append(known_scenes(scenes, pair.a, pair.b, name))
            kinds.append(name)
    return found, kinds


# Scores


def _scored(
    network: Embedder,
    matchers: Mapping[str, Matcher],
    pairs: list[KnownPair],
    reference: tuple[int, int],
) -> dict[str, dict[str, list[Any]]]:
    """By method and score, a value for each pair, both ways counted half; each pair is kept.

    Expensive methods explain the first pairs only; of the others they have None.
    """
    columns: dict[str, dict[str, list[Any]]] = {}
    for number, pair in enumerate(tqdm(pairs, pairs[0].kind)):
        for name, match in {**matchers, "controls": controls}.items():
            if number >= (RIVALS.get(name) or len(pairs)):
                for score in columns[name]:
                    columns[name][score].append(None)
                continue
            path = cache_folder() / "matching" / f"{_key(network, name, pair, reference)}.kept"
            found = kept_json(path)
            if found is None:
                found = keep_json(path, _of_pair(match, pair, reference))
            for method, scores in found.items():
                for score, value in scores.items():
                    columns.setdefault(method, {}).setdefault(score, []).append(value)
    return columns


def _of_pair(
    match: Matcher, pair: KnownPair, reference: tuple[int, int]
) -> dict[str, dict[str, float | None]]:
    """By method and score."""
    back = backwards(pair)
    found = {}
    for method, (alike, grid) in match(pair.images).items():
        both = [
            asdict(match_scores(way, grid, of, reference))
            for way, of in ((alike, pair), (alike.T, back))
        ]
        means = torch.tensor([[*of.values()] for of in both]).nanmean(dim=0)
        found[method] = dict(zip(both[0], rounded(means), strict=True))
    return found


def _key(network: Embedder, name: str, pair: KnownPair, reference: tuple[int, int]) -> str:
    own = [code_of_explainer(name)] if name in RIVALS else []
    return key(
        code=[*own, one_pass, exact, by_explainer, controls, _of_pair],
        network=network,
        name=name,
        images=pair.images,
        targets=pair.targets,
        reference=reference,
    )


# The two constants


def _constants(network: Embedder, folder: Path) -> dict[str, dict[str, float]]:
    """The temperature and the likeness of no match under which the right matches are likeliest.

    A place that is next to the right one counts as right.
    """
    match = one_pass(network)
    middle = middles(REFERENCE)
    near = torch.cdist(middle, middle, p=torch.inf) < 1.5 / REFERENCE[0]
    alike: dict[str, list[Tensor]] = {}
    right = []
    for _, pairs in islice(_face_pairs(folder, "weights"), CHOOSING):
        for pair in pairs.values():
            for method, (values, _) in match(pair.images).items():
                alike.setdefault(method, []).append(values)
            targets, known = pair.places(REFERENCE)
            shown = targets.isfinite().all(dim=1)
            allowed = torch.zeros(len(known), len(known) + 1, dtype=torch.bool)
            allowed[shown, :-1] = near[place_of(targets[shown], REFERENCE)]
            allowed[known & ~shown, -1] = True
            right.append(allowed)
    return {
        method: _likeliest(torch.stack(values).double(), torch.stack(right))
        for method, values in alike.items()
        if RAW not in method
    }


def _likeliest(alike: Tensor, right: Tensor) -> dict[str, float]:
    """The two constants of likenesses (P,K,K), where allowed answers are (P,K,K+1) bool."""
    asked = right.any(dim=-1)
    free = torch.tensor([-2.5, 0.4], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([free], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        none = free[1].expand(*alike.shape[:2], 1)
        logits = (torch.cat([alike, none], dim=-1) / free[0].exp())[asked].log_softmax(dim=-1)
        value = -logits.masked_fill(~right[asked], -torch.inf).logsumexp(dim=-1).mean()
        value.backward()
        return value

    optimiser.step(loss)
    return {
        "temperature": round(free[0].exp().item(), 4),
        "nothing": round(free[1].item(), 4),
        "loss": round(loss().item(), 4),
    }
