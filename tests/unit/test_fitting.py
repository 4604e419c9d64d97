"""From folders to a decoder, without looking at the people it is measured on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import lfs_core as lfs
from lfs_core.datasets.faces import FaceSet
from lfs_core.embedders import Embedder, embed_all
from lfs_core.training.decoders import decoding_error
from lfs_core.training.embedding import TrainingSet
from lfs_core.training.fitting import SHARES, fit_decoder, without_demo, without_look_alikes
from lfs_core.training.rows import Rows
from lfs_core.viz.fit_report import write_fit_report


def toy_set(people: int = 40, each: int = 5, mirrored: frozenset[int] = frozenset()) -> TrainingSet:
    """Images that depend linearly on embeddings of 12 latents."""
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(people * each, 12, generator=generator)
    weight = torch.randn(12, 48, generator=generator) / 40
    x = (0.5 + h @ weight).clamp(0, 1).reshape(-1, 3, 4, 4)
    names = [f"person {k}" for k in range(people) for _ in range(each)]
    return TrainingSet(Rows.of(h, (x * 255).byte()), names, mirrored)


def embedder(images: torch.Tensor) -> torch.Tensor:
    """Stands for the network in `toy_set`."""
    return images.flatten(1)[:, :12]


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
    data = toy_set(mirrored=frozenset({36, 100}))
    part = data.of({"person 7"})
    assert part.mirrored == {1}
    for ours, all_of_them in zip(part.rows[range(5)], data.rows[range(35, 40)], strict=True):
        assert torch.equal(ours, all_of_them)
    assert len(data.of({"person 7"}, mirrored=False)) == 4


def test_mirror_images_are_only_learnt_from() -> None:
    odd = frozenset(range(1, 200, 2))
    train, choose, test = toy_set(mirrored=odd).split(SHARES, seed=0)
    assert 64 <= len(train.mirrored) <= 96 and len(train) == 160
    assert not choose.mirrored and not test.mirrored
    assert len(choose) + len(test) + len(train) + len(odd) - len(train.mirrored) == 200


def test_fit_chooses_and_measures() -> None:
    decoder = fit_decoder(toy_set(), embedder, description="toy", seed=3)
    info = decoder.info
    assert info["data"] == "toy" and info["seed"] == 3
    assert info["identities"] == {"train": 32, "choose": 4, "test": 4}
    assert info["images"] == {"train": 160, "choose": 20, "test": 20}
    assert info["r2"] > 0.98
    *_, test = toy_set().split(SHARES, seed=3)
    assert info["loss"] == pytest.approx(decoding_error(decoder, *test.rows[range(20)]))
    assert info["r2"] == pytest.approx(1 - info["loss"] / info["loss_mean_image"])
    by_ridge = info["errors_when_choosing"]["ridge"]
    assert min(by_ridge, key=by_ridge.get) == f"{info['ridge']:g}"


def test_the_mean_image_is_that_of_the_training_people() -> None:
    train, _, test = toy_set().split(SHARES, seed=3)
    mean = (train.rows[range(160)][1].float() / 255).mean(dim=0)
    expected = (test.rows[range(20)][1].float() / 255 - mean).square().mean().item()
    info = fit_decoder(toy_set(), embedder, description="toy", seed=3).info
    assert info["loss_mean_image"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_deep_decoders_are_fitted_alike(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    options = {"epochs": 4, "width": 16, "progress": False}
    decoder = fit_decoder(toy_set(), embedder, kind, description="toy", **options)
    assert decoder.kind == kind
    assert len(decoder.info["history"]) == 4
    assert decoder.info["identities"] == {"train": 32, "choose": 4, "test": 4}
    assert not list(tmp_path.rglob("*.ckpt"))  # nothing is unfinished


def test_the_same_seed_gives_the_same_decoder() -> None:
    a, b, c = (fit_decoder(toy_set(), embedder, description="toy", seed=s) for s in (1, 1, 2))
    assert torch.equal(a.weight, b.weight) and a.info == b.info
    assert not torch.equal(a.weight, c.weight)


def test_too_few_people() -> None:
    with pytest.raises(lfs.LFSError, match="at least 10"):
        fit_decoder(toy_set(people=9), embedder, description="toy")


def test_an_unknown_kind() -> None:
    with pytest.raises(lfs.LFSError, match=r"'quadratic'.*linear"):
        fit_decoder(toy_set(), embedder, "quadratic", description="toy")


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_the_report_says_what_was_found(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    options = {} if kind == "linear" else {"epochs": 2, "width": 8, "progress": False}
    decoder = fit_decoder(toy_set(), embedder, kind, description="toy & more", **options)
    page = tmp_path / "report.html"
    write_fit_report(decoder, toy_set(), {"<bad>.jpg": "cut short"}, page)
    text = page.read_text(encoding="utf-8")
    assert "toy &amp; more" in text and "&lt;bad&gt;.jpg" in text and "cut short" in text
    assert f"{decoder.info['loss']:.4f}" in text and f"{decoder.info['r2']:.3f}" in text
    assert text.count("data:image/png;base64,") == 2
    assert "http:" not in text and "https:" not in text


def test_look_alikes_are_left_out(
    facenet: Embedder, faces: FaceSet, embeddings: torch.Tensor
) -> None:
    """The demo's own faces, under other names, must all go; strangers must stay."""
    strangers = torch.randint(0, 255, (3, 3, 160, 160), generator=torch.Generator().manual_seed(0))
    h = torch.cat([embeddings[:4], embed_all(facenet, strangers.byte())])
    names = ["w", "x", "y", "z", "noise 1", "noise 2", "noise 3"]
    data = TrainingSet(Rows.of(h, torch.zeros(7, 3, 4, 4, dtype=torch.uint8)), names)
    assert without_look_alikes(data, facenet, faces).identities == names[4:]


@pytest.mark.parametrize("own", [{"similarity_threshold": 0.9}, {"distance": "euclidean"}])
def test_facenet_judges_for_networks_with_a_measure_of_their_own(
    own: dict, embeddings: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To such a network everybody is alike; FaceNet knows one of the demo's people among them."""

    class Alike:
        def __init__(self) -> None:
            vars(self).update(own)

        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            return torch.ones(len(images), 4)

    pictures, names = torch.zeros(2, 3, 4, 4, dtype=torch.uint8), ["demo", "stranger"]
    seen = torch.stack([embeddings[0], -embeddings.mean(dim=0)])
    asked = []

    def embed_folders(judge: Embedder, *given: object, **options: object) -> TrainingSet:
        asked.append((judge.name, *given, options))
        return TrainingSet(Rows.of(seen, pictures), names)

    monkeypatch.setattr("lfs_core.training.fitting.embed_folders", embed_folders)
    data = TrainingSet(Rows.of(torch.ones(2, 4), pictures), names)
    assert without_demo(data, Alike(), [tmp_path], size=4).identities == ["stranger"]
    assert asked == [("facenet-casia", [tmp_path], {"size": 4})]


@pytest.mark.data
def test_demo_photographs_are_not_in_the_training_folders(
    faces: FaceSet, data_folder: Path
) -> None:
    """File by file: no photograph of the training folders is one of the demo's."""
    from lfs_core.util.assets import CELEBRITY_FACES, digest, fetch

    demo = {digest(path) for path in fetch(CELEBRITY_FACES).rglob("*.jpg")}
    training = {
        digest(path) for part in ("lfw", "celeba") for path in data_folder.glob(f"{part}/**/*.jpg")
    }
    assert training and not demo & training
