"""The retrieval explorer: what a gallery answers to each photograph, right or wrong, and why.

One view, `web/explorer`, in two places. In JupyterLab it asks this class; in a page without Python
it asks a table of this class's answers, made in advance.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from html import escape
from typing import Any

import torch
from PIL import Image

from lfs_core.datasets.images import ImageLike
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
from lfs_core.search.retriever import Retriever
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
from lfs_core.viz.views.queries import Queries
from lfs_core.viz.views.retrieved import grids_html, head_html, ranking_html
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


class RetrievalExplorer(LiveView):
    """A view of what is most and least similar to each photograph of a gallery, and why.

    As the last expression of a notebook's cell it is shown in JupyterLab. `page` and `save` give
    the same view of some queries without Python behind it.

    Photographs are known by number, as in `Queries`.

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
        self.retriever, self.explain, self.shared = retriever, explain, shared
        self.queries = Queries(retriever, top, bottom)
        self._uploads: dict[tuple[str, bytes], int] = {}  # by name and what they hold
        self.doubts: dict[str, None] = {}  # what was said against maps, once each
        self._picture = lru_cache(4096)(self._draw)
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
        answer = self.queries.answer(item)
        lines = []
        if answer.position is not None:
            if label := self.queries.label(answer.position):
                lines.append(f"class {label}")
            if answer.position != item:
                lines.append(f"The gallery holds it, as {self.queries.name(answer.position)}.")
        said = worth(answer)
        right = [bool(hit.right) for hit in self.queries.nearest(item) if hit.right is not None]
        return {
            "name": answer.name,
            "head": head_html(item, answer.name, lines, said, right),
            "precision": rounded(answer.average_precision),
            **self._faces(item),
        }

    def _faces(self, item: int) -> dict[str, Any]:
        """The faces of a query from outside, if it shows several, and which of them is asked."""
        guest = self.queries.guest(item)
        if guest is None or len(guest.parts.all) < 2:
            return {"faces": None, "face": 0, "photograph": ""}
        return {
            "faces": faces_to_choose(guest.parts),
            "face": guest.number - 1,
            "photograph": guest.name,
        }

    def _choose_face(self, item: int, place: int) -> dict[str, Any]:
        """The query that asks about another face of a query from outside."""
        item = self.queries.other_face(item, place + 1)
        return {"item": item, "name": self.queries.answer(item).name}

    def _top(self, item: int, start: int = 0) -> dict[str, Any]:
        """The most and the least similar photographs."""
        near, far = self.queries.nearest(item), self.queries.farthest(item)
        grids = [
            (f"The {len(near)} most similar", "Most similar", near),
            (f"The {len(far)} least similar, least first", "Least similar", far),
        ]
        meaning = what_likeness_means(self.queries.spread, self.retriever.gallery.embedder)
        return {"html": deflated(grids_html(grids, meaning))}

    def _answers(self, item: int, start: int) -> dict[str, Any]:
        """Photographs of the query's class."""
        answer = self.queries.answer(item)
        if not answer.relevant or answer.label is None:
            return {"html": deflated(f"<p>{escape(worth(answer))}</p>")}
        found = self.queries.of_class(item)
        part = found[start : start + PAGE]
        grid = f"All others of class {answer.label}", "Photographs of the query's class", part
        html = deflated(grids_html([grid], ""))
        return {"html": html, "total": len(found), "size": PAGE}

    def _ranking(self, item: int, start: int) -> dict[str, Any]:
        """A part of the whole ranking."""
        html = ranking_html(self.queries.ranking(item, start, RANKS))
        total = len(self.queries.ranked(item)[0])
        pages = {"total": total, "size": RANKS} if total > RANKS else {}
        return {"html": deflated(html), **pages}

    def _latents(self, item: int) -> dict[str, Any]:
        """The embedding, of length 1, in 255 steps: `scale` times a signed byte."""
        h = self.queries.embedding(item)
        scale = max(h.abs().max().item(), 1e-12) / 127
        return {"scale": scale, "values": text((h / scale).round().to(torch.int8).numpy())}

    def _pair(self, item: int, other: int) -> dict[str, Any]:
        explanation = self.explain(self.queries.framed(item), self.queries.framed(other))
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
        if self.shared is None or self.queries.guest(item) or self.queries.guest(other):
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
        return {"precisions": {str(k): ap for k, ap in enumerate(self.queries.precisions)}}

    def _upload(self, name: str, data: str) -> dict[str, Any]:
        """Take in a query from outside; the same one again is the one that is there."""
        key = name, hashlib.sha256(data.encode()).digest()
        if key not in self._uploads:
            with received(name, data) as path:
                self._uploads[key] = self.queries.add(path, name)
        item = self._uploads[key]
        return {"item": item, "name": self.queries.answer(item).name}

    # What is behind the answers

    @cached_property
    def _settings(self) -> dict[str, Any]:
        """What the view needs in addition to photographs."""
        return {
            "photographs": len(self.retriever.gallery),
            "top": self.queries.top,
            "sides": [SMALL, LARGE],
            "curves": CURVES,
            "colours": colour_table(),
            "outlined": OUTLINED,
        }

    def _draw(self, item: int, side: int) -> str:
        """A photograph, at most `side` pixels a side, as a data URL."""
        image = self.queries.framed(item).copy()
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return data_url(image, "webp", QUALITY)

    def _picture_or_problem(self, item: int, side: int) -> dict[str, str]:
        """One picture; files may have gone since the gallery was made."""
        try:
            return {"source": self._picture(item, side)}
        except LFSError as error:
            return {"problem": str(error)}

    # The page

    def _page_contents(self, queries: Sequence[int | ImageLike]) -> dict[str, Any]:
        """`contents`, with the answers to all that the view of these queries can ask."""
        if not queries:
            raise LFSError("The explorer's page needs at least one query.")
        gallery = self.retriever.gallery
        items = [query if isinstance(query, int) else self.queries.add(query) for query in queries]
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
            shown = self.queries.nearest(item) + self.queries.farthest(item)
            results = {result.item for result in shown}
            for position in results:
                ask("pair", item, position)
            explained |= results
            same = ask("answers", item, 0)
            for start in range(PAGE, same.get("total", 0), PAGE):
                ask("answers", item, start)
            in_class = self.queries.of_class(item) if "total" in same else []
            pictured |= results | {result.item for result in in_class[:PAGE]}
            for start in range(0, min(len(self.queries.ranked(item)[0]), PRINTED_RANKS), RANKS):
                ask("ranking", item, start)
        for item in explained:
            ask("latents", item)
        pictures = {item: self._picture_or_problem(item, PRINTED) for item in sorted(pictured)}
        return {
            **self._settings,
            "live": False,
            "entries": items,
            "names": {item: self.queries.answer(item).name for item in items},
            "pictures": pictures,
            "scope": SCOPE.format(queries=len(items), photographs=len(gallery)),
            "problems": " ".join(
                dict.fromkeys(of["problem"] for of in pictures.values() if "problem" in of)
            ),
            "answers": answers,
        }
