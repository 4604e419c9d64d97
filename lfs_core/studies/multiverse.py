"""Pixel flipping under every reasonable reading of the paper: a multiverse (Steegen et al. 2016).

A *test* is one choice of what superpixels are, what replaces them, which image of a similar pair
is changed, p, and the size of decoders. A *method* is one choice of decoder and latents. There are
too many tests to run them all, so some are drawn; each is run with every method, with rivals, and
with draws of its own of every random control. Random relevance is another one for every pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from torch import Tensor
from tqdm import tqdm

from lfs_core.embedders import Embedder, embed_all
from lfs_core.errors import LFSError
from lfs_core.evaluation.flip_tests import SHARES, SIDES, FlipTest
from lfs_core.evaluation.maps import maps_of
from lfs_core.evaluation.metrics.selectivity import FILLS
from lfs_core.evaluation.own_order import ordering_maps
from lfs_core.evaluation.pair_set import load_pairs
from lfs_core.evaluation.partitions import PARTITIONS
from lfs_core.evaluation.spec import code_of_explainer, make_explainer
from lfs_core.explainer import ExplainLFS
from lfs_core.explanation import PairExplanation
from lfs_core.studies.run import Run
from lfs_core.studies.workshop import KINDS, SIZES, SOURCES, THRESHOLD, Source, Workshop
from lfs_core.util.assets import cache_folder
from lfs_core.util.code import code_of
from lfs_core.util.digests import fingerprint, key
from lfs_core.util.distances import cosines
from lfs_core.util.kept import keep_json, kept_json
from lfs_core.util.rounding import rounded

CHOICES: dict[str, tuple[str, ...]] = {
    "superpixels": PARTITIONS,
    "fill": tuple(FILLS),
    "changed": SIDES,  # image of a similar pair; of a dissimilar one both are
    "p": ("0.1", "0.3", "0.9"),
    "size": tuple(SIZES),  # of decoders
}
METHOD_CHOICES: dict[str, tuple[str, ...]] = {"decoder": KINDS, "latents": ("raw", "scaled")}
RIVALS = ("simexpert", "tummala", "utkin", "gradcam", "xssab", "occlusion", "lrp", "centre")
OWN = (
    "amortised",
    "amortised,contrast=0",
    "amortised,own=0,contrast=0",
    "own-likeness",
    "with-own-likeness,of=lrp",
)
SIGNED = ("simexpert", "tummala", "gradcam", "xssab", "occlusion", "lrp")
"""Rivals that are also tried with places ordered by signed evidence, at their own resolution."""
DRAWS = 4  # of a random order, in each test
IN_FULL = ",order=signed"  # what is put to their names then

Explain = Callable[..., object]


@dataclass(frozen=True)
class Multiverse:
    """What `lfs study multiverse` runs: drawn tests, on pairs of one folder, with one network.

    Attributes:
        source: to what decoders are fitted, and which network is explained.
        folder: from which pairs are drawn, in the local tier.
        tests: how many are drawn.
        pairs: how many.
        hold_out: share of the classes from which pairs are drawn, the last by name.
        threshold: xi_1; None for the network's own.
    """

    source: Source
    folder: str = "lfw"
    tests: int = 6
    pairs: int = 100
    hold_out: float = 0.25
    threshold: float | None = None

    def on(self, network: str, weights: str | None) -> Multiverse:
        """The same tests of another network."""
        source = replace(self.source, network=network, weights=weights, mirror=False)
        return replace(self, source=source)

    @property
    def drawn(self) -> Run:
        """A run of no methods, of the same pairs."""
        source = self.source
        return Run(
            (), (), self.folder, source.network, source.weights, self.pairs, hold_out=self.hold_out
        )

    def __call__(self, data: Path) -> dict[str, object]:
        """Curves of every method in every test. Those that are done are kept in the cache."""
        workshop = Workshop(data)
        network = self.source.load_network()
        threshold = self.threshold
        if threshold is None:
            threshold = getattr(network, "similarity_threshold", THRESHOLD)
        pairs = load_pairs(data / self.folder, network, self.pairs, hold_out=self.hold_out)
        images = pairs.images.float() / 255
        h = embed_all(network, pairs.images.flatten(0, 1)).unflatten(0, (-1, 2))
        kept = Kept(network, images, h, {})
        others: dict[str, Explain] = {}
        refused: dict[str, str] = {}
        tests = []
        images_of = f"{self.folder}, {self.source.network}"  # other tests for others
        for number, chosen in enumerate(tqdm(drawn_tests(self.tests, images_of), "Tests")):
            explainers = {
                **self._ours(workshop, network, chosen, number, threshold),
                **_others(network, threshold, number, others, refused),
            }
            options = {choice: chosen[choice] for choice in ("superpixels", "fill", "changed")}
            test = FlipTest(**options, seed=number, threshold=threshold)
            tests.append({**chosen, "draw": number, "curves": kept.curves(test, explainers)})
        return {
            "manifest": {
                "pairs": pairs.description,
                "number": len(pairs),
                "digest": pairs.digest,
                "embedder": self.source.network,
                "threshold": threshold,
                "draws": DRAWS,
                "shares": list(SHARES),
                "choices": CHOICES | METHOD_CHOICES,
                "refused": refused,
            },
            "similarity": rounded(cosines(h)),
            "tests": tests,
        }

    def _ours(
        self,
        workshop: Workshop,
        network: Embedder,
        chosen: Mapping[str, str],
        number: int,
        threshold: float,
    ) -> dict[str, Explain]:
        """ExplainLFS with every decoder and kind of latents, and with random relevance."""
        found: dict[str, Explain] = {}
        for choices in methods():
            decoder = workshop.sized(self.source, choices["decoder"], chosen["size"])
            own, control = (
                ExplainLFS(
                    network,
                    decoder,
                    p=float(chosen["p"]),
                    similarity_threshold=threshold,
                    latents="raw" if choices["latents"] == "raw" else "scaled",
                    relevance=relevance,
                    seed=number,
                )
                for relevance in ("paper", "random")
            )
            name = method(choices, chosen["p"])
            found |= {name: own, controlled(name, number): DrawnForEachPair(control)}
        return found


@dataclass(frozen=True)
class DrawnForEachPair:
    """A method whose random numbers are other ones for every pair.

    One draw for all pairs would be one control, whose luck no number of pairs evens out.

    Attributes:
        method: the method; its seed and the pair decide what is drawn.
    """

    method: ExplainLFS

    def __call__(self, a: Tensor, b: Tensor) -> PairExplanation:
        """The explanation of two images (3,H,W) in [0,1]."""
        drawn = copy(self.method)
        drawn.seed += int((a.double().sum() + b.double().sum()) * 1e3)
        return drawn(a, b)


def _others(
    network: Embedder,
    threshold: float,
    number: int,
    known: dict[str, Explain],
    refused: dict[str, str],
) -> dict[str, Explain]:
    """Rivals, the book's own methods and controls, without those that refuse the network.

    Args:
        network: the network.
        threshold: xi_1.
        number: of the test.
        known: those that were made for other tests; new ones are added.
        refused: what those that refuse say; new ones are added.
    """
    draws = (f"random,seed={DRAWS * number + draw}" for draw in range(DRAWS))
    specs = (*RIVALS, *OWN, *draws)
    for spec in specs:
        if spec not in known and spec not in refused:
            try:
                known[spec] = make_explainer(spec, network, threshold)
            except LFSError as error:
                refused[spec] = str(error)
    found = {spec: known[spec] for spec in specs if spec in known}
    return found | {spec + IN_FULL: found[spec] for spec in SIGNED if spec in found}


@dataclass(frozen=True)
class Kept:
    """Curves of methods on the same pairs, kept in the cache.

    Attributes:
        network: the network.
        images: pairs (P,2,3,H,W) in [0,1].
        h: their embeddings (P,2,D).
        maps: of each explainer that was asked before, by name.
    """

    network: Embedder
    images: Tensor
    h: Tensor
    maps: dict[str, tuple[Explain, Tensor]]

    def curves(self, test: FlipTest, explainers: Mapping[str, Explain]) -> dict[str, list]:
        """The curves of each explainer in a test, (P,1+len(SHARES))."""
        paths = {name: self.path(test, name, of) for name, of in explainers.items()}
        known: dict[str, Any] = {name: kept_json(path) for name, path in paths.items()}
        missing = {name: explainers[name] for name, of in known.items() if of is None}
        if missing:
            maps = {name: list(self._maps(name, of)) for name, of in missing.items()}
            for name, found in test.curves(self.network, self.images, self.h, maps).items():
                known[name] = keep_json(paths[name], rounded(found))
        return known

    def path(self, test: FlipTest, name: str, explainer: Explain) -> Path:
        """Where curves are kept; code, weights and options of all count."""
        finds_maps = ordering_maps if IN_FULL in name else maps_of
        parts = key(
            code=[code_of(FlipTest), code_of(finds_maps), code_of_explainer(name)],
            test=test,
            network=self.network,
            images=self.images,
            in_full=IN_FULL in name,
            explainer=fingerprint(explainer, [self.network]),
        )
        return cache_folder() / "multiverse" / f"{parts}.kept"

    def _maps(self, name: str, explainer: Explain) -> Tensor:
        """(P,2,h,w); explainers that are the same in every test are asked once."""
        if name not in self.maps or self.maps[name][0] is not explainer:
            find = ordering_maps if IN_FULL in name else maps_of
            self.maps[name] = explainer, find(explainer, self.images)[0]
        return self.maps[name][1]


def drawn_tests(count: int, images: str = "") -> list[dict[str, str]]:
    """Tests whose choices are drawn one by one; no value comes again before all others came.

    Args:
        count: how many.
        images: on which images and network; others have other tests, so that two choices that one
            draw puts together are apart in another.
    """
    columns = {}
    for choice, values in CHOICES.items():
        random = Random(f"{choice} {images}")  # so that fewer tests are the first of more
        rounds = -(-count // len(values))
        columns[choice] = [v for _ in range(rounds) for v in random.sample(values, len(values))]
    return [{choice: of[k] for choice, of in columns.items()} for k in range(count)]


def methods() -> list[dict[str, str]]:
    """All choices that make a method."""
    every = product(*METHOD_CHOICES.values())
    return [dict(zip(METHOD_CHOICES, values, strict=True)) for values in every]


def method(choices: Mapping[str, str], p: str) -> str:
    """The name of ExplainLFS with these choices."""
    return f"explainlfs,decoder={choices['decoder']},latents={choices['latents']},p={p}"


def controlled(spec: str, draw: int) -> str:
    """The same method with random numbers for the relevance."""
    return f"{spec},relevance=random,seed={draw}"


FACES = Multiverse(SOURCES["CelebA, aligned faces"])
BIRDS = Multiverse(SOURCES["birds, trained network"], "cub", tests=4, hold_out=0.5)
CARS = Multiverse(SOURCES["cars, trained network"], "cars", tests=4, hold_out=0.5)
MOBILENET = replace(FACES.on("mobilenet-vggface2", None), tests=6, pairs=60)
DLIB = replace(FACES.on("dlib-resnet", None), tests=6, pairs=30)
