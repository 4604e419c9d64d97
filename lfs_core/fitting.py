"""From folders of photographs to a decoder that was checked on people it has never seen."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from lfs_core.datasets.faces import FaceSet, find_photographs, stream_faces
from lfs_core.datasets.images import shrink
from lfs_core.decoder import LinearDecoder, decoding_error
from lfs_core.embedders import Embedder, embed_all, embedder_name
from lfs_core.errors import LFSError

BATCH = 32  # images a forward pass
RIDGES = tuple(10.0**k for k in range(-6, 3))
LOOK_ALIKE = 0.6  # cosine; identities this near to an excluded face are left out


@dataclass(frozen=True)
class TrainingSet:
    """What a decoder learns from: embeddings, the images they come from, and whose they are.

    Attributes:
        embeddings: (N,D).
        images: (N,3,h,w) uint8.
        identities: N names.
        skipped: what could not be used, and why, by path.
    """

    embeddings: Tensor
    images: Tensor
    identities: list[str]
    skipped: dict[str, str]

    def __len__(self) -> int:
        return len(self.identities)

    def subset(self, people: set[str]) -> TrainingSet:
        """The images of these people only."""
        keep = torch.tensor([identity in people for identity in self.identities])
        identities = [identity for identity in self.identities if identity in people]
        return TrainingSet(self.embeddings[keep], self.images[keep], identities, {})

    def split(self, shares: Sequence[float], seed: int) -> list[TrainingSet]:
        """Parts that share no identity, of about these shares of the identities."""
        people = sorted(set(self.identities))
        generator = torch.Generator().manual_seed(seed)
        order = iter(torch.randperm(len(people), generator=generator).tolist())
        counts = [round(share * len(people)) for share in shares[:-1]]
        counts.append(len(people) - sum(counts))
        return [self.subset({people[i] for i in islice(order, count)}) for count in counts]


def embed_faces(
    embedder: Embedder,
    folders: Iterable[str | os.PathLike],
    size: int = 40,
    workers: int = 0,
    progress: bool = True,
) -> TrainingSet:
    """Align, embed and shrink every photograph below some folders.

    Args:
        embedder: the network.
        folders: laid out as `find_photographs` reads them.
        size: side of the decoder's images, in pixels.
        workers: processes that align beside this one.
        progress: show a progress bar.

    Raises:
        ImageError: a folder is missing or holds no image.
        LFSError: no face was found at all.
    """
    photographs = [
        (path, f"{Path(folder).name}/{identity}")
        for folder in folders
        for path, identity in find_photographs(folder)
    ]
    embeddings, images, identities, skipped = [], [], [], {}
    pending: list[Tensor] = []

    def flush() -> None:
        faces = torch.stack(pending)
        embeddings.append(embed_all(embedder, faces))
        images.append(shrink(faces, size))
        pending.clear()

    for path, identity, face in stream_faces(photographs, workers, progress):
        if isinstance(face, str):
            skipped[str(path)] = face
            continue
        identities.append(identity)
        pending.append(face)
        if len(pending) == BATCH:
            flush()
    if pending:
        flush()
    if not identities:
        raise LFSError(f"None of the {len(photographs)} images shows a face.")
    return TrainingSet(torch.cat(embeddings), torch.cat(images), identities, skipped)


def without_look_alikes(data: TrainingSet, embedder: Embedder, faces: FaceSet) -> TrainingSet:
    """Leave out every identity of which one image resembles one of these faces.

    It guards a test set: none of its photographs, and as far as the network can tell none of its
    people, is left among the training images.
    """
    h = embed_all(embedder, faces.images)
    unit = torch.nn.functional.normalize
    nearest = (unit(data.embeddings) @ unit(h).T).amax(dim=1)
    alike = {
        identity
        for identity, cosine in zip(data.identities, nearest.tolist(), strict=True)
        if cosine > LOOK_ALIKE
    }
    return data.subset(set(data.identities) - alike)


def fit_linear(
    data: TrainingSet, embedder: Embedder, description: str, seed: int = 0
) -> LinearDecoder:
    """Fit a linear decoder; choose ridge and rank, and measure it, on people it has not seen.

    Four fifths of the identities are trained on, a tenth chooses ridge and rank, and the last
    tenth gives the errors written to `decoder.info`.

    Args:
        data: the training set.
        embedder: the network it was embedded with.
        description: of the data, for the decoder's header.
        seed: of the split.

    Raises:
        LFSError: there are too few identities to split.
    """
    if len(set(data.identities)) < 10:
        raise LFSError(
            f"The images show {len(set(data.identities))} people; at least 10 are needed to hold "
            "some out. Give one sub-folder for each person."
        )
    train, choose, test = data.split((0.8, 0.1, 0.1), seed)

    def error(decoder: LinearDecoder) -> float:
        return decoding_error(decoder, choose.embeddings, choose.images)

    fits = {r: LinearDecoder.fit(train.embeddings, train.images, ridge=r) for r in RIDGES}
    ridge = min(fits, key=lambda r: error(fits[r]))
    full = fits[ridge]
    # The smallest rank that is no worse. A lower one would cost little error, but its maps differ.
    ranks = [2**k for k in range(3, 12) if 2**k < full.up.shape[1]]
    decoder = next((d for r in ranks if error(d := full.reduced(r)) <= error(full)), full)

    errors = {
        "ridge": {f"{r:g}": error(d) for r, d in fits.items()},
        "rank": {r: error(full.reduced(r)) for r in ranks},
    }
    mean = train.images.float().mean(dim=0) / 255
    mean_loss = (test.images.float() / 255 - mean).square().mean().item()
    loss = decoding_error(decoder, test.embeddings, test.images)
    decoder.info = {
        "embedder": embedder_name(embedder),
        "data": description,
        "images": {"train": len(train), "choose": len(choose), "test": len(test)},
        "identities": {
            name: len(set(part.identities))
            for name, part in (("train", train), ("choose", choose), ("test", test))
        },
        "seed": seed,
        "ridge": ridge,
        "rank": decoder.up.shape[1],
        "loss": loss,
        "loss_full_rank": decoding_error(full, test.embeddings, test.images),
        "loss_mean_image": mean_loss,
        "r2": 1 - loss / mean_loss,
        "directions_with_99_percent_of_variance": _leading_directions(train.embeddings, 0.99),
        "errors_when_choosing": errors,
    }
    return decoder


def _leading_directions(embeddings: Tensor, share: float) -> int:
    """How many principal directions of the latents hold this share of their variance."""
    variances = torch.linalg.eigvalsh(embeddings.T.double().cov()).flip(0)
    return int((variances.cumsum(0) < share * variances.sum()).sum()) + 1
