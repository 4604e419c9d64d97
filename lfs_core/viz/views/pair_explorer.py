"""The pair explorer: two photographs, the decision about them, and why, looked at closely.

One view, `web/pair_explorer`, in two places. In JupyterLab it asks this class; in a page without
Python it asks a table of this class's answers, made in advance.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from lfs_core.amortised import load_head
from lfs_core.comparators import explainer_class, explainers_that_match, load_explainer
from lfs_core.datasets.framing import Parts, doubt_about_crop, parts
from lfs_core.datasets.images import ImageLike, held, load_image, to_tensor
from lfs_core.decoder import Decoder, decoder_title, load_decoder
from lfs_core.embedders import (
    Embedder,
    embed,
    embedder_name,
    image_sides,
    load_embedder,
    network_title,
    threshold_of,
)
from lfs_core.errors import FaceError, LFSError
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS
from lfs_core.explanation import PairExplanation
from lfs_core.findings.trust import (
    NO_FACE,
    UNSURE_FACE,
    confidence_words,
    doubts,
    doubts_about_decoder,
    doubts_about_learnt,
    doubts_about_method,
    doubts_about_similarity,
    spec_of,
    what_confidence_means,
)
from lfs_core.mapping import check_unit_interval, difference_map, perturb
from lfs_core.relevance import normalized_distance, relevance
from lfs_core.training.decoders import LinearDecoder
from lfs_core.util.confidence import spread_of
from lfs_core.util.distances import cosines, needs_cosine
from lfs_core.util.modules import shipped_modules
from lfs_core.util.threads import one_thread
from lfs_core.viz.matches import matches_contents
from lfs_core.viz.packing import (
    colour_table,
    data_url,
    faces_to_choose,
    packed,
    reduce,
    stepped,
    text,
)
from lfs_core.viz.page import check_suffix
from lfs_core.viz.rendering import code, render, save, style
from lfs_core.viz.report import render_report
from lfs_core.viz.views.drawn import BARS
from lfs_core.viz.views.view import LiveView, question_key, received

DECODED = "explainlfs"  # the method that has a decoder, p and relevance
LEARNT = "amortised"  # the method that has a causal head
METHODS = (  # those that answer within seconds
    DECODED,
    LEARNT,
    "simexpert",
    "tummala",
    "gradcam",
    "xssab",
    "gradient-x-input",
    "occlusion",
    "random",
    "centre",
    "edges",
)
SHIPPED = {"linear": "", "mlp": "-mlp", "conv": "-conv"}  # ends of their names
COLOURS = ("inferno", "viridis", "cividis", "gray")  # readable with any colour vision
PICTURE, THUMBNAIL = 160, 72  # px, longest side
QUALITY = 80  # of WebP
MAP_SIDE = 40  # largest side of a map as the view draws it, in its own pixels
STEPS = 100  # of p and xi_1 from 0 to 1
PRINTED_STEPS = 10  # of p in a page


class Setting(NamedTuple):
    """A pair and what is asked about it, by places in lists."""

    network: int
    a: int
    a_part: int  # which of the faces in the first photograph
    b: int
    b_part: int
    threshold: int


@dataclass(frozen=True)
class _Seen:
    """What a network can read of a photograph, and the doubts about each part."""

    parts: Parts
    doubts: list[list[str]]


class PairExplorer(LiveView):
    """Choose two photographs and see why a network calls them similar or not.

    As the last expression of a notebook's cell it is shown in JupyterLab. `page` and `save` give
    the same view of some pairs without Python behind it.

    Args:
        photographs: files or images to choose from; more can be uploaded.
        networks: names of networks, or networks; the first is shown first.
        names: of the photographs; left out, their files' names or their numbers.
        decoders: by name, of every network; left out, those that ship for each.
        methods: names from `list_explainers()`.
        p: size of the perturbation (Eq. 4), in [0,1].
        similarity_threshold: xi_1, in [-1,1]; left out, that of the first network.
        map_threshold: xi_2, in [0,1].
        aligned: whether photographs and uploads are already what the network reads, so that no
            face is looked for.

    Raises:
        LFSError: there are fewer than two photographs, a method is unknown, or a number is out of
            range.
    """

    _esm = code("pair_explorer")
    _css = style("pair_explorer")

    def __init__(
        self,
        photographs: Sequence[ImageLike],
        networks: Sequence[str | Embedder] = ("facenet-casia",),
        *,
        names: Sequence[str] | None = None,
        decoders: Mapping[str, Decoder] | None = None,
        methods: Sequence[str] = METHODS,
        p: float = 0.3,
        similarity_threshold: float | None = None,
        map_threshold: float = 0.7,
        aligned: bool = False,
    ) -> None:
        if len(photographs) < 2:
            raise LFSError("The pair explorer needs at least two photographs to choose from.")
        check_unit_interval("p", p)
        check_unit_interval("map_threshold", map_threshold)
        if similarity_threshold is not None and not -1 <= similarity_threshold <= 1:
            raise LFSError(f"similarity_threshold is {similarity_threshold}, not in [-1, 1].")
        for method in methods:
            explainer_class(method)
        self._uploads: dict[tuple[str, bytes], int] = {}  # by name and what they hold
        self.names = list(names or map(_name, photographs, range(len(photographs))))
        self.photographs, self.aligned = [held(of) for of in photographs], aligned
        self.networks = [_Network(network, decoders, methods) for network in networks]
        self.p, self.map_threshold = p, map_threshold
        if similarity_threshold is None:
            similarity_threshold = threshold_of(self.networks[0].embedder)
        self.similarity_threshold = similarity_threshold
        self._looked = lru_cache(64)(self._look)
        self._seen = lru_cache(256)(self._see)
        self._explained = lru_cache(32)(self._explain)
        super().__init__(
            contents={
                **self._settings(),
                "live": True,
                "reports": True,
                "pPlaces": list(range(len(self._ps))),
                "entries": [self._entry(item) for item in range(len(self.photographs))],
            }
        )

    def page(self, pairs: Sequence[tuple[int, int]], first: int = 0) -> str:
        """The view of some pairs as HTML that needs neither Python nor any other file.

        Args:
            pairs: of places among the photographs.
            first: the place in `pairs` of the one shown first.

        Raises:
            ImageError: a photograph cannot be read.
            LFSError: there is no pair, or it cannot be explained.
        """
        return render("pair_explorer", self._page_contents(pairs, first))

    def save(
        self, path: str | os.PathLike, pairs: Sequence[tuple[int, int]], first: int = 0
    ) -> None:
        """Write `page` as a document of its own.

        Raises:
            ImageError, LFSError: as `page`; or the path does not end in .html or cannot be
                written.
        """
        check_suffix(path)  # now, not after the work
        contents = self._page_contents(pairs, first)
        save(
            path,
            "pair_explorer",
            contents,
            f"Pairs as {network_title(self.networks[0].name)} sees them",
        )

    def answers(self) -> Mapping[str, Callable[..., dict[str, Any]]]:
        """What answers each kind of question.

        Networks, photographs, p and xi_1 are asked for by their places in `contents`.
        """
        return {
            "photograph": self._photograph,
            "pair": self._pair,
            "map": self._map,
            "decoded": self._decoded,
            "latent": self._latent,
            "column": self._column,
            "doubts": self._doubts,
            "upload": self._upload,
            "report": self._report,
        }

    # What can be asked

    def _photograph(self, network: int, item: int) -> dict[str, Any]:
        """What of a photograph can be chosen: its faces, or what else the network reads."""
        seen = self._looked(network, item)
        several = len(seen.parts.all) > 1
        return {
            "name": self.names[item],
            "pictures": [_picture(part.image, PICTURE) for part in seen.parts.all],
            "doubts": seen.doubts,
            "chosen": seen.parts.chosen,
            "faces": faces_to_choose(seen.parts) if several else None,
        }

    def _pair(self, *setting: int) -> dict[str, Any]:
        """The decision about a pair, its embeddings, and how they differ (Eq. 3)."""
        at = Setting(*setting)
        h, xi_1 = self._embeddings(at), self._thresholds[at.threshold]
        similarity = cosines(h[None]).item()
        scale = max(h.abs().max().item(), 1e-12) / 127
        name = self.networks[at.network].name
        return {
            "similarity": round(similarity, 4),
            "similar": similarity > xi_1,
            **self._confidence(at.network, similarity, similarity > xi_1),
            "scale": scale,
            "h": [text((one / scale).round().to(torch.int8).numpy()) for one in h],
            "d": text((normalized_distance(*h) * 255).round().byte().numpy()),
            "doubts": doubts_about_similarity(name, similarity, xi_1),
        }

    def _decoded(self, decoder: str, p: int, *setting: int) -> dict[str, Any]:
        """Algorithm 1 from the embeddings on: maps in changes of a pixel's value."""
        at = Setting(*setting)
        return self._difference(at, decoder, self._relevance(at), self._ps[p])

    def _latent(self, decoder: str, p: int, j: int, *setting: int) -> dict[str, Any]:
        """The same for one latent, as if no other were relevant."""
        at = Setting(*setting)
        relevance = self._relevance(at)
        alone = torch.zeros_like(relevance)
        alone[j] = relevance[j]
        return self._difference(at, decoder, alone, self._ps[p])

    def _column(self, decoder: str, network: int, j: int) -> dict[str, Any]:
        """One latent of a linear decoder, for p R = 1: the same for every pair."""
        linear = self.networks[network].decoders[decoder]
        unit = torch.zeros(1, linear.latent_dim)
        unit[0, j] = 1
        return _decoded_maps(difference_map(linear, torch.zeros_like(unit), unit))

    def _map(self, method: str, *setting: int) -> dict[str, Any]:
        """Maps by a method without a decoder, relative to their strongest places."""
        e = self._explained(Setting(*setting), method)
        reduced = reduce(e.maps, MAP_SIDE)
        return {
            "size": list(reduced.shape[1:]),
            "maps": [{"range": [0, 1], "steps": packed(heat)} for heat in reduced],
            "signed": None if e.signed_maps is None else list(stepped(e.signed_maps, MAP_SIDE)),
            "told": None if e.matches is None else matches_contents(e),
        }

    def _doubts(self, method: str, decoder: str, network: int, kind: int) -> dict[str, Any]:
        """What measurements say against a method; kind 1 for pairs called similar, else 0."""
        of, settings = self.networks[network], {}
        if decoder:
            settings["decoder"] = of.decoders[decoder].info
        explainer = spec_of(method, of.name, settings)
        return {
            "doubts": [
                *doubts_about_learnt(of.embedder, load_head(of.name) if method == LEARNT else None),
                *doubts_about_method(of.name, explainer, KINDS[1 - kind]),
                *doubts_about_decoder(settings.get("decoder", {})),
            ]
        }

    def _report(self, kind: str, method: str, decoder: str, p: int, *setting: int) -> dict:
        """The whole explanation as a file, "html" or "json"."""
        at = Setting(*setting)
        options = {"decoder": decoder, "p": self._ps[p]} if method == DECODED else {}
        e = self._explained(at, method, **options)
        sides = (at.a, at.a_part), (at.b, at.b_part)
        against = [
            doubt for item, part in sides for doubt in self._looked(at.network, item).doubts[part]
        ]
        against += doubts_about_learnt(self.networks[at.network].embedder, None)
        names = [self.names[at.a], self.names[at.b]]
        if kind == "html":
            shown = [(self._looked(at.network, item).parts, part + 1) for item, part in sides]
            return {"text": render_report(e, names, against, shown)}
        content = {"images": names, **e.to_dict(), "doubts": [*against, *doubts(e)]}
        return {"text": json.dumps(content, default=str)}

    def _upload(self, name: str, data: str) -> dict[str, Any]:
        """Take in a photograph; the same one again is the one that is there."""
        key = name, hashlib.sha256(data.encode()).digest()
        if key not in self._uploads:
            with received(name, data) as path:
                self.photographs.append(load_image(path))
            self.names.append(name)
            self._uploads[key] = len(self.photographs) - 1
        item = self._uploads[key]
        return {"item": item, **self._entry(item)}

    # What is behind the answers

    @cached_property
    def _ps(self) -> list[float]:
        """All p that can be asked for."""
        return sorted({k / STEPS for k in range(STEPS + 1)} | {self.p})

    @cached_property
    def _thresholds(self) -> list[float]:
        """All xi_1 that can be asked for."""
        steps = {k / STEPS for k in range(-STEPS, STEPS + 1)}
        return sorted(steps | {self.similarity_threshold})

    def _settings(self) -> dict[str, Any]:
        """What the view needs in addition to photographs."""
        offered = dict.fromkeys(name for of in self.networks for name in of.methods)
        return {
            "networks": [
                {
                    "name": network_title(network.name),
                    "methods": network.methods,
                    "decoders": {
                        name: isinstance(decoder, LinearDecoder)
                        for name, decoder in network.decoders.items()
                    },
                }
                for network in self.networks
            ],
            "titles": {
                **{name: reader_name(name) for name in offered},
                **{name: decoder_title(name) for of in self.networks for name in of.decoders},
            },
            "telling": [name for name in explainers_that_match() if name in offered],
            "ps": self._ps,
            "thresholds": self._thresholds,
            "p": self._ps.index(self.p),
            "threshold": self._thresholds.index(self.similarity_threshold),
            "mapThreshold": self.map_threshold,
            "colours": {name: colour_table(name) for name in COLOURS},
            "bars": BARS,
        }

    def _entry(self, item: int) -> dict[str, str]:
        """A photograph in the list; one that cannot be read says so when it is chosen."""
        try:
            image = load_image(self.photographs[item], THUMBNAIL)
        except LFSError:
            return {"name": self.names[item], "picture": ""}
        return {"name": self.names[item], "picture": _picture(image, THUMBNAIL)}

    def _look(self, network: int, item: int) -> _Seen:
        """What a network can read of a photograph."""
        source, embedder = self.photographs[item], self.networks[network].embedder
        name = self.names[item]
        if self.aligned:
            found = parts(source, embedder, "whole")
            doubt = doubt_about_crop(found.photograph, embedder, name)
            return _Seen(found, [[doubt] if doubt else []])
        try:
            found = parts(source, embedder)
        except FaceError:
            return _Seen(parts(source, embedder, "whole"), [[NO_FACE.format(name=name)]])
        unsure = UNSURE_FACE.format(name=name)
        return _Seen(found, [[] if part.sure else [unsure] for part in found.all])

    def _see(self, network: int, item: int, part: int) -> tuple[Tensor, Tensor]:
        """Pixels (3,H,W) and embedding (D,) of one part of a photograph."""
        embedder = self.networks[network].embedder
        image = self._looked(network, item).parts.all[part].image
        pixels = to_tensor(image, image_sides(embedder))
        with torch.no_grad():
            return pixels, embed(embedder, pixels[None])[0]

    def _embeddings(self, at: Setting) -> Tensor:
        """(2,D)."""
        sides = (at.a, at.a_part), (at.b, at.b_part)
        return torch.stack([self._seen(at.network, *side)[1] for side in sides])

    def _confidence(self, network: int, similarity: float, is_similar: bool) -> dict[str, str]:
        """How sure a decision is, and what that means, in words."""
        embedder, name = self.networks[network].embedder, self.networks[network].name
        spread = spread_of(embedder)
        sure = spread.confidence(similarity, is_similar) if spread else None
        return {
            "sure": confidence_words(sure),
            "sureMeans": what_confidence_means(spread, name),
        }

    def _relevance(self, at: Setting) -> Tensor:
        """R, (D,), Eq. 2."""
        h = self._embeddings(at)
        is_similar = cosines(h[None])[0] > self._thresholds[at.threshold]
        return relevance(h[0], h[1], is_similar)

    def _difference(self, at: Setting, decoder: str, R: Tensor, p: float) -> dict[str, Any]:
        h = self._embeddings(at)
        with one_thread(), torch.no_grad():
            decode = self.networks[at.network].decoders[decoder]
            return _decoded_maps(difference_map(decode, h, perturb(h, R, p)))

    def _explain(self, at: Setting, method: str, **options: Any) -> PairExplanation:
        network = self.networks[at.network]
        if "decoder" in options:
            options["decoder"] = network.decoders[options["decoder"]]
        explain = load_explainer(
            method,
            network.embedder,
            similarity_threshold=self._thresholds[at.threshold],
            map_threshold=self.map_threshold,
            **options,
        )
        sides = (at.a, at.a_part), (at.b, at.b_part)
        image_a, image_b = (self._seen(at.network, *side)[0] for side in sides)
        return explain(image_a, image_b)

    # The page

    def _page_contents(self, pairs: Sequence[tuple[int, int]], first: int) -> dict[str, Any]:
        """`contents`, with the answers to all that the view of these pairs can ask."""
        if not 0 <= first < len(pairs):
            raise LFSError(f"There is no pair {first}; there are {len(pairs)}, counted from 0.")
        answers: dict[str, dict[str, Any]] = {}

        def ask(kind: str, *arguments: object) -> dict[str, Any]:
            key = question_key([kind, *arguments])
            if key not in answers:
                answers[key] = self.reply(kind, *arguments)
            return answers[key]

        settings, network = self._settings(), self.networks[0]
        threshold = settings["threshold"]
        places = [k for k, p in enumerate(self._ps) if p == self.p or p * PRINTED_STEPS % 1 == 0]
        buttons = []
        for a, b in pairs:
            both = [ask("photograph", 0, item) for item in (a, b)]
            a_part, b_part = (of["chosen"] for of in both)
            setting = Setting(0, a, a_part, b, b_part, threshold)
            decision = ask("pair", *setting)
            similar = int(decision["similar"])
            buttons.append(
                {
                    "similarity": decision["similarity"],
                    "similar": decision["similar"],
                    "pictures": [of["pictures"][of["chosen"]] for of in both],
                }
            )
            for method in network.methods:
                if method != DECODED:
                    ask("map", method, *setting)
                    ask("doubts", method, "", 0, similar)
            for decoder in network.decoders:
                ask("doubts", DECODED, decoder, 0, similar)
                for p in places:
                    ask("decoded", decoder, p, *setting)
        for name, known in network.decoders.items():
            if isinstance(known, LinearDecoder):
                for j in range(known.latent_dim):
                    ask("column", name, 0, j)
        return {
            **settings,
            "networks": settings["networks"][:1],
            "live": False,
            "reports": False,
            "pairs": [list(pair) for pair in pairs],
            "buttons": buttons,
            "first": first,
            "pPlaces": places,
            "answers": answers,
        }


class _Network:
    """A network that can be chosen; it is loaded when it is first asked."""

    def __init__(
        self,
        network: str | Embedder,
        decoders: Mapping[str, Decoder] | None,
        methods: Sequence[str],
    ) -> None:
        self._network = network
        self.name = network if isinstance(network, str) else embedder_name(network)
        if not isinstance(network, str) or ":" in network:  # the others are ours
            needs_cosine(self.embedder, "The explorer of pairs")
        self.decoders = _shipped(self.name) if decoders is None else dict(decoders)
        able = [method for method in methods if self._can(method)]
        # The paper's method first; without a decoder, what has passed most tests elsewhere.
        first = [method for method in (DECODED, LEARNT, "occlusion") if method in able][:1]
        self.methods = [*first, *(method for method in able if method not in first)]

    def _can(self, method: str) -> bool:
        """Whether what a method needs is there."""
        if method == DECODED:
            return bool(self.decoders)
        if method == LEARNT:
            return self.name in shipped_modules("heads")
        looks_inside = explainer_class(method).needs & {"gradients", "layers"}
        measured = isinstance(self._network, str) and bool(_shipped(self.name))
        return measured or not looks_inside or self._explains(method)

    def _explains(self, method: str) -> bool:
        """Whether a method that looks inside finds there what it needs: it is tried."""
        noise = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        try:
            images = torch.nn.functional.interpolate(noise, image_sides(self.embedder))
            load_explainer(method, self.embedder)(*images)
        except Exception:  # of the user's own network, too
            return False
        return True

    @cached_property
    def embedder(self) -> Embedder:
        """The network itself."""
        return load_embedder(self._network)


def _shipped(network: str) -> dict[str, Decoder]:
    """The decoders that ship for a network, by kind."""
    found = {}
    for kind, suffix in SHIPPED.items():
        with suppress(LFSError):
            found[kind] = load_decoder(f"{network}{suffix}")
    return found


def _decoded_maps(difference: Tensor) -> dict[str, Any]:
    """Maps (1 or 2,h,w) in changes of a pixel's value, in 255 steps up to their largest."""
    reduced = reduce(difference, MAP_SIDE)
    highest = reduced.amax(dim=(1, 2))
    scaled = reduced / highest.where(highest > 0, 1)[:, None, None]
    return {
        "size": list(reduced.shape[1:]),
        "maps": [
            {"range": [0, float(f"{high:.6g}")], "steps": packed(heat)}
            for high, heat in zip(highest.tolist(), scaled, strict=True)
        ],
        "signed": None,
    }


def _picture(image: Image.Image, side: int) -> str:
    picture = image.copy()
    picture.thumbnail((side, side))
    return data_url(picture, "webp", QUALITY)


def _name(photograph: ImageLike, place: int) -> str:
    if isinstance(photograph, str | os.PathLike):
        return Path(photograph).name
    return f"photograph {place + 1}"
