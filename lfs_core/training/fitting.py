"""From embedded photographs to a decoder that was checked on people it has never seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from lfs_core.datasets.faces import FaceSet, load_faces
from lfs_core.decoder import Decoder, decoder_class
from lfs_core.embedders import Embedder, embed_all, embedder_name, fingerprint, load_embedder
from lfs_core.training.decoders import DeepDecoder, LinearDecoder, decoding_error
from lfs_core.training.embedding import TrainingSet, embed_folders
from lfs_core.training.enough import check_enough
from lfs_core.training.moments import Moments
from lfs_core.util.assets import cache_folder
from lfs_core.util.digests import key
from lfs_core.util.distances import distance_of
from lfs_core.util.networks import print_of

SHARES = (0.8, 0.1, 0.1)  # of the identities: to learn from, to choose by, to measure on
RIDGES = tuple(10.0**k for k in range(-6, 3))
LOOK_ALIKE = 0.6  # cosine; identities this near to an excluded face are left out


def fit_decoder(
    data: TrainingSet,
    embedder: Embedder,
    kind: str = "linear",
    *,
    description: str,
    seed: int = 0,
    **options: Any,
) -> Decoder:
    """Fit a decoder; choose its ridge and rank, or its best epoch, and measure it, on people apart.

    Four fifths of the identities are learnt from, a tenth chooses, and the last tenth gives the
    errors in `decoder.info`.

    Args:
        data: the training set, as `embed_folders` returns it.
        embedder: the network it was embedded with.
        kind: "linear", "mlp" or "conv".
        description: of the data, for the decoder's header.
        seed: of the split, and of what is trained.
        options: of `DeepDecoder.fit`, for deep decoders. An interrupted training goes on where
            it stopped, to the same decoder.

    Raises:
        LFSError: there is no such kind, or there are too few identities to split.
    """
    decoder_class(kind)  # now, not after the work
    check_enough(data.identities, data.skipped, len(data) + len(data.skipped), embedder)
    train, choose, test = data.split(SHARES, seed)
    return fit_parts(
        train, choose, test, embedder, kind, description=description, seed=seed, **options
    )


def fit_parts(
    train: TrainingSet,
    choose: TrainingSet,
    test: TrainingSet,
    embedder: Embedder,
    kind: str,
    *,
    description: str,
    seed: int,
    **options: Any,
) -> Decoder:
    """`fit_decoder` for data that are split already."""
    moments = Moments.of(train.rows.batches())
    decoder: Decoder
    if kind == "linear":
        decoder, chosen = _fit_linear(moments, Moments.of(choose.rows.batches()))
    else:
        checkpoint = _checkpoint(embedder, kind, train, seed, options)
        deep = cast("type[DeepDecoder]", decoder_class(kind))
        decoder = deep.fit(
            train.rows, validation=choose.rows, seed=seed, checkpoint=checkpoint, **options
        )
        chosen = {
            "loss_on_training_images": decoding_error(decoder, train.rows.batches()),
            "history": decoder.info["history"],
            "options": options,
        }
    parts = {"train": train, "choose": choose, "test": test}
    decoder.info = provenance(decoder, parts, moments, embedder, description, seed) | chosen
    return decoder


def provenance(
    decoder: Decoder,
    parts: dict[str, TrainingSet],
    moments: Moments,
    embedder: Embedder,
    description: str,
    seed: int,
) -> dict[str, object]:
    """What a decoder's header says of its data and of its error on the part called "test".

    Args:
        decoder: D, fitted.
        parts: what was learnt from, chosen by and is measured on: "train", "choose", "test".
        moments: of the part called "train".
        embedder: the network whose embeddings they are.
        description: of the data.
        seed: of the split, and of what was trained.
    """
    train, test = parts["train"], parts["test"]
    loss = decoding_error(decoder, test.rows.batches())
    mean_loss = Moments.of(test.rows.batches()).error_of_picture(moments.mean_image)
    cumulated = moments.variances.flip(0).cumsum(0)
    return {
        "embedder": embedder_name(embedder),
        "print": print_of(embedder),
        "data": description,
        "images": {name: len(part) for name, part in parts.items()},
        "identities": {name: len(set(part.identities)) for name, part in parts.items()},
        "mirrored": len(train.mirrored),
        "seed": seed,
        "loss": loss,
        "loss_mean_image": mean_loss,
        "r2": 1 - loss / mean_loss,
        "directions_with_99_percent_of_variance": int((cumulated < 0.99 * cumulated[-1]).sum()) + 1,
    }


def _fit_linear(moments: Moments, choose: Moments) -> tuple[LinearDecoder, dict[str, object]]:
    """The ridge with the lowest error on `choose`, and the smallest rank that is no worse."""
    latent_mean, mean_image = moments.latent_mean, moments.mean_image
    by_ridge = {r: choose.error(moments.weight(r), latent_mean, mean_image) for r in RIDGES}
    ridge = min(by_ridge, key=by_ridge.__getitem__)
    full = LinearDecoder.solved(moments, ridge)
    # A lower rank would cost little error, but its maps differ.
    ranks = [2**k for k in range(3, 12) if 2**k < full.up.shape[1]]
    by_rank = {
        rank: choose.error(full.reduced(rank).weight.T, latent_mean, mean_image) for rank in ranks
    }
    rank = next((r for r in ranks if by_rank[r] <= by_ridge[ridge]), full.up.shape[1])
    decoder = full.reduced(rank)
    return decoder, {
        "loss_on_training_images": moments.error(decoder.weight.T, latent_mean, mean_image),
        "ridge": ridge,
        "ridge_gcv": min(RIDGES, key=moments.gcv),
        "rank": rank,
        "errors_when_choosing": {
            "ridge": {f"{r:g}": error for r, error in by_ridge.items()},
            "rank": by_rank,
        },
    }


def without_look_alikes(data: TrainingSet, embedder: Embedder, faces: FaceSet) -> TrainingSet:
    """Leave out every identity of which one image resembles one of these faces.

    It guards a test set: none of its photographs, and as far as the network can tell none of its
    people, is left among the training images.
    """
    unit = torch.nn.functional.normalize
    guarded = unit(embed_all(embedder, faces.images)).T
    nearest: list[Tensor] = [(unit(h) @ guarded).amax(dim=1) for h, _ in data.rows.batches()]
    alike = {
        identity
        for identity, cosine in zip(data.identities, torch.cat(nearest).tolist(), strict=True)
        if cosine > LOOK_ALIKE
    }
    return data.of(set(data.identities) - alike)


def without_demo(
    data: TrainingSet, embedder: Embedder, folders: Sequence[Path], **options: Any
) -> TrainingSet:
    """Leave out every identity of which one image resembles a person of the demo tier.

    `LOOK_ALIKE` is a cosine of FaceNet's: FaceNet judges in place of networks whose cosines are
    others, which say so by a `similarity_threshold` of their own, and of those that compare by
    another distance.

    Args:
        data: as `embed_folders` returned it.
        embedder: the network it was embedded with.
        folders: where its images are.
        options: of `embed_folders`, as they were given to it.
    """
    judge, judged = embedder, data
    if hasattr(embedder, "similarity_threshold") or distance_of(embedder) != "cosine":
        judge = load_embedder("facenet-casia")
        judged = embed_folders(judge, folders, **options)
    kept = without_look_alikes(judged, judge, load_faces("demo", progress=False))
    return data.of(set(kept.identities))


def _checkpoint(
    embedder: Embedder, kind: str, train: TrainingSet, seed: int, options: dict[str, object]
) -> Path:
    """The file of an unfinished training, named after all that decides its outcome."""
    name = key(
        code=[fit_parts, embedder],
        network=fingerprint(embedder),
        kind=kind,
        train=train.digest(),
        seed=seed,
        options=options,
    )
    return cache_folder() / "training" / f"{kind}-{name[:16]}.ckpt"
