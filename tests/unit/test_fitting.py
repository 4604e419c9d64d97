"""From folders to a decoder, without looking at the people it is measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import lfs_core as lfs
from lfs_core.datasets.faces import FaceSet
from lfs_core.embedders import Embedder, embed_all
from lfs_core.fitting import TrainingSet, embed_faces, fit_linear, without_look_alikes


def toy_set(people: int = 40, each: int = 5) -> TrainingSet:
    """Images that depend linearly on embeddings of 12 latents."""
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(people * each, 12, generator=generator)
    weight = torch.randn(12, 48, generator=generator) / 40
    x = (0.5 + h @ weight).clamp(0, 1).reshape(-1, 3, 4, 4)
    names = [f"person {k}" for k in range(people) for _ in range(each)]
    return TrainingSet(h, (x * 255).byte(), names, {})


def test_parts_share_no_person_and_lose_no_image() -> None:
    data = toy_set()
    parts = data.split((0.8, 0.1, 0.1), seed=0)
    people = [set(part.identities) for part in parts]
    assert [len(p) for p in people] == [32, 4, 4]
    assert len(set.union(*people)) == 40
    assert sum(map(len, parts)) == len(data)
    again = data.split((0.8, 0.1, 0.1), seed=0)
    assert [p.identities for p in again] == [p.identities for p in parts]
    assert data.split((0.8, 0.1, 0.1), seed=1)[2].identities != parts[2].identities


def test_a_subset_keeps_rows_together() -> None:
    data = toy_set()
    part = data.subset({"person 7"})
    torch.testing.assert_close(part.embeddings, data.embeddings[35:40])
    assert torch.equal(part.images, data.images[35:40])


def test_fit_chooses_and_measures() -> None:
    decoder = fit_linear(toy_set(), lambda x: x, "toy", seed=3)
    info = decoder.info
    assert info["data"] == "toy" and info["seed"] == 3
    assert info["identities"] == {"train": 32, "choose": 4, "test": 4}
    assert info["images"] == {"train": 160, "choose": 20, "test": 20}
    assert info["r2"] > 0.98
    assert info["r2"] == pytest.approx(1 - info["loss"] / info["loss_mean_image"])
    by_ridge = info["errors_when_choosing"]["ridge"]
    assert min(by_ridge, key=by_ridge.get) == f"{info['ridge']:g}"


def test_too_few_people() -> None:
    with pytest.raises(lfs.LFSError, match="at least 10"):
        fit_linear(toy_set(people=9), lambda x: x, "toy")


def test_look_alikes_are_left_out(
    facenet: Embedder, faces: FaceSet, embeddings: torch.Tensor
) -> None:
    """The demo's own faces, under other names, must all go; strangers must stay."""
    strangers = torch.randint(0, 255, (3, 3, 160, 160), generator=torch.Generator().manual_seed(0))
    h = torch.cat([embeddings[:4], embed_all(facenet, strangers.byte())])
    names = ["w", "x", "y", "z", "noise 1", "noise 2", "noise 3"]
    data = TrainingSet(h, torch.zeros(7, 3, 4, 4, dtype=torch.uint8), names, {})
    assert without_look_alikes(data, facenet, faces).identities == names[4:]


def test_embedding_a_folder(facenet: Embedder, astronaut: Path, tmp_path: Path) -> None:
    (tmp_path / "eileen").mkdir()
    (tmp_path / "eileen" / "1.jpg").write_bytes(astronaut.read_bytes())
    Image.new("RGB", (64, 64)).save(tmp_path / "wall.png")
    found = embed_faces(facenet, [tmp_path], progress=False)
    face = lfs.align_face(astronaut)
    expected = embed_all(facenet, torch.from_numpy(np.array(face)).permute(2, 0, 1)[None])
    torch.testing.assert_close(found.embeddings, expected, atol=1e-5, rtol=0)
    assert found.images.shape == (1, 3, 40, 40)
    assert found.identities == [f"{tmp_path.name}/eileen"]
    assert list(found.skipped) == [str(tmp_path / "wall.png")]


@pytest.mark.data
def test_demo_photographs_are_not_in_the_training_folders(
    faces: FaceSet, data_folder: Path
) -> None:
    """File by file: no photograph of the training folders is one of the demo's."""
    from lfs_core.assets import CELEBRITY_FACES, digest, fetch

    demo = {digest(path) for path in fetch(CELEBRITY_FACES).rglob("*.jpg")}
    training = {
        digest(path) for part in ("lfw", "celeba") for path in data_folder.glob(f"{part}/**/*.jpg")
    }
    assert training and not demo & training
