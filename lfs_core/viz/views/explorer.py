"""The retrieval explorer: what a gallery answers to each photograph, right or wrong, and why.

One view, `web/explorer`, in two places. In JupyterLab it asks this class; in a page without Python
it asks a table of this class's answers, made in advance.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from lfs_core.datasets.framing import Parts, frame, parts
from lfs_core.datasets.images import ImageLike, held
from lfs_core.embedders import network_title
from lfs_core.errors import ImageError, LFSError
from lfs_core.evaluation.names import reader_name
from lfs_core.explanation import Explainer
from lfs_core.findings.trust import (
    confidence_means,
    confidence_words,
    doubts,
    doubts_about_learnt,
    doubts_about_maps,
    what_likeness_means,
)
from lfs_core.search.retriever import Answer, Retriever
from lfs_core.training.recall import average_precision
from lfs_core.util.confidence import Spread, spread_of
from lfs_core.util.rounding import rounded
from lfs_core.viz.matches import matched_parts
from lfs_core.viz.packing import (
    colour_table,
    data_url,
    deflated,
    faces_to_choose,
    outline,
    packed,
    reduce,
    text,
)
from lfs_core.viz.page import check_suffix
from lfs_core.viz.rendering import code, render, save, style
from lfs_core.viz.views.drawn import CURVES
from lfs_core.viz.views.methods import decided
from lfs_core.viz.views.retrieved import Result, grids_html, head_html, ranking_html
from lfs_core.viz.views.view import LiveView, question_key, received
from lfs_core.viz.worth import worth

SMALL, LARGE = 96, 224  # px, longest side of a picture in a grid, and in a pair
PRINTED = 160  # px, in a page, which holds one picture of a photograph
QUALITY = 75  # of WebP
MAP_SIDE = 40  # largest side of a map as the view draws it, in its own pixels
RANKS = 500  # of a ranking that are sent at once
PRINTED_RANKS = 2000  # that a page holds
PAGE = 20  # photographs of the query's class shown at once
ALL_APS_UP_TO = 5000  # photographs; in a larger gallery AP is computed of opened queries only
SCOPE = (
    "{queries} queries of a gallery of {photographs} photographs; live, in JupyterLab, all of them "
    "can be asked."
)
OUTLINED = "The white line surrounds what both photographs show."

Shared = Callable[[int, int], torch.Tensor | None]


@dataclass(frozen=True)
class _Guest:
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


class RetrievalExplorer(LiveView):
    """A view of what is most and least similar to each photograph of a gallery, and why.

    As the last expression of a notebook's cell it is shown in JupyterLab. `page` and `save` give
    the same view of some queries without Python behind it.

    A photograph is known by its position in the gallery; queries from outside follow the
    gallery's last.

    Args:
        retriever: a gallery and its network.
        explain: explains a pair; it is given what the network reads of two photographs.
        top: how many of the most similar to show.
        bottom: how many of the least similar.
        shared: where it is known, what two photographs of the gallery both show: from their
            positions to regions (2,H,W), empty or None where they share nothing. Where a pair is
            explained they are outlined.

    Raises:
        LFSError: pairs are explained of another network than that of the gallery.
    """

    _esm = code("explorer")
    _css = style("explorer")

    def __init__(
        self,
        retriever: Retriever,
        explain: Explainer,
        top: int = 20,
        bottom: int = 5,
        *,
        shared: Shared | None = None,
    ) -> None:
        explained = getattr(explain, "embedder", None)
        if explained is not None and explained is not retriever.embedder:
            retriever.gallery.check(explained)
        self.retriever, self.explain, self.top, self.bottom = retriever, explain, top, bottom
        self.shared = shared
        self._guests: list[_Guest] = []
        self._uploads: dict[tuple[str, bytes], int] = {}  # by name and what they hold
        self.doubts: dict[str, None] = {}  # what was said against maps, once each
        self._answer = lru_cache(64)(self._retrieve)
        self._framed = lru_cache(32)(self._read)
        self._picture = lru_cache(4096)(self._draw)
        self._ranked = lru_cache(8)(self._rank)
        gallery = retriever.gallery
        super().__init__(
            contents={
                **self._settings,
                "live": True,
                "entries": list(range(len(gallery))),
                "names": [photograph.name for photograph in gallery.photographs],
            }
        )

    def page(self, queries: Sequence[int | ImageLike]) -> str:
        """The view of some queries as HTML that needs neither Python nor any other file.

        Every pair of a query and one of its results is explained in advance. The HTML can be put
        anywhere in a page, and several times.

        Args:
            queries: positions in the gallery, or images from anywhere.

        Raises:
            ImageError: a query cannot be read.
            LFSError: there is no query, no such photograph, or a pair cannot be explained.
        """
        return render("explorer", self._page_contents(queries))

    def save(self, path: str | os.PathLike, queries: Sequence[int | ImageLike]) -> None:
        """Write `page` as a document of its own.

        Raises:
            ImageError, LFSError: as `page`; or the path does not end in .html or cannot be
                written.
        """
        check_suffix(path)  # now, not after the work
        title = f"What {network_title(self.retriever.gallery.embedder)} retrieves"
        save(path, "explorer", self._page_contents(queries), title)

    def answers(self) -> Mapping[str, Callable[..., dict[str, Any]]]:
        """What answers each kind of question."""
        return {
            "open": self._open,
            "top": self._top,
            "answers": self._answers,
            "ranking": self._ranking,
            "latents": self._latents,
            "pair": self._pair,
            "pictures": self._pictures,
            "precisions": self._precisions,
            "upload": self._upload,
            "face": self._choose_face,
        }

    # What can be asked

    def _open(self, item: int) -> dict[str, Any]:
        answer = self._answer(item)
        lines = []
        if answer.position is not None:
            if label := self._label(answer.position):
                lines.append(f"class {label}")
            if answer.position != item:
                lines.append(f"The gallery holds it, as {self._name(answer.position)}.")
        said = worth(answer)
        right = [bool(hit.right) for hit in self._nearest(item) if hit.right is not None]
        return {
            "name": answer.name,
            "head": head_html(item, answer.name, lines, said, right),
            "precision": rounded(answer.average_precision),
            **self._faces(item),
        }

    def _faces(self, item: int) -> dict[str, Any]:
        """The faces of a query from outside, if it shows several, and which of them is asked."""
        guest = self._guest(item)
        if guest is None or len(guest.parts.all) < 2:
            return {"faces": None, "face": 0, "photograph": ""}
        return {
            "faces": faces_to_choose(guest.parts),
            "face": guest.number - 1,
            "photograph": guest.name,
        }

    def _choose_face(self, item: int, place: int) -> dict[str, Any]:
        """The query that asks about another face of a query from outside."""
        guest = self._guest(item)
        if guest is None:
            raise LFSError(f"Photograph {item} is of the gallery; choose faces only in yours.")
        number = place + 1
        for k, other in enumerate(self._guests):
            if other.parts is guest.parts and other.number == number:
                item = k + len(self.retriever.gallery)
                break
        else:
            guest.parts.part(number, guest.name)  # there is such a face
            answer = self.retriever(guest.parts.photograph, self.top, self.bottom, number)
            item = self._add(guest.parts, guest.name, number, answer)
        return {"item": item, "name": self._answer(item).name}

    def _top(self, item: int, start: int = 0) -> dict[str, Any]:
        """The most and the least similar photographs."""
        near, far = self._nearest(item), self._farthest(item)
        grids = [
            (f"The {len(near)} most similar", "Most similar", near),
            (f"The {len(far)} least similar, least first", "Least similar", far),
        ]
        meaning = what_likeness_means(self._spread, self.retriever.gallery.embedder)
        return {"html": deflated(grids_html(grids, meaning))}

    def _answers(self, item: int, start: int) -> dict[str, Any]:
        """Photographs of the query's class."""
        answer = self._answer(item)
        if not answer.relevant or answer.label is None:
            return {"html": deflated(f"<p>{escape(worth(answer))}</p>")}
        found = self._of_class(item)
        part = found[start : start + PAGE]
        grid = f"All others of class {answer.label}", "Photographs of the query's class", part
        html = deflated(grids_html([grid], ""))
        return {"html": html, "total": len(found), "size": PAGE}

    def _ranking(self, item: int, start: int) -> dict[str, Any]:
        """A part of the whole ranking."""
        html, total = ranking_html(self._part(item, start)), len(self._ranked(item)[0])
        pages = {"total": total, "size": RANKS} if total > RANKS else {}
        return {"html": deflated(html), **pages}

    def _latents(self, item: int) -> dict[str, Any]:
        """The embedding, of length 1, in 255 steps: `scale` times a signed byte."""
        guest = self._guest(item)
        h = guest.answer.embedding if guest else self.retriever.gallery.embeddings[item]
        h = torch.nn.functional.normalize(h, dim=0)
        scale = max(h.abs().max().item(), 1e-12) / 127
        return {"scale": scale, "values": text((h / scale).round().to(torch.int8).numpy())}

    def _pair(self, item: int, other: int) -> dict[str, Any]:
        explanation = self.explain(self._framed(item), self._framed(other))
        maps = explanation.maps
        learnt = doubts_about_learnt(self.retriever.embedder, self.explain)
        self.doubts |= dict.fromkeys([*learnt, *doubts_about_maps(explanation)])
        reduced, matched = reduce(maps, MAP_SIDE), matched_parts(explanation)
        return {
            "similarity": rounded(explanation.similarity),
            "similar": explanation.is_similar,
            "sure": confidence_words(explanation.confidence),
            "sureMeans": confidence_means(explanation),
            "threshold": decided(explanation)["threshold"],
            "method": reader_name(explanation.method),
            "doubts": [*learnt, *doubts(explanation)],
            "mapThreshold": explanation.map_threshold,
            "ranges": [[rounded(heat.min()), rounded(heat.max())] for heat in maps],
            "size": list(reduced.shape[1:]),
            "maps": [packed(heat) for heat in reduced],
            "matched": None if matched is None else [packed(part) for part in matched],
            "grid": explanation.grid,
            "outlines": self._outlines(item, other),
        }

    def _outlines(self, item: int, other: int) -> list[str] | None:
        """Around what both photographs of the gallery show: a path for each, in their sides."""
        if self.shared is None or self._guest(item) or self._guest(other):
            return None
        regions = self.shared(item, other)
        if regions is None or not regions.any():
            return None
        return [outline(region) for region in regions]

    def _pictures(self, side: int, *items: int) -> dict[str, Any]:
        return {"pictures": {str(item): self._picture_or_problem(item, side) for item in items}}

    def _precisions(self) -> dict[str, Any]:
        """AP of every photograph of the gallery, unless it is a large one."""
        if len(self.retriever.gallery) > ALL_APS_UP_TO:
            return {"precisions": {}}
        return {"precisions": {str(k): ap for k, ap in enumerate(self._all_precisions)}}

    def _upload(self, name: str, data: str) -> dict[str, Any]:
        """Take in a query from outside; the same one again is the one that is there."""
        key = name, hashlib.sha256(data.encode()).digest()
        if key not in self._uploads:
            with received(name, data) as path:
                self._uploads[key] = self.add(path, name)
        item = self._uploads[key]
        return {"item": item, "name": self._answer(item).name}

    # What is behind the answers

    @cached_property
    def _settings(self) -> dict[str, Any]:
        """What the view needs in addition to photographs."""
        return {
            "photographs": len(self.retriever.gallery),
            "top": self.top,
            "sides": [SMALL, LARGE],
            "curves": CURVES,
            "colours": colour_table(),
            "outlined": OUTLINED,
        }

    @property
    def _spread(self) -> Spread | None:
        return spread_of(self.retriever.embedder)

    @cached_property
    def _classes(self) -> list[int]:
        """The class of each photograph, as a number."""
        labels = self.retriever.gallery.labels
        numbers = {label: number for number, label in enumerate(sorted(set(labels)))}
        return [numbers[label] for label in labels]

    @cached_property
    def _all_precisions(self) -> list[float | None]:
        h, classes = self.retriever.gallery.embeddings, torch.tensor(self._classes)
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

    def _guest(self, item: int) -> _Guest | None:
        """The query from outside that this is; None for a photograph of the gallery."""
        number = item - len(self.retriever.gallery)
        if item < 0 or number >= len(self._guests):
            raise LFSError(f"There is no photograph {item}; the gallery has {item - number}.")
        return self._guests[number] if number >= 0 else None

    def _retrieve(self, item: int) -> Answer:
        guest = self._guest(item)
        return guest.answer if guest else self.retriever(item, self.top, self.bottom)

    def add(self, image: ImageLike, name: str | None = None, face: int | None = None) -> int:
        """Take in a query from outside; how it is known from then on.

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
        found = parts(image, self.retriever.embedder, self.retriever.gallery.framing)
        answer = self.retriever(image, self.top, self.bottom, face)
        return self._add(found, name, found.part(face, name).number, answer)

    def _add(self, found: Parts, name: str, number: int, answer: Answer) -> int:
        called = f"{name}, face {number}" if len(found.all) > 1 else name
        self._guests.append(_Guest(name, found, number, replace(answer, name=called)))
        return len(self.retriever.gallery) + len(self._guests) - 1

    def _read(self, item: int) -> Image.Image:
        """What the network reads of a photograph."""
        guest = self._guest(item)
        if guest:
            return guest.parts.part(guest.number if len(guest.parts.all) > 1 else None).image
        gallery = self.retriever.gallery
        return frame(gallery.unchanged(item), self.retriever.embedder, gallery.framing)

    def _draw(self, item: int, side: int) -> str:
        """A photograph, at most `side` pixels a side, as a data URL."""
        image = self._framed(item).copy()
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return data_url(image, "webp", QUALITY)

    def _picture_or_problem(self, item: int, side: int) -> dict[str, str]:
        """One picture; files may have gone since the gallery was made."""
        try:
            return {"source": self._picture(item, side)}
        except LFSError as error:
            return {"problem": str(error)}

    def _rank(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions of all photographs but the query, most similar first, and similarities."""
        answer = self._answer(item)
        similarities = self.retriever.gallery.similarities(answer.embedding)
        order = similarities.argsort(descending=True, stable=True)
        if answer.position is not None:
            order = order[order != answer.position]
        return order.numpy(), similarities[order].numpy()

    def _name(self, position: int) -> str:
        return self.retriever.gallery.photographs[position].name

    def _label(self, position: int) -> str:
        """The class of a photograph of the gallery; a class of one has no name of its own."""
        label = self.retriever.gallery.labels[position]
        return "" if label == self._name(position) else label

    def _results(self, item: int, found: Iterable[tuple[int, int, float]]) -> list[Result]:
        """Results, of where photographs are, their ranks and their similarities."""
        answer, labels = self._answer(item), self.retriever.gallery.labels
        # Without another of its class there is neither right nor wrong.
        known = answer.position is not None and answer.relevant > 0
        return [
            Result(
                item=place,
                name=self._name(place),
                rank=rank,
                similarity=similarity,
                label=self._label(place),
                same=self._spread.same(similarity) if self._spread else None,
                right=labels[place] == answer.label if known else None,
            )
            for place, rank, similarity in found
        ]

    def _nearest(self, item: int) -> list[Result]:
        near = enumerate(self._answer(item).nearest, 1)
        return self._results(item, ((hit.position, rank, hit.similarity) for rank, hit in near))

    def _farthest(self, item: int) -> list[Result]:
        last, far = len(self._ranked(item)[0]), enumerate(self._answer(item).farthest)
        return self._results(item, ((hit.position, last - k, hit.similarity) for k, hit in far))

    def _of_class(self, item: int) -> list[Result]:
        """All others of the query's class."""
        order, similarities = self._ranked(item)
        classes = np.array(self._classes)
        ranks = np.flatnonzero(classes[order] == classes[self._answer(item).position])
        places = zip(order[ranks].tolist(), (ranks + 1).tolist(), similarities[ranks], strict=True)
        return self._results(item, places)

    def _part(self, item: int, start: int) -> list[Result]:
        """Those of the ranking from `start` on."""
        order, similarities = (of[start : start + RANKS].tolist() for of in self._ranked(item))
        ranks = range(start + 1, start + 1 + len(order))
        return self._results(item, zip(order, ranks, similarities, strict=True))

    # The page

    def _page_contents(self, queries: Sequence[int | ImageLike]) -> dict[str, Any]:
        """`contents`, with the answers to all that the view of these queries can ask."""
        if not queries:
            raise LFSError("The explorer's page needs at least one query.")
        gallery = self.retriever.gallery
        items = [query if isinstance(query, int) else self.add(query) for query in queries]
        items = list(dict.fromkeys(items))
        if all(item < len(gallery) and gallery.problem(item) for item in items):
            gallery.unchanged(items[0])
        answers: dict[str, dict[str, Any]] = {}

        def ask(kind: str, *arguments: object) -> dict[str, Any]:
            try:
                answer = self.reply(kind, *arguments)
            except ImageError as error:  # a file has changed: the others are shown
                answer = {"problem": str(error)}
            answers[question_key([kind, *arguments])] = answer
            return answer

        explained, pictured = set(items), set(items)
        for item in items:
            ask("open", item)
            ask("top", item, 0)
            results = {result.item for result in self._nearest(item) + self._farthest(item)}
            for position in results:
                ask("pair", item, position)
            explained |= results
            same = ask("answers", item, 0)
            for start in range(PAGE, same.get("total", 0), PAGE):
                ask("answers", item, start)
            in_class = self._of_class(item) if "total" in same else []
            pictured |= results | {result.item for result in in_class[:PAGE]}
            for start in range(0, min(len(self._ranked(item)[0]), PRINTED_RANKS), RANKS):
                ask("ranking", item, start)
        for item in explained:
            ask("latents", item)
        pictures = {item: self._picture_or_problem(item, PRINTED) for item in sorted(pictured)}
        return {
            **self._settings,
            "live": False,
            "entries": items,
            "names": {item: self._answer(item).name for item in items},
            "pictures": pictures,
            "scope": SCOPE.format(queries=len(items), photographs=len(gallery)),
            "problems": " ".join(
                dict.fromkeys(of["problem"] for of in pictures.values() if "problem" in of)
            ),
            "answers": answers,
        }
