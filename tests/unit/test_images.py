"""Reading images of every kind, and refusing what is none."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from links import pipe
from PIL import Image

import lfs_core as lfs
from lfs_core.datasets.images import MAX_SIDE, held, shrink, to_tensor

RED_TOP = np.zeros((20, 10, 3), np.uint8)  # taller than wide, red above, blue below
RED_TOP[:10, :, 0] = RED_TOP[10:, :, 2] = 200


def test_plain_rgb_is_unchanged(save_image: Callable) -> None:
    np.testing.assert_array_equal(np.asarray(lfs.load_image(save_image(RED_TOP))), RED_TOP)


def test_greyscale_becomes_three_equal_channels(save_image: Callable) -> None:
    grey = np.arange(200, dtype=np.uint8).reshape(10, 20)
    loaded = np.asarray(lfs.load_image(save_image(grey)))
    np.testing.assert_array_equal(loaded, np.stack([grey] * 3, axis=-1))


def test_transparency_lies_on_white(save_image: Callable) -> None:
    rgba = np.zeros((10, 10, 4), np.uint8)
    rgba[:5, :, 3] = 255  # the upper half is opaque black, the lower fully transparent
    loaded = np.asarray(lfs.load_image(save_image(rgba)))
    assert (loaded[:5] == 0).all() and (loaded[5:] == 255).all()


def test_grey_with_transparency(save_image: Callable) -> None:
    la = np.zeros((10, 10, 2), np.uint8)
    assert (np.asarray(lfs.load_image(save_image(la))) == 255).all()


def test_palette_shows_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "palette.png"
    Image.fromarray(RED_TOP).convert("P", palette=Image.Palette.ADAPTIVE).save(path)
    np.testing.assert_allclose(np.asarray(lfs.load_image(path)), RED_TOP, atol=4)


def test_cmyk_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "print.jpg"
    Image.fromarray(RED_TOP).convert("CMYK").save(path)
    loaded = np.asarray(lfs.load_image(path))
    assert loaded[3, 5, 0] > 150 > loaded[3, 5, 2]


def test_exif_rotation_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "rotated.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show the stored picture turned by 90 degrees
    lying = Image.fromarray(RED_TOP).rotate(90, expand=True)
    lying.save(path, exif=exif, quality=95)
    loaded = lfs.load_image(path)
    assert loaded.size == (10, 20)
    assert np.asarray(loaded)[2, 5, 0] > 150 > np.asarray(loaded)[17, 5, 0]


def test_16_bit_is_scaled_not_clipped(save_image: Callable) -> None:
    deep = np.linspace(0, 65535, 200).astype(np.uint16).reshape(10, 20)
    loaded = np.asarray(lfs.load_image(save_image(deep)))[..., 0]
    np.testing.assert_array_equal(loaded, deep >> 8)


def test_huge_images_are_reduced(tmp_path: Path) -> None:
    for name in ("huge.png", "huge.jpg"):
        path = tmp_path / name
        Image.new("L", (10_000, 10_000), 90).save(path)
        assert lfs.load_image(path).size == (MAX_SIDE, MAX_SIDE)


def test_images_too_huge_to_open(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)
    with pytest.raises(lfs.ImageError, match="million pixels"):
        lfs.load_image(path)


def test_one_pixel(save_image: Callable) -> None:
    with pytest.raises(lfs.ImageError, match="1x1 pixels"):
        lfs.load_image(save_image(np.zeros((1, 1, 3), np.uint8)))


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_truncated_files(suffix: str, save_image: Callable, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    whole = save_image(noise, f"whole{suffix}").read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(lfs.ImageError, match=r"cut\.(jpg|png) is damaged"):
        lfs.load_image(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"<html></html>", b"\xff\xd8\xff"])
def test_files_that_are_no_image(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "note.jpg"
    path.write_bytes(content)
    with pytest.raises(lfs.ImageError, match=r"note\.jpg (is not an image|is damaged)"):
        lfs.load_image(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(lfs.ImageError, match="does not exist"):
        lfs.load_image(tmp_path / "nothing.jpg")
    with pytest.raises(lfs.ImageError, match="is a folder"):
        lfs.load_image(tmp_path)


def test_a_file_that_may_not_be_read(save_image: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Denied by the system's own error, since a superuser may read everything."""

    def deny(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = save_image(RED_TOP)
    monkeypatch.setattr(Path, "read_bytes", deny)
    with pytest.raises(lfs.ImageError, match=r"image\.png may not be read"):
        lfs.load_image(path)


def test_what_comes_by_a_pipe_is_read_once(
    save_image: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As `cat picture.png | lfs explain /dev/stdin`; a message says when it waits for a pipe."""
    path, waiting = save_image(RED_TOP), pipe(tmp_path / "pipe")
    monkeypatch.setattr("lfs_core.datasets.images.PATIENCE", 0.01)

    def write() -> None:
        time.sleep(0.2)
        waiting.write_bytes(path.read_bytes())

    for read in (lfs.load_image, held):
        writer = threading.Thread(target=write)
        writer.start()
        with caplog.at_level("WARNING"):
            image = read(waiting)
        writer.join()
        assert image.tobytes() == lfs.load_image(path).tobytes()
        assert f"Waiting for an image from {waiting}" in caplog.text
    assert held(path) is path and held(tmp_path / "missing") == tmp_path / "missing"


def test_an_open_file_is_read_once(save_image: Callable) -> None:
    path = save_image(RED_TOP)
    with path.open("rb") as file:
        assert lfs.load_image(file).tobytes() == lfs.load_image(path).tobytes()
        with pytest.raises(lfs.ImageError, match=r"image\.png .*nothing is left in it"):
            lfs.load_image(file)
    with path.open(encoding="latin-1") as file, pytest.raises(lfs.ImageError, match="binary mode"):
        lfs.load_image(file)  # type: ignore[arg-type]
    assert isinstance(held(io.BytesIO(path.read_bytes())), Image.Image)


def test_arrays_and_tensors_agree() -> None:
    expected = torch.from_numpy(RED_TOP).permute(2, 0, 1).float() / 255
    for source in (RED_TOP, RED_TOP / 255, expected, torch.from_numpy(RED_TOP).permute(2, 0, 1)):
        torch.testing.assert_close(to_tensor(source), expected)


def test_floats_are_exact() -> None:
    pixels = torch.rand(3, 9, 9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(to_tensor(pixels), pixels)


def test_transparent_arrays_lie_on_white() -> None:
    rgba = np.zeros((8, 8, 4))
    rgba[..., 3] = 0.25
    torch.testing.assert_close(to_tensor(rgba), torch.full((3, 8, 8), 0.75))


def test_to_tensor_resizes() -> None:
    assert to_tensor(RED_TOP, 16).shape == (3, 16, 16)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.full((10, 10, 3), 1.5), r"outside \[0, 1\]"),
        (np.full((10, 10, 3), np.nan), "NaN"),
        (np.zeros((10, 10, 5), np.uint8), "shape"),
        (np.zeros((2, 10, 10, 3), np.uint8), "shape"),
        (np.zeros((0, 10, 3), np.uint8), "10x0 pixels"),
        (np.zeros((10, 10, 3), np.int64), "int64"),
        (np.zeros((2, 1)), "1x2 pixels"),
        (torch.zeros(10, 10, 3), r"\(3,H,W\)"),
        (3.5, "float"),
        (None, "NoneType"),
    ],
)
def test_things_that_are_no_image(source: object, message: str) -> None:
    with pytest.raises(lfs.ImageError, match=message):
        lfs.load_image(source)


def test_shrink_averages() -> None:
    image = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    image[..., :2, :2] = torch.tensor([[10, 20], [30, 40]])
    assert shrink(image, 2)[0, 0].tolist() == [[25, 0], [0, 0]]
