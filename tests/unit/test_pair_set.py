"""Pairs to evaluate on: how they are drawn, and what is wrong with tables and folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import lfs_core as lfs
from lfs_core.datasets.folders import split_classes
from lfs_core.evaluation.pair_set import draw_pairs, load_pairs


class Network:
    """Reads whole photographs at 16 px."""

    image_size, framing = 16, "whole"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)


def folder_of(path: Path, classes: dict[str, int]) -> Path:
    for k, (name, count) in enumerate(classes.items()):
        (path / name).mkdir(parents=True)
        for number in range(count):
            grey = np.full((20, 20, 3), 20 * k + number, np.uint8)
            Image.fromarray(grey).save(path / name / f"{number}.png")
    return path


@given(st.lists(st.integers(1, 6), min_size=2, max_size=6), st.integers(0, 100))
def test_drawn_pairs(sizes: list[int], seed: int) -> None:
    classes = {f"{k}/{n}": str(k) for k, size in enumerate(sizes) for n in range(size)}
    pairs = list(draw_pairs(classes, seed))
    assert pairs == list(draw_pairs(classes, seed))
    assert [same for *_, same in pairs] == [True, False] * (len(pairs) // 2)
    for same in (True, False):
        used = Counter(name for a, b, alike in pairs if alike == same for name in (a, b))
        assert all(count == 1 for count in used.values())
    assert all((classes[a] == classes[b]) == same for a, b, same in pairs)


def test_every_class_comes_before_any_comes_again() -> None:
    classes = {f"{k}/{n}": str(k) for k in range(5) for n in range(6)}
    first = [classes[a] for a, _, same in draw_pairs(classes, 0) if same][:5]
    assert sorted(first) == list("01234")
    assert first != [classes[a] for a, _, same in draw_pairs(classes, 1) if same][:5]


def test_a_folder(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "things", {"a": 4, "b": 4, "c": 4, "d": 4})
    pairs = load_pairs(folder, Network(), 6, progress=False)
    assert pairs.images.shape == (6, 2, 3, 16, 16) and pairs.images.dtype == torch.uint8
    assert pairs.same.tolist() == [True, False] * 3 and pairs.description == "things"
    for (a, _), image in zip(pairs.names, pairs.images[:, 0], strict=True):
        of_class, number = "abcd".index(a[0]), int(a[2])
        assert (image == 20 * of_class + number).all()
    again = load_pairs(folder, Network(), 6, progress=False)
    assert again.digest == pairs.digest
    other = load_pairs(folder, Network(), 6, seed=1, progress=False)
    assert other.digest != pairs.digest
    last = load_pairs(folder, Network(), 4, hold_out=0.5, progress=False)
    assert {name[0] for pair in last.names for name in pair} == {"c", "d"}


def test_images_that_cannot_be_read_are_replaced(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "things", {"a": 6, "b": 6})
    (folder / "a" / "0.png").write_text("no image", encoding="utf-8")
    pairs = load_pairs(folder, Network(), 4, progress=False)
    assert len(pairs) == 4 and not any("a/0.png" in pair for pair in pairs.names)


def test_a_table(tmp_path: Path, save_image: Callable[..., Path]) -> None:
    for name in ("x.png", "y.png"):
        save_image(np.full((20, 20, 3), 99, np.uint8), name)
    table = tmp_path / "pairs.csv"
    table.write_text("same,image_a,image_b\n1,x.png,y.png\n0,y.png,x.png\n", encoding="utf-8")
    pairs = load_pairs(table, Network(), progress=False)
    assert pairs.names == [("x.png", "y.png"), ("y.png", "x.png")]
    assert pairs.same.tolist() == [True, False] and (pairs.images == 99).all()
    assert len(load_pairs(table, Network(), 1, progress=False)) == 1
    table.write_text("image_a,image_b,same\nx.png,gone.png,1\n", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match=r"only 0 pairs; 1 could.*gone.png: .*does not exist"):
        load_pairs(table, Network(), progress=False)
    table.write_text("image_a,image_b,same\nx.png,y.png,yes\n", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match=r"line 2: same is 'yes'; it must be 1 or 0"):
        load_pairs(table, Network(), progress=False)
    table.write_text("first,second\nx.png,y.png\n", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match="no column image_a or image_b or same"):
        load_pairs(table, Network(), progress=False)
    table.write_text("image_a,image_b,same\n", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match="names no pair"):
        load_pairs(table, Network(), progress=False)
    with pytest.raises(lfs.ImageError, match=r"gone.csv does not exist"):
        load_pairs(tmp_path / "gone.csv", Network(), progress=False)


def test_refusals(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "things", {"a": 2, "b": 2})
    with pytest.raises(lfs.LFSError, match="how many pairs"):
        load_pairs(folder, Network(), progress=False)
    with pytest.raises(lfs.LFSError, match=r"things gives only \d+ pairs, not 50"):
        load_pairs(folder, Network(), 50, progress=False)
    for share in (0, 1.5):
        with pytest.raises(lfs.LFSError, match=r"a share of the classes, in \(0, 1\]"):
            load_pairs(folder, Network(), 2, hold_out=share, progress=False)
    with pytest.raises(lfs.ImageError, match="not a folder"):
        load_pairs(tmp_path / "nowhere", Network(), 2, progress=False)


@given(st.lists(st.text("abc", max_size=3), max_size=20), st.floats(0, 1))
def test_split_classes_are_apart_and_in_order(names: list[str], hold_out: float) -> None:
    seen, unseen = split_classes(names, hold_out)
    assert sorted(seen) + sorted(unseen) == sorted(set(names))
    assert abs(len(unseen) - hold_out * len(set(names))) <= 0.5
