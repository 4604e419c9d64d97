"""Faces in the browser: the exported detector and its JavaScript find what Python finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from facenet_pytorch import MTCNN
from photographs_in_node import as_image, in_node
from PIL import Image

from lfs_core.browser import detector
from lfs_core.browser.detector import export_detector
from lfs_core.datasets.choosing import chosen_face
from lfs_core.datasets.detecting import detect_faces
from lfs_core.datasets.faces import crop_face
from lfs_core.datasets.framing import parts
from lfs_core.errors import LFSError

pytestmark = pytest.mark.slow
MIRRORED = Image.Transpose.FLIP_LEFT_RIGHT


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detector")
    export_detector(folder)
    return folder


@pytest.fixture(scope="module")
def photographs() -> dict[str, Image.Image]:
    """With one face, several, and none."""
    import skimage.data

    one = Image.fromarray(skimage.data.astronaut())
    several = Image.new("RGB", (1000, 700), (90, 120, 90))
    several.paste(one.resize((690, 690)), (0, 0))
    several.paste(one.resize((250, 250)).transpose(MIRRORED), (720, 20))
    several.paste(one.resize((160, 160)), (800, 500))
    # Half of the face lies outside: its box ends at the edge.
    cut = one.crop((225, 0, 512, 400))
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    return {
        "one": one,
        "mirrored": one.transpose(MIRRORED),
        "several": several,
        "cut": cut,
        "noise": Image.fromarray(noise),
        "cat": Image.fromarray(skimage.data.chelsea()),
        "smallest": one.resize((20, 20)),
        "too small": one.resize((400, 19)),
    }


def test_exported_networks_are_pytorchs(networks: Path) -> None:
    reference = MTCNN().eval()
    generator = torch.Generator().manual_seed(5)
    shapes = {"p": [(1, 12, 13), (3, 61, 40)], "r": [(1, 24, 24), (7, 24, 24)]}
    for name, sizes in (shapes | {"o": [(1, 48, 48), (3, 48, 48)]}).items():
        session = onnxruntime.InferenceSession(networks / f"{name}.onnx")
        outputs = ["regression", "probabilities", "landmarks"][: 3 if name == "o" else 2]
        assert [of.name for of in session.get_outputs()] == outputs
        for batch, height, width in sizes:
            images = torch.rand(batch, 3, height, width, generator=generator) * 2 - 1
            found = session.run(None, {"images": images.numpy()})
            with torch.no_grad():
                regression, *landmarks, probabilities = getattr(reference, f"{name}net")(images)
            for one, other in zip(found, [regression, probabilities, *landmarks], strict=True):
                np.testing.assert_allclose(one, other.numpy(), atol=1e-5)


def test_an_unfaithful_translation_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector, "TOLERANCE", -1.0)
    with pytest.raises(LFSError, match=r"network 'p' cannot be translated"):
        export_detector(tmp_path / "new")
    assert not list(tmp_path.rglob("*.onnx"))


def test_javascript_finds_pythons_faces(
    networks: Path, photographs: dict[str, Image.Image]
) -> None:
    answers = in_node([("faces", image) for image in photographs.values()], networks)
    counts = {}
    for (name, image), answer in zip(photographs.items(), answers, strict=True):
        faces = detect_faces(image)
        counts[name] = len(faces)
        assert len(answer["faces"]) == len(faces), name
        for face, found, crop in zip(faces, answer["faces"], answer["crops"], strict=True):
            np.testing.assert_allclose(found["box"], face.box, atol=0.01)
            landmarks = face.landmarks.astype(float)
            np.testing.assert_allclose(found["landmarks"], landmarks, atol=0.01)
            assert found["probability"] == pytest.approx(face.probability, abs=1e-5)
            assert difference(as_image(crop), crop_face(image, face)) <= 1, name
        if faces:
            assert answer["chosen"] == chosen_face(faces, image.size)
            shares = [part.box for part in parts(image, None, "face").all]
            np.testing.assert_allclose(answer["shares"], shares, atol=1e-5)
    assert counts["one"] == counts["mirrored"] == 1
    assert counts["several"] == 3
    assert counts["too small"] == counts["noise"] == 0


def difference(one: Image.Image, other: Image.Image) -> int:
    """The largest, of 255."""
    assert one.size == other.size
    return int(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).max())
