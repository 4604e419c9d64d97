"""How far the maps of reconstructed methods depend on their parameters.

Utkin's and Tummala's papers leave numbers and formulas open, which we chose, and SIMExpert has two
forms. Where maps hardly change, the choice does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from lfs_core.comparators import load_explainer
from lfs_core.comparators.utkin import class_prototypes
from lfs_core.datasets.faces import FaceSet, load_faces
from lfs_core.datasets.pairs import all_pairs, spread
from lfs_core.decoder import Decoder, load_decoder, save_decoder
from lfs_core.embedders import Embedder, embed_all, fingerprint, load_embedder
from lfs_core.evaluation.metrics.agreement import rank_correlation
from lfs_core.explanation import PairExplainer
from lfs_core.studies.workshop import FACES, SIZE, SOURCES, THRESHOLD, manifest_of
from lfs_core.training.autoencoder import fit_autoencoder_parts
from lfs_core.training.embedding import embed_folders
from lfs_core.training.fitting import SHARES, without_look_alikes
from lfs_core.util.assets import cache_folder
from lfs_core.util.digests import key
from lfs_core.util.rounding import rounded

PAIRS = 60  # of each decision, of demo faces
BATCH = 6  # pairs explained at a time
DEFAULTS = {"important": 0.1, "noise": 0.25, "draws": 20, "seed": 0}  # of utkin
SWEEPS = {
    "important": (0.02, 0.05, 0.1, 0.2, 0.5),
    "noise": (0.0625, 0.125, 0.25, 0.5, 1.0),
    "draws": (5, 20, 80),
    "seed": (0, 1),
}
WEIGHTS = (0.01, 0.1, 1.0, 10.0, 100.0)  # lambda of the autoencoder; the last is the default
IMAGES, EPOCHS = 2_000, 10  # that the autoencoders of all weights learn from
FORMS = {"tummala": ("variant", "difference", "gradient"), "simexpert": ("form", "folded", "raw")}


def sensitivity_study(data: Path) -> dict[str, object]:
    """Maps of the same pairs under other parameters, compared by rank correlation.

    Each map is compared with that of the default parameters for the same pair. It is also compared
    with the map of another pair of the same decision under the same parameters: the agreement to
    expect without information about the pair. Autoencoders of all weights are trained alike, on
    fewer images and epochs than the one that ships, and compared with that of the default weight.
    """
    embedder = load_embedder(SOURCES[FACES].network)
    faces = load_faces("demo", progress=False)
    pairs = _pairs(embedder, faces)
    rows, default = [], {}
    for row, explain in tqdm(list(_explainers(data, embedder, faces)), "Parameters"):
        maps = {kind: _maps(explain, of_kind) for kind, of_kind in pairs.items()}
        if row["default"]:
            default = maps
        for kind, found in maps.items():
            row[kind] = {
                "with_default": rounded(rank_correlation(found, default[kind]).mean(dim=1)),
                "with_another_pair": rounded(rank_correlation(found, found.roll(1, 0)).mean(dim=1)),
            }
        rows.append(row)
    manifest = manifest_of([FACES], similarity_threshold=THRESHOLD, images=IMAGES, epochs=EPOCHS)
    return {"manifest": manifest, "pairs": PAIRS, "rows": rows}


def _explainers(
    data: Path, embedder: Embedder, faces: FaceSet
) -> Iterator[tuple[dict[str, object], PairExplainer]]:
    """Rows of the table and their explainers; for every parameter the default first."""

    def row(method: str, option: str, value: object, default: object) -> dict[str, object]:
        return {"method": method, "option": option, "value": value, "default": value == default}

    def explainer(method: str, **options: Any) -> PairExplainer:
        return load_explainer(method, embedder, similarity_threshold=THRESHOLD, **options)

    for option, values in SWEEPS.items():
        default = DEFAULTS[option]
        for value in sorted(values, key=lambda value: value != default):
            yield (
                row("utkin", option, value, default),
                explainer("utkin", **DEFAULTS | {option: value}),
            )
    prototypes = class_prototypes(embed_all(embedder, faces.images), faces.identities)
    for name, given in {"mean of the pair": None, "mean of the person": prototypes}.items():
        yield (
            row("utkin", "prototypes", name, "mean of the pair"),
            explainer("utkin", prototypes=given, **DEFAULTS),
        )
    for weight in reversed(WEIGHTS):
        decoder = _trained(data, embedder, faces, weight)
        yield (
            row("utkin", "weight", weight, WEIGHTS[-1]) | decoder.info["autoencoder"],
            explainer("utkin", autoencoder=decoder, **DEFAULTS),
        )
    for method, (option, *forms) in FORMS.items():
        for form in forms:
            yield row(method, option, form, forms[0]), explainer(method, **{option: form})


def _trained(data: Path, embedder: Embedder, faces: FaceSet, weight: float) -> Decoder:
    """The decoder of an autoencoder of this weight, made once."""
    people = embed_folders(embedder, [data / SOURCES[FACES].folder], size=SIZE)
    train, choose, test = without_look_alikes(people, embedder, faces).split(SHARES, 0)
    train = train.subset(range(IMAGES))
    name = key(
        code=[fit_autoencoder_parts, embedder],
        network=fingerprint(embedder),
        images=[part.digest() for part in (train, choose, test)],
        weight=weight,
        epochs=EPOCHS,
    )
    path = cache_folder() / "studies" / f"autoencoder-{name[:16]}.safetensors"
    if not path.is_file():
        decoder = fit_autoencoder_parts(
            train,
            choose,
            test,
            embedder,
            description=FACES,
            seed=0,
            weight=weight,
            epochs=EPOCHS,
        )
        save_decoder(decoder, path)
    return load_decoder(path)


def _pairs(embedder: Embedder, faces: FaceSet) -> dict[str, list[tuple[Tensor, Tensor]]]:
    """Pairs of demo faces called similar and called dissimilar, spread over similarities."""
    pairs = all_pairs(embed_all(embedder, faces.images), faces.identities)
    similar = [pair for pair in pairs if pair.similarity > THRESHOLD]  # the first ones

    return {
        kind: [
            (faces.images[pair.a] / 255, faces.images[pair.b] / 255)
            for pair in spread(of_kind, PAIRS)
        ]
        for kind, of_kind in {"similar": similar, "dissimilar": pairs[len(similar) :]}.items()
    }


def _maps(explain: PairExplainer, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """(P,2,H,W) in [0,1]."""
    batches = (pairs[start : start + BATCH] for start in range(0, len(pairs), BATCH))
    return torch.stack([e.maps for batch in batches for e in explain.batch(batch)])
