"""Decoders against scikit-learn, closed forms, and what must survive saving."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from skimage.metrics import structural_similarity
from sklearn.linear_model import Ridge, RidgeCV

import lfs_core as lfs
from lfs_core.studies.deep_decoders import NETWORKS, WIDTHS
from lfs_core.training import loop as training
from lfs_core.training.decoders import decoding_error
from lfs_core.training.moments import GCV_RIDGES, Moments
from lfs_core.util.tensors import CHECKSUM


def toy_data(n: int = 60, latents: int = 8, size: tuple[int, int] = (5, 4)) -> tuple:
    """Images that depend linearly on embeddings, with noise."""
    generator = torch.Generator().manual_seed(1)
    h = torch.randn(n, latents, generator=generator) + 3
    weight = torch.randn(latents, 3 * size[0] * size[1], generator=generator) / 40
    noise = torch.rand(n, weight.shape[1], generator=generator) / 10
    return h, (0.4 + (h - 3) @ weight + noise).clamp(0, 1).reshape(n, 3, *size)


def stored_types(path: Path) -> set[torch.dtype]:
    """The types of the numbers in a safetensors file."""
    with safe_open(path, "pt") as file:
        return {file.get_tensor(key).dtype for key in {*file.keys()} - {CHECKSUM}}


@pytest.mark.parametrize("ridge", [0.0, 0.1, 30.0])
def test_linear_fit_equals_scikit_learn(ridge: float) -> None:
    h, x = toy_data()
    decoder = lfs.LinearDecoder.fit(h, x, ridge=ridge)
    reference = Ridge(alpha=ridge).fit(h.double().numpy(), x.double().flatten(1).numpy())
    np.testing.assert_allclose(decoder.weight, reference.coef_, atol=1e-5)
    np.testing.assert_allclose(decoder.bias, reference.intercept_, atol=1e-5)


def test_gcv_equals_the_textbook_formula() -> None:
    """n · RSS / (n - trace of the hat matrix)^2, with the hat matrix written out."""
    h, x = toy_data(n=50)
    moments = Moments.of(h, x)
    centred, target = h.double() - h.double().mean(0), x.double().flatten(1)
    for ridge in (0.01, 1.0, 100.0):
        inverse = torch.linalg.inv(centred.T @ centred + ridge * torch.eye(8))
        hat = centred @ inverse @ centred.T + 1 / 50
        residual = (target - hat @ target).square().sum() / target.shape[1]
        expected = 50 * residual / (50 - hat.trace()) ** 2
        assert moments.gcv(ridge) == pytest.approx(expected.item(), rel=1e-9)


def test_the_ridge_left_out_is_near_the_one_of_leave_one_out() -> None:
    h, x = toy_data(n=30)
    x = (x + 0.3 * torch.rand(x.shape, generator=torch.Generator().manual_seed(2))).clamp(0, 1)
    scores = RidgeCV(alphas=GCV_RIDGES).fit(h.double().numpy(), x.double().flatten(1).numpy())
    ours = lfs.LinearDecoder.fit(h, x)
    candidates = {r: lfs.LinearDecoder.fit(h, x, ridge=r).weight for r in GCV_RIDGES}
    chosen = next(r for r, w in candidates.items() if torch.equal(w, ours.weight))
    assert 0.1 <= chosen / scores.alpha_ <= 10


def test_the_error_from_sums_is_the_error_on_the_images() -> None:
    """For data the decoder was fitted to, and for others, without looking at an image again."""
    h, x = toy_data(n=300)
    seen, unseen = Moments.of(h[:200], x[:200]), Moments.of(h[200:], x[200:])
    decoder = lfs.LinearDecoder.solved(seen, 0.1)
    for moments, part in ((seen, slice(0, 200)), (unseen, slice(200, 300))):
        expected = (decoder.pixels(h[part]) - x[part]).square().mean().item()
        error = moments.error(seen.weight(0.1), seen.latent_mean, seen.mean_image)
        assert error == pytest.approx(expected, rel=1e-4)


def test_batches_give_the_same_decoder() -> None:
    h, x = toy_data()
    whole = lfs.LinearDecoder.fit(h, x, ridge=0.1)
    stream = zip(h.split(7), x.split(7), strict=True)
    batched = lfs.LinearDecoder.fit(stream, ridge=0.1)
    torch.testing.assert_close(whole.weight, batched.weight)
    torch.testing.assert_close(whole.bias, batched.bias)
    torch.testing.assert_close(whole.latent_max, batched.latent_max)


def test_bytes_and_floats_give_the_same_decoder() -> None:
    h, x = toy_data()
    x8 = (x * 255).round().byte()
    a = lfs.LinearDecoder.fit(h, x8, ridge=0.1)
    b = lfs.LinearDecoder.fit(h, x8.float() / 255, ridge=0.1)
    torch.testing.assert_close(a.weight, b.weight)


def test_latent_range_is_that_of_the_training_data() -> None:
    h, x = toy_data()
    decoder = lfs.LinearDecoder.fit(h, x)
    torch.testing.assert_close(decoder.latent_min, h.amin(0))
    torch.testing.assert_close(decoder.latent_max, h.amax(0))


def test_reduced_rank_is_the_best_of_its_rank() -> None:
    """Against the projection of scikit-learn's fitted values on their own leading directions."""
    h, x = toy_data()
    reduced = lfs.LinearDecoder.fit(h, x, ridge=0.0).reduced(3)
    assert torch.linalg.matrix_rank(reduced.weight) == 3
    h64, x64 = h.double().numpy(), x.double().flatten(1).numpy()
    fitted = Ridge(alpha=0).fit(h64, x64).predict(h64)
    centred = fitted - x64.mean(axis=0)
    leading = np.linalg.svd(centred, full_matrices=False)[2][:3]
    expected = x64.mean(axis=0) + centred @ leading.T @ leading
    np.testing.assert_allclose(reduced.pixels(h).flatten(1), expected, atol=1e-4)


def test_decoding_error_is_the_mean_squared_error() -> None:
    h, x = toy_data(n=300)
    decoder = lfs.LinearDecoder.fit(h, x)
    expected = ((decoder(h) - x) ** 2).mean().item()
    assert decoding_error(decoder, h, x) == pytest.approx(expected, rel=1e-5)


def test_output_is_an_image_in_range() -> None:
    h, x = toy_data()
    decoded = lfs.LinearDecoder.fit(h, x)(h * 100)
    assert decoded.shape == (60, 3, 5, 4)
    assert decoded.min() == 0 and decoded.max() == 1


@pytest.mark.parametrize("kind", [lfs.ConvDecoder, lfs.MLPDecoder])
def test_deep_decoders_learn_more_than_the_mean_image(kind: type) -> None:
    h, x = toy_data(n=400)
    held_out = (h[300:], x[300:])
    decoder = kind.fit(
        h[:300], x[:300], validation=held_out, epochs=25, width=128, batch_size=32, progress=False
    )
    mean_error = (x[300:] - x[:300].mean(dim=0)).square().mean().item()
    assert decoder(h).shape == x.shape
    assert decoding_error(decoder, *held_out) < 0.5 * mean_error


@pytest.mark.parametrize("kind", [lfs.ConvDecoder, lfs.MLPDecoder])
@pytest.mark.parametrize("size", [(1, 1), (5, 4), (12, 30), (64, 64)])
def test_deep_decoders_have_any_size(kind: type, size: tuple[int, int]) -> None:
    decoder = kind(6, size, width=8)
    images = decoder(torch.randn(3, 6, generator=torch.Generator().manual_seed(0)))
    assert images.shape == (3, 3, *size)
    assert images.min() >= 0 and images.max() <= 1


def test_whitened_latents_have_unit_variance_along_every_direction() -> None:
    h, x = toy_data(n=500)
    h = h @ torch.diag(torch.logspace(0, 3, 8))  # directions of very different sizes
    moments = Moments.of(h, x)
    white = (h.double() - moments.latent_mean) @ moments.whitening(0.0)
    covariance = white.T @ white / len(white)
    torch.testing.assert_close(covariance, torch.eye(8).double(), atol=1e-8, rtol=0)


def overfitting(**options: object) -> lfs.ConvDecoder:
    """Held-out images that nothing predicts: training makes the error on them rise."""
    h, x = toy_data(n=40)
    return lfs.ConvDecoder.fit(
        h,
        x,
        validation=(h, x.roll(1, dims=0)),
        width=32,
        batch_size=8,
        learning_rate=5e-3,
        progress=False,
        **options,
    )


def test_the_best_epoch_is_kept() -> None:
    decoder = overfitting(epochs=30, patience=30)
    errors = [error for _, error in decoder.info["history"]]
    assert len(errors) == 30
    assert errors[-1] > 1.05 * min(errors)
    h, x = toy_data(n=40)
    assert decoding_error(decoder, h, x.roll(1, dims=0)) == pytest.approx(min(errors), rel=1e-5)


def test_training_stops_when_it_gets_no_better() -> None:
    errors = [error for _, error in overfitting(epochs=30, patience=3).info["history"]]
    assert len(errors) < 30
    assert len(errors) - (errors.index(min(errors)) + 1) == 4  # the fourth is one too many


def test_an_interrupted_training_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = overfitting(epochs=8, patience=8)
    checkpoint = tmp_path / "run.ckpt"
    save, saved = training._save, []

    def save_and_fail(path: Path, *state: object) -> None:
        save(path, *state)
        saved.append(path)
        if len(saved) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "_save", save_and_fail)
    with pytest.raises(KeyboardInterrupt):
        overfitting(epochs=8, patience=8, checkpoint=checkpoint)
    assert checkpoint.is_file()
    resumed = overfitting(epochs=8, patience=8, checkpoint=checkpoint)
    assert len(saved) == 8  # three epochs and five more
    assert resumed.info == whole.info
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_checkpoint_is_said_and_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = tmp_path / "run.ckpt"
    checkpoint.write_bytes(b"not a checkpoint")
    assert overfitting(epochs=2, checkpoint=checkpoint).info == overfitting(epochs=2).info
    (said,) = caplog.messages
    assert "run.ckpt" in said and "damaged" in said


def test_a_checkpoint_that_cannot_be_written_stops_no_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    found = overfitting(epochs=2, checkpoint=tmp_path / "file" / "run.ckpt")
    assert found.info == overfitting(epochs=2).info
    assert "The training goes on" in caplog.text


def test_a_training_that_diverges_says_so() -> None:
    h, x = toy_data()
    with pytest.raises(lfs.LFSError, match="diverged in epoch"):
        lfs.MLPDecoder.fit(h, x, validation=(h, x), learning_rate=1e36, progress=False)


def test_ssim_beside_eq_1_raises_the_similarity_of_structure() -> None:
    h, x = toy_data(n=200, size=(16, 16))

    def fitted(weight: float) -> lfs.MLPDecoder:
        options = {"epochs": 6, "width": 32, "progress": False, "ssim": weight}
        return lfs.MLPDecoder.fit(h[:160], x[:160], validation=(h[160:], x[160:]), **options)

    def structure(decoder: lfs.MLPDecoder) -> float:
        pairs = zip(decoder(h[160:]).numpy(), x[160:].numpy(), strict=True)
        return np.mean(
            [structural_similarity(a, b, channel_axis=0, data_range=1) for a, b in pairs]
        )

    assert structure(fitted(1.0)) > structure(fitted(0.0))


def test_ssim_needs_images_as_large_as_its_window() -> None:
    h, x = toy_data(size=(5, 4))
    with pytest.raises(lfs.LFSError, match="11 pixels"):
        lfs.MLPDecoder.fit(h, x, validation=(h, x), ssim=0.5, progress=False)


@pytest.mark.parametrize("option", ["epochs", "batch_size", "patience"])
def test_training_options_out_of_range(option: str) -> None:
    h, x = toy_data()
    with pytest.raises(lfs.LFSError, match=f"{option}=0"):
        lfs.MLPDecoder.fit(h, x, validation=(h, x), progress=False, **{option: 0})


def test_an_unknown_precision() -> None:
    h, x = toy_data()
    with pytest.raises(lfs.LFSError, match="precision is '8-true'"):
        lfs.MLPDecoder.fit(h, x, validation=(h, x), precision="8-true", progress=False)


def test_mixed_precision_learns_nearly_the_same() -> None:
    """On a CPU, where bfloat16 is slow and right; on a GPU it is the same code."""
    h, x = toy_data(n=200)
    options = {"epochs": 5, "width": 32, "progress": False, "validation": (h[160:], x[160:])}
    errors = [
        decoding_error(
            lfs.MLPDecoder.fit(h[:160], x[:160], precision=precision, **options), h[160:], x[160:]
        )
        for precision in ("32-true", "bf16-mixed")
    ]
    assert errors[1] == pytest.approx(errors[0], rel=0.05) and errors[0] != errors[1]


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    """Lightning Fabric under torchrun: the gradients of two halves make those of the whole."""
    script = tmp_path / "script.py"
    script.write_text(
        "import json, os, pathlib, sys, torch, lfs_core as lfs\n"
        "torch.set_num_threads(1)\n"
        "g = torch.Generator().manual_seed(0)\n"
        "h, x = torch.randn(256, 8, generator=g), torch.rand(256, 3, 4, 4, generator=g)\n"
        "d = lfs.MLPDecoder.fit(h, x, validation=(h, x), epochs=3, width=16, progress=False)\n"
        "rank = os.environ.get('RANK', 'alone')\n"
        "pathlib.Path(sys.argv[1], rank).write_text(json.dumps(d.info['history']))\n",
        encoding="utf-8",
    )
    subprocess.run([sys.executable, script, tmp_path], check=True)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    torchrun += ["--nproc-per-node", "2"]
    subprocess.run([*torchrun, script, tmp_path], check=True, capture_output=True)
    alone, first, second = (
        json.loads((tmp_path / r).read_text(encoding="utf-8")) for r in ("alone", "0", "1")
    )
    np.testing.assert_allclose(first, second, rtol=0.05)  # each its own half of the loss
    held_out = [[error for _, error in history] for history in (alone, first, second)]
    np.testing.assert_allclose(held_out[1], held_out[0], rtol=1e-4)
    np.testing.assert_allclose(held_out[2], held_out[0], rtol=1e-4)


def test_conv_same_seed_same_decoder_and_no_trace_in_the_global_generator() -> None:
    h, x = toy_data(n=20)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    fits = [
        lfs.ConvDecoder.fit(h, x, validation=(h, x), epochs=2, width=8, seed=seed, progress=False)(
            h
        )
        for seed in (3, 3, 4)
    ]
    assert torch.equal(fits[0], fits[1])
    assert not torch.equal(fits[0], fits[2])
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("kind", ["linear", "mlp", "conv"])
def test_saving_keeps_everything(kind: str, tmp_path: Path) -> None:
    h, x = toy_data()
    if kind == "linear":
        decoder = lfs.LinearDecoder.fit(h, x).reduced(4)
    else:
        deep = {"mlp": lfs.MLPDecoder, "conv": lfs.ConvDecoder}[kind]
        decoder = deep.fit(h, x, validation=(h, x), epochs=1, width=8, progress=False)
    decoder.info |= {"embedder": "mine", "data": "toy", "seed": 7, "loss": 0.5}
    path = tmp_path / "new" / "decoder.safetensors"
    lfs.save_decoder(decoder, path)
    assert stored_types(path) == {torch.float16}
    loaded = lfs.load_decoder(path)
    assert type(loaded) is type(decoder)
    assert loaded.info["embedder"] == "mine" and loaded.info["seed"] == 7
    assert loaded.info["versions"]["torch"] == torch.__version__
    torch.testing.assert_close(loaded(h), decoder(h), atol=5e-3, rtol=0)  # fp16 on disk
    torch.testing.assert_close(loaded.latent_max, decoder.latent_max, atol=5e-3, rtol=0)
    assert [f.name for f in path.parent.iterdir()] == [path.name]  # no scratch file stays


def test_latents_that_hardly_vary_do_not_become_infinite(tmp_path: Path) -> None:
    """Whitening enlarges them beyond the largest number of half precision, 65,504."""
    h, x = toy_data()
    h *= 1e-6
    decoder = lfs.MLPDecoder.fit(h, x, validation=(h, x), epochs=1, width=8, progress=False)
    assert 65504 < decoder.whitening.abs().max() < torch.inf
    path = tmp_path / "decoder.safetensors"
    lfs.save_decoder(decoder, path)
    assert stored_types(path) == {torch.float16, torch.float32}
    loaded = lfs.load_decoder(path)
    assert torch.equal(loaded.whitening, decoder.whitening)
    assert loaded(h).isfinite().all()


def test_numbers_that_are_not_finite_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = lfs.LinearDecoder.fit(*toy_data())
    decoder.latent_max[0] = torch.nan
    path = tmp_path / "decoder.safetensors"
    with pytest.raises(lfs.LFSError, match=r"'latent_max' of the decoder .* not finite"):
        lfs.save_decoder(decoder, path)
    with monkeypatch.context() as unchecked:
        unchecked.setattr("lfs_core.util.modules.check_finite", lambda *_: None)
        lfs.save_decoder(decoder, path)
    with pytest.raises(lfs.LFSError, match=f"'latent_max' of {path} .* not finite"):
        lfs.load_decoder(path)


def test_the_shipped_decoder() -> None:
    decoder = lfs.load_decoder("facenet-casia")
    info = decoder.info
    assert info["embedder"] == "facenet-casia"
    assert {"data", "seed", "loss", "versions", "ridge", "rank"} <= set(info)
    choosing = info["errors_when_choosing"]
    assert choosing["rank"][str(info["rank"])] <= choosing["ridge"][f"{info['ridge']:g}"]
    assert info["loss"] < 0.6 * info["loss_mean_image"]
    assert decoder(torch.zeros(1, 512)).shape == (1, 3, 40, 40)
    path = Path(lfs.__file__).parent / "weights" / "decoders" / "facenet-casia.safetensors"
    assert stored_types(path) == {torch.float16}
    assert path.stat().st_size < 2e6


@pytest.mark.parametrize("kind", WIDTHS)
@pytest.mark.parametrize("network", NETWORKS)
def test_the_shipped_decoders_of_birds_and_cars(network: str, kind: str) -> None:
    """They saw what the linear one saw, and are better than the mean image of what they did not."""
    deep, linear = lfs.load_decoder(f"{network}-{kind}"), lfs.load_decoder(network)
    assert deep.kind == kind and deep.info["options"]["width"] == WIDTHS[kind]
    for fact in ("embedder", "data", "images", "identities", "mirrored", "seed"):
        assert deep.info[fact] == linear.info[fact]
    assert deep.info["loss"] < deep.info["loss_mean_image"]
    h = torch.randn(3, linear.latent_dim, generator=torch.Generator().manual_seed(0))
    assert deep(h).shape == (3, 3, 40, 40)
    path = Path(lfs.__file__).parent / "weights" / "decoders" / f"{network}-{kind}.safetensors"
    assert stored_types(path) == {torch.float16} and path.stat().st_size < 3e6


def test_the_shipped_decoder_beats_the_mean_face_on_the_demo_faces(
    embeddings: torch.Tensor, faces: object
) -> None:
    """The demo's people are not among its training images, so this is a test on unseen people."""
    from lfs_core.datasets.images import shrink

    small = shrink(faces.images, 40)
    own_mean = (small.float() / 255).var(dim=0, correction=0).mean().item()
    assert decoding_error(lfs.load_decoder("facenet-casia"), embeddings, small) < 0.8 * own_mean


@pytest.mark.parametrize(
    ("h", "x", "message"),
    [
        (torch.ones(0, 3), torch.ones(0, 3, 2, 2), "N > 0"),
        (torch.ones(2, 3), torch.ones(4, 3, 2, 2), "do not fit"),
        (torch.ones(2, 3), torch.ones(2, 1, 2, 2), "do not fit"),
        (torch.ones(2, 3), torch.full((2, 3, 2, 2), 200.0), r"\[0, 1\]"),
        (torch.full((2, 3), torch.nan), torch.ones(2, 3, 2, 2), "finite"),
    ],
)
def test_training_data_that_cannot_be_used(h: torch.Tensor, x: torch.Tensor, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        lfs.LinearDecoder.fit(h, x)


def test_no_batches() -> None:
    with pytest.raises(lfs.LFSError, match="no image"):
        lfs.LinearDecoder.fit(iter([]))


def test_dependent_latents_need_a_ridge() -> None:
    h, x = toy_data()
    h[:, 1] = h[:, 0]
    with pytest.raises(lfs.LFSError, match="larger ridge"):
        lfs.LinearDecoder.fit(h, x, ridge=0.0)


@pytest.mark.parametrize("ridge", [-1.0, float("nan")])
def test_ridge_out_of_range(ridge: float) -> None:
    with pytest.raises(lfs.LFSError, match="ridge"):
        lfs.LinearDecoder.fit(*toy_data(), ridge=ridge)


def test_embeddings_of_another_width() -> None:
    with pytest.raises(lfs.LFSError, match="another network"):
        lfs.load_decoder("facenet-casia")(torch.ones(1, 128))


def test_unknown_name() -> None:
    with pytest.raises(lfs.LFSError, match="facenet-casia"):
        lfs.load_decoder("no-such-decoder")


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\x80\x04K\x01."])
def test_files_that_are_no_decoder(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(lfs.LFSError, match="not a decoder"):
        lfs.load_decoder(path)


def test_safetensors_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.ones(1)}, path)
    with pytest.raises(lfs.LFSError, match="not a decoder"):
        lfs.load_decoder(path)
    header = {"kind": "linear", "config": {"latent_dim": 1, "image_size": [1, 1]}, "info": {}}
    save_file({"x": torch.ones(1)}, path, {"lfs_decoder": json.dumps(header)})
    with pytest.raises(lfs.LFSError, match="not a decoder"):
        lfs.load_decoder(path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(lfs.LFSError, match="Cannot write"):
        lfs.save_decoder(lfs.LinearDecoder(1, (1, 1), 1), tmp_path / "file" / "decoder")
