"""Studies on the local tier, whose stored numbers the book shows.

Each returns its raw results as one dictionary. Decoders that were fitted once are kept in the
cache, so that a study that was interrupted goes on, and two studies share them.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from lfs_core.assets import cache_folder
from lfs_core.datasets.faces import load_faces
from lfs_core.datasets.pairs import all_pairs
from lfs_core.decoder import (
    Decoder,
    LinearDecoder,
    Moments,
    decoding_error,
    load_decoder,
    save_decoder,
)
from lfs_core.embedders import Embedder, embed_all, load_embedder
from lfs_core.embedding import TrainingSet, embed_folders
from lfs_core.errors import LFSError
from lfs_core.files import replacing
from lfs_core.fitting import SHARES, fit_parts, without_look_alikes
from lfs_core.manifest import commit, versions
from lfs_core.mapping import difference_map, perturb
from lfs_core.relevance import relevance
from lfs_core.rows import Rows

CORE = Path(__file__).parent
SIZE = 40  # px a side, as in the paper
CURVE = (1_000, 2_000, 4_000, 8_000)  # training images
SEEDS = {"linear": range(3), "mlp": range(2), "conv": range(2)}
DEEP = {"epochs": 20, "patience": 3}
SSIM = 0.1  # weight, where SSIM is tried
PAIRS = 250  # of each kind, of demo faces
P, THRESHOLD = 0.3, 0.3  # p and xi_1


@dataclass(frozen=True)
class Source:
    """What a decoder is fitted to: a folder of the local tier, seen by a network."""

    folder: str
    network: str
    framing: str


SOURCES = {
    "CelebA, aligned faces": Source("celeba", "facenet-casia", "face"),
    "CelebA, whole images": Source("celeba", "facenet-casia", "whole"),
    "LFW, aligned faces": Source("lfw", "facenet-casia", "face"),
    "CUB-200 birds": Source("cub", "efficientnet-lite0", "whole"),
    "Cars-196": Source("cars", "efficientnet-lite0", "whole"),
}
FACES, OTHER_FACES = "CelebA, aligned faces", "LFW, aligned faces"


class Workshop:
    """The local tier's data sets, and decoders fitted to them, each made once.

    Args:
        data: folder of the local tier.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        if not data.is_dir():
            raise LFSError(f"{data} is not a folder; --data names the local tier's images.")
        core = [CORE / name for name in ("decoder.py", "training.py", "fitting.py", "embedding.py")]
        self._core = [hashlib.sha256(path.read_bytes()).hexdigest() for path in core]

    @cache  # noqa: B019 - there is one workshop
    def embedded(self, source: str) -> tuple[TrainingSet, Embedder]:
        """A data set and its network; nobody in it looks like one of the demo's people."""
        what = SOURCES[source]
        embedder = load_embedder(what.network)
        data = embed_folders(
            embedder, [self.data / what.folder], size=SIZE, framing=what.framing, mirror=True
        )
        if what.framing == "face":
            data = without_look_alikes(data, embedder, load_faces("demo", progress=False))
        return data, embedder

    def parts(
        self, source: str, seed: int, images: int | None = None, mirror: bool = False
    ) -> list[TrainingSet]:
        """Images to learn from, to choose by and to measure on; of so many to learn from."""
        data, _ = self.embedded(source)
        train, choose, test = data.split(SHARES, seed)
        if not mirror:
            train = train.of(set(train.identities), mirrored=False)
        if images is not None:
            train = _first_images(train, images, seed)
        return [train, choose, test]

    def fitted(
        self,
        source: str,
        kind: str,
        seed: int = 0,
        images: int | None = None,
        mirror: bool = False,
        **options: object,
    ) -> tuple[Decoder, float]:
        """A decoder and the seconds that fitting it took."""
        settings = [source, kind, seed, images, mirror, options, SIZE, str(self.data), self._core]
        digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
        path = cache_folder() / "studies" / f"{kind}-{digest}.safetensors"
        clock = path.with_suffix(".json")
        if not clock.is_file():
            parts, embedder = self.parts(source, seed, images, mirror), self.embedded(source)[1]
            start = time.perf_counter()
            decoder = fit_parts(*parts, embedder, kind, description=source, seed=seed, **options)
            seconds = time.perf_counter() - start
            save_decoder(decoder, path)
            with replacing(clock) as new:
                new.write_text(json.dumps(seconds))
        return load_decoder(path), json.loads(clock.read_text())


def decoding_study(data: Path) -> dict[str, object]:
    """Decoding errors of every decoder on faces, birds and cars, and learning curves (Sec. 4)."""
    workshop, rows = Workshop(data), []
    for source in tqdm(SOURCES, "Data sets"):
        everything = len(workshop.parts(source, 0)[0])
        for settings in _decoders_of(source, [n for n in CURVE if n < everything]):
            decoder, seconds = workshop.fitted(source, **settings)
            info = decoder.info
            rows.append(
                {
                    "source": source,
                    "network": info["embedder"],
                    "decoder": settings["kind"],
                    "ssim": settings.get("ssim", 0.0),
                    "seed": settings["seed"],
                    "mirrored": settings["mirror"],
                    "all_images": settings["images"] is None,
                    "training_images": info["images"]["train"],
                    "test_images": info["images"]["test"],
                    "test_identities": info["identities"]["test"],
                    "error": info["loss"],
                    "error_on_training_images": info["loss_on_training_images"],
                    "error_of_mean_image": info["loss_mean_image"],
                    "r2": info["r2"],
                    "seconds": round(seconds, 1),
                }
            )
    return {"rows": rows}


def _decoders_of(source: str, curve: list[int]) -> Iterator[dict[str, object]]:
    """What to fit to a data set, as arguments of `Workshop.fitted`."""
    for kind, seeds in SEEDS.items():
        deep = {} if kind == "linear" else DEEP
        for images in [*curve, None]:
            # Deep decoders take minutes: the ends of their learning curves, and fewer seeds.
            if deep and images not in (curve[0], None):
                continue
            for seed in seeds if images is None or not deep else seeds[:1]:
                yield {"kind": kind, "seed": seed, "images": images, "mirror": False, **deep}
        for seed in seeds if not deep else seeds[:1]:
            if not deep or source == FACES:
                yield {"kind": kind, "seed": seed, "images": None, "mirror": True, **deep}
    if source == FACES:
        yield {"kind": "conv", "seed": 0, "images": None, "mirror": False, "ssim": SSIM, **DEEP}


def _first_images(part: TrainingSet, images: int, seed: int) -> TrainingSet:
    """So many images, of whole identities in an order drawn by the seed."""
    names = sorted(set(part.identities))
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    place = {names[k]: rank for rank, k in enumerate(order)}
    positions = sorted(range(len(part)), key=lambda k: place[part.identities[k]])
    return part.subset(positions[:images])


def agreement_study(data: Path) -> dict[str, object]:
    """Maps of the same pairs under many decoders: does the decoder matter (Sec. 4.2)?

    The maps are compared by Spearman's rank correlation over their pixels: with those of the
    first decoder for the same pair, and, to know what agreement without any knowledge of the pair
    looks like, with the same decoder's map of another pair of the same kind.
    """
    workshop = Workshop(data)
    embedder = workshop.embedded(FACES)[1]
    pairs = _demo_pairs(embedder)
    rows, ranks = [], {kind: [] for kind in pairs}
    for name, (decoder, error, mean_error) in tqdm(_variants(workshop), "Decoders"):
        row = {"decoder": name, "error": error, "r2": 1 - error / mean_error}
        for kind, h in pairs.items():
            ranks[kind].append(_ranks(decoder, *h))
            first, this = ranks[kind][0], ranks[kind][-1]
            row[kind] = {
                "with_first_decoder": _rounded((this * first).sum(1)),
                "with_another_pair": _rounded((this * this.roll(1, 0)).sum(1)),
            }
        rows.append(row)
    between = {
        kind: [_rounded(row) for row in torch.einsum("dpk,epk->de", r, r) / PAIRS]
        for kind, r in ((kind, torch.stack(of_kind)) for kind, of_kind in ranks.items())
    }
    return {"pairs": PAIRS, "rows": rows, "mean_between_decoders": between}


def _variants(workshop: Workshop) -> Iterator[tuple[str, tuple[Decoder, float, float]]]:
    """Decoders of many kinds by name, with their errors and the mean image's on unseen people."""

    def fitted(source: str, kind: str, **options: object) -> tuple[Decoder, float, float]:
        deep = {} if kind == "linear" else DEEP
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
        yield f"linear, ridge {ridge:g}", measured(moments.solve(ridge))
    full = moments.solve(first[0].info["ridge"])
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
    """The same rows with smaller images."""
    if side == SIZE:
        return rows

    def read(positions: list[int]) -> tuple[Tensor, Tensor]:
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


def _rounded(values: Tensor) -> list[float]:
    return [round(value, 4) for value in values.tolist()]


STUDIES: dict[str, Callable[[Path], dict[str, object]]] = {
    "decoding": decoding_study,
    "agreement": agreement_study,
}


def run_study(name: str, data: Path, path: str | os.PathLike) -> None:
    """Run a study and store its results with a manifest, as JSON.

    Raises:
        LFSError: there is no such study, its data are missing, or the file cannot be written.
    """
    if name not in STUDIES:
        raise LFSError(f"There is no study {name!r}; choose one of {list(STUDIES)}.")
    start = time.monotonic()
    result = STUDIES[name](data)
    used = {source: SOURCES[source].folder for source in SOURCES}
    manifest = {
        "study": name,
        "command": f"lfs study {name} --data DATA -o book/results/{name}.json",
        "tier": "local",
        "data": used,
        "networks": sorted({source.network for source in SOURCES.values()}),
        "seeds": {kind: list(seeds) for kind, seeds in SEEDS.items()},
        "settings": {"p": P, "similarity_threshold": THRESHOLD, "deep": DEEP, "size": SIZE},
        "commit": commit(Path.cwd()),
        "versions": versions(),
        "seconds": round(time.monotonic() - start, 1),
        "finished": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    }
    with replacing(path) as new:
        new.write_text(json.dumps({"manifest": manifest, **result}, indent=1) + "\n")
