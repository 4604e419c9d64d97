"""Studies on the local tier, whose stored numbers the book shows.

Each is called with the folder of the data and returns its raw results as one dictionary. Decoders
that were fitted once are kept in the cache, so that a study that was interrupted goes on, and two
studies share them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from pkgutil import resolve_name

from lfs_core.errors import LFSError
from lfs_core.util.code import code_of
from lfs_core.util.files import replacing
from lfs_core.util.manifest import commit, made_by, processor, versions

STUDIES = {
    "decoding": "lfs_core.studies.decoding:decoding_study",
    "agreement": "lfs_core.studies.agreement:agreement_study",
    "retrieval": "lfs_core.studies.retrieval:retrieval_study",
    "sensitivity": "lfs_core.studies.sensitivity:sensitivity_study",
    "faces": "lfs_core.studies.comparisons:FACES",
    "noise-per-pair": "lfs_core.studies.noise:PER_PAIR",
    "fills": "lfs_core.studies.comparisons:FILLS",
    "verification": "lfs_core.studies.comparisons:VERIFICATION",
    "road": "lfs_core.studies.comparisons:ROAD",
    "all-methods": "lfs_core.studies.comparisons:ALL_METHODS",
    "behaviour": "lfs_core.studies.comparisons:BEHAVIOUR",
    "by-pixels": "lfs_core.studies.comparisons:BY_PIXELS",
    "continuity": "lfs_core.studies.comparisons:CONTINUITY",
    "birds": "lfs_core.studies.comparisons:BIRDS",
    "cars": "lfs_core.studies.comparisons:CARS",
    "mosaics": "lfs_core.studies.comparisons:MOSAICS",
    "scenes": "lfs_core.studies.scenes:scene_study",
    "beyond-faces": "lfs_core.studies.comparisons:BEYOND",
    "fresh": "lfs_core.studies.comparisons:FRESH",
    "beyond-birds": "lfs_core.studies.comparisons:BEYOND_BIRDS",
    "beyond-cars": "lfs_core.studies.comparisons:BEYOND_CARS",
    "weights": "lfs_core.studies.weights:weights_study",
    "twins": "lfs_core.studies.twins:twins_study",
    "own-noise": "lfs_core.studies.comparisons:OWN_NOISE",
    "multiverse": "lfs_core.studies.multiverse:FACES",
    "multiverse-mobilenet": "lfs_core.studies.multiverse:MOBILENET",
    "multiverse-dlib": "lfs_core.studies.multiverse:DLIB",
    "multiverse-birds": "lfs_core.studies.multiverse:BIRDS",
    "multiverse-cars": "lfs_core.studies.multiverse:CARS",
    "draws": "lfs_core.studies.draws:FACES",
    "map-readings": "lfs_core.studies.map_readings:FACES_BIRDS_CARS",
    "map-readings-mobilenet": "lfs_core.studies.map_readings:MOBILENET",
    "map-readings-dlib": "lfs_core.studies.map_readings:DLIB",
    "beyond-patch": "lfs_core.studies.comparisons:BEYOND_PATCH",
    "expensive": "lfs_core.studies.comparisons:EXPENSIVE",
    "two-by-two": "lfs_core.studies.comparisons:TWO_BY_TWO",
    "patterns": "lfs_core.studies.comparisons:PATTERNS",
    "resolution": "lfs_core.studies.comparisons:RESOLUTION",
    "heads": "lfs_core.studies.heads:heads_study",
    "learning-curves": "lfs_core.studies.learning_curves:learning_curves_study",
    "head-targets": "lfs_core.studies.head_targets:head_targets_study",
    "costs": "lfs_core.studies.costs:cost_study",
    "randomised": "lfs_core.studies.comparisons:RANDOMISED",
    "classes": "lfs_core.studies.classes:classes_study",
    "judgement": "lfs_core.studies.judgement:judgement_study",
    "one-pass-orders": "lfs_core.studies.one_pass_orders:one_pass_orders_study",
    "thresholds": "lfs_core.studies.thresholds:thresholds_study",
    "face-choice": "lfs_core.studies.face_choice:face_choice_study",
    "matching": "lfs_core.studies.matching:matching_study",
    "confidence": "lfs_core.studies.confidence:confidence_study",
    "hyperparameters": "lfs_core.studies.hyperparameters:hyperparameter_study",
    "sounds": "lfs_core.studies.sounds:sounds_study",
    "sentences": "lfs_core.studies.sentences:sentences_study",
}
TRAININGS = {  # of weights that ship with the package; called with the folder to write, too
    "train-heads": "lfs_core.studies.heads:train_heads",
    "train-decoders": "lfs_core.studies.deep_decoders:train_decoders",
    "train-motifs": "lfs_core.studies.sentences:train_motifs",
}


def run_study(
    name: str,
    data: Path,
    path: str | os.PathLike,
    network: str | None = None,
    weights: str | None = None,
) -> None:
    """Run a study and store its results with a manifest, as JSON; or train what ships.

    Args:
        name: in `STUDIES` or `TRAININGS`.
        data: the folder of the local tier.
        path: the file to write; for a training, the folder.
        network: what is explained instead of the study's own network, as `load_embedder` takes it.
        weights: the file of that network's weights, if it needs one.

    Raises:
        LFSError: there is no such study, it is of its own network only, its data are missing, or
            the file cannot be written.
    """
    if name not in STUDIES | TRAININGS:
        raise LFSError(f"There is no study {name!r}; choose one of {[*STUDIES, *TRAININGS]}.")
    if not data.is_dir():
        raise LFSError(f"{data} is not a folder; --data names the local tier's images.")
    with _local_tier(data):
        if name in TRAININGS:
            resolve_name(TRAININGS[name])(data, Path(path))
        else:
            _run(name, data, path, network, weights)


def _run(
    name: str, data: Path, path: str | os.PathLike, network: str | None, weights: str | None
) -> None:
    """Run a study and store its results with a manifest."""
    study = resolve_name(STUDIES[name])
    if network is not None:
        if not hasattr(study, "on"):
            raise LFSError(f"The study {name!r} is of networks of its own; leave out --embedder.")
        study = study.on(network, weights)
    start = time.monotonic()
    # Now: who edits it meanwhile has not run it. A comparison of methods records more.
    code = made_by({name: code_of(STUDIES[name], by_name=True)})
    result = study(data)
    manifest = {
        "study": name,
        "command": f"lfs study {name} --data DATA -o book/results/{name}.json"
        + (f" --embedder {network}" if network else "")
        + (" --weights FILE" if weights else ""),
        "tier": "local",
        "code": code,
        **result.pop("manifest"),
        "commit": commit(Path.cwd()),
        "versions": versions(),
        "processor": processor(),
        "seconds": round(time.monotonic() - start, 1),
        "finished": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    }
    with replacing(path) as new:
        # Raw numbers of many pairs: a line for each would only be longer.
        new.write_text(
            json.dumps({"manifest": manifest, **result}, separators=(",", ":")) + "\n",
            encoding="utf-8",
        )


@contextmanager
def _local_tier(data: Path) -> Iterator[None]:
    """Let methods find a folder of the local tier by its name, in other processes too."""
    before = os.environ.get("LFS_DATA")
    os.environ["LFS_DATA"] = str(data.resolve())
    try:
        yield
    finally:
        del os.environ["LFS_DATA"]
        if before is not None:
            os.environ["LFS_DATA"] = before
