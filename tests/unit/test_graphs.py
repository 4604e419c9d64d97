"""Explanations as ONNX graphs give what the classes give that they were traced from."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from small_network import Small, a_head
from torch import Tensor

import lfs_core as lfs
from lfs_core.browser import graphs
from lfs_core.correspondence import probabilities
from lfs_core.mapping import difference_map, perturb
from lfs_core.relevance import normalized_distance, relevance
from lfs_core.training.decoders import LinearDecoder
from lfs_core.util.windows import tiles
from lfs_core.viz.packing import reduce

DRAWN = ["maps", "signed", "ranges"]
MATCHED = [*DRAWN, "matches", "likeness", "probabilities"]
GRID = 4
PAIRS = torch.rand(4, 2, 3, 16, 16, generator=torch.Generator().manual_seed(3))
XI_1 = (-1.0, 0.3, 0.97, 1.0)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def answered(model: bytes, given: dict[str, Tensor | float], outputs: list[str]) -> list[Tensor]:
    inputs = {k: np.asarray(v, dtype=np.float32) for k, v in given.items()}
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return [torch.from_numpy(np.asarray(of)) for of in session.run(outputs, inputs)]


def check(found: list[Tensor], e: lfs.PairExplanation) -> None:
    """Maps as views draw them, and signed maps with the range that they had at full size."""
    maps, signed, ranges = found[:3]
    largest = e.signed_maps.abs().max().item()
    # Cosines are rounded to 1e-7; maps are relative to the largest cell, of (16 / GRID)^2 pixels.
    rounding = 5e-7 / (largest * (16 / GRID) ** 2)
    torch.testing.assert_close(maps, reduce(e.maps, 40), atol=2e-5 + rounding, rtol=0)
    tolerance = 1e-5 * largest + 5e-8
    torch.testing.assert_close(signed, reduce(e.signed_maps, 40).float(), atol=tolerance, rtol=0)
    ends = torch.stack([e.signed_maps.amin(dim=(1, 2)), e.signed_maps.amax(dim=(1, 2))], dim=1)
    torch.testing.assert_close(ranges, ends.float(), atol=tolerance, rtol=1e-4)


@pytest.mark.parametrize("threshold", XI_1)
@pytest.mark.parametrize("method", ["amortised", "occlusion", "causal"])
def test_windows(method: str, threshold: float, made: dict[str, bytes]) -> None:
    network = Small()
    options = {
        "amortised": {"head": a_head(network)},
        "occlusion": {"grid": GRID},
        "causal": {"grid": GRID, "scales": 1, "shifted": False},
    }[method]
    explain = lfs.load_explainer(method, network, similarity_threshold=threshold, **options)
    exact = lfs.load_explainer("causal", network, grid=GRID, scales=1, shifted=False)
    for images in PAIRS:
        e = explain(*images)
        given: dict[str, Tensor | float] = {"threshold": threshold}
        if method == "amortised":
            pairs = explain.see(images[None])
            given |= {"h": pairs.h[0], "C": pairs.C[0], "features": pairs.features[0]}
        else:
            h = network(images)
            windows = tiles((16, 16), [GRID])
            C = [exact._causal_map(i, of, windows) for i, of in zip(images, h, strict=True)]
            given |= {"h": h, "C": torch.stack(C)}
        found = answered(made[method], given, MATCHED)
        check(found, e)
        if method == "occlusion":
            continue
        torch.testing.assert_close(found[3], e.matches, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(found[4], e.likeness, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(found[5], probabilities(e.likeness), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("threshold", XI_1)
def test_shares(threshold: float, made: dict[str, bytes]) -> None:
    network = Small()
    explain = lfs.load_explainer("simexpert", network, similarity_threshold=threshold)
    for images in PAIRS:
        places = explain._at_places(explain.see(images[None]).maps)[0].flatten(1, 2)
        given = {"h": network(images), "places": places, "threshold": threshold}
        check(answered(made["simexpert"], given, DRAWN), explain(*images))


@pytest.mark.parametrize("threshold", XI_1)
def test_decoded_and_the_decision(threshold: float, made: dict[str, bytes]) -> None:
    network, decoder = Small(), decoder_of_48()
    for images in PAIRS:
        h = network(images)
        similarity, d = answered(made["pair"], {"h": h}, ["similarity", "d"])
        cosine = torch.cosine_similarity(h[0], h[1], dim=0)
        assert similarity.item() == pytest.approx(cosine.item(), abs=1e-6)
        torch.testing.assert_close(d, normalized_distance(*h), atol=1e-5, rtol=0)
        R = relevance(h[0], h[1], bool(cosine > threshold))
        for only in (torch.ones(48), torch.eye(48)[7]):
            given = {"h": h, "only": only, "p": 0.3, "threshold": threshold}
            (change,) = answered(made["decoded"], given, ["change"])
            expected = difference_map(decoder, h, perturb(h, R * only, 0.3))
            torch.testing.assert_close(change, reduce(expected, 40), atol=1e-4, rtol=1e-4)


def decoder_of_48() -> LinearDecoder:
    torch.manual_seed(2)
    decoder = LinearDecoder(48, (64, 64), rank=8).eval()
    for values in decoder.parameters():
        torch.nn.init.normal_(values)
    return decoder.requires_grad_(False)


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """Every graph, traced once with one example and used with all others."""
    network = Small()
    generator = torch.Generator().manual_seed(5)
    h, C = torch.rand(2, 48, generator=generator), torch.rand(2, GRID**2, 48, generator=generator)
    threshold = torch.tensor(0.3)
    head = lfs.load_explainer("amortised", network, head=a_head(network))
    exact = lfs.load_explainer("causal", network, grid=GRID, scales=1, shifted=False)
    simexpert = lfs.load_explainer("simexpert", network)
    given = {"h": h, "C": C, "threshold": threshold}
    windows = graphs.WindowGraph
    read = given | {"features": torch.rand(2, GRID**2, 40, generator=generator)}
    places = {"h": h, "places": torch.rand(2, 64, 48, generator=generator), "threshold": threshold}
    decoded = {"h": h, "only": torch.ones(48), "p": torch.tensor(0.2), "threshold": threshold}
    smooth, blocks = (windows(exact, GRID, 16, exact=True, blocks=of) for of in (False, True))
    return {
        "amortised": graphs.translated(
            windows(head, GRID, 16, exact=False, blocks=False), read, MATCHED
        ),
        "occlusion": graphs.translated(smooth, given, MATCHED),
        "causal": graphs.translated(blocks, given, MATCHED),
        "simexpert": graphs.translated(graphs.SharesGraph(simexpert, (8, 8), 16), places, DRAWN),
        "decoded": graphs.translated(graphs.DecodedGraph(decoder_of_48()), decoded, ["change"]),
        "pair": graphs.translated(graphs.PairGraph(), {"h": h}, ["similarity", "d"]),
    }


def test_a_graph_leaves_its_explainer_as_it_was(made: dict[str, bytes]) -> None:
    """Tracing puts a threshold into a copy only."""
    network = Small()
    explain = lfs.load_explainer("causal", network, grid=GRID, scales=1, shifted=False)
    before = explain.settings()
    graph = graphs.WindowGraph(explain, GRID, 16, exact=True, blocks=True)
    graph(torch.rand(2, 48), torch.rand(2, 16, 48), torch.tensor(0.5))
    assert explain.settings() == before


def test_identical_images_have_no_evidence_of_rounding(made: dict[str, bytes]) -> None:
    h = Small()(PAIRS[0, :1]).expand(2, -1)
    C = torch.full((2, GRID**2, 48), 1e-9)
    maps, signed, _ = answered(made["causal"], {"h": h, "C": C, "threshold": 0.3}, DRAWN)
    assert not maps.any() and not signed.any()
