"""Faces found and cut out of real photographs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from PIL import Image

import lfs_core as lfs
from lfs_core.datasets.detecting import Face, detect_faces
from lfs_core.datasets.faces import FACE_SIZE, MARGIN, FaceSet, align_faces, load_faces
from lfs_core.datasets.folders import find_photographs
from lfs_core.datasets.images import load_image


@pytest.fixture(scope="module")
def two_astronauts(astronaut: Path) -> Image.Image:
    """One face large, one small, side by side."""
    one = Image.open(astronaut)
    both = Image.new("RGB", (one.width + one.width // 2, one.height), "white")
    both.paste(one.resize((one.width // 2, one.height // 2)), (0, 0))
    both.paste(one, (one.width // 2, 0))
    return both


def test_the_crop_is_that_of_facenet_pytorch(
    astronaut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MTCNN used in its own way, with the same margin; found again, and remembered."""
    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    expected = MTCNN(FACE_SIZE, MARGIN, post_process=False)(Image.open(astronaut))
    for _ in range(2):
        ours = torch.from_numpy(np.array(lfs.align_face(astronaut))).permute(2, 0, 1)
        assert torch.equal(ours, expected.byte())


def test_a_files_faces_are_found_once(
    astronaut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_image: Callable
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    calls = []

    def counted(image: Image.Image) -> list[Face]:
        calls.append(image.size)
        return detect_faces(image)

    monkeypatch.setattr("lfs_core.datasets.faces.detect_faces", counted)
    copy = tmp_path / "copy.png"
    copy.write_bytes(astronaut.read_bytes())
    first, again, of_copy = (align_faces(path) for path in (astronaut, astronaut, copy))
    assert len(calls) == 1  # by its pixels, wherever the file lies
    for other in (again, of_copy):
        assert [a.tobytes() for a in first] == [b.tobytes() for b in other]
    width, height = load_image(astronaut).size
    wall = save_image(np.full((height, width, 3), 127, np.uint8), "wall.png")
    for _ in range(2):
        with pytest.raises(lfs.FaceError, match=r"wall\.png"):
            align_faces(wall)
    assert len(calls) == 2  # that there is none is remembered, too
    align_faces(load_image(astronaut))
    assert len(calls) == 2  # by its pixels, whether it is a file or not
    kept = sorted((tmp_path / "cache" / "faces").iterdir())
    assert len(kept) == 2
    for damaged in ("", "[[1, 2]]", "7"):
        for path in kept:
            path.write_text(damaged, encoding="utf-8")
        assert [of.tobytes() for of in align_faces(astronaut)] == [of.tobytes() for of in first]


def test_a_cache_that_cannot_be_written_is_no_harm(
    astronaut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [of.tobytes() for of in align_faces(load_image(astronaut))]
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "file"))
    assert [of.tobytes() for of in align_faces(astronaut)] == expected


def test_a_photograph_on_its_side_is_aligned_upright(astronaut: Path, tmp_path: Path) -> None:
    path = tmp_path / "lying.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(astronaut).rotate(90, expand=True).save(path, exif=exif)
    upright, turned = (np.asarray(lfs.align_face(p), float) for p in (astronaut, path))
    assert np.abs(upright - turned).mean() < 3


def test_several_faces_from_left_to_right(two_astronauts: Image.Image, astronaut: Path) -> None:
    found = align_faces(two_astronauts)
    assert len(found) == 2
    # The boxes differ by a few pixels, as the detector looks at other scales.
    large, alone = (np.asarray(x).ravel() for x in (found[1], lfs.align_face(astronaut)))
    assert np.corrcoef(large, alone)[0, 1] > 0.95
    assert lfs.align_face(two_astronauts).tobytes() == found[1].tobytes()


@pytest.mark.parametrize("size", [8, 19, 200])
def test_no_face(size: int, save_image: Callable) -> None:
    path = save_image(np.full((size, size, 3), 127, np.uint8), "wall.png")
    with pytest.raises(lfs.FaceError, match=r"no face in .*wall\.png"):
        lfs.align_face(path)


def test_the_demo_has_118_faces_of_five_people(faces: FaceSet) -> None:
    assert faces.images.shape == (118, 3, 160, 160) and faces.images.dtype == torch.uint8
    assert len(Counter(faces.identities)) == 5
    assert not faces.skipped
    assert len(set(faces.names)) == 118


def test_facenet_tells_the_demo_people_apart(faces: FaceSet, embeddings: torch.Tensor) -> None:
    from sklearn.metrics import roc_auc_score

    from lfs_core.datasets.pairs import all_pairs

    pairs = all_pairs(embeddings, faces.identities)
    auc = roc_auc_score([p.same_identity for p in pairs], [p.similarity for p in pairs])
    assert auc > 0.99


def test_a_folder_of_ones_own(astronaut: Path, tmp_path: Path) -> None:
    for name in ("eileen/1.jpg", "eileen/2.JPG", "nobody/3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
    for name in ("eileen/1.jpg", "eileen/2.JPG"):
        (tmp_path / name).write_bytes(astronaut.read_bytes())
    Image.new("RGB", (64, 64)).save(tmp_path / "nobody/3.png")
    (tmp_path / "eileen/notes.txt").write_text("not an image", encoding="utf-8")
    (tmp_path / "eileen/broken.jpg").write_bytes(astronaut.read_bytes()[:2000])
    found = load_faces(tmp_path, progress=False)
    assert found.identities == ["eileen", "eileen"]
    assert found.names == ["eileen/1.jpg", "eileen/2.JPG"]
    assert set(found.skipped) == {"eileen/broken.jpg", "nobody/3.png"}
    assert "damaged" in found.skipped["eileen/broken.jpg"]
    assert "no face" in found.skipped["nobody/3.png"]


def test_identities_of_a_flat_folder(tmp_path: Path) -> None:
    folder = tmp_path / "celeba"
    folder.mkdir()
    for name in ("000001.jpg", "000002.jpg"):
        (folder / name).touch()
    assert [who for _, who in find_photographs(folder)] == ["000001.jpg", "000002.jpg"]
    (tmp_path / "celeba_identity.txt").write_text("000001.jpg 77\n000002.jpg 9\n", encoding="utf-8")
    assert [who for _, who in find_photographs(folder)] == ["77", "9"]


def test_folders_without_faces(tmp_path: Path) -> None:
    with pytest.raises(lfs.ImageError, match="not a folder"):
        load_faces(tmp_path / "missing")
    with pytest.raises(lfs.ImageError, match="holds no image"):
        load_faces(tmp_path)
    Image.new("RGB", (64, 64)).save(tmp_path / "wall.png")
    with pytest.raises(lfs.FaceError, match="None of the 1 images"):
        load_faces(tmp_path, progress=False)
