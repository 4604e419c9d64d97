"""Pixel flipping under every reasonable reading of the paper: a multiverse (Steegen et al. 2016).

A *test* is one choice of what superpixels are, what replaces them, which image of a similar pair
is changed, and p. A *method* is one choice of decoder and latents. There are too many tests to run
them all, so some are drawn; each is run with every method. Methods that put superpixels in the same
order share their passes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from tqdm import tqdm

from lfs_core.embedders import Embedder, embed, embed_all, load_embedder
from lfs_core.evaluation.maps import maps_of
from lfs_core.evaluation.metrics.selectivity import FILLS
from lfs_core.evaluation.partitions import PARTITIONS, partition, replaced_after
from lfs_core.evaluation.spec import code_of_explainer, make_explainer
from lfs_core.explanation import cosines, one_thread
from lfs_core.studies.comparisons import FACES
from lfs_core.studies.workshop import THRESHOLD
from lfs_core.util.assets import cache_folder
from lfs_core.util.code import code_of
from lfs_core.util.digests import fingerprint, key
from lfs_core.util.files import replacing
from lfs_core.util.rounding import rounded

CHOICES: dict[str, tuple[str, ...]] = {
    "superpixels": PARTITIONS,
    "fill": tuple(FILLS),
    "changed": ("first", "second"),  # image of a similar pair; of a dissimilar one both are
    "p": ("0.1", "0.3", "0.9"),
}
METHOD_CHOICES: dict[str, tuple[str, ...]] = {
    "decoder": ("linear", "mlp", "conv"),
    "latents": ("raw", "scaled"),
}
RIVALS = ("simexpert", "tummala", "utkin", "centre")
SHARES = (6 / 64, 13 / 64, 20 / 64)  # of the image, replaced: 6, 13 and 20 of the paper's flips
TESTS = 12  # of the 180 that there are
PAIRS = 100
BATCH = 64  # images


def multiverse_study(data: Path) -> dict[str, object]:
    """Curves of every method, its control with random relevance, a random order and rivals.

    Each test has its own draw of every random control. Tests that are done are kept in the cache.
    """
    network = load_embedder(FACES.network)
    pairs = FACES.pairs(data)
    images = pairs.images[:PAIRS].float() / 255
    h = embed_all(network, pairs.images[:PAIRS].flatten(0, 1)).unflatten(0, (-1, 2))
    folder = cache_folder() / "multiverse"
    folder.mkdir(parents=True, exist_ok=True)
    explainers: dict[str, Callable[..., object]] = {}
    maps: dict[str, Tensor] = {}  # of what does not change from test to test
    tests = []
    for number, chosen in enumerate(tqdm(drawn_tests(), "Tests")):
        own = [method(choices, chosen["p"]) for choices in methods()]
        specs = [*own, *(controlled(spec, number) for spec in own), *RIVALS]
        specs.append(f"random,seed={number}")
        for spec in specs:
            if spec not in explainers:
                explainers[spec] = make_explainer(spec, network, THRESHOLD)
        kept = kept_under(chosen, number, network, images, {s: explainers[s] for s in specs})
        path = folder / f"{kept}.json"
        if not path.is_file():
            for spec in specs:
                if spec not in maps:
                    maps[spec] = maps_of(explainers[spec], images)[0]
            curves = run_test(chosen, network, images, h, {s: maps[s] for s in specs}, number)
            with replacing(path) as new:
                new.write_text(json.dumps({s: rounded(of) for s, of in curves.items()}))
        tests.append({**chosen, "draw": number, "curves": json.loads(path.read_text())})
    return {
        "manifest": {
            "pairs": pairs.description,
            "number": len(images),
            "digest": pairs.digest,
            "embedder": FACES.network,
            "threshold": THRESHOLD,
            "shares": list(SHARES),
            "choices": CHOICES | METHOD_CHOICES,
        },
        "similarity": rounded(cosines(h)),
        "tests": tests,
    }


def drawn_tests(count: int = TESTS) -> list[dict[str, str]]:
    """Tests whose choices are drawn one by one; no value comes again before all others came."""
    columns = {}
    for choice, values in CHOICES.items():
        random = Random(choice)  # so that fewer tests are the first of more
        rounds = -(-count // len(values))
        columns[choice] = [v for _ in range(rounds) for v in random.sample(values, len(values))]
    return [{choice: of[k] for choice, of in columns.items()} for k in range(count)]


def methods() -> list[dict[str, str]]:
    """All choices that make a method."""
    every = product(*METHOD_CHOICES.values())
    return [dict(zip(METHOD_CHOICES, values, strict=True)) for values in every]


def method(choices: Mapping[str, str], p: str) -> str:
    """ExplainLFS with these choices, as `make_explainer` reads it."""
    return f"explainlfs,decoder={choices['decoder']},latents={choices['latents']},p={p}"


def controlled(spec: str, draw: int) -> str:
    """The same method with random numbers for the relevance."""
    return f"{spec},relevance=random,seed={draw}"


def kept_under(
    chosen: Mapping[str, str],
    number: int,
    network: Embedder,
    images: Tensor,
    explainers: Mapping[str, Callable[..., object]],
) -> str:
    """The name under which a test's curves are kept; code, weights and options of all count."""
    return key(
        code=[code_of(run_test), code_of(maps_of), *map(code_of_explainer, explainers)],
        chosen=chosen,
        number=number,
        network=network,
        images=images,
        explainers={spec: fingerprint(of, [network]) for spec, of in explainers.items()},
    )


def run_test(
    chosen: Mapping[str, str],
    network: Embedder,
    images: Tensor,
    h: Tensor,
    maps: Mapping[str, Tensor],
    seed: int,
) -> dict[str, Tensor]:
    """Similarity after shares of the image are replaced, by method: (P,1+len(SHARES)).

    Args:
        chosen: one of the values of each of `CHOICES`.
        network: the network.
        images: pairs (P,2,3,H,W) in [0,1].
        h: their embeddings (P,2,D).
        maps: (P,2,h,w) of each method; a pair whose map is NaN has curves of NaN.
        seed: of noise, drawn anew for every pair, and of ties.
    """
    similar = (cosines(h) > THRESHOLD).tolist()
    curves = {spec: torch.full((len(images), 1 + len(SHARES)), torch.nan) for spec in maps}
    for k, pair in enumerate(images):
        generator = torch.Generator().manual_seed(1_000_003 * seed + k)
        with one_thread():
            fill = FILLS[chosen["fill"]](pair, generator)
        sides = [("first", "second").index(chosen["changed"])] if similar[k] else [0, 1]
        orders: dict[bytes, Tensor] = {}  # (2,H,W), of methods whose orders differ
        of_order: dict[str, bytes] = {}
        segments = {side: partition(pair[side], chosen["superpixels"]) for side in sides}
        for spec, of in maps.items():
            if of[k].isfinite().all():
                before = torch.stack([_before(of[k, side], segments[side], seed) for side in sides])
                of_order[spec] = before.numpy().tobytes()
                orders.setdefault(of_order[spec], before)
        if not orders:
            continue
        after = _embedded(network, _replaced(pair[sides], fill[sides], list(orders.values())))
        found = h[k].repeat(len(orders), len(SHARES), 1, 1)  # (M,S,2,D)
        found[:, :, sides] = after.unflatten(0, (len(orders), len(SHARES), len(sides)))
        cosine = torch.cosine_similarity(found[:, :, 0], found[:, :, 1], dim=-1)
        for spec, order in of_order.items():
            place = list(orders).index(order)
            curves[spec][k, 0] = torch.cosine_similarity(h[k, 0], h[k, 1], dim=0)
            curves[spec][k, 1:] = cosine[place]
    return curves


def _before(heat: Tensor, segments: Tensor, seed: int) -> Tensor:
    """`replaced_after` of a map of any size."""
    large = torch.nn.functional.interpolate(heat[None, None], segments.shape)[0, 0]
    return replaced_after(large, segments, seed)


def _replaced(images: Tensor, fill: Tensor, orders: Sequence[Tensor]) -> Iterator[Tensor]:
    """For each order, share and image: the image with that share of it replaced."""
    for before in orders:
        for share in SHARES:
            for image, other, of in zip(images, fill, before, strict=True):
                yield torch.where(of < share - 1e-9, other, image)


@torch.no_grad()
def _embedded(network: Embedder, images: Iterator[Tensor]) -> Tensor:
    return torch.cat([embed(network, some) for some in torch.stack(list(images)).split(BATCH)])
