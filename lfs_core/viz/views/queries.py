"""What a gallery answers to its own photographs and to photographs from outside, each by a number.

A photograph of the gallery is known by its position; queries from outside follow the last.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lfs_core.datasets.framing import Parts, frame, parts
from lfs_core.datasets.images import ImageLike, held
from lfs_core.errors import LFSError
from lfs_core.search.retriever import Answer, Retriever
from lfs_core.training.recall import average_precision
from lfs_core.util.confidence import Spread, spread_of
from lfs_core.util.rounding import rounded
from lfs_core.viz.views.retrieved import Result


@dataclass(frozen=True)
class Guest:
    """A query from outside the gallery: what the network can read of it, and the answer to that.

    Attributes:
        name: of the photograph.
        parts: all that the network can read of it.
        number: of the part that is asked about.
        answer: the gallery's.
    """

    name: str
    parts: Parts
    number: int
    answer: Answer


class Queries:
    """What a gallery answers to each photograph, and to those from outside that it is given.

    Args:
        retriever: a gallery and its network.
        top: how many of the most similar an answer has.
        bottom: how many of the least similar.
    """

    def __init__(self, retriever: Retriever, top: int, bottom: int) -> None:
        self.retriever, self.gallery = retriever, retriever.gallery
        self.top, self.bottom = top, bottom
        self._guests: list[Guest] = []
        self.answer = lru_cache(64)(self._retrieve)
        self.framed = lru_cache(32)(self._read)
        self.ranked = lru_cache(8)(self._rank)

    def guest(self, item: int) -> Guest | None:
        """The query from outside that this is; None for a photograph of the gallery.

        Raises:
            LFSError: there is no such photograph.
        """
        number = item - len(self.gallery)
        if item < 0 or number >= len(self._guests):
            raise LFSError(f"There is no photograph {item}; the gallery has {item - number}.")
        return self._guests[number] if number >= 0 else None

    def add(self, image: ImageLike, name: str | None = None, face: int | None = None) -> int:
        """Take in a query from outside; its number from then on.

        Args:
            image: a photograph from anywhere.
            name: what to call it; left out, its file's name.
            face: which face, from left to right, from 1; left out, the one that is meant.

        Raises:
            ImageError: it cannot be read, or has no face of this number.
        """
        if name is None:
            name = Path(image).name if isinstance(image, str | os.PathLike) else "the image"
        image = held(image)
        found = parts(image, self.retriever.embedder, self.gallery.framing)
        answer = self.retriever(image, self.top, self.bottom, face)
        return self._add(found, name, found.part(face, name).number, answer)

    def other_face(self, item: int, number: int) -> int:
        """The query that asks about another face of a query from outside, from 1.

        Raises:
            LFSError: it is no query from outside, or has no such face.
        """
        guest = self.guest(item)
        if guest is None:
            raise LFSError(f"Photograph {item} is of the gallery; choose faces only in yours.")
        for k, other in enumerate(self._guests):
            if other.parts is guest.parts and other.number == number:
                return k + len(self.gallery)
        guest.parts.part(number, guest.name)  # there is such a face
        answer = self.retriever(guest.parts.photograph, self.top, self.bottom, number)
        return self._add(guest.parts, guest.name, number, answer)

    def embedding(self, item: int) -> Tensor:
        """Of a photograph, (D,), of length 1."""
        guest = self.guest(item)
        h = guest.answer.embedding if guest else self.gallery.embeddings[item]
        return torch.nn.functional.normalize(h, dim=0)

    def name(self, position: int) -> str:
        """Of a photograph of the gallery."""
        return self.gallery.photographs[position].name

    def label(self, position: int) -> str:
        """The class of a photograph of the gallery; a class of one has no name of its own."""
        label = self.gallery.labels[position]
        return "" if label == self.name(position) else label

    def nearest(self, item: int) -> list[Result]:
        """The most similar, the first of them first."""
        near = enumerate(self.answer(item).nearest, 1)
        return self._results(item, ((hit.position, rank, hit.similarity) for rank, hit in near))

    def farthest(self, item: int) -> list[Result]:
        """The least similar, the last of all first."""
        last, far = len(self.ranked(item)[0]), enumerate(self.answer(item).farthest)
        return self._results(item, ((hit.position, last - k, hit.similarity) for k, hit in far))

    def of_class(self, item: int) -> list[Result]:
        """All others of the query's class, most similar first."""
        order, similarities = self.ranked(item)
        classes = np.array(self._classes)
        ranks = np.flatnonzero(classes[order] == classes[self.answer(item).position])
        places = zip(order[ranks].tolist(), (ranks + 1).tolist(), similarities[ranks], strict=True)
        return self._results(item, places)

    def ranking(self, item: int, start: int, number: int) -> list[Result]:
        """A part of the whole ranking: `number` of it from `start` on."""
        order, similarities = (of[start : start + number].tolist() for of in self.ranked(item))
        ranks = range(start + 1, start + 1 + len(order))
        return self._results(item, zip(order, ranks, similarities, strict=True))

    @property
    def spread(self) -> Spread | None:
        """What tells how sure a similarity makes that both are of one class, where it is known."""
        return spread_of(self.retriever.embedder)

    @cached_property
    def precisions(self) -> list[float | None]:
        """Average precision of each photograph of the gallery, among its `top` most similar."""
        h, classes = self.gallery.embeddings, torch.tensor(self._classes)
        sizes = Counter(self._classes)
        k = min(self.top, len(h) - 1)
        precisions: list[float | None] = []
        for places in torch.arange(len(h)).split(512):
            similarities = h[places] @ h.T
            similarities[range(len(places)), places] = -torch.inf  # not among its own answers
            nearest = similarities.topk(k).indices
            for right, label in zip(
                classes[nearest] == classes[places, None], classes[places].tolist(), strict=True
            ):
                relevant = sizes[label] - 1
                missed = right.new_ones(relevant - int(right.sum()))
                ap = average_precision(torch.cat([right, missed]), k=k) if relevant else None
                precisions.append(rounded(ap))
        return precisions

    @cached_property
    def _classes(self) -> list[int]:
        """The class of each photograph, as a number."""
        labels = self.gallery.labels
        numbers = {label: number for number, label in enumerate(sorted(set(labels)))}
        return [numbers[label] for label in labels]

    def _add(self, found: Parts, name: str, number: int, answer: Answer) -> int:
        called = f"{name}, face {number}" if len(found.all) > 1 else name
        self._guests.append(Guest(name, found, number, replace(answer, name=called)))
        return len(self.gallery) + len(self._guests) - 1

    def _retrieve(self, item: int) -> Answer:
        guest = self.guest(item)
        return guest.answer if guest else self.retriever(item, self.top, self.bottom)

    def _read(self, item: int) -> Image.Image:
        """What the network reads of a photograph."""
        guest = self.guest(item)
        if guest:
            return guest.parts.part(guest.number if len(guest.parts.all) > 1 else None).image
        return frame(self.gallery.unchanged(item), self.retriever.embedder, self.gallery.framing)

    def _rank(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions of all photographs but the query, most similar first, and similarities."""
        answer = self.answer(item)
        similarities = self.gallery.similarities(answer.embedding)
        order = similarities.argsort(descending=True, stable=True)
        if answer.position is not None:
            order = order[order != answer.position]
        return order.numpy(), similarities[order].numpy()

    def _results(self, item: int, found: Iterable[tuple[int, int, float]]) -> list[Result]:
        """Results, of where photographs are, their ranks and their similarities."""
        answer, labels, spread = self.answer(item), self.gallery.labels, self.spread
        # Without another of its class there is neither right nor wrong.
        known = answer.position is not None and answer.relevant > 0
        return [
            Result(
                item=place,
                name=self.name(place),
                rank=rank,
                similarity=similarity,
                label=self.label(place),
                same=spread.same(similarity) if spread else None,
                right=labels[place] == answer.label if known else None,
            )
            for place, rank, similarity in found
        ]
