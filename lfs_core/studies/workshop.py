"""The local tier's data sets, and the decoders that studies fit to them once and keep."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import torch

from lfs_core.datasets.folders import split_classes
from lfs_core.decoder import Decoder, load_decoder, save_decoder
from lfs_core.embedders import Embedder, fingerprint, load_embedder
from lfs_core.errors import LFSError
from lfs_core.training.decoders import LinearDecoder
from lfs_core.training.embedding import TrainingSet, embed_folders
from lfs_core.training.fitting import SHARES, fit_parts, without_demo
from lfs_core.util.assets import cache_folder
from lfs_core.util.digests import key
from lfs_core.util.kept import keep_json, kept_json

log = logging.getLogger(__name__)

SIZE = 40  # px a side, as in the paper
SEEDS = {"linear": range(3), "mlp": range(2), "conv": range(2)}
DEEP = {"epochs": 20, "patience": 3}
KINDS = ("linear", "mlp", "conv")
SIZES: dict[str, dict[str, int]] = {
    "full": {},
    "small": {"linear": 32, "mlp": 256, "conv": 32},
}
"""The rank of linear decoders and the width of deep ones, where it is not the usual one; the rank
is halved at least."""
P, THRESHOLD = 0.3, 0.3  # p and xi_1, as in the paper


@dataclass(frozen=True)
class Source:
    """What a decoder is fitted to: the embeddings, by one network, of one folder of the local tier.

    Attributes:
        folder: its name.
        network: as `load_embedder` knows it.
        framing: "face", "whole" or "centre".
        unseen: take only the second half of the classes by name, on which the retrieval networks
            were not trained.
        weights: the file of the network's weights, for networks that need one.
        mirror: embed mirror images too, for decoders that learn from them.
    """

    folder: str
    network: str
    framing: str
    unseen: bool = False
    weights: str | None = None
    mirror: bool = True

    def load_network(self) -> Embedder:
        """The network."""
        return load_embedder(self.network, **({"weights": self.weights} if self.weights else {}))


SOURCES = {
    "CelebA, aligned faces": Source("celeba", "facenet-casia", "face"),
    "CelebA, whole images": Source("celeba", "facenet-casia", "whole"),
    "LFW, aligned faces": Source("lfw", "facenet-casia", "face"),
    "CUB-200 birds": Source("cub", "efficientnet-lite0", "whole"),
    "Cars-196": Source("cars", "efficientnet-lite0", "whole"),
    "birds, frozen network": Source("cub", "efficientnet-lite0", "whole", unseen=True),
    "birds, trained network": Source("cub", "efficientnet-lite0-cub", "whole", unseen=True),
    "cars, frozen network": Source("cars", "efficientnet-lite0", "whole", unseen=True),
    "cars, trained network": Source("cars", "efficientnet-lite0-cars", "whole", unseen=True),
}
FACES, OTHER_FACES = "CelebA, aligned faces", "LFW, aligned faces"


def manifest_of(sources: Iterable[str], **settings: object) -> dict[str, object]:
    """The manifest's entries on data, networks and settings."""
    used = [SOURCES[source] for source in sources]
    return {
        "data": {source: SOURCES[source].folder for source in sources},
        "networks": sorted({source.network for source in used}),
        "seeds": {kind: list(seeds) for kind, seeds in SEEDS.items()},
        "settings": {"deep": DEEP, "size": SIZE, **settings},
    }


def fit_errors(decoder: Decoder) -> dict[str, object]:
    """The errors of a fitted decoder, as one line of a table."""
    info = decoder.info
    return {
        "training_images": info["images"]["train"],
        "test_images": info["images"]["test"],
        "test_identities": info["identities"]["test"],
        "error": info["loss"],
        "error_on_training_images": info["loss_on_training_images"],
        "error_of_mean_image": info["loss_mean_image"],
        "r2": info["r2"],
    }


class Workshop:
    """The local tier's data sets, and decoders that are fitted to them once and kept.

    Args:
        data: folder of the local tier.
    """

    def __init__(self, data: Path) -> None:
        self.data = data

    @cache  # noqa: B019 - there is one workshop
    def embedded(self, source: str | Source) -> tuple[TrainingSet, Embedder]:
        """A data set and its network, without people who look like the demo's.

        Args:
            source: one of `SOURCES`, or its name.
        """
        what = source if isinstance(source, Source) else SOURCES[source]
        embedder = what.load_network()
        folders = [self.data / what.folder]
        options: dict[str, Any] = {"size": SIZE, "framing": what.framing, "mirror": what.mirror}
        data = embed_folders(embedder, folders, **options)
        if what.framing == "face":
            data = without_demo(data, embedder, folders, **options)
        if what.unseen:
            data = data.of(split_classes(data.identities, hold_out=0.5)[1])
        return data, embedder

    def parts(
        self, source: str | Source, seed: int, images: int | None = None, mirror: bool = False
    ) -> list[TrainingSet]:
        """Images to learn from (at most `images` of them), to choose by and to measure on."""
        data, _ = self.embedded(source)
        train, choose, test = data.split(SHARES, seed)
        if not mirror:
            train = train.of(set(train.identities), mirrored=False)
        if images is not None:
            train = _first_images(train, images, seed)
        return [train, choose, test]

    def fitted(
        self,
        source: str | Source,
        kind: str,
        seed: int = 0,
        images: int | None = None,
        mirror: bool = False,
        **options: Any,
    ) -> tuple[Decoder, float]:
        """A decoder and the seconds that fitting it took."""
        embedder = self.embedded(source)[1]
        train, choose, test = self.parts(source, seed, images, mirror)
        named = next((name for name, of in SOURCES.items() if of == source), str(source))
        name = key(
            code=["lfs_core.training.fitting:fit_parts", embedder],
            network=fingerprint(embedder),
            images=[part.digest() for part in (train, choose, test)],
            kind=kind,
            description=named,
            seed=seed,
            options=options,
        )
        path = cache_folder() / "studies" / f"{kind}-{name[:16]}.safetensors"
        clock = path.with_suffix(".kept")
        seconds = kept_json(clock)
        if seconds is not None:
            try:
                return load_decoder(path), seconds
            except LFSError as error:
                log.warning("%s It is fitted again.", error)
        start = time.perf_counter()
        decoder = fit_parts(
            train, choose, test, embedder, kind, description=named, seed=seed, **options
        )
        seconds = time.perf_counter() - start
        save_decoder(decoder, path)
        keep_json(clock, seconds)
        return load_decoder(path), seconds

    def sized(self, source: str | Source, kind: str, size: str, seed: int = 0) -> Decoder:
        """A decoder of one of `KINDS` and one of `SIZES`."""
        number = SIZES[size].get(kind)
        if kind != "linear":
            options: dict[str, Any] = DEEP | ({"width": number} if number else {})
            return self.fitted(source, kind, seed, **options)[0]
        decoder = cast("LinearDecoder", self.fitted(source, kind, seed)[0])
        rank = int(str(decoder.config["rank"]))  # it was chosen, and may be small already
        return decoder.reduced(min(number, rank // 2)) if number else decoder


def _first_images(part: TrainingSet, images: int, seed: int) -> TrainingSet:
    """The first `images` images, taken identity by identity in an order that the seed draws."""
    names = sorted(set(part.identities))
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    place = {names[k]: rank for rank, k in enumerate(order)}
    positions = sorted(range(len(part)), key=lambda k: place[part.identities[k]])
    return part.subset(positions[:images])
