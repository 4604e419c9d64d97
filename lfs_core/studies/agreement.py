"""Does the decoder matter (Sec. 4.2)? Maps of the same pairs under many decoders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from lfs_core.datasets.faces import load_faces
from lfs_core.datasets.pairs import all_pairs
from lfs_core.decoder import Decoder
from lfs_core.embedders import Embedder, embed_all
from lfs_core.mapping import difference_map, perturb
from lfs_core.relevance import relevance
from lfs_core.studies.decoding import CURVE, SSIM
from lfs_core.studies.workshop import (
    DEEP,
    FACES,
    OTHER_FACES,
    SEEDS,
    SIZE,
    THRESHOLD,
    P,
    Workshop,
    manifest_of,
)
from lfs_core.training.decoders import LinearDecoder, decoding_error
from lfs_core.training.embedding import TrainingSet
from lfs_core.training.moments import Moments
from lfs_core.training.rows import Rows
from lfs_core.util.rounding import rounded

PAIRS = 250  # of each kind, of demo faces


def agreement_study(data: Path) -> dict[str, object]:
    """Maps of the same pairs under many decoders: does the decoder matter (Sec. 4.2)?

    The maps are compared by Spearman's rank correlation over their pixels, with those of the first
    decoder for the same pair. They are also compared with the same decoder's map of another pair of
    the same kind: this agreement has nothing to do with the pair.
    """
    workshop = Workshop(data)
    embedder = workshop.embedded(FACES)[1]
    pairs = _demo_pairs(embedder)
    rows: list[dict[str, object]] = []
    ranks: dict[str, list[Tensor]] = {kind: [] for kind in pairs}
    for name, (decoder, error, mean_error) in tqdm(_variants(workshop), "Decoders"):
        row: dict[str, object] = {"decoder": name, "error": error, "r2": 1 - error / mean_error}
        for kind, h in pairs.items():
            ranks[kind].append(_ranks(decoder, *h))
            first, this = ranks[kind][0], ranks[kind][-1]
            row[kind] = {
                "with_first_decoder": rounded((this * first).sum(1)),
                "with_another_pair": rounded((this * this.roll(1, 0)).sum(1)),
            }
        rows.append(row)
    between = {
        kind: rounded(torch.einsum("dpk,epk->de", r, r) / PAIRS)
        for kind, r in ((kind, torch.stack(of_kind)) for kind, of_kind in ranks.items())
    }
    manifest = manifest_of([FACES, OTHER_FACES], p=P, similarity_threshold=THRESHOLD)
    return {
        "manifest": manifest,
        "pairs": PAIRS,
        "rows": rows,
        "mean_between_decoders": between,
    }


def _variants(workshop: Workshop) -> Iterator[tuple[str, tuple[Decoder, float, float]]]:
    """Decoders of many kinds by name, with their errors and the mean image's on unseen people."""

    def fitted(source: str, kind: str, **options: Any) -> tuple[Decoder, float, float]:
        deep: dict[str, Any] = {} if kind == "linear" else DEEP
        decoder, _ = workshop.fitted(source, kind, **options, **deep)
        return decoder, decoder.info["loss"], decoder.info["loss_mean_image"]

    first = fitted(FACES, "linear")
    train, _, test = workshop.parts(FACES, 0)

    def measured(decoder: Decoder, side: int = SIZE) -> tuple[Decoder, float, float]:
        error = decoding_error(decoder, _pooled(test.rows, side).batches())
        return decoder, error, first[2] if side == SIZE else _mean_error(train, test, side)

    yield "linear", first
    for seed in (1, 2):
        yield f"linear, other people ({seed})", fitted(FACES, "linear", seed=seed)
    yield "linear, mirror images too", fitted(FACES, "linear", mirror=True)
    yield "linear, 1,000 images", fitted(FACES, "linear", images=CURVE[0])
    yield "linear, LFW", fitted(OTHER_FACES, "linear")
    moments = Moments.of(train.rows.batches())
    for ridge in (1e-6, 1e-2, 1.0, 100.0):
        yield f"linear, ridge {ridge:g}", measured(LinearDecoder.solved(moments, ridge))
    full = LinearDecoder.solved(moments, first[0].info["ridge"])
    for rank in (512, 256, 128, 32, 16, 8):
        yield f"linear, rank {rank}", measured(full.reduced(rank))
    for side in (20, 10):
        rows = _pooled(train.rows, side)
        ridge = first[0].info["ridge"]
        yield (
            f"linear, {side} pixels a side",
            measured(LinearDecoder.fit(rows.batches(), ridge=ridge), side),
        )
    for kind, name in {"mlp": "MLP", "conv": "convolutional"}.items():
        for seed in SEEDS[kind]:
            yield f"{name}, seed {seed}", fitted(FACES, kind, seed=seed)
    yield "convolutional, SSIM loss", fitted(FACES, "conv", ssim=SSIM)


def _pooled(rows: Rows, side: int) -> Rows:
    """The same rows with images pooled to `side` pixels a side."""
    if side == SIZE:
        return rows

    def read(positions: Sequence[int]) -> tuple[Tensor, Tensor]:
        h, x = rows.read(positions)
        return h, torch.nn.functional.adaptive_avg_pool2d(x.float(), side).round().byte()

    return Rows(read, rows.positions)


def _mean_error(train: TrainingSet, test: TrainingSet, side: int) -> float:
    seen, unseen = (Moments.of(_pooled(part.rows, side).batches()) for part in (train, test))
    return unseen.error_of_picture(seen.mean_image)


def _demo_pairs(embedder: Embedder) -> dict[str, tuple[Tensor, Tensor]]:
    """(h1, h2) of similar and of dissimilar pairs of demo faces, spread over similarities."""
    faces = load_faces("demo", progress=False)
    h = embed_all(embedder, faces.images)
    pairs = all_pairs(h, faces.identities)
    chosen = {}
    for kind, similar in {"similar": True, "dissimilar": False}.items():
        right = [pair for pair in pairs if (pair.similarity > THRESHOLD) == similar]
        step = len(right) / PAIRS
        spread = [right[int(k * step)] for k in range(PAIRS)]
        chosen[kind] = (h[[pair.a for pair in spread]], h[[pair.b for pair in spread]])
    return chosen


def _ranks(decoder: Decoder, h1: Tensor, h2: Tensor) -> Tensor:
    """Ranks of each map's pixels, (pairs, 1600), centred and of length 1."""
    similar = torch.cosine_similarity(h1, h2) > THRESHOLD
    maps = difference_map(decoder, h1, perturb(h1, relevance(h1, h2, similar), P))
    if maps.shape[-1] != SIZE:
        maps = torch.nn.functional.interpolate(maps[:, None], (SIZE, SIZE), mode="bilinear")[:, 0]
    ranks = maps.flatten(1).argsort(dim=1).argsort(dim=1).double()
    return torch.nn.functional.normalize(ranks - ranks.mean(dim=1, keepdim=True))
