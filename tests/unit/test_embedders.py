"""The networks, against another runtime that reads the same file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from facenet_pytorch import InceptionResnetV1

import lfs_core as lfs
from lfs_core.datasets.faces import FaceSet
from lfs_core.embedders import Embedder, embed, embed_all
from lfs_core.embedders.facenet import facenet_vggface2
from lfs_core.util.assets import FACENET_CASIA, fetch


def test_facenet_agrees_with_opencv(facenet: Embedder, faces: FaceSet) -> None:
    network = cv2.dnn.readNetFromTensorflow(str(fetch(FACENET_CASIA)))
    chosen = faces.images[::20]
    ours = embed_all(facenet, chosen).numpy()
    for image, embedding in zip(chosen, ours, strict=True):
        network.setInput(((image.float() - 127.5) / 128)[None].numpy())
        np.testing.assert_allclose(embedding, network.forward()[0], atol=1e-5, rtol=0)


def test_facenet_gives_unit_embeddings_for_any_size(facenet: Embedder) -> None:
    h = facenet(torch.rand(2, 3, 80, 120))
    assert h.shape == (2, 512)
    torch.testing.assert_close(h.norm(dim=1), torch.ones(2))


def test_batches_equal_single_images(facenet: Embedder, faces: FaceSet) -> None:
    images = faces.images[:5]
    together = embed_all(facenet, images, batch_size=2)
    alone = torch.cat([facenet(image[None].float() / 255) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_vggface2_from_a_file_of_the_same_layout(tmp_path: Path) -> None:
    """The release's file holds a state dict with the classifier of 8,631 people."""
    torch.manual_seed(0)
    network = InceptionResnetV1(classify=True, num_classes=8631).eval()
    path = tmp_path / "weights.pt"
    torch.save(network.state_dict(), path)
    loaded = facenet_vggface2(path)
    network.classify = False
    faces = torch.rand(2, 3, 160, 160)
    with torch.no_grad():
        expected = network((faces * 255 - 127.5) / 128)
    torch.testing.assert_close(loaded(faces), expected)
    assert loaded.name not in ("facenet-vggface2", "facenet-casia")  # it is not the release's file


@pytest.mark.parametrize("content", ["other network", "code", "nothing"])
def test_vggface2_from_a_file_that_is_not_it(content: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    if content == "other network":
        torch.save(torch.nn.Linear(3, 3).state_dict(), path)
    elif content == "code":
        torch.save({"weights": Path("anything")}, path)  # needs a class to be run on loading
    with pytest.raises(lfs.AssetError, match="does not hold FaceNet's weights"):
        facenet_vggface2(path)


def test_vggface2_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("network is unreachable")

    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    with pytest.raises(lfs.AssetError, match=r"vggface2\.pt cannot be reached"):
        lfs.load_embedder("facenet-vggface2")


def test_any_callable_is_an_embedder() -> None:
    def mean_colour(images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))

    module = torch.nn.Flatten().train()
    assert lfs.load_embedder(mean_colour) is mean_colour
    assert lfs.load_embedder(module) is module and not module.training


def test_what_has_no_weights_gets_the_images_where_they_are() -> None:
    given = []

    def black_box(images: torch.Tensor) -> torch.Tensor:
        given.append(images.device.type)
        return torch.ones(len(images), 4)

    embed(black_box, torch.rand(2, 3, 8, 8, device="meta"))
    embed(black_box, torch.rand(2, 3, 8, 8))
    assert given == ["meta", "cpu"]


def test_unknown_networks() -> None:
    with pytest.raises(lfs.LFSError, match="facenet-casia"):
        lfs.load_embedder("facenet")
    with pytest.raises(lfs.LFSError, match="a name or a callable"):
        lfs.load_embedder(3)
