"""Utkin's prototypes and autoencoder: training, the comparator, and the files that ship."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors import safe_open
from scipy.stats import spearmanr
from torch import Tensor, nn
from typer.testing import CliRunner

import lfs_core as lfs
from lfs_core import cli
from lfs_core.comparators import utkin
from lfs_core.comparators.utkin import Utkin, class_prototypes, nearest_latents
from lfs_core.datasets.faces import FaceSet
from lfs_core.decoder import Decoder
from lfs_core.embedders import Embedder, embed_all
from lfs_core.studies import sensitivity, workshop
from lfs_core.studies.workshop import FACES, Source
from lfs_core.training.autoencoder import fit_autoencoder, fit_autoencoder_decoder
from lfs_core.training.decoders import ConvDecoder, decoding_error
from lfs_core.training.embedding import TrainingSet
from lfs_core.training.fitting import fit_decoder
from lfs_core.training.rows import Rows
from lfs_core.viz.fit_report import write_fit_report

SIZE = 16
SHIPPED = ("facenet-casia", "efficientnet-lite0-cub", "efficientnet-lite0-cars")


def embedder(images: Tensor) -> Tensor:
    """Six numbers of both signs: the mean of each half of each colour channel, less 0.4."""
    return images.unflatten(2, (2, -1)).mean(dim=(3, 4)).flatten(1) - 0.4


embedder.name, embedder.image_size = "tiny", SIZE


def as_pixels(h: Tensor) -> Tensor:
    """(B,6) -> (B,3,2,3): each latent is a pixel, so that a map shows which were disturbed."""
    return h.reshape(-1, 1, 2, 3).expand(-1, 3, 2, 3)


def curved(h: Tensor) -> Tensor:
    """(B,6) -> (B,3,2,4), not linear."""
    weight = torch.linspace(-1, 1, 6 * 24).cos().reshape(6, 24)
    return torch.tanh(3 * h @ weight).reshape(-1, 3, 2, 4)


def curved_of_any(h: Tensor) -> Tensor:
    """(B,D) -> (B,3,8,8), not linear."""
    weight = torch.linspace(0, 9, h.shape[1] * 192).sin().reshape(-1, 192)
    return torch.tanh(3 * h @ weight).reshape(-1, 3, 8, 8)


def linear() -> lfs.LinearDecoder:
    """A linear decoder of six latents with a full matrix."""
    generator = torch.Generator().manual_seed(2)
    h, x = torch.randn(40, 6, generator=generator), torch.rand(40, 3, 4, 4, generator=generator)
    return lfs.LinearDecoder.fit(h, x, ridge=0.1)


def image(seed: int) -> Tensor:
    """A picture (3,16,16) whose halves have colours of their own."""
    random = np.random.default_rng(seed)
    halves = random.uniform(0, 1, (3, 2, 1)).repeat(SIZE // 2, axis=1).repeat(SIZE, axis=2)
    return torch.from_numpy(halves).float()


def evidence(explain: Utkin, *pairs: tuple[Tensor, Tensor]) -> Tensor:
    """(P,2,h,w), before it is scaled and enlarged."""
    return explain.evidence(explain.see(torch.stack([torch.stack(pair) for pair in pairs]))).values


# The comparator.


@pytest.mark.parametrize(("important", "count"), [(2, 2), (0.5, 3), (0.01, 1), (1.0, 6), (1, 1)])
def test_the_map_is_a_plain_loop(important: float, count: int) -> None:
    pair, draws, noise = (image(1), image(2)), 7, 0.8
    options = {"important": important, "draws": draws, "noise": noise, "seed": 5}
    found = evidence(Utkin(embedder, curved, **options), pair)[0]

    h = [x.unflatten(1, (2, -1)).mean(dim=(2, 3)).flatten().numpy() - 0.4 for x in pair]
    c = (h[0] + h[1]) / 2
    drawn = torch.randn(draws, 6, generator=torch.Generator().manual_seed(5)).numpy()
    for side in (0, 1):
        distance = [abs(h[side][j] - c[j]) for j in range(6)]
        J = sorted(range(6), key=distance.__getitem__)[:count]
        unit = math.sqrt(sum(value**2 for value in h[side]) / 6)
        total = np.zeros((2, 4))
        for draw in drawn:
            moved = h[side].copy()
            for j in J:
                moved[j] += noise * unit * draw[j]
            before, after = (curved(torch.tensor(x)[None].float())[0] for x in (h[side], moved))
            total += (after - before).abs().mean(dim=0).numpy()
        np.testing.assert_allclose(found[side], total / draws, rtol=1e-4)


def test_many_draws_tend_to_the_expected_change() -> None:
    """Of a linear decoder, E|W_J n| = sd · sqrt(2 / pi) · |W_J| for every pixel value."""
    decoder, pair = linear(), (image(1), image(2))
    explain = Utkin(embedder, decoder, important=3, noise=0.5, draws=20_000)
    found = evidence(explain, pair)[0]
    h = embedder(torch.stack(pair))
    J = (h[0] - h[1]).abs().topk(3, largest=False).indices
    weight = decoder.weight[:, J].norm(dim=1).reshape(3, 4, 4).mean(dim=0)
    for side in (0, 1):
        deviation = 0.5 * h[side].norm() / math.sqrt(6)
        expected = deviation * math.sqrt(2 / math.pi) * weight
        torch.testing.assert_close(found[side], expected, rtol=0.03, atol=0)


def test_one_important_latent_shows_its_column() -> None:
    decoder, pair = linear(), (image(3), image(4))
    found = evidence(Utkin(embedder, decoder, important=1, draws=3), pair)[0]
    j = (embedder(pair[0][None]) - embedder(pair[1][None])).abs().argmin()
    column = decoder.weight[:, j].abs().reshape(3, 4, 4).mean(dim=0)
    for side in (0, 1):
        torch.testing.assert_close(
            found[side] / found[side].max(), column / column.max(), atol=1e-4, rtol=1e-4
        )


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 9))
def test_important_latents_are_the_nearest_to_the_prototype(seed: int, count: int) -> None:
    h, c = torch.randn(2, 4, 9, generator=torch.Generator().manual_seed(seed))
    chosen = nearest_latents(h, c, count)
    assert (chosen.sum(dim=1) == count).all()
    distance = (h - c).abs()
    farthest = distance.where(chosen, -torch.inf).amax(dim=1)
    assert (farthest <= distance.where(~chosen, torch.inf).amin(dim=1)).all()


def test_rounding_does_not_choose_latents() -> None:
    h = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    rounded = h * (1 + 1e-7 * torch.randn(3, 50, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(nearest_latents(h, rounded, 5), nearest_latents(h, h, 5))


def test_without_prototypes_the_pair_is_its_class() -> None:
    pair = (image(1), image(2))
    shown = evidence(Utkin(embedder, as_pixels, important=2), pair)[0].flatten(1) > 0
    apart = (embedder(pair[0][None]) - embedder(pair[1][None])).abs()[0]
    assert set(shown[0].nonzero().flatten().tolist()) == set(apart.argsort()[:2].tolist())
    assert torch.equal(shown[0], shown[1])


def test_each_image_has_the_prototype_nearest_by_cosine() -> None:
    """The right class is ten times as long, so that it is the farthest by distance."""
    a, b = image(1), image(2)
    h = embedder(torch.stack([a, b]))
    prototypes = torch.stack([10 * h[0], 10 * h[1], 0.1 * (h[0] - 2 * h[1])])
    # Only one latent of each is right.
    prototypes[0, 4], prototypes[1, 2] = h[0, 4], h[1, 2]
    cosines = torch.cosine_similarity(h[:, None], prototypes[None], dim=-1)
    assert cosines.argmax(dim=1).tolist() == [0, 1]
    assert torch.cdist(h, prototypes).argmin(dim=1).tolist() == [2, 2]
    explain = Utkin(embedder, as_pixels, prototypes=prototypes, important=1)
    shown = evidence(explain, (a, b))[0].flatten(1) > 0
    assert shown.nonzero().tolist() == [[0, 4], [1, 2]]


def test_class_prototypes_are_means_in_the_order_of_names() -> None:
    h = torch.tensor([[1.0, 0.0], [0.0, 4.0], [3.0, 2.0], [0.0, 8.0]])
    expected = torch.tensor([[0.0, 6.0], [2.0, 1.0]])
    assert torch.equal(class_prototypes(h, ["b", "a", "b", "a"]), expected)
    for labels in (["a"], []):
        with pytest.raises(lfs.LFSError, match="do not fit"):
            class_prototypes(h, labels)


def test_more_draws_vary_less() -> None:
    def between_seeds(draws: int) -> float:
        maps = [
            evidence(
                Utkin(embedder, curved, important=3, draws=draws, seed=s), (image(1), image(2))
            )
            for s in (0, 1)
        ]
        return ((maps[0] - maps[1]).abs().sum() / maps[0].sum()).item()

    assert between_seeds(3000) < 0.05 < between_seeds(1)


def test_an_identical_pair() -> None:
    e = Utkin(embedder, curved)(image(1), image(1))
    assert e.is_similar and e.similarity == pytest.approx(1)
    assert torch.equal(e.maps[0], e.maps[1]) and e.maps[0].max() == 1


def test_a_swapped_pair_and_a_batch() -> None:
    explain = Utkin(embedder, curved, important=2)
    pairs = [(image(k), image(k + 1)) for k in range(0, 8, 2)]
    together = explain.batch(pairs)
    for pair, e in zip(pairs, together, strict=True):
        torch.testing.assert_close(explain(*pair).maps, e.maps, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(explain(*pair[::-1]).maps, e.maps.flip(0))
    again = Utkin(embedder, curved, important=2).batch(pairs)
    other = Utkin(embedder, curved, important=2, seed=1).batch(pairs)
    assert all(torch.equal(a.maps, b.maps) for a, b in zip(together, again, strict=True))
    assert not any(torch.equal(a.maps, b.maps) for a, b in zip(together, other, strict=True))


def test_many_draws_are_decoded_in_parts() -> None:
    """More than are decoded at a time, for several pairs, against one pair at a time."""
    sizes = []

    def watched(h: Tensor) -> Tensor:
        sizes.append(len(h))
        return curved(h)

    pairs = [(image(k), image(k + 1)) for k in range(0, 6, 2)]
    together = evidence(Utkin(embedder, watched, draws=1000), *pairs)
    assert max(sizes) <= 2 * 1024 and len(sizes) > 1
    one_by_one = torch.cat([evidence(Utkin(embedder, curved, draws=1000), p) for p in pairs])
    torch.testing.assert_close(together, one_by_one)


def test_a_pair_called_dissimilar_has_the_same_map() -> None:
    """As published: each image's class is explained, not the difference."""
    maps = [
        Utkin(embedder, curved, similarity_threshold=xi)(image(1), image(2)).maps for xi in (-1, 1)
    ]
    assert torch.equal(*maps)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"important": 0}, "1 or more"),
        ({"important": 0.0}, "up to 1.0"),
        ({"important": 1.5}, "up to 1.0"),
        ({"noise": 0.0}, "above 0"),
        ({"noise": math.nan}, "above 0"),
        ({"draws": 0}, "draws is 0; it must be at least 1"),
        ({"seed": -1}, "seed is -1"),
        ({"prototypes": torch.zeros(6)}, r"\(6,\); they must be \(K,D\)"),
        ({"prototypes": torch.zeros(0, 6)}, r"must be \(K,D\)"),
        ({"autoencoder": "nowhere"}, "no decoder 'nowhere'"),
        ({"autoencoder": None}, "lfs fit-autoencoder"),
        ({"autoencoder": "facenet-casia"}, "fitted to 'facenet-casia', not to 'tiny'"),
        ({"map_threshold": 2}, "map_threshold"),
    ],
)
def test_settings_out_of_range(options: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        Utkin(embedder, **{"autoencoder": curved} | options)


def test_what_does_not_fit_the_embeddings() -> None:
    for options, message in (
        ({"important": 7}, "has 6 latents; give fewer"),
        ({"prototypes": torch.ones(3, 5)}, r"\(3, 5\).* has 6 latents"),
    ):
        with pytest.raises(lfs.LFSError, match=message):
            Utkin(embedder, curved, **options)(image(1), image(2))


def test_settings_are_told() -> None:
    decoder = linear()
    decoder.info = {"embedder": "tiny", "data": "toy"}
    explain = Utkin(embedder, decoder, prototypes=torch.ones(3, 6), important=2, noise=0.5)
    told = json.loads(json.dumps(explain.settings()))
    assert told["autoencoder"] == decoder.info and told["prototypes"] == 3
    assert (told["important"], told["noise"], told["draws"], told["seed"]) == (2, 0.5, 20, 0)
    assert Utkin(embedder, decoder).settings()["prototypes"] == "mean of the pair"
    assert not Utkin.verified and Utkin.needs == {"training", "class images"}


# Training.


def toy_set(people: int = 40, each: int = 5) -> TrainingSet:
    """Images that depend linearly on embeddings of 6 latents, as these on them."""
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(people * each, 6, generator=generator)
    weight = torch.randn(6, 192, generator=generator) / 12
    x = (0.5 + h @ weight).clamp(0, 1).reshape(-1, 3, 8, 8)
    names = [f"person {k}" for k in range(people) for _ in range(each)]
    return TrainingSet(Rows.of(h, (x * 255).byte()), names)


QUICK = {"epochs": 12, "batch_size": 8, "width": 16, "learning_rate": 3e-3, "progress": False}


def fitted(weight: float = 1.0, **options: object) -> ConvDecoder:
    """The decoder of an autoencoder of the toy set."""
    train, choose, _ = toy_set().split((0.8, 0.1, 0.1), 0)
    return fit_autoencoder(
        train.rows, validation=choose.rows, weight=weight, **{**QUICK, **options}
    )


def test_the_loss_falls_and_the_code_nears_the_embedding() -> None:
    first, last = fitted(epochs=1), fitted()
    history = last.info["history"]
    assert len(history) == 12 and history[-1][0] < 0.5 * history[0][0]
    before, after = (decoder.info["autoencoder"] for decoder in (first, last))
    assert after["code_distance"] < 0.3 * before["code_distance"]
    assert after["error_of_code"] < before["error_of_code"]
    assert after["error_of_embedding"] < before["error_of_embedding"]


def test_a_large_weight_brings_the_code_to_the_embedding() -> None:
    """And with it the decoder, which is given embeddings, to pictures that it decodes from them."""
    free, light, heavy = (fitted(weight).info["autoencoder"] for weight in (0, 0.01, 10))
    assert heavy["code_distance"] < light["code_distance"] < free["code_distance"]
    assert free["code_distance"] > 0.5  # nothing says which code to use
    assert heavy["error_of_embedding"] < 0.3 * free["error_of_embedding"]


def test_the_best_epoch_is_kept() -> None:
    """Without the weight, D learns to read a code of its own, and embeddings ever less."""
    decoder = fitted(0, patience=3)
    errors = [error for _, error in decoder.info["history"]]
    assert len(errors) == 4 and min(errors) == errors[0] < errors[-1]
    assert decoder.info["autoencoder"]["error_of_embedding"] == errors[0]
    _, choose, _ = toy_set().split((0.8, 0.1, 0.1), 0)
    assert decoding_error(decoder, choose.rows.batches()) == pytest.approx(errors[0], rel=1e-5)


def test_the_same_seed_gives_the_same_weights() -> None:
    state = torch.random.get_rng_state()
    a, b, c = (fitted(epochs=2, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), state)
    for key, tensor in a.state_dict().items():
        assert torch.equal(tensor, b.state_dict()[key])
    assert not torch.equal(a.layers[0].weight, c.layers[0].weight)


def test_arrays_and_rows_give_the_same() -> None:
    train, choose, _ = toy_set().split((0.8, 0.1, 0.1), 0)
    h, x = train.rows[range(len(train))]
    of_arrays = fit_autoencoder(
        h, x.float() / 255, validation=choose.rows[range(len(choose))], weight=1.0, **QUICK
    )
    expected = fitted().info["autoencoder"]
    assert of_arrays.info["autoencoder"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (40, 30)])
def test_images_of_any_size(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    h, x = torch.randn(30, 6, generator=generator), torch.rand(30, 3, *size, generator=generator)
    decoder = fit_autoencoder(h, x, validation=(h[:5], x[:5]), epochs=1, width=8, progress=False)
    assert decoder(h).shape == x.shape and not decoder.training
    assert not any(p.requires_grad for p in decoder.parameters())


def test_what_cannot_be_trained() -> None:
    for options, message in (
        ({"epochs": 0}, "epochs=0"),
        ({"patience": 0}, "patience=0"),
        ({"weight": -1.0}, "weight=-1.0"),
        ({"learning_rate": 1e30}, "diverged in epoch 1"),
    ):
        with pytest.raises(lfs.LFSError, match=message):
            fitted(**options)
    with pytest.raises(lfs.LFSError, match="0 held out"):
        fit_autoencoder(
            torch.rand(9, 6),
            torch.rand(9, 3, 4, 4),
            validation=(torch.rand(0, 6), torch.rand(0, 3, 4, 4)),
        )
    with pytest.raises(lfs.LFSError, match=r"9 people.*at least 10"):
        fit_autoencoder_decoder(toy_set(people=9), embedder, description="toy")


def test_the_header_is_that_of_fit_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path))
    options = {"epochs": 2, "width": 16, "progress": False}
    ours = fit_autoencoder_decoder(toy_set(), embedder, description="toy", seed=3, **options)
    reference = fit_decoder(toy_set(), embedder, "conv", description="toy", seed=3, **options)
    assert ours.kind == "conv" and ours.info["embedder"] == "tiny"
    assert set(ours.info) == {*reference.info, "autoencoder"}
    split = ("embedder", "data", "images", "identities", "mirrored", "seed", "loss_mean_image")
    for key in (*split, "directions_with_99_percent_of_variance", "options"):
        assert ours.info[key] == reference.info[key]
    *_, test = toy_set().split((0.8, 0.1, 0.1), 3)
    assert ours.info["loss"] == pytest.approx(decoding_error(ours, *test.rows[range(len(test))]))
    assert ours.info["r2"] == pytest.approx(1 - ours.info["loss"] / ours.info["loss_mean_image"])
    write_fit_report(ours, toy_set(), {}, tmp_path / "report.html")
    assert "autoencoder: weight" in (tmp_path / "report.html").read_text(encoding="utf-8")
    lfs.save_decoder(ours, tmp_path / "ours.safetensors")
    explain = lfs.load_explainer("utkin", embedder, autoencoder=tmp_path / "ours.safetensors")
    assert explain(image(1), image(2)).maps.max() == 1


class Colours(nn.Module):
    """Means of the quarters of each colour channel."""

    name, image_size, framing = "colours", SIZE, "whole"

    def forward(self, images: Tensor) -> Tensor:
        """(B,3,16,16) -> (B,12)."""
        return nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)


def write_squares(folder: Path) -> None:
    """Forty squares of four colours, in ten classes."""
    random = np.random.default_rng(0)
    for k in range(40):
        path = folder / f"class {k % 10}" / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        colours = random.integers(0, 256, (2, 2, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        Image.fromarray(colours).save(path)


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("lfs_core.embedders.load_embedder", lambda *names: Colours())
    write_squares(tmp_path / "squares")
    out = tmp_path / "colours.safetensors"
    command = [
        "fit-autoencoder",
        "--images",
        str(tmp_path / "squares"),
        "-o",
        str(out),
        "--size",
        "8",
    ]
    run = CliRunner().invoke
    for option in (["--ssim", "0.1"], ["--precision", "16-mixed"]):
        refused = run(cli.app, [*command, *option])
        assert refused.exit_code == 2 and not out.exists()  # they belong to `fit-deep`
    done = run(cli.app, [*command, "--epochs", "2", "--mirror"])
    assert done.exit_code == 0, done.output
    decoder = lfs.load_decoder(out)
    assert isinstance(decoder, ConvDecoder)
    assert decoder.info["data"] == "squares" and decoder.info["embedder"] == "colours"
    assert len(decoder.info["history"]) == 2 and decoder.info["mirrored"] == 32
    assert str(tmp_path) not in json.dumps(decoder.info)
    assert f"error {decoder.info['loss']:.4f}" in done.output
    assert out.with_suffix(".html").is_file()


# The study.


class Maps(Colours):
    """The same after a convolution with maps to look at."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.Sigmoid())

    def forward(self, images: Tensor) -> Tensor:
        """(B,3,16,16) -> (B,8)."""
        return self.project(self.layers(images).mean(dim=(2, 3)))

    def project(self, pooled: Tensor) -> Tensor:
        """(B,8) -> (B,8)."""
        return pooled - 0.5


def test_the_sensitivity_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    write_squares(tmp_path / "squares")
    pictures = torch.stack([(255 * image(k)).byte() for k in range(12)])
    faces = FaceSet(pictures, [f"person {k % 3}" for k in range(12)], [], {})
    monkeypatch.setattr(sensitivity, "load_embedder", lambda name: Maps())
    monkeypatch.setattr(sensitivity, "without_look_alikes", lambda people, *guarded: people)
    monkeypatch.setattr(sensitivity, "IMAGES", 30)
    monkeypatch.setitem(workshop.SOURCES, FACES, Source("squares", "colours", "whole"))
    monkeypatch.setattr(sensitivity, "load_faces", lambda *names, progress: faces)
    monkeypatch.setattr(utkin, "load_decoder", lambda name: curved_of_any)
    monkeypatch.setattr(sensitivity, "THRESHOLD", 0.75)  # half of the pairs
    monkeypatch.setattr(sensitivity, "PAIRS", 4)
    monkeypatch.setattr(sensitivity, "EPOCHS", 1)
    found = sensitivity.sensitivity_study(tmp_path)
    assert json.loads(json.dumps(found)) and found["pairs"] == 4
    rows = {(row["method"], row["option"], row["value"]): row for row in found["rows"]}
    assert len(rows) == 5 + 5 + 3 + 2 + 2 + 5 + 2 + 2
    for row in rows.values():
        for kind in ("similar", "dissimilar"):
            assert len(row[kind]["with_default"]) == len(row[kind]["with_another_pair"]) == 4
            assert (np.abs(row[kind]["with_another_pair"]) <= 1).all()
            assert not row["default"] or row[kind]["with_default"] == [1.0] * 4
    # Against SciPy: one latent of eight, and four.
    pairs = sensitivity._pairs(Maps(), faces)["dissimilar"]
    options = {"similarity_threshold": 0.75}
    few, many = (Utkin(Maps(), curved_of_any, important=n, **options) for n in (0.1, 0.5))
    for k in (0, 3):
        a, b = (
            nn.functional.adaptive_avg_pool2d(explain(*pairs[k]).maps, 40).flatten(1).numpy()
            for explain in (few, many)
        )
        expected = np.mean([spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)])
        row = rows["utkin", "important", 0.5]
        assert row["dissimilar"]["with_default"][k] == pytest.approx(expected, abs=2e-4)
    weights = [row["weight"] for row in found["rows"] if row["option"] == "weight"]
    assert weights == [100.0, 10.0, 1.0, 0.1, 0.01]

    # What was trained once is not trained again: nothing new is saved.
    monkeypatch.setattr(sensitivity, "save_decoder", None)
    assert sensitivity.sensitivity_study(tmp_path) == found


# The files that ship.


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_autoencoders(name: str) -> None:
    file = files("lfs_core").joinpath("weights", "decoders", f"{name}-autoencoder.safetensors")
    assert Path(str(file)).stat().st_size < 2.5e6
    with safe_open(str(file), "pt") as opened:
        header = opened.metadata()["lfs_decoder"]
        assert {opened.get_tensor(k).dtype for k in opened.keys()} == {torch.float16}  # noqa: SIM118
    assert "/" not in header and "\\" not in header
    decoder = lfs.load_decoder(f"{name}-autoencoder")
    network = lfs.load_decoder(name)  # the one for ExplainLFS
    assert isinstance(decoder, ConvDecoder) and decoder.image_size == (40, 40)
    for key in ("embedder", "data", "images", "identities", "mirrored", "seed"):
        assert decoder.info[key] == network.info[key]
    assert decoder.info["autoencoder"]["weight"] == 100.0


def test_a_real_pair_of_faces(facenet: Embedder) -> None:
    import skimage.data

    face = torch.from_numpy(skimage.data.astronaut()[20:240, 110:330]).permute(2, 0, 1) / 255
    pair = torch.nn.functional.interpolate(face[None], (160, 160), mode="area")
    pair = torch.cat([pair, pair.flip(3)])
    e = lfs.load_explainer("utkin", facenet)(*pair)
    assert e.is_similar and e.settings["autoencoder"]["embedder"] == "facenet-casia"
    assert e.maps.shape == (2, 160, 160) and e.maps.isfinite().all()
    # The decoder shows change, wherever it does, the more the more noise there is.
    means = [
        evidence(Utkin(facenet, noise=noise), tuple(pair)).mean().item() for noise in (0.3, 1, 3)
    ]
    assert 0 < means[0] < means[1] < means[2]
    h = embed_all(facenet, pair)
    other = Utkin(facenet, prototypes=torch.stack([h[0], -h[0]]))(*pair)
    assert not torch.allclose(other.maps, e.maps, atol=0.01)


def test_any_decoder_will_do(facenet: Embedder) -> None:
    """Also one that is no autoencoder's, such as the one that ships for ExplainLFS."""
    explain = Utkin(facenet, "facenet-casia")
    assert isinstance(explain.autoencoder, Decoder) and explain.autoencoder.kind == "linear"
