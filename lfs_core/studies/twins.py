"""Are there people who serve twice, under two names? Photographs of a head's and of tested people.

Names are disjoint. Yet LFW and CelebA both show the famous, and a folder may be misnamed. So every
photograph of a tested person is compared with every one that the head was trained on: by the
network, and by pixels. Names are not told, only how many there are, and their digests.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.embedders import embed_all, load_embedder
from lfs_core.evaluation.fresh_people import Part, digests, parts_of_people, whose
from lfs_core.studies.comparisons import BEYOND, FRESH
from lfs_core.studies.heads import FOLDERS, GUARDED_PAIRS, guarded_faces
from lfs_core.studies.run import Run
from lfs_core.studies.weights import WEIGHTS
from lfs_core.training.embedding import TrainingSet, embed_folders
from lfs_core.training.fitting import LOOK_ALIKE

NETWORK = "facenet-casia"
COSINES = (0.6, 0.7, 0.8, 0.9)  # the head's training was guarded by the first
SAME_PICTURE = 0.04  # root mean square difference of faces of 40 by 40 pixels, in [0,1]
TESTED: dict[Part, Run] = {"weights": WEIGHTS, "test": BEYOND, "fresh": FRESH}


def twins_study(data: Path) -> dict[str, object]:
    """How many people of each part have a twin among those whom the head has learnt from.

    Args:
        data: the folder of the local tier.

    Returns:
        By part: how many people and photographs, and how many of these are nearly the same picture
        as one that was learnt from. By cosine: how many pairs of a photograph and a training
        photograph are above it, and of which people, or who has the same picture. "affected" has
        the positions of the pairs of the part's run that show one of these people.
    """
    embedder = load_embedder(NETWORK)
    folders = FOLDERS[NETWORK]
    everybody = embed_folders(embedder, [data / folder for folder in folders])
    people = parts_of_people(whose(data / "lfw"))
    guarded = normalize(embed_all(embedder, guarded_faces(embedder, data)))
    learnt = _learnt_from(everybody, people["head"], guarded)
    known_h, known_x = _all_of(learnt)
    found: dict[str, object] = {}
    for part, run in TESTED.items():
        theirs = everybody.of({f"lfw/{name}" for name in people[part]})
        h, x = _all_of(theirs)
        nearest, near = torch.zeros(len(h)), dict.fromkeys(COSINES, 0)
        same = torch.zeros(len(h), dtype=torch.bool)
        for some in torch.arange(len(h)).split(256):
            cosine = h[some] @ known_h.T
            nearest[some] = cosine.amax(dim=1)
            for at in COSINES:
                near[at] += int((cosine > at).sum())
            same[some] = torch.cdist(x[some], known_x).amin(dim=1) < (
                SAME_PICTURE * x.shape[1] ** 0.5
            )
        twins = {at: _of_whom(theirs, (nearest > at) | same) for at in COSINES}
        shown = [{Path(name).parent.name for name in pair} for pair in run.pairs(data).names]
        found[part] = {
            "people": len(people[part]),
            "photographs": len(theirs),
            "same_picture": int(same.sum()),
            "pairs_above": near,
            "twins": {at: digests(names) for at, names in twins.items()},
            "affected": {
                at: [k for k, pair in enumerate(shown) if pair & names]
                for at, names in twins.items()
            },
        }
    return {
        "manifest": {
            "embedder": NETWORK,
            "pairs": ", ".join(folders),
            "number": len(learnt),
            "guarded": GUARDED_PAIRS,
            "same_picture": SAME_PICTURE,
        },
        "learnt_from": {"people": len(set(learnt.identities)), "photographs": len(learnt)},
        "parts": found,
        "people": {part: digests(names) for part, names in people.items()},
    }


def _learnt_from(everybody: TrainingSet, head: set[str], guarded: Tensor) -> TrainingSet:
    """The photographs that the head has learnt from: as `fit_causal` chooses them."""
    asked = {
        of
        for of in everybody.identities
        if not of.startswith("lfw/") or of.removeprefix("lfw/") in head
    }
    theirs = everybody.of(asked)
    alike = (_all_of(theirs)[0] @ guarded.T).amax(dim=1) > LOOK_ALIKE
    return theirs.of(asked - {theirs.identities[k] for k in alike.nonzero()[:, 0].tolist()})


def _all_of(of: TrainingSet) -> tuple[Tensor, Tensor]:
    """Embeddings of length one (N,D), and pictures (N,3*h*w) in [0,1]."""
    h, x = (torch.cat(parts) for parts in zip(*of.rows.batches(), strict=True))
    return normalize(h.float()), x.flatten(1).float() / 255


def _of_whom(of: TrainingSet, chosen: Tensor) -> set[str]:
    """The names of the people of some photographs, (N,) bool."""
    return {of.identities[k].removeprefix("lfw/") for k in chosen.nonzero()[:, 0].tolist()}
