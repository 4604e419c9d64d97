"""Galleries: what is kept, what is found, and what is done again."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

import lfs_core as lfs
from lfs_core.search import gallery as module
from lfs_core.search.gallery import Gallery, Photograph, changes, index_folder, load_gallery
from lfs_core.search.retriever import Retriever
from lfs_core.util.digests import fingerprint


class Colours(torch.nn.Module):
    """The mean colours of four quarters; counts the images that it sees."""

    name, image_size, framing = "colours", 16, "whole"
    one_by_one = False  # so that it sees no image but those of the gallery

    def __init__(self) -> None:
        super().__init__()
        self._seen = 0

    def fingerprint(self) -> str:
        return fingerprint([self.name, self])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self._seen += len(images)
        return torch.nn.functional.adaptive_avg_pool2d(images, 2).flatten(1) - 0.5

    @property
    def seen(self) -> int:
        return self._seen


@pytest.fixture
def colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Colours:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    return Colours()


Paint = Callable[..., Path]


@pytest.fixture
def paint(tmp_path: Path) -> Paint:
    """Write a picture of four colours, below the folder `pictures`."""

    def write(name: str, seed: int, **options: object) -> Path:
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (2, 2, 3), dtype=np.uint8)
        Image.fromarray(pixels.repeat(8, 0).repeat(8, 1)).save(path, **options)
        return path

    return write


@pytest.fixture
def folder(paint: Paint, tmp_path: Path) -> Path:
    for k in range(30):
        paint(f"class {k % 5}/{k:02}.png", seed=k)
    return tmp_path / "pictures"


def index(folder: Path, colours: Colours, previous: Gallery | None = None) -> Gallery:
    colours._seen = 0
    return index_folder(folder, colours, previous, progress=False)


def test_a_gallery_holds_the_embedding_of_every_photograph(folder: Path, colours: Colours) -> None:
    gallery = index(folder, colours)
    assert len(gallery) == colours.seen == 30
    assert [p.name for p in gallery.photographs] == sorted(p.name for p in gallery.photographs)
    assert gallery.labels[:6] == ["class 0"] * 6
    for k in (0, 17):
        pixels = torch.from_numpy(np.array(Image.open(gallery.path(k)))).movedim(-1, 0) / 255
        expected = torch.nn.functional.normalize(colours(pixels[None]))[0]
        torch.testing.assert_close(gallery.embeddings[k], expected, atol=1e-5, rtol=0)


def test_only_what_changed_is_done_again(
    folder: Path, colours: Colours, paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = index(folder, colours)
    asked: list[list[str]] = []
    embed = module.embed_photographs

    def watched(embedder: Colours, paths: list[Path], **options: object) -> object:
        asked.append([path.name for path in paths])
        return embed(embedder, paths, **options)

    monkeypatch.setattr(module, "embed_photographs", watched)
    again = index(folder, colours, first)
    assert asked.pop() == [] and colours.seen == 0
    assert torch.equal(again.embeddings, first.embeddings)
    assert changes(first, again) == {"added": 0, "changed": 0, "removed": 0, "unchanged": 30}

    paint("class 1/new.png", seed=100)
    paint("class 0/05.png", seed=101)
    (folder / "class 2" / "07.png").unlink()
    (folder / "class 3" / "08.png").rename(folder / "class 4" / "08.png")
    (folder / "class 0" / "10.png").touch()  # read again, but its content is known
    after = index(folder, colours, first)
    assert sorted(asked.pop()) == ["05.png", "08.png", "10.png", "new.png"]
    assert colours.seen == 2
    assert changes(first, after) == {"added": 2, "changed": 1, "removed": 2, "unchanged": 27}
    anew = index(folder, colours)
    assert torch.equal(after.embeddings, anew.embeddings)
    assert after.photographs == anew.photographs


def test_another_network_starts_anew(folder: Path, colours: Colours) -> None:
    first = index(folder, colours)
    other = Colours()
    other.name = "other colours"
    assert len(index(folder, other, first)) == other.seen == 30
    with pytest.raises(lfs.LFSError, match=r"made with 'colours'.*'other colours'"):
        Retriever(first, other)


def test_files_that_are_left_out_are_named(
    folder: Path, colours: Colours, paint: Paint, tmp_path: Path
) -> None:
    (folder / "class 0" / "text.jpg").write_text("not an image", encoding="utf-8")
    copy = folder / "class 9" / "copy.png"
    copy.parent.mkdir()
    copy.write_bytes((folder / "class 1" / "01.png").read_bytes())
    gallery = index(folder, colours)
    problems = {file.name: file.problem for file in gallery.left_out}
    assert set(problems) == {"class 0/text.jpg", "class 9/copy.png"}
    assert "not an image" in problems["class 0/text.jpg"]
    assert problems["class 9/copy.png"] == "has the same content as class 1/01.png"
    # Once the first is gone, the copy takes its place, and nothing is embedded for it.
    (folder / "class 1" / "01.png").unlink()
    after = index(folder, colours, gallery)
    assert colours.seen == 0 and len(after) == 30
    assert "class 9/copy.png" in {p.name for p in after.photographs}
    assert after.labels.count("class 9") == 1


def test_pictures_of_any_kind_and_size(tmp_path: Path, colours: Colours) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    random = np.random.default_rng(0)
    for mode, shape in {"L": (40, 30), "RGB": (9, 300, 3), "RGBA": (64, 64, 4)}.items():
        pixels = random.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels, mode).save(folder / f"{mode}.png")
    Image.fromarray(random.integers(0, 65536, (20, 20), dtype=np.uint16)).save(folder / "I.png")
    Image.fromarray(random.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(folder / "J.jpg")
    gallery = index(folder, colours)
    assert len(gallery) == 5 and not gallery.left_out
    torch.testing.assert_close(gallery.embeddings.norm(dim=1), torch.ones(5))


def test_folders_that_make_no_gallery(tmp_path: Path, colours: Colours) -> None:
    with pytest.raises(lfs.ImageError, match="not a folder"):
        index(tmp_path / "none", colours)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(lfs.ImageError, match="holds no image"):
        index(empty, colours)
    (empty / "text.png").write_text("?", encoding="utf-8")
    with pytest.raises(lfs.ImageError, match=r"None of the 1 images.*text.png"):
        index(empty, colours)


def test_what_is_saved_is_loaded(folder: Path, colours: Colours, tmp_path: Path) -> None:
    gallery = replace(index(folder, colours), load_with={"embedder": "colours"})
    path = tmp_path / "new" / "pictures.gallery"
    gallery.save(path)
    loaded = load_gallery(path)
    assert torch.equal(loaded.embeddings, gallery.embeddings)
    assert replace(loaded, embeddings=gallery.embeddings) == gallery


def test_what_is_no_gallery(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(lfs.LFSError, match="lfs index"):
        load_gallery(folder)
    with pytest.raises(lfs.LFSError, match="There is no gallery"):
        load_gallery(tmp_path / "none.gallery")
    for name, write in {
        "text": lambda path: path.write_text("?", encoding="utf-8"),
        "tensors": lambda path: save_file({"embeddings": torch.ones(2, 2)}, path),
        "decoder": lambda path: lfs.save_decoder(lfs.LinearDecoder(4, (2, 2), 1), path),
    }.items():
        write(tmp_path / name)
        with pytest.raises(lfs.LFSError, match=f"{name} is not a gallery"):
            load_gallery(tmp_path / name)


def test_a_query_is_not_its_own_answer(folder: Path, colours: Colours, tmp_path: Path) -> None:
    gallery = index(folder, colours)
    retriever = Retriever(gallery, colours)
    position = 12
    by_position = retriever(position, top=29, bottom=29)
    copy = tmp_path / "copy.png"
    copy.write_bytes(gallery.path(position).read_bytes())
    by_content = retriever(copy, top=29, bottom=29)
    similarities = gallery.embeddings @ gallery.embeddings[position]
    order = similarities.argsort(descending=True).tolist()
    order.remove(position)
    for answer in (by_position, by_content):
        assert [hit.position for hit in answer.nearest] == order
        assert [hit.position for hit in answer.farthest] == order[::-1]
        assert answer.position == position and answer.label == gallery.labels[position]
        for hit in answer.nearest:
            assert hit.similarity == pytest.approx(similarities[hit.position].item(), abs=1e-6)
            assert hit.label == gallery.labels[hit.position]


def test_a_query_from_outside(folder: Path, colours: Colours, tmp_path: Path) -> None:
    gallery = index(folder, colours)
    pixels = np.array(Image.open(gallery.path(4)))  # of the network's size already
    answer = Retriever(gallery, colours)(pixels, top=3)
    # The same pixels, but not the same file: it may find itself.
    assert answer.nearest[0].position == 4
    assert answer.nearest[0].similarity == pytest.approx(1, abs=1e-5)
    assert answer.label is None and answer.average_precision is None
    assert len(answer.nearest) == 3 and len(answer.farthest) == 5


def test_average_precision_counts_what_was_not_found(folder: Path, colours: Colours) -> None:
    gallery = index(folder, colours)
    retriever = Retriever(gallery, colours)
    for k in (1, 4, 29):
        answer = retriever(3, top=k)
        right = [hit.label == gallery.labels[3] for hit in answer.nearest]
        precision = [sum(right[: i + 1]) / (i + 1) * right[i] for i in range(k)]
        assert answer.relevant == 5
        assert answer.average_precision == pytest.approx(sum(precision) / min(k, 5))


def test_a_gallery_of_one(paint: Paint, colours: Colours) -> None:
    path = paint("only.png", seed=0)
    gallery = index(path.parent, colours)
    retriever = Retriever(gallery, colours)
    other = retriever(paint("../other.png", seed=1))
    assert (
        [hit.name for hit in other.nearest] == [hit.name for hit in other.farthest] == [path.name]
    )
    with pytest.raises(lfs.LFSError, match="nothing but the query"):
        retriever(path)
    with pytest.raises(lfs.LFSError, match="no photograph 1; it has 1"):
        retriever(1)


def test_queries_that_cannot_be_read(folder: Path, colours: Colours, tmp_path: Path) -> None:
    retriever = Retriever(index(folder, colours), colours)
    with pytest.raises(lfs.ImageError, match="does not exist"):
        retriever(tmp_path / "none.png")
    with pytest.raises(lfs.ImageError, match="is a folder"):
        retriever(tmp_path)

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    huge = tmp_path / "huge.png"  # 3.6 gigapixels, in a few bytes
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    huge.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b""))
    with pytest.raises(lfs.ImageError, match="178 million pixels; reduce it"):
        retriever(huge)


def gallery_of(embeddings: torch.Tensor) -> Gallery:
    files = [
        Photograph(name=f"{k:05}.png", label=str(k % 3), size=1, modified=0, key=f"{k:064x}")
        for k in range(len(embeddings))
    ]
    return Gallery(Path("/pictures"), "none", "0", files, embeddings)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 40), k=st.integers(1, 50))
def test_the_nearest_and_the_farthest(seed: int, n: int, k: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    gallery = gallery_of(torch.nn.functional.normalize(torch.randn(n, 6, generator=generator)))
    h = torch.randn(6, generator=generator)
    cosines = torch.cosine_similarity(gallery.embeddings, h[None])
    near, far = gallery.nearest(h, k), gallery.farthest(h, k)
    # By values: of two that are equal but for rounding, either may come first.
    torch.testing.assert_close(cosines[near[0]], cosines.sort(descending=True).values[:k])
    torch.testing.assert_close(cosines[far[0]], cosines.sort().values[:k])
    torch.testing.assert_close(torch.tensor(near[1]), cosines.sort(descending=True).values[:k])
    torch.testing.assert_close(torch.tensor(far[1]), cosines.sort().values[:k])
