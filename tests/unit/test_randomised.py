"""Networks and decoders that forgot everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import lfs_core as lfs
from lfs_core.datasets.faces import FaceSet
from lfs_core.evaluation.controls.randomised import with_shuffled_weights
from lfs_core.evaluation.metrics.agreement import rank_correlation
from lfs_core.evaluation.results import is_control


def test_shuffled_weights_are_the_same_numbers_elsewhere() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    before = [tensor.clone() for tensor in module.state_dict().values()]
    other = with_shuffled_weights(module, seed=1)
    for old, kept, new in zip(
        before, module.state_dict().values(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(old, kept)  # the original is left alone
        assert torch.equal(old.flatten().sort().values, new.flatten().sort().values)
    assert not torch.equal(other[0].weight, module[0].weight)
    assert torch.equal(with_shuffled_weights(module, seed=1)[0].weight, other[0].weight)
    assert not torch.equal(with_shuffled_weights(module, seed=2)[0].weight, other[0].weight)
    with pytest.raises(lfs.LFSError, match="black box"):
        with_shuffled_weights(lambda images: images)


def test_what_is_shuffled(facenet: torch.nn.Module, faces: FaceSet) -> None:
    pair = (faces.images[0] / 255, faces.images[1] / 255)
    real = lfs.load_explainer("explainlfs", facenet)(*pair)
    network = lfs.load_explainer("randomised", facenet)
    assert torch.equal(network.decoder.weight, lfs.load_decoder("facenet-casia").weight)
    assert network(*pair).similarity != real.similarity
    decoder = lfs.load_explainer("randomised", facenet, shuffled="decoder")
    assert decoder.embedder is facenet
    explained = decoder(*pair)
    assert explained.similarity == real.similarity
    assert torch.equal(explained.relevance, real.relevance)
    # Random weights give noise: its map is unrelated to that of the real decoder.
    assert rank_correlation(explained.maps, real.maps).abs().max() < 0.2
    assert is_control("randomised,shuffled=decoder,seed=1")
    assert decoder.settings()["shuffled"] == "decoder"
    with pytest.raises(lfs.LFSError, match="refit a decoder to a shuffled network only"):
        lfs.load_explainer("randomised", facenet, shuffled="decoder", refitted=True)


def test_the_one_pass_map_of_a_shuffled_network(facenet: torch.nn.Module, faces: FaceSet) -> None:
    """The head is the real one, what it reads is not; and the other way round."""
    pair = (faces.images[0] / 255, faces.images[1] / 255)
    real = lfs.load_explainer("amortised", facenet)
    before = real(*pair)
    network = lfs.load_explainer("randomised-causal", facenet, seed=1)
    assert network.head.info == real.head.info
    shuffled = with_shuffled_weights(facenet, 1)
    h = shuffled.in_torch(torch.stack(pair))
    after = network(*pair)
    assert after.similarity == pytest.approx(torch.cosine_similarity(*h, dim=0).item(), abs=1e-5)
    assert rank_correlation(after.maps, before.maps).abs().max() < 0.7
    head = lfs.load_explainer("randomised-causal", facenet, shuffled="head", seed=2)
    assert head.embedder is facenet
    forgotten = head(*pair)
    assert forgotten.similarity == pytest.approx(before.similarity, abs=1e-6)
    assert rank_correlation(forgotten.maps, before.maps).abs().max() < 0.7
    assert forgotten.settings["shuffled"] == "head" and forgotten.settings["seed"] == 2
    assert not torch.equal(
        forgotten.maps,
        lfs.load_explainer("randomised-causal", facenet, shuffled="head", seed=3)(*pair).maps,
    )
    assert is_control("randomised-causal,shuffled=network,seed=1")
    with pytest.raises(lfs.LFSError, match="must be 'network' or 'head'"):
        lfs.load_explainer("randomised-causal", facenet, shuffled="decoder")


@pytest.mark.slow
def test_a_decoder_is_fitted_to_the_shuffled_network(
    facenet: torch.nn.Module, faces: FaceSet, tmp_path: Path
) -> None:
    import skimage.data

    for k in range(4):
        photograph = np.roll(skimage.data.astronaut(), 3 * k, axis=1)
        Image.fromarray(photograph).save(tmp_path / f"{k}.png")
    explainer = lfs.load_explainer(
        "randomised", facenet, refitted=True, images=tmp_path, number=3, seed=4
    )
    expected = with_shuffled_weights(facenet, 4).state_dict()
    for key, tensor in explainer.embedder.network.state_dict().items():
        assert torch.equal(tensor, expected[key])
    mean = explainer.decoder.bias.reshape(3, 40, 40)
    assert mean.isfinite().all() and explainer(faces.images[0], faces.images[1]).maps.max() == 1
