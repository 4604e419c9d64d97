"""Twins: a photograph of a tested person that a head has learnt from under another name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from lfs_core.evaluation.fresh_people import digests
from lfs_core.studies import twins
from lfs_core.training.embedding import TrainingSet
from lfs_core.training.rows import Rows

D = 40


NAMES = [f"lfw/{k}" for k in range(8)] + [f"celeba/{k}" for k in range(3)]
Photographs = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Photographs:
    """Two photographs of eight people of LFW, two of each part, and of three of CelebA.

    Embeddings, of which everybody has his own direction, and random pictures.
    """
    h = torch.eye(D)[: len(NAMES)].repeat_interleave(2, dim=0)
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (len(h), 3, 4, 4), generator=generator).byte()
    known = TrainingSet(Rows.of(h, x), [name for name in NAMES for _ in range(2)])
    parts = {"head": set("01"), "weights": set("23"), "test": set("45"), "fresh": set("67")}
    for k in range(8):
        (tmp_path / "lfw" / str(k)).mkdir(parents=True)
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "lfw" / str(k) / "0.png")
    run = SimpleNamespace(
        pairs=lambda data: SimpleNamespace(names=[("4/0.png", "4/1.png"), ("5/0.png", "6/0.png")])
    )
    monkeypatch.setattr(twins, "load_embedder", lambda name: lambda images: images)
    monkeypatch.setattr(twins, "embed_folders", lambda embedder, folders: known)
    monkeypatch.setattr(twins, "parts_of_people", lambda classes: parts)
    monkeypatch.setattr(twins, "guarded_faces", lambda embedder, data: torch.eye(D)[[20]])
    monkeypatch.setattr(twins, "embed_all", lambda embedder, images: images)
    monkeypatch.setattr(twins, "TESTED", dict.fromkeys(("weights", "test", "fresh"), run))
    monkeypatch.chdir(tmp_path)
    return h, x


def test_nobody_has_a_twin_where_everybody_looks_otherwise(study: Photographs) -> None:
    found = twins.twins_study(Path())
    assert found["learnt_from"] == {"people": 5, "photographs": 10}
    for part in found["parts"].values():
        assert part["people"] == 2 and part["photographs"] == 4
        assert set(part["pairs_above"].values()) == {0} and part["same_picture"] == 0
        assert part["twins"] == part["affected"] == {at: [] for at in twins.COSINES}


def test_a_face_and_a_picture_that_come_twice_are_found(study: Photographs) -> None:
    h, x = study
    h[10] = h[16]  # the first photograph of person 5 is one of CelebA's first
    x[13] = x[0]  # the second of person 6 is the first picture of person 0
    found = twins.twins_study(Path())["parts"]
    assert found["test"]["pairs_above"] == {at: 2 for at in twins.COSINES}
    assert found["fresh"]["same_picture"] == 1 and found["test"]["same_picture"] == 0
    for at in twins.COSINES:
        assert found["test"]["twins"][at] == digests("5")
        assert found["fresh"]["twins"][at] == digests("6")
        assert found["test"]["affected"][at] == found["fresh"]["affected"][at] == [1]
        assert found["weights"]["twins"][at] == found["weights"]["affected"][at] == []


def test_whoever_resembles_a_guarded_face_was_not_learnt_from(
    study: Photographs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twins, "guarded_faces", lambda embedder, data: torch.eye(D)[[8]])
    assert twins.twins_study(Path())["learnt_from"] == {"people": 4, "photographs": 8}
