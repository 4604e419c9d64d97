"""Which people and classes the pairs of the stored runs show, without names.

Pairs that share a class are not independent; intervals need to know which do. A set of pairs is
known by the digest of its images, which each stored run records, so that no run can get the
classes of another. On another processor a few crops of faces differ by a pixel, and so do digests:
what was stored for other sets stays.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name

from tqdm import tqdm

from lfs_core.datasets.folders import find_photographs
from lfs_core.evaluation.pair_set import PairSet
from lfs_core.studies.draws import Draws
from lfs_core.studies.multiverse import Multiverse
from lfs_core.studies.run import Run
from lfs_core.util.manifest import RESULTS


def classes_study(data: Path) -> dict[str, object]:
    """The class of both images of each pair, as integers, by the digest of the set of pairs."""
    from lfs_core.studies import STUDIES

    studies = [resolve_name(study) for study in STUDIES.values()]
    runs = [run for study in studies if (run := _run_of(study))]
    drawn: dict[tuple[str, str, float, str | None], list[Run]] = {}
    for run in runs:
        drawn.setdefault((run.folder, run.network, run.hold_out, run.people), []).append(run)
    found = stored_classes()
    for same in tqdm(drawn.values(), "Sets of pairs"):
        most = max(same, key=lambda run: run.number)
        pairs = most.pairs(data)
        classes = class_indices(pairs, data / most.folder)
        for number in sorted({run.number for run in same}):
            found[first(pairs, number).digest] = classes[:number]
    return {
        "manifest": {
            "pairs": ", ".join(dict.fromkeys(run.folder for run in runs)),
            "number": max(run.number for run in runs),
            "embedder": ", ".join(dict.fromkeys(run.network for run in runs)),
        },
        "classes": found,
    }


def _run_of(study: object) -> Run | None:
    """A run of the same pairs; None of a study that draws none in this way."""
    if isinstance(study, Multiverse):
        return study.drawn
    if isinstance(study, Draws):
        folder, network = study.folder, study.network
        return Run((), (), folder, network, number=study.pairs, hold_out=study.hold_out)
    return study if isinstance(study, Run) else None


def stored_classes() -> dict[str, list[list[int]]]:
    """The classes of the sets that the stored run knows, by the digest of each."""
    path = RESULTS / "classes.json"
    return json.loads(path.read_text(encoding="utf-8"))["classes"] if path.is_file() else {}


def class_indices(pairs: PairSet, folder: Path) -> list[list[int]]:
    """The place of the class of both images of each pair among the classes by name.

    Args:
        pairs: drawn from the folder.
        folder: laid out as `find_photographs` reads it.
    """
    of = {str(file.relative_to(folder)): name for file, name in find_photographs(folder)}
    place = {name: k for k, name in enumerate(sorted(set(of.values())))}
    return [[place[of[name]] for name in both] for both in pairs.names]


def first(pairs: PairSet, number: int) -> PairSet:
    """The first pairs of a set, which a smaller draw would have given."""
    return replace(
        pairs,
        images=pairs.images[:number],
        same=pairs.same[:number],
        names=pairs.names[:number],
    )
