"""dlib's network: a black box among the others."""

from __future__ import annotations

import copy
import pickle
import sys

import numpy as np
import pytest
import torch

import lfs_core as lfs
from lfs_core.datasets.faces import FaceSet
from lfs_core.embedders.dlib_resnet import DLIB_RESNET, DlibResNet
from lfs_core.training.decoders import LinearDecoder
from lfs_core.util.assets import fetch


@pytest.fixture(scope="module")
def network() -> DlibResNet:
    pytest.importorskip("dlib")
    return lfs.load_embedder("dlib-resnet")


@pytest.fixture(scope="module")
def chips(faces: FaceSet) -> torch.Tensor:
    """Two faces, (2,3,150,150) uint8."""
    images = torch.nn.functional.interpolate(faces.images[:2].float(), (150, 150))
    return images.byte()


def test_it_is_dlib_on_bytes_alone_and_in_batches(network: DlibResNet, chips: torch.Tensor) -> None:
    import dlib

    model = dlib.face_recognition_model_v1(str(fetch(DLIB_RESNET)))
    h = network(chips / 255)
    assert h.shape == (2, 128) and h.dtype == torch.float32
    for chip, embedding in zip(chips, h, strict=True):
        alone = model.compute_face_descriptor(chip.permute(1, 2, 0).contiguous().numpy())
        np.testing.assert_allclose(embedding, np.array(alone), atol=1e-5)


def test_any_size_and_none(network: DlibResNet) -> None:
    assert network(torch.rand(1, 3, 80, 100)).shape == (1, 128)
    assert network(torch.rand(0, 3, 150, 150)).shape == (0, 128)


def test_copies_travel_to_other_processes(network: DlibResNet, chips: torch.Tensor) -> None:
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(twin(chips[:1] / 255), network(chips[:1] / 255))
        assert twin.fingerprint() == network.fingerprint()


@pytest.mark.parametrize("method", ["gradcam", "simexpert", "gradient-x-input"])
def test_methods_that_look_inside_refuse_it(
    method: str, network: DlibResNet, chips: torch.Tensor
) -> None:
    with pytest.raises(lfs.LFSError, match="black box"):
        lfs.load_explainer(method, network)(*chips)


def test_methods_for_black_boxes_explain_it(network: DlibResNet, chips: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    h, pictures = (torch.rand(20, *of, generator=generator) for of in ((128,), (3, 8, 8)))
    decoder = LinearDecoder.fit(h, pictures, ridge=0.1)
    threshold = network.similarity_threshold
    for e in (
        lfs.ExplainLFS(network, decoder, similarity_threshold=threshold)(*chips),
        lfs.load_explainer("occlusion", network, grid=2, similarity_threshold=threshold)(*chips),
    ):
        assert e.maps.shape == (2, 150, 150) and e.maps.isfinite().all()
        assert e.is_similar == (e.similarity > threshold)


def test_without_dlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(lfs.LFSError, match=r"needs dlib-bin, .*pip install 'lfs-core\[faces\]'"):
        lfs.load_embedder("dlib-resnet")
