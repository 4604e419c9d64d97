"""Asking a gallery: what is most and least like a query."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from lfs_core.datasets.framing import parts
from lfs_core.datasets.images import ImageLike, to_tensor
from lfs_core.embedders import Embedder, embed, image_sides
from lfs_core.errors import LFSError
from lfs_core.search.gallery import Gallery
from lfs_core.training.recall import average_precision
from lfs_core.util.confidence import spread_of
from lfs_core.util.distances import needs_cosine


@dataclass(frozen=True)
class Hit:
    """A photograph that was retrieved.

    Attributes:
        position: in the gallery.
        name: its path below the gallery's folder.
        label: its class.
        similarity: cosine with the query, in [-1,1].
        same: probability that both show one person or class, if one and two are as likely; None
            where the network's similarities have no known spread.
        problem: why its file is no longer what was embedded; "" if it is.
    """

    position: int
    name: str
    label: str
    similarity: float
    same: float | None = None
    problem: str = ""


@dataclass(frozen=True)
class Answer:
    """What a gallery answers to a query.

    Attributes:
        name: of the query.
        label: its class, if it is in the gallery; else None.
        position: where it is in the gallery; else None.
        embedding: (D,) of the query.
        nearest: the most similar photographs, most similar first.
        farthest: the least similar ones, least similar first.
        relevant: how many photographs of the gallery share the query's class, itself left out.
    """

    name: str
    label: str | None
    position: int | None
    embedding: Tensor
    nearest: list[Hit]
    farthest: list[Hit]
    relevant: int

    @property
    def average_precision(self) -> float | None:
        """AP@k in [0,1] for the k nearest; None where no photograph shares the query's class."""
        if not self.relevant:
            return None
        right = [hit.label == self.label for hit in self.nearest]
        # Those that were not found lie somewhere behind the k nearest.
        missed = [True] * (self.relevant - sum(right))
        return average_precision(torch.tensor(right + missed), k=len(right))


class Retriever:
    """A gallery and the network that it was made with.

    Args:
        gallery: what to search.
        embedder: the network.

    Raises:
        LFSError: the gallery was made with another network, or the network compares by another
            distance than the cosine.
    """

    def __init__(self, gallery: Gallery, embedder: Embedder) -> None:
        needs_cosine(embedder, "A gallery")
        gallery.check(embedder)
        self.gallery, self.embedder = gallery, embedder
        self._labels = Counter(gallery.labels)
        self._positions = {p.key: k for k, p in enumerate(gallery.photographs)}

    def __call__(
        self,
        query: ImageLike | int,
        top: int = 20,
        bottom: int = 5,
        face: int | None = None,
    ) -> Answer:
        """The photographs that are most and least similar to a query.

        A query that is in the gallery is not among its own answers, whether it is given by its
        position or as a file with the same content.

        Args:
            query: an image from anywhere, or the position of a photograph in the gallery.
            top: how many of the most similar.
            bottom: how many of the least similar.
            face: the query's face, from left to right, from 1; left out, the one that is meant. A
                face that is asked for has no class, though its photograph be in the gallery.

        Raises:
            ImageError: the query cannot be read, or has no face of this number.
            LFSError: the gallery holds nothing but the query, or has no such position.
        """
        position = query if isinstance(query, int) else self._find(query)
        if position is not None and not 0 <= position < len(self.gallery):
            raise LFSError(f"The gallery has no photograph {position}; it has {len(self.gallery)}.")
        if position is None or face is not None:
            label, relevant = None, 0
            source = self.gallery.path(query) if isinstance(query, int) else query
            name = Path(source).name if isinstance(source, str | os.PathLike) else "the image"
            h = self._embed(source, face, name)
        else:
            if len(self.gallery) == 1:
                raise LFSError("The gallery holds nothing but the query; add photographs to it.")
            photograph = self.gallery.photographs[position]
            name, label = photograph.name, photograph.label
            relevant = self._labels[label] - 1
            h = self.gallery.embeddings[position]
        return Answer(
            name,
            label,
            position if face is None else None,
            h,
            self._hits(self.gallery.nearest(h, top + 1), position)[:top],
            self._hits(self.gallery.farthest(h, bottom + 1), position)[:bottom],
            relevant,
        )

    def _find(self, query: ImageLike) -> int | None:
        """The position of a file with the same content, if there is one."""
        if not isinstance(query, str | os.PathLike) or not Path(query).is_file():
            return None
        try:
            return self._positions.get(hashlib.sha256(Path(query).read_bytes()).hexdigest())
        except OSError:  # reading the image says what is wrong
            return None

    def _embed(self, query: ImageLike, face: int | None, name: str) -> Tensor:
        height, width = image_sides(self.embedder)
        part = parts(query, self.embedder, self.gallery.framing).part(face, name)
        # As photographs of the gallery were resized.
        image = part.image.resize((width, height), Image.Resampling.BILINEAR)
        with torch.no_grad():
            return embed(self.embedder, to_tensor(image)[None])[0]

    def _hits(self, found: tuple[list[int], list[float]], query: int | None) -> list[Hit]:
        spread = spread_of(self.embedder)
        hits = []
        for position, similarity in zip(*found, strict=True):
            if position != query:
                of = self.gallery.photographs[position]
                same = spread.same(similarity) if spread else None
                problem = self.gallery.problem(position)
                hits.append(Hit(position, of.name, of.label, similarity, same, problem))
        return hits
