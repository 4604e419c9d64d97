"""Birds and cars (Sec. 4.2): how well they are retrieved, decoded and explained.

Everything is measured on the second half of the classes by name, which no network was trained on.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from lfs_core.decoder import Decoder
from lfs_core.mapping import difference_map, perturb
from lfs_core.relevance import relevance
from lfs_core.studies.workshop import (
    DEEP,
    SEEDS,
    SOURCES,
    THRESHOLD,
    P,
    Workshop,
    fit_errors,
    manifest_of,
)
from lfs_core.training.embedding import TrainingSet
from lfs_core.training.recall import retrieval_quality
from lfs_core.util.rounding import rounded

RETRIEVED = tuple(source for source, what in SOURCES.items() if what.unseen)
EXPLAINED = ("linear", "conv")  # decoders whose maps are looked at
QUERIES = 100  # of each data set and network, of classes that the decoder has not seen either


def retrieval_study(data: Path) -> dict[str, object]:
    """Retrieval, decoding and explanation on birds and cars, by frozen and trained networks."""
    workshop = Workshop(data)
    quality, decoders, explained = [], [], []
    for source in tqdm(RETRIEVED, "Data sets and networks"):
        everything, _ = workshop.embedded(source)
        photographs = everything.of(set(everything.identities), mirrored=False)
        h, labels = _embeddings(photographs), list(photographs.identities)
        of = {"source": source, "data": SOURCES[source].folder, "network": SOURCES[source].network}
        quality.append(
            of
            | {"images": len(labels), "classes": len(set(labels))}
            | retrieval_quality(h, labels)
            | {"first_is_right": "".join(str(int(right)) for right in _first_is_right(h, labels))}
        )
        for kind, seeds in SEEDS.items():
            for seed in seeds:
                options = {} if kind == "linear" else DEEP
                decoder, seconds = workshop.fitted(source, kind, seed, mirror=True, **options)
                fitted = of | {"decoder": kind, "seed": seed} | fit_errors(decoder)
                decoders.append(fitted | {"seconds": round(seconds, 1)})
                if kind in EXPLAINED and seed == seeds[0]:
                    unseen = workshop.parts(source, seed)[2]
                    explained.append(of | {"decoder": kind} | explanations(decoder, h, unseen))
    return {
        "manifest": manifest_of(RETRIEVED, p=P, similarity_threshold=THRESHOLD, queries=QUERIES),
        "quality": quality,
        "decoders": decoders,
        "explanations": explained,
    }


def _embeddings(photographs: TrainingSet) -> Tensor:
    """(N,D) of length 1."""
    h = torch.cat([h for h, _ in photographs.rows.batches()])
    return torch.nn.functional.normalize(h)


def _first_is_right(h: Tensor, labels: list[str]) -> list[bool]:
    """Whether the image most similar to each is of its class."""
    similarity = (h @ h.T).fill_diagonal_(-2)
    return [labels[k] == labels[best] for k, best in enumerate(similarity.argmax(1).tolist())]


def explanations(decoder: Decoder, gallery: Tensor, queries: TrainingSet) -> dict[str, object]:
    """Queries, their most and least similar image in a gallery, and the maps of these pairs.

    Args:
        decoder: D.
        gallery: (N,D) of length 1, the queries among them.
        queries: images of classes that the decoder has not seen.

    Returns:
        By query: the cosines of both pairs; the correlation of the two maps of each pair; of the
        query's maps for the two pairs; and of its map with that of the next query.
    """
    step = max(1, len(queries) // QUERIES)
    h = _embeddings(queries)[::step][:QUERIES]
    similarity = h @ gallery.T
    itself = similarity.argmax(1, keepdim=True)
    nearest = gallery[similarity.scatter(1, itself, -2).argmax(1)]
    farthest = gallery[similarity.argmin(1)]
    result: dict[str, object] = {}
    maps = {}
    for name, other in {"nearest": nearest, "farthest": farthest}.items():
        cosine = torch.cosine_similarity(h, other)
        R = relevance(h, other, cosine > THRESHOLD)
        of_query, of_other = (_maps(decoder, x, R) for x in (h, other))
        maps[name] = of_query
        result[name] = {
            "cosine": rounded(cosine),
            "maps_of_one_pair": rounded((of_query * of_other).sum(1)),
            "maps_of_two_queries": rounded((of_query * of_query.roll(1, 0)).sum(1)),
        }
    result["nearest_with_farthest"] = rounded((maps["nearest"] * maps["farthest"]).sum(1))
    return result


def _maps(decoder: Decoder, h: Tensor, R: Tensor) -> Tensor:
    """(B,1600), each map centred and of length 1, so that products are Pearson correlations."""
    x = difference_map(decoder, h, perturb(h, R, P)).flatten(1).double()
    return torch.nn.functional.normalize(x - x.mean(dim=1, keepdim=True))
