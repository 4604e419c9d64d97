"""Tables of pairs as people bring them: what is read, and which rows are left out by name."""

from __future__ import annotations

import logging
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import lfs_core as lfs
from lfs_core.evaluation.pair_set import PairSet, load_pairs
from lfs_core.evaluation.results import Results, load_results


class Network:
    """Reads whole photographs at 16 px."""

    image_size, framing = 16, "whole"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with four pictures, one of which has accents in its name."""
    for name in ("x.png", "y.png", "folder/z.png", unicodedata.normalize("NFD", "Zoë.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (20, 20), "red").save(tmp_path / name)
    return tmp_path


def pairs_of(here: Path, content: bytes, **options: object) -> PairSet:
    (here / "pairs.csv").write_bytes(content)
    return load_pairs(here / "pairs.csv", Network(), progress=False, **options)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", ", "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(
    encoding: str, separator: str, end: str, here: Path
) -> None:
    rows = ["image_a image_b same", "x.png y.png TRUE", "y.png folder\\z.png False", "  "]
    rows += ["x.png Zoë.png 1", "Zoë.png y.png 0.0"]
    text = end.join(row.replace(" ", separator) for row in rows)
    pairs = pairs_of(here, text.encode(encoding))
    assert pairs.same.tolist() == [True, False, True, False] and not pairs.skipped


def test_a_bad_row_is_named_and_the_rest_goes_on(here: Path) -> None:
    (here / "broken.png").write_bytes(b"?")
    rows = ["x.png,y.png,1", "x.png,y.png,yes", "x.png,broken.png,0", "x.png", "y.png,gone.png,1"]
    pairs = pairs_of(here, "\n".join(["image_a,image_b,same", *rows, "y.png,x.png,0"]).encode())
    assert pairs.names == [("x.png", "y.png"), ("y.png", "x.png")]
    assert "same is 'yes'" in pairs.skipped["line 3"]
    assert "an image is missing" in pairs.skipped["line 5"]
    assert "is not an image" in pairs.skipped["x.png, broken.png"]
    assert "does not exist" in pairs.skipped["y.png, gone.png"]
    assert len(pairs.skipped) == 4


def test_a_row_in_another_encoding(here: Path) -> None:
    header, row = b"image_a,image_b,same\nx.png,y.png,1\n", b"M\xfcller.png,x.png,1\n"
    (reason,) = pairs_of(here, header + row).skipped.values()
    assert "M?ller.png does not exist" in reason and "not UTF-8" in reason
    # A file that is called so is found.
    path = os.fsencode(here) + b"/M\xfcller.png"
    with open(path, "wb") as file:
        Image.new("RGB", (20, 20)).save(file, "PNG")
    assert len(pairs_of(here, header + row)) == 2


def test_results_name_their_pairs(tmp_path: Path) -> None:
    from lfs_core.errors import printable

    names = [("a.png", "b.png"), ("Stra\udcdfe.png", "김.png")]
    results = Results(
        {"threshold": 0.3},
        torch.tensor([True, False]),
        torch.tensor([0.5, 0.1]),
        torch.tensor([0, 0]),
        {},
        {},
        names=names,
    )
    content = results.to_dict()
    assert [tuple(pair) for pair in content["names"]] == names
    import json

    (tmp_path / "results.json").write_text(json.dumps(content), encoding="utf-8")
    assert list(load_results(tmp_path / "results.json").names) == names
    assert printable(names[1][0]) == "Stra?e.png"


def test_strips_are_named_with_their_true_size(tmp_path: Path) -> None:
    for kind in ("png", "jpg"):
        path = tmp_path / f"strip.{kind}"
        Image.new("RGB", (10_000, 50)).save(path)
        with pytest.raises(lfs.ImageError, match=rf"strip.{kind} is 10000x50 pixels.* has 5,"):
            lfs.load_image(path)
    with pytest.raises(lfs.ImageError, match="the PIL image is 10000x50"):
        lfs.load_image(Image.new("RGB", (10_000, 50)))
    with pytest.raises(lfs.ImageError, match="the ndarray is 10000x50"):
        lfs.load_image(np.zeros((50, 10_000, 3), np.uint8))
    assert min(lfs.load_image(Image.new("RGB", (10_000, 90))).size) >= 8


def test_what_is_read_of_an_animation_and_of_12_bits_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "a.tiff", "a.webp", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with caplog.at_level(logging.WARNING):
            red, _, blue = lfs.load_image(tmp_path / name).getpixel((5, 5))
        assert red > 200 > 50 > blue
        assert f"{name} has several frames or pages; the first is read" in caplog.messages[-1]
    caplog.clear()
    frames[0].save(tmp_path / "one.gif")
    lfs.load_image(tmp_path / "one.gif")
    for highest in (0, 65535):
        Image.fromarray(np.full((20, 20), highest, np.uint16)).save(tmp_path / "deep.png")
        lfs.load_image(tmp_path / "deep.png")
    assert not caplog.messages
    Image.fromarray(np.full((20, 20), 4095, np.uint16)).save(tmp_path / "deep.png")
    assert lfs.load_image(tmp_path / "deep.png").getpixel((5, 5)) == (15, 15, 15)
    assert "16-bit values of at most 4095" in caplog.messages[-1]
