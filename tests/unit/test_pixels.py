"""Photographs in the browser: resized, cut and reduced as Pillow and PyTorch do it."""

from __future__ import annotations

import numpy as np
import torch
from photographs_in_node import as_floats, as_image, in_node
from PIL import Image
from torch.nn.functional import interpolate
from torchvision.transforms.functional import to_tensor

from lfs_core.datasets.framing import centre_square
from lfs_core.datasets.images import load_image

GENERATOR = np.random.default_rng(3)
ONE_STEP = 1  # of 255: older versions of Pillow begin with rows, whatever the shape
NARROW = [(160, 160), (131, 170), (61, 47), (400, 300), (170, 131), (9, 300), (300, 9)]


def photograph(width: int, height: int, channels: int = 3) -> Image.Image:
    """Noise, in which every difference shows."""
    values = GENERATOR.integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image.fromarray(values)


def differ(answer: dict, expected: Image.Image) -> int:
    found = as_image(answer)
    assert found.size == expected.size
    return int(np.abs(np.asarray(found, np.int16) - np.asarray(expected, np.int16)).max())


def test_resizing_is_pillows() -> None:
    images = [photograph(*size) for size in NARROW]
    sizes = [(160, 160), (40, 90)]
    for name, filtered in (("bilinear", Image.BILINEAR), ("lanczos", Image.LANCZOS)):
        asked = [(image, size) for image in images for size in sizes]
        answers = in_node([(name, *of) for of in asked])
        for (image, size), answer in zip(asked, answers, strict=True):
            assert differ(answer, image.resize(size, filtered)) <= ONE_STEP


def test_large_photographs_are_reduced_as_in_python() -> None:
    # Beyond 4096 pixels, blocks are averaged first.
    sizes = [(1024, 30), (1025, 700), (700, 1500), (4097, 301), (301, 5003), (9001, 201)]
    images = [photograph(*size) for size in sizes]
    answers = in_node([("reduced", image) for image in images])
    for image, answer in zip(images, answers, strict=True):
        assert differ(answer, load_image(image)) <= ONE_STEP


def test_the_middle_is_pythons() -> None:
    images = [photograph(*size) for size in [(12, 30), (20, 13), (100, 77), (36, 37)]]
    answers = in_node([("centreSquare", image) for image in images])
    for image, answer in zip(images, answers, strict=True):
        assert differ(answer, centre_square(image)) == 0


def test_transparency_lies_on_white() -> None:
    image = photograph(50, 60, channels=4)
    (answer,) = in_node([("onWhite", image)])
    assert differ(answer, load_image(image)) == 0


def test_boxes_are_cut_out() -> None:
    image, box = photograph(30, 20), (3, 5, 30, 19)
    (answer,) = in_node([("cropped", image, box)])
    assert differ(answer, image.crop(box)) == 0


def test_areas_are_averaged_as_in_pytorch() -> None:
    image = photograph(90, 70)
    values = torch.from_numpy(np.array(image)).movedim(-1, 0).float()
    boxes = [(0, 0, 90, 70), (5, 7, 30, 65), (88, 0, 90, 1)]
    asked = [(box, size) for box in boxes for size in [(24, 24), (55, 43), (91, 71)]]
    answers = in_node([("averaged", image, *of) for of in asked])
    for (box, (width, height)), answer in zip(asked, answers, strict=True):
        left, top, right, bottom = box
        part = values[None, :, top:bottom, left:right]
        expected = interpolate(part, (height, width), mode="area")[0]
        found = as_floats(answer, 3, height, width)
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


def test_networks_read_the_same_floats() -> None:
    image = photograph(31, 22)
    (answer,) = in_node([("toFloats", image)])
    np.testing.assert_array_equal(as_floats(answer, 3, 22, 31), to_tensor(image).numpy())


def test_floats_are_resized_as_in_pytorch() -> None:
    values = GENERATOR.random((3, 70, 90), np.float32)
    sizes = [(224, 224), (32, 20), (90, 40), (50, 100)]  # width and height
    answers = in_node([("floatsResized", values, (90, 70), size) for size in sizes])
    for (width, height), answer in zip(sizes, answers, strict=True):
        given = torch.from_numpy(values)[None]
        expected = interpolate(given, (height, width), mode="bilinear", antialias=True)[0]
        found = as_floats(answer, 3, height, width)
        np.testing.assert_allclose(found, expected.numpy(), atol=2e-5)  # its weights are float32
