"""MobileNet against a second computation of the same file, step by step in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

import lfs_core as lfs
from lfs_core.datasets.faces import FaceSet
from lfs_core.embedders import embed_all
from lfs_core.embedders.last_maps import LastMaps, pooled_head
from lfs_core.embedders.mobilenet import MOBILENET_VGGFACE2, MobileNet
from lfs_core.util.assets import fetch

HEADS = 100 * 256 + 100 + 256 * 1024 + 256 + 256 + 1  # numbers that guess ages and genders
MADE = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]  # Howard et al. 2017
STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]  # Table 1 there


@pytest.fixture(scope="module")
def network() -> MobileNet:
    return lfs.load_embedder("mobilenet-vggface2")


@pytest.fixture(scope="module")
def photographs(faces: FaceSet) -> torch.Tensor:
    """Faces in [0,1], as large as the network reads them."""
    images = faces.images[::40].float() / 255
    return torch.nn.functional.interpolate(images, (224, 224), mode="bilinear")


def windows(x: np.ndarray, stride: int) -> np.ndarray:
    """The 3x3 places (h,w,c,3,3) of maps (H,W,c), with TensorFlow's padding "SAME"."""
    side = x.shape[0]
    missing = max((-(-side // stride) - 1) * stride + 3 - side, 0)
    before, after = missing // 2, missing - missing // 2
    padded = np.pad(x, ((before, after), (before, after), (0, 0)))
    return sliding_window_view(padded, (3, 3), axis=(0, 1))[::stride, ::stride]


def by_hand(image: np.ndarray) -> np.ndarray:
    """The last maps (7,7,1024) of an image (224,224,3), RGB in [0,255]."""
    values = iter(np.fromfile(fetch(MOBILENET_VGGFACE2), "<f4")[HEADS:])

    def take(*shape: int) -> np.ndarray:
        return np.fromiter(values, np.float32, int(np.prod(shape))).reshape(shape)

    def relu6(x: np.ndarray) -> np.ndarray:
        highest, lowest = take(), take()
        assert (highest, lowest) == (6, 0)
        return x.clip(lowest, highest)

    x = image[:, :, ::-1] - np.array([103.939, 116.779, 123.68])
    x = relu6(np.einsum("hwcij,ijcd->hwd", windows(x, 2), take(3, 3, 3, 32)) + take(32))
    for made, stride in zip(MADE, STRIDES, strict=True):
        c = x.shape[-1]
        x = np.einsum("hwcij,ijc->hwc", windows(x, stride), take(3, 3, c, 1)[..., 0])
        x = relu6(x * take(c) + take(c))
        x = relu6(x @ take(1, 1, c, made)[0, 0] + take(made))
    assert next(values).view("<i4") == 1 and next(values).view("<i4") == 2  # axes of the mean
    assert next(values, None) is None
    return x


def test_it_computes_what_its_file_says(network: MobileNet, photographs: torch.Tensor) -> None:
    h = network(photographs)
    assert h.shape == (len(photographs), 1024)
    for image, embedding in zip(photographs, h, strict=True):
        expected = by_hand(image.permute(1, 2, 0).numpy() * 255.0).mean(axis=(0, 1))
        np.testing.assert_allclose(embedding, expected, atol=1e-4, rtol=0)


def test_embedding_is_the_mean_of_the_last_maps(
    network: MobileNet, photographs: torch.Tensor
) -> None:
    maps, h = LastMaps(network)(photographs)
    assert maps.shape == (len(photographs), 1024, 7, 7) and maps.min() >= 0
    pooled = pooled_head(network)(maps.mean(dim=(2, 3)))
    torch.testing.assert_close(pooled, h, atol=1e-5, rtol=0)


def test_photographs_of_one_person_lie_nearer(network: MobileNet, faces: FaceSet) -> None:
    h = torch.nn.functional.normalize(embed_all(network, faces.images))
    cosines = h @ h.T
    people = np.array(faces.identities)
    same = torch.from_numpy(people[:, None] == people)
    apart = torch.from_numpy(np.tri(len(people), k=-1).astype(bool))
    alike, other = cosines[same & apart], cosines[~same & apart]
    nearer = (alike[:, None] > other).float().mean()  # the area under the ROC curve
    assert nearer > 0.9


@pytest.mark.parametrize(
    "method", ["explainlfs", "gradcam", "simexpert", "tummala", "gradient-x-input", "occlusion"]
)
def test_methods_of_every_need_explain_it(
    method: str, network: MobileNet, photographs: torch.Tensor
) -> None:
    e = lfs.load_explainer(method, network)(*photographs[:2])
    assert e.maps.shape == (2, 224, 224) and e.maps.max() > 0 and e.maps.isfinite().all()
    assert e.similarity >= 0
