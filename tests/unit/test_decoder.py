"""Decoders against scikit-learn, closed forms, and what must survive saving."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.linear_model import Ridge

import lfs_core as lfs
from lfs_core.decoder import decoding_error


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
        return {file.get_tensor(key).dtype for key in file.keys()}  # noqa: SIM118


@pytest.mark.parametrize("ridge", [0.0, 0.1, 30.0])
def test_linear_fit_equals_scikit_learn(ridge: float) -> None:
    h, x = toy_data()
    decoder = lfs.LinearDecoder.fit(h, x, ridge=ridge)
    reference = Ridge(alpha=ridge).fit(h.double().numpy(), x.double().flatten(1).numpy())
    np.testing.assert_allclose(decoder.weight, reference.coef_, atol=1e-5)
    np.testing.assert_allclose(decoder.bias, reference.intercept_, atol=1e-5)


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


def test_conv_learns_more_than_the_mean_image() -> None:
    h, x = toy_data(n=400)
    held_out = (h[300:], x[300:])
    decoder = lfs.ConvDecoder.fit(
        h[:300], x[:300], held_out, epochs=25, channels=32, batch_size=32, progress=False
    )
    mean_error = (x[300:] - x[:300].mean(dim=0)).square().mean().item()
    assert decoder(h).shape == x.shape
    assert decoding_error(decoder, *held_out) < 0.7 * mean_error


def test_conv_keeps_its_best_epoch() -> None:
    """Held-out images that nothing predicts: training makes the error on them rise."""
    h, x = toy_data(n=40)
    held_out = (h, x.roll(1, dims=0))
    decoder = lfs.ConvDecoder.fit(
        h, x, held_out, epochs=30, channels=32, batch_size=8, learning_rate=5e-3, progress=False
    )
    errors = [error for _, error in decoder.info["history"]]
    assert errors[-1] > 1.05 * min(errors)
    assert decoding_error(decoder, *held_out) == pytest.approx(min(errors), rel=1e-5)


def test_conv_same_seed_same_decoder_and_no_trace_in_the_global_generator() -> None:
    h, x = toy_data(n=20)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    fits = [
        lfs.ConvDecoder.fit(h, x, (h, x), epochs=2, channels=8, seed=seed, progress=False)(h)
        for seed in (3, 3, 4)
    ]
    assert torch.equal(fits[0], fits[1])
    assert not torch.equal(fits[0], fits[2])
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_saving_keeps_everything(kind: str, tmp_path: Path) -> None:
    h, x = toy_data()
    if kind == "linear":
        decoder = lfs.LinearDecoder.fit(h, x).reduced(4)
    else:
        decoder = lfs.ConvDecoder.fit(h, x, (h, x), epochs=1, channels=8, progress=False)
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


def test_the_shipped_decoder() -> None:
    decoder = lfs.load_decoder("facenet-casia")
    info = decoder.info
    assert info["embedder"] == "facenet-casia"
    assert {"data", "seed", "loss", "versions", "ridge", "rank"} <= set(info)
    assert info["loss"] <= 1.01 * info["loss_full_rank"]
    assert decoder(torch.zeros(1, 512)).shape == (1, 3, 40, 40)
    path = Path(lfs.__file__).parent / "weights" / "facenet-casia.safetensors"
    assert stored_types(path) == {torch.float16}
    assert path.stat().st_size < 2e6


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


def test_a_folder_that_cannot_be_written() -> None:
    with pytest.raises(lfs.LFSError, match="Cannot write"):
        lfs.save_decoder(lfs.LinearDecoder(1, (1, 1), 1), "/proc/nowhere/decoder.safetensors")
