"""What a network reads of a photograph."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Resize

import lfs_core as lfs
from lfs_core.datasets.framing import FRAMINGS, centre_square, frame, parts

IMAGENET = Compose([Resize(256), CenterCrop(224)])


@pytest.mark.parametrize(
    ("size", "tolerance"), [((600, 400), 0.1), ((599, 399), 1.0), ((211, 397), 4.0)]
)
def test_the_centre_is_what_imagenets_preprocessing_leaves(
    size: tuple[int, int], tolerance: float
) -> None:
    """A photograph, and parts of it with odd sides, of which 7/8 is no whole number of pixels."""
    photograph = Image.fromarray(skimage.data.coffee()).crop((0, 0, *size))
    expected = np.asarray(IMAGENET(photograph), float)

    def distance(image: Image.Image) -> float:  # of 255
        pixels = np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR), float)
        return np.abs(pixels - expected).mean()

    assert distance(centre_square(photograph)) < tolerance
    assert distance(photograph) > 30


@pytest.mark.parametrize("size", [(256, 256), (256, 400), (401, 256), (8, 9), (37, 53)])
def test_the_centre_is_square_and_in_the_middle(size: tuple[int, int]) -> None:
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    places = Image.fromarray(np.stack([x % 256, y % 256, x // 256], 2).astype(np.uint8))
    square = np.asarray(centre_square(places)).astype(int)
    side = round(min(size) * 7 / 8)
    assert square.shape == (side, side, 3)
    columns, rows = square[0, :, 0] + 256 * square[0, :, 2], square[:, 0, 1]
    assert abs(columns[0] - (size[0] - 1 - columns[-1])) <= 1
    if size[1] <= 256:
        assert abs(rows[0] - (size[1] - 1 - rows[-1])) <= 1


def test_a_network_says_what_it_reads(astronaut: Path) -> None:
    def read(**framing: str) -> np.ndarray:
        return np.asarray(frame(astronaut, SimpleNamespace(**framing)))

    assert read(framing="face").shape == (160, 160, 3)
    assert read(framing="whole").shape == (512, 512, 3)
    assert (read() == read(framing="whole")).all()
    assert (read(framing="centre") == read(framing="whole")[32:-32, 32:-32]).all()
    with pytest.raises(lfs.LFSError, match=r"no framing 'feet'; choose one of \['face', 'whole'"):
        read(framing="feet")
    assert set(FRAMINGS) == {"face", "whole", "centre"}


def test_a_photograph_that_cannot_be_read(tmp_path: Path) -> None:
    for framing in FRAMINGS:
        with pytest.raises(lfs.ImageError, match="does not exist"):
            frame(tmp_path / "none.png", SimpleNamespace(framing=framing))


def test_a_network_of_faces_can_read_every_face(astronaut: Path) -> None:
    one = Image.open(astronaut)
    both = Image.new("RGB", (2 * one.width, one.height))
    both.paste(one, (0, 0))
    both.paste(one, (one.width, 0))
    found = parts(both, SimpleNamespace(framing="face"))
    assert [part.sure for part in found.all] == [True, True]
    assert [part.number for part in found.all] == [1, 2]
    left, right = (part.box for part in found.all)
    assert left and right and left[2] < 0.5 < right[0]
    read = frame(both, SimpleNamespace(framing="face"))
    assert found.part().image.tobytes() == read.tobytes()
    for number, part in enumerate(found.all, 1):
        assert found.part(number) is part
        assert lfs.align_face(both, face=number).tobytes() == part.image.tobytes()
    for number in (0, -1, 3):
        with pytest.raises(lfs.FaceError, match=f"no face {number} in the photo.* 2 faces, 1 to 2"):
            found.part(number)
        with pytest.raises(lfs.FaceError, match=f"no face {number} in the photo.* 2 faces, 1 to 2"):
            lfs.align_face(both, face=number)
    (whole,) = parts(both, SimpleNamespace()).all
    assert whole.sure and whole.image.size == (1024, 512) and whole.box is None
    with pytest.raises(lfs.FaceError, match="no face is looked for"):
        parts(both, SimpleNamespace()).part(1)
    aligned = parts(both, SimpleNamespace(framing="face"), "whole")
    assert aligned.part().image.size == (1024, 512)
    with pytest.raises(lfs.FaceError):
        parts(Image.new("RGB", (200, 200), "white"), SimpleNamespace(framing="face"))
