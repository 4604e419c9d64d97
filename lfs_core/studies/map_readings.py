"""The claims about maps under every reading: all decoders, latents and p, on hundreds of pairs.

Once images are embedded, a map of ExplainLFS costs two decodings, so that all combinations are
computed and none is drawn. Of every combination the mean over pairs is kept, with its bootstrap
interval and the number of pairs. Parts that are done are kept in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from lfs_core.datasets.images import shrink
from lfs_core.decoder import Decoder, load_decoder
from lfs_core.embedders import Embedder, embed_all, embedder_name
from lfs_core.errors import LFSError
from lfs_core.evaluation.controls.randomised import with_shuffled_weights
from lfs_core.evaluation.flip_tests import SHARES, FlipTest
from lfs_core.evaluation.maps import maps_of
from lfs_core.evaluation.metrics.base import SIDE
from lfs_core.evaluation.metrics.continuity import TENTHS, displaced
from lfs_core.evaluation.metrics.parts import PARTS, parts_of
from lfs_core.evaluation.pair_set import PairSet, load_pairs
from lfs_core.evaluation.results import KINDS
from lfs_core.evaluation.spec import make_explainer
from lfs_core.evaluation.statistics import bootstrap
from lfs_core.explainer import ExplainLFS
from lfs_core.studies import map_questions as ask
from lfs_core.studies.workshop import DEEP, FACES, SIZES, SOURCES, THRESHOLD, P, Source, Workshop
from lfs_core.studies.workshop import KINDS as WORKSHOP_KINDS
from lfs_core.training.decoders import LinearDecoder, decoding_error
from lfs_core.util.assets import cache_folder
from lfs_core.util.code import code_of
from lfs_core.util.digests import fingerprint, key
from lfs_core.util.distances import cosines
from lfs_core.util.kept import keep_json, kept_json
from lfs_core.util.rounding import rounded

PS = (0.1, 0.3, 0.6, 0.9)  # neither close to 0 nor 1 (Sec. 3.3)
FEW_PS = (P, 0.9)  # where each costs more
LATENTS = ("raw", "scaled")
SHOWN = (0.5, 0.6, 0.7, 0.8)  # xi_2
DRAWS = 2000  # of each bootstrap; there are thousands of readings
RIVALS = {
    "utkin": "utkin",
    "tummala": "tummala",
    "tummala, by gradient": "tummala,variant=gradient",
}
FORMS = ("folded", "raw")  # of SIMExpert
SHUFFLES = range(3)  # seeds of shuffled weights
REFITTED = 1000  # photographs, to fit a decoder to a shuffled network
IDENTICAL = 20  # pairs, whose maps with a black box and another threshold must be the same
SOME = 100  # pairs, where images have to be embedded again
PAPER = {"superpixels": "8x8", "fill": "noise", "changed": "first"}  # its pixel flipping
FEWER = (500, 1000, 2000, 4000)  # training images
CELEBA = "celeba"


@dataclass(frozen=True)
class Images:
    """Pairs, by one network, and what else there is to make readings of.

    Attributes:
        name: for readers.
        folder: from which pairs are drawn, in the local tier.
        source: to what decoders are fitted, and which network is explained.
        number: how many pairs.
        hold_out: share of the classes from which pairs are drawn, the last by name.
        faces: they are faces, which have parts, and same or different people.
    """

    name: str
    folder: str
    source: Source
    number: int
    hold_out: float = 1.0
    faces: bool = False


@dataclass(frozen=True)
class Chosen:
    """A decoder and the choices that make it.

    Attributes:
        kind: "linear", "mlp" or "conv".
        size: one of `workshop.SIZES`; or "shipped", for the one that ships.
        seed: of the people it learnt from, and of its first weights.
        decoder: D.
    """

    kind: str
    size: str
    seed: int
    decoder: Decoder

    @property
    def choices(self) -> dict[str, str]:
        """For readers."""
        return {"decoder": self.kind, "size": self.size, "seed": str(self.seed)}


class Numbers:
    """What came out, by question: of every reading its choices and the mean with its interval.

    Args:
        classes: (P,2) integers, of both images of each pair, where known.
    """

    def __init__(self, classes: np.ndarray | None = None) -> None:
        self.rows: list[dict[str, Any]] = []
        self.classes = classes

    def statistic(
        self,
        question: str,
        choices: Mapping[str, str],
        of: Callable[..., np.ndarray],
        pairs: Tensor,
        **values: np.ndarray,
    ) -> None:
        """One reading: a statistic of values (P,...) of some pairs (P,) bool, as `bootstrap`'s."""
        kept = np.flatnonzero(pairs.numpy())
        if len(kept) < 2:
            return
        classes = None if self.classes is None else self.classes[kept]
        if classes is not None and np.ptp(classes) == 0:
            classes = None
        some = {name: value[kept] for name, value in values.items()}
        found = bootstrap(partial(of, **some), len(kept), DRAWS, classes=classes)
        if np.isfinite(found[0]):
            numbers = rounded([float(one) for one in found])
            self.rows.append({"question": question, **choices, "found": [*numbers, len(kept)]})

    def mean(
        self, question: str, choices: Mapping[str, str], values: Tensor, pairs: Tensor | None = None
    ) -> None:
        """One reading: the mean of values (P,) over pairs, or some of them; NaN does not count."""
        known = values.isfinite() if pairs is None else values.isfinite() & pairs
        self.statistic(question, choices, _mean, known, values=values.double().numpy())

    def of_kinds(
        self, question: str, choices: Mapping[str, str], values: Tensor, is_similar: Tensor
    ) -> None:
        """A reading for similar pairs and one for dissimilar ones."""
        for kind, of in zip(KINDS, (is_similar, ~is_similar), strict=True):
            self.mean(question, {**choices, "pairs": kind}, values, of)


def _mean(counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    return counts @ values / counts.sum(axis=1)


class Known:
    """Images of a study, embedded, and what several parts need of them.

    Args:
        images: which.
        data: folder of the local tier.
    """

    def __init__(self, images: Images, data: Path) -> None:
        self.of, self.data = images, data
        self.network = images.source.load_network()
        self.threshold = getattr(self.network, "similarity_threshold", THRESHOLD)
        self.pairs: PairSet = load_pairs(
            data / images.folder, self.network, images.number, hold_out=images.hold_out
        )
        self.h = self.embedded(self.pairs.images)
        self.is_similar = self.decisions(self.h)

    def decisions(self, h: Tensor) -> Tensor:
        """(P,) bool, of embeddings (P,2,D)."""
        return cosines(h) > self.threshold

    def numbers(self) -> Numbers:
        """To be filled; classes are the folders of the images."""
        folders = [[str(Path(name).parent) for name in both] for both in self.pairs.names]
        return Numbers(np.unique(folders, return_inverse=True)[1].reshape(-1, 2))

    def embedded(self, images: Tensor) -> Tensor:
        """(P,n,D) of images (P,n,3,H,W)."""
        return embed_all(self.network, images.flatten(0, 1)).unflatten(0, images.shape[:2])

    @cached_property
    def fingerprint(self) -> str:
        """What tells the network from every other."""
        return fingerprint(self.network)

    @cached_property
    def regions(self) -> Tensor:
        """(P,2,3,SIDE,SIDE) bool, where eyes, nose and mouth are."""
        none = torch.zeros(len(PARTS), SIDE, SIDE, dtype=torch.bool)
        found = [parts_of(image.float() / 255) for image in self.pairs.images.flatten(0, 1)]
        regions = torch.stack([none if of is None else of for of in found])
        return regions.unflatten(0, (-1, 2))

    def maps(self, spec: str) -> Tensor:
        """(P,2,SIDE,SIDE) of another method."""
        explainer = make_explainer(spec, self.network, self.threshold)
        return maps_of(explainer, self.pairs.images.float() / 255)[0]

    @cached_property
    def expert(self) -> dict[str, Tensor]:
        """Maps of SIMExpert, by its form."""
        return {form: self.maps(f"simexpert,form={form}") for form in FORMS}

    @cached_property
    def displaced(self) -> Tensor:
        """(N,20,D), embeddings of the first images' displaced copies."""
        first = self.pairs.images[:SOME, 0]
        shifts = [round(tenths / 10 * first.shape[-1]) for tenths in TENTHS]
        return self.embedded(torch.stack([displaced(first, shift) for shift in shifts], dim=1))


@dataclass(frozen=True)
class MapReadings:
    """What `lfs study map-readings` runs.

    Attributes:
        images: which images and networks.
        by_error: try decoders of many errors on the first of them.
    """

    images: tuple[Images, ...]
    by_error: bool = True

    def on(self, network: str, weights: str | None) -> MapReadings:
        """The same readings of another network of faces."""
        faces = next(of for of in self.images if of.faces)
        source = replace(faces.source, network=network, weights=weights)
        return replace(self, images=(replace(faces, source=source),))

    def __call__(self, data: Path) -> dict[str, object]:
        """Every claim about maps under every reading."""
        workshop = Workshop(data)
        rows: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        known = [Known(of, data) for of in self.images]
        for one in known:
            about = {"images": one.of.name, "network": one.of.source.network}
            for part, decoders in tqdm(_parts(one, decoders_of(one.of, workshop)), one.of.name):
                rows += [about | row for row in _kept(part, one, decoders)]
        if self.by_error:
            one = known[0]
            about = {"images": one.of.name, "network": one.of.source.network}
            for kind in WORKSHOP_KINDS:
                several = decoders_of_one_kind(one.of.source, kind, workshop)
                found = _kept(by_error, one, several)
                rows += [about | row for row in found["rows"]]
                errors += [about | of for of in found["decoders"]]
        return {
            "manifest": {
                "pairs": ", ".join(one.pairs.description for one in known),
                "number": sum(len(one.pairs) for one in known),
                "digest": [one.pairs.digest for one in known],
                "embedder": ", ".join(one.of.source.network for one in known),
                "thresholds": [one.threshold for one in known],
                "images": [
                    {"name": one.of.name, "network": one.of.source.network, "number": one.of.number}
                    for one in known
                ],
                "choices": {"p": PS, "latents": LATENTS, "threshold of the map": SHOWN},
            },
            "questions": tables(rows),
            "decoders": errors,
        }


def _parts(
    known: Known, decoders: Sequence[Chosen]
) -> list[tuple[Callable[..., list[dict[str, Any]]], list[Chosen]]]:
    """Which questions about which images and decoders."""
    first = [of for of in decoders if of.size == "small" and of.seed == 0]
    parts: list[tuple[Callable[..., list[dict[str, Any]]], list[Chosen]]] = [
        *((of_maps, [of]) for of in decoders),
        *((part, [of]) for of in first for part in (identical_maps, shuffled)),
    ]
    if known.of.faces:
        sized = [of for of in decoders if of.size in SIZES and of.seed == 0]
        parts += [(continuous, [of]) for of in sized]
        with suppress(LFSError):  # SIMExpert needs layers, which a black box has not
            rivals = _kept(rivals_with_expert, known, [])
            parts += [(partial(closer_to_expert, rivals=rivals), [of]) for of in sized]
        parts.append((decided, []))
    return parts


def tables(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list]]:
    """Rows of one question as a table: names of its choices, and lines of values and numbers."""
    found: dict[str, dict[str, list]] = {}
    for row in rows:
        choices = [name for name in row if name not in ("question", "found")]
        table = found.setdefault(row["question"], {"choices": choices, "rows": []})
        table["rows"].append([*(row[name] for name in table["choices"]), *row["found"]])
    return found


Found = TypeVar("Found")


def _kept(part: Callable[..., Found], known: Known, decoders: Sequence[Any]) -> Found:
    """What a part of the study finds, from the cache if its code, weights and images are there."""
    function = part.func if isinstance(part, partial) else part
    called = function.__name__
    name = key(
        code=[code_of(function)],
        network=known.fingerprint,
        images=known.pairs.digest,
        about=asdict(known.of),
        given=part.keywords if isinstance(part, partial) else {},
        decoders=[of.decoder if isinstance(of, Chosen) else of for of in decoders],
        choices=[of.choices if isinstance(of, Chosen) else {} for of in decoders],
    )
    path = cache_folder() / "map-readings" / f"{called}-{name[:16]}.kept"
    found = kept_json(path)
    if found is None:
        found = keep_json(path, part(known, *decoders))
    return found


def decoders_of(images: Images, workshop: Workshop) -> list[Chosen]:
    """Decoders of every kind and size; of faces also ones that ship or learnt from other people."""
    found = []
    for kind in WORKSHOP_KINDS:
        for size in SIZES:
            found.append(Chosen(kind, size, 0, workshop.sized(images.source, kind, size)))
        if not images.faces:
            continue
        suffix = "" if kind == "linear" else f"-{kind}"
        with suppress(LFSError):  # not for every network one ships
            shipped = load_decoder(f"{images.source.network}{suffix}")
            found.append(Chosen(kind, "shipped", 0, shipped))
        found.append(Chosen(kind, "small", 1, workshop.sized(images.source, kind, "small", 1)))
    return found


def of_maps(known: Known, of: Chosen) -> list[dict[str, Any]]:
    """What one look at the maps of a decoder answers."""
    numbers, similar = known.numbers(), known.is_similar
    cosine = cosines(known.h).double().numpy()
    places, swapped = ask.other_partners(known.h, similar, known.threshold)
    for latents in LATENTS:
        maps = {p: ask.lfs_maps(of.decoder, known.h, similar, p, latents) for p in PS}
        ranks = {p: ask.ranks(one) for p, one in maps.items()}
        for p in PS:
            chosen = of.choices | {"latents": latents, "p": f"{p:g}"}
            numbers.of_kinds("other pairs", chosen, ask.with_others(ranks[p], similar), similar)
            again = torch.full((len(similar),), torch.nan, dtype=torch.float64)
            if len(places):
                exchanged = ask.lfs_maps(of.decoder, swapped, similar[places], p, latents)[:, 0]
                again[places] = (ask.ranks(exchanged) * ranks[p][places, 0]).sum(dim=-1)
            numbers.mean("other partner", chosen | {"pairs": "dissimilar"}, again)
            if p != P:
                alike = (ranks[p] * ranks[P]).sum(dim=-1).mean(dim=1)
                numbers.of_kinds("p", chosen, alike, similar)
            for threshold in SHOWN:
                shown = (maps[p] > threshold).double().mean(dim=(1, 2, 3)).numpy()
                more = {"threshold": f"{threshold:g}"}
                numbers.statistic(
                    "pixels shown", chosen | more, ask.rank_correlations, similar, x=cosine, y=shown
                )
            if known.of.faces:
                shares = ask.shares_of_parts(maps[p], known.regions)
                seen = shares.isfinite().all(dim=1)
                for kind, kept in zip(KINDS, (similar, ~similar), strict=True):
                    numbers.statistic(
                        "parts",
                        chosen | {"pairs": kind},
                        ask.smallest_margin,
                        kept & seen,
                        of_parts=shares.double().numpy(),
                    )
    return numbers.rows


def identical_maps(known: Known, of: Chosen) -> list[dict[str, Any]]:
    """Are maps the same with a black box for the network, and under another threshold?"""
    numbers = known.numbers()
    images = [(a, b) for a, b in known.pairs.images[:IDENTICAL].float() / 255]
    for latents in LATENTS:

        def maps(network: Embedder, threshold: float, latents: str = latents) -> Tensor:
            explain = ExplainLFS(
                network,
                of.decoder,
                p=P,
                similarity_threshold=known.threshold,
                map_threshold=threshold,
                latents=latents,  # type: ignore[arg-type]
            )
            return torch.stack([one.maps for one in explain.batch(images)])

        usual, chosen = maps(known.network, 0.7), of.choices | {"latents": latents}
        same = (maps(black_box(known.network), 0.7) == usual).all(dim=(1, 2, 3))
        numbers.mean("black box", chosen, same.double())
        for threshold in (0.5, 0.9):
            same = (maps(known.network, threshold) == usual).all(dim=(1, 2, 3))
            numbers.mean("map threshold", chosen | {"threshold": f"{threshold:g}"}, same.double())
    return numbers.rows


def black_box(network: Embedder) -> Embedder:
    """The same network as a plain function from numbers to numbers: no layers, no gradients."""

    def embeddings(images: Tensor) -> Tensor:
        seen = torch.from_numpy(images.numpy().copy())
        with torch.no_grad():
            return torch.from_numpy(network(seen).cpu().numpy().copy())

    embeddings.name = embedder_name(network)  # type: ignore[attr-defined]
    embeddings.image_size = getattr(network, "image_size", None)  # type: ignore[attr-defined]
    return embeddings


def decided(known: Known) -> list[dict[str, Any]]:
    """How often xi_1 tells the same person from another, in halves of two sets of pairs."""
    numbers = Numbers()
    for folder in (known.of.folder, CELEBA):
        pairs, similar = known.pairs, known.is_similar
        if folder == CELEBA:
            pairs = _celeba(known)
            similar = known.decisions(known.embedded(pairs.images))
        right = (similar == pairs.same).double()
        for half, of in zip(("first", "second"), right.chunk(2), strict=True):
            numbers.mean("decided", {"pairs from": folder, "half": half}, of)
    return numbers.rows


def _celeba(known: Known) -> PairSet:
    """Pairs of CelebA as this network reads them."""
    return load_pairs(known.data / CELEBA, known.network, REFITTED // 2)


def shuffled(known: Known, of: Chosen) -> list[dict[str, Any]]:
    """How far maps stay the same when weights are shuffled."""
    numbers = known.numbers()
    h, similar = known.h[:SOME], known.is_similar[:SOME]
    learn = _celeba(known).images.flatten(0, 1) if known.of.faces and of.kind == "linear" else None
    for seed in SHUFFLES:
        broken = cast("Decoder", with_shuffled_weights(of.decoder, seed))
        explained: dict[str, tuple[Tensor, Decoder]] = {"decoder": (h, broken)}
        try:
            forgetful = with_shuffled_weights(known.network, seed)
        except LFSError:
            pass  # a black box, whose weights cannot be reached
        else:
            run = getattr(forgetful, "in_torch", forgetful)
            without = _embedded(run, known.pairs.images[:SOME].flatten(0, 1)).view_as(h)
            explained["network"] = (without, of.decoder)
            if learn is not None:
                refitted: Decoder = LinearDecoder.fit(_embedded(run, learn), shrink(learn, SIDE))
                explained["network, decoder refitted"] = (without, refitted)
        for what, (without, decoder) in explained.items():
            decisions = known.decisions(without)
            for latents in LATENTS:
                before = ask.ranks(ask.lfs_maps(of.decoder, h, similar, P, latents))
                after = ask.ranks(ask.lfs_maps(decoder, without, decisions, P, latents))
                chosen = of.choices | {
                    "latents": latents,
                    "shuffled": what,
                    "seed of weights": str(seed),
                }
                alike = (before * after).sum(dim=-1).mean(dim=1)
                numbers.of_kinds("shuffled", chosen, alike, similar)
    return numbers.rows


@torch.no_grad()
def _embedded(network: Embedder, images: Tensor) -> Tensor:
    """(B,D) of images (B,3,H,W) uint8, by a network that is used once."""
    return torch.cat([network(some.float() / 255) for some in images.split(32)]).cpu()


def rivals_with_expert(known: Known) -> dict[str, Any]:
    """How far rivals agree with SIMExpert: by rival, form, and measure, on a pair and on others."""
    found: dict[str, Any] = {}
    for rival, spec in RIVALS.items():
        maps = known.maps(spec)
        found[rival] = {form: _with_expert(known, maps, form) for form in FORMS}
    return found


def _with_expert(known: Known, maps: Tensor, form: str) -> dict[str, list[list]]:
    expert = known.expert[form]
    of = maps.isfinite().all(dim=(1, 2, 3)) & expert.isfinite().all(dim=(1, 2, 3))
    found = {}
    for measure, both in ask.agreement(maps[of], expert[of], known.is_similar[of]).items():
        numbers = torch.full((2, len(of)), torch.nan, dtype=torch.float64)
        numbers[:, of] = torch.stack([one.double() for one in both])
        found[measure] = rounded(numbers)
    return found


def closer_to_expert(known: Known, of: Chosen, rivals: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How much closer to SIMExpert than rivals ExplainLFS is, in every measure of agreement."""
    numbers = known.numbers()
    for latents in LATENTS:
        for p in FEW_PS:
            maps = ask.lfs_maps(of.decoder, known.h, known.is_similar, p, latents)
            for form in FORMS:
                own = _with_expert(known, maps, form)
                for rival, theirs in rivals.items():
                    for measure in own:
                        mine, other = (
                            np.array(one[measure], dtype=float) for one in (own, theirs[form])
                        )
                        ahead = mine - other
                        for beyond, by in (("no", ahead[0]), ("yes", ahead[0] - ahead[1])):
                            choices = of.choices | {
                                "latents": latents,
                                "p": f"{p:g}",
                                "than": rival,
                                "measure": measure,
                                "SIMExpert": form,
                                "beyond other pairs": beyond,
                            }
                            del choices["seed"]
                            numbers.mean("expert", choices, torch.from_numpy(by))
    return numbers.rows


def continuous(known: Known, of: Chosen) -> list[dict[str, Any]]:
    """How far changes of a map follow the displacement of its image.

    Two readings of the paper: the maps of an image and its copy, which are a pair; and the maps of
    each for the pair's second image.
    """
    numbers = known.numbers()
    copies = known.displaced
    first, second = known.h[: len(copies), :1], known.h[: len(copies), 1:]
    pairs = {
        "image and copy": torch.stack([first.expand_as(copies), copies], dim=2),
        "each with the partner": torch.stack([copies, second.expand_as(copies)], dim=2),
    }
    for latents in LATENTS:
        for p in FEW_PS:
            for name, h in pairs.items():
                flat = h.flatten(0, 1)
                maps = ask.lfs_maps(of.decoder, flat, known.decisions(flat), p, latents)
                maps = maps.unflatten(0, h.shape[:2])
                if name == "image and copy":
                    changes = maps[:, :, 0] - maps[:, :, 1]
                else:
                    own = known.h[: len(copies)]
                    before = ask.lfs_maps(
                        of.decoder, own, known.is_similar[: len(copies)], p, latents
                    )
                    changes = maps[:, :, 0] - before[:, :1]
                size = changes.square().mean(dim=(2, 3)).sqrt()
                choices = of.choices | {"latents": latents, "p": f"{p:g}", "compared": name}
                numbers.mean("displaced", choices, ask.follows_displacement(size))
    return numbers.rows


def decoders_of_one_kind(
    source: Source, kind: str, workshop: Workshop
) -> list[tuple[str, float, Decoder]]:
    """Decoders that differ in what they learnt from: names, errors on unseen people, decoders."""
    if kind == "linear":
        found = {
            "all images": workshop.fitted(source, kind)[0],
            **{
                f"{images:,} images": workshop.fitted(source, kind, images=images)[0]
                for images in FEWER
            },
        }
        full = cast("LinearDecoder", found["all images"])
        test = workshop.parts(source, 0)[2].rows
        decoders = [(name, float(of.info["loss"]), of) for name, of in found.items()]
        for rank in (int(str(full.config["rank"])) // by for by in (2, 4, 8)):
            reduced = full.reduced(rank)
            decoders.append((f"rank {rank}", decoding_error(reduced, test.batches()), reduced))
        return decoders
    settings = {
        **{f"{images:,} images": {"images": images} for images in FEWER},
        **{f"{epochs} epochs": {"epochs": epochs} for epochs in (1, 2, 4)},
        "all images": {},
    }
    decoders = []
    for name, options in settings.items():
        given: dict[str, Any] = {"width": SIZES["small"][kind], **DEEP, **options}
        decoder = workshop.fitted(source, kind, **given)[0]
        decoders.append((name, float(decoder.info["loss"]), decoder))
    return decoders


def by_error(known: Known, *decoders: tuple[str, float, Decoder]) -> dict[str, Any]:
    """Pixel flipping under decoders of one kind whose errors differ, as the paper does it."""
    numbers = known.numbers()
    h, similar = known.h[:SOME], known.is_similar[:SOME]
    maps = {name: list(ask.lfs_maps(decoder, h, similar, P)) for name, _, decoder in decoders}
    images = known.pairs.images[:SOME].float() / 255
    test = FlipTest(**PAPER, seed=0, threshold=known.threshold)
    curves = test.curves(known.network, images, h, maps)
    sign = torch.where(similar, 1.0, -1.0)
    scores = torch.stack([sign * lost(curves[name]) for name in maps], dim=1)
    errors = torch.tensor([error for _, error, _ in decoders])
    kind = decoders[0][2].kind
    slopes = ask.per_halving(scores, errors)
    numbers.of_kinds("error", {"decoder": kind}, slopes, similar)
    return {
        "rows": numbers.rows,
        "decoders": [
            {
                "decoder": kind,
                "fitted": name,
                "error": round(error, 5),
                "score": {
                    kind: rounded(float(scores[of, k].mean()))
                    for kind, of in zip(KINDS, (similar, ~similar), strict=True)
                },
            }
            for k, (name, error, _) in enumerate(decoders)
        ],
    }


def lost(curves: Tensor) -> Tensor:
    """How far curves (P,1+len(SHARES)) lie below their beginning, on average over the shares."""
    at = torch.tensor([0.0, *SHARES])
    return curves[:, 0] - torch.trapezoid(curves, at, dim=1) / at[-1]


FACES_BIRDS_CARS = MapReadings(
    (
        Images("faces", "lfw", SOURCES[FACES], 500, faces=True),
        Images("birds", "cub", SOURCES["birds, trained network"], 200, hold_out=0.5),
        Images("cars", "cars", SOURCES["cars, trained network"], 200, hold_out=0.5),
    )
)
MOBILENET = replace(FACES_BIRDS_CARS.on("mobilenet-vggface2", None), by_error=False)
DLIB = replace(FACES_BIRDS_CARS.on("dlib-resnet", None), by_error=False)
