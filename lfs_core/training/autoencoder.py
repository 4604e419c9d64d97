"""An autoencoder whose code is made to be the network's embedding; its decoder is what is kept.

Utkin, Kovalev and Kasimov (2019, arXiv 1911.07702; 2021) train it to explain a network. The loss is
sum |x - D(E(x))|^2 + lambda sum |E(x) - h(x)|^2, and D is later given embeddings h. That an
autoencoder is trained so that its hidden representation is near the embedding is theirs; this loss,
its scale and the layers are reconstructed. Errors of images are mean squared errors per pixel
value. The distance of codes and embeddings is in units of the embeddings' variance: 1 is that of a
code which is the mean embedding for every image.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.training.decoders import ConvDecoder, decoding_error
from lfs_core.training.embedding import TrainingSet
from lfs_core.training.enough import check_enough
from lfs_core.training.epochs import Epochs
from lfs_core.training.fitting import SHARES, provenance
from lfs_core.training.moments import BATCH, Moments
from lfs_core.training.rows import Rows

WIDTH = 64  # of the decoder
CHANNELS = 32  # of the encoder's first maps


class Encoder(nn.Module):
    """E: images (B,3,h,w) in [0,1] -> codes (B,D), by convolutions that halve the side.

    Args:
        decoder: D, whose codes and images it is for; codes begin about its mean embedding.
        spread: standard deviation of an embedding's latents, their root mean square.
    """

    mean_image: Tensor
    latent_mean: Tensor

    def __init__(self, decoder: ConvDecoder, spread: float) -> None:
        super().__init__()
        height, width = decoder.image_size
        layers: list[nn.Module] = []
        before, channels = 3, CHANNELS
        for _ in range(max(1, round(math.log2(max(height, width) / 5)))):
            layers += [nn.Conv2d(before, channels, 3, stride=2, padding=1), nn.GELU()]
            before, channels = channels, 2 * channels
            height, width = -(-height // 2), -(-width // 2)
        layers += [nn.Flatten(), nn.Linear(before * height * width, decoder.latent_dim)]
        self.layers, self.spread = nn.Sequential(*layers), spread
        self.register_buffer("mean_image", decoder.mean_image.clone())
        self.register_buffer("latent_mean", decoder.latent_mean.clone())

    def forward(self, x: Tensor) -> Tensor:
        """The codes of images."""
        return self.latent_mean + self.spread * self.layers(x - self.mean_image)


def fit_autoencoder(
    embeddings: Tensor | Rows,
    images: Tensor | None = None,
    *,
    validation: tuple[Tensor, Tensor] | Rows,
    weight: float = 100.0,
    width: int = WIDTH,
    seed: int = 0,
    epochs: int = 30,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    patience: int = 5,
    progress: bool = True,
) -> ConvDecoder:
    """Train encoder and decoder together by AdamW; keep the decoder.

    At explanation D is given embeddings, not codes. The weights kept are therefore those of the
    epoch with the lowest held-out error of D(h(x)).

    Args:
        embeddings: h(x), (N,D); or rows, of which rows[[0, 5, 7]] is a batch (embeddings, images).
        images: x, (N,3,h,w), uint8 or floats in [0,1]; left out with rows.
        validation: held-out embeddings and images, or rows.
        weight: lambda, >= 0, relative to the error per pixel value.
        width: of the decoder's layers.
        seed: of the initial weights and the order of the images.
        epochs: passes over the data at most; the learning rate falls to 0 along a cosine.
        batch_size: images a step.
        learning_rate: AdamW's, at the start.
        patience: epochs without a new best after which to stop.
        progress: show a progress bar.

    Returns:
        The decoder. `info["history"]` lists (error of D(E(x)) on the training data, held-out error
        of D(h(x))) by epoch. `info["autoencoder"]` has `weight` and, of the epoch kept on held-out
        data, `error_of_code` for D(E(x)), `error_of_embedding` for D(h(x)) and `code_distance`.

    Raises:
        LFSError: no data, shapes that do not fit, an option out of range, or a training that
            diverges.
    """
    rows = Rows.of(embeddings, images)
    held_out = validation if isinstance(validation, Rows) else Rows.of(*validation)
    if min(len(rows), len(held_out), epochs, batch_size, patience) < 1 or not weight >= 0:
        raise LFSError(
            f"Cannot train on {len(rows)} images and {len(held_out)} held out with {epochs=}, "
            f"{batch_size=}, {patience=}, {weight=}; all must be at least 1, and weight 0 or more."
        )
    moments = Moments.of(rows.batches(BATCH))
    variance = moments.variances.sum().item()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        decoder = ConvDecoder.untrained(moments, width)
        encoder = Encoder(decoder, math.sqrt(variance / decoder.latent_dim)).to(device)
        decoder.to(device)
        weights = [*encoder.parameters(), *decoder.parameters()]
        optimizer = torch.optim.AdamW(weights, learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        both = nn.ModuleList([encoder, decoder])
        done = Epochs(both, epochs, patience=patience - 1, title="Autoencoder", progress=progress)
        for _ in done:
            total = 0.0
            for batch in torch.randperm(len(rows)).split(batch_size):
                h, x = _floats(rows[batch.tolist()], device)
                code = encoder(x)
                error = nn.functional.mse_loss(decoder.pixels(code), x)
                distance = (code - h).square().sum(dim=1).mean() / variance
                optimizer.zero_grad()
                (error + weight * distance).backward()
                optimizer.step()
                total += error.item() * len(batch)
            schedule.step()
            errors = _errors(encoder, decoder, held_out, variance, device)
            done.judge(total / len(rows), errors["error_of_embedding"])
    history = done.restore()
    errors = _errors(encoder, decoder, held_out, variance, device)
    decoder.info = {"seed": seed, "history": history, "autoencoder": {"weight": weight, **errors}}
    return decoder.cpu().eval().requires_grad_(False)


def fit_autoencoder_decoder(
    data: TrainingSet, embedder: Embedder, *, description: str, seed: int = 0, **options: Any
) -> ConvDecoder:
    """`fitting.fit_decoder` for the decoder of an autoencoder: the same split, the same header.

    Args:
        data: the training set, as `embed_folders` returns it.
        embedder: the network it was embedded with.
        description: of the data, for the decoder's header.
        seed: of the split, the initial weights and the order of the images.
        options: of `fit_autoencoder`.

    Raises:
        LFSError: there are too few identities to split.
    """
    check_enough(data.identities, data.skipped, len(data) + len(data.skipped), embedder)
    train, choose, test = data.split(SHARES, seed)
    return fit_autoencoder_parts(
        train, choose, test, embedder, description=description, seed=seed, **options
    )


def fit_autoencoder_parts(
    train: TrainingSet,
    choose: TrainingSet,
    test: TrainingSet,
    embedder: Embedder,
    *,
    description: str,
    seed: int,
    **options: Any,
) -> ConvDecoder:
    """`fit_autoencoder_decoder` for data that are split already."""
    decoder = fit_autoencoder(train.rows, validation=choose.rows, seed=seed, **options)
    moments = Moments.of(train.rows.batches())
    parts = {"train": train, "choose": choose, "test": test}
    decoder.info = provenance(decoder, parts, moments, embedder, description, seed) | {
        "loss_on_training_images": decoding_error(decoder, train.rows.batches()),
        "history": decoder.info["history"],
        "options": options,
        "autoencoder": decoder.info["autoencoder"],
    }
    return decoder


def _floats(batch: tuple[Tensor, Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    h, x = (tensor.to(device) for tensor in batch)
    return h.float(), x.float() / (255 if x.dtype == torch.uint8 else 1)


@torch.no_grad()
def _errors(
    encoder: Encoder, decoder: ConvDecoder, rows: Rows, variance: float, device: torch.device
) -> dict[str, float]:
    """Errors of D(E(x)) and D(h(x)) per pixel value, and the distance of E(x) and h(x)."""
    sums, values = torch.zeros(3, dtype=torch.float64), 0
    for batch in rows.batches():
        h, x = _floats(batch, device)
        code = encoder(x)
        differences = (decoder.pixels(code) - x, decoder.pixels(h) - x, code - h)
        sums += torch.tensor([d.square().sum().item() for d in differences])
        values += x.numel()
    of_code, of_embedding, distance = sums.tolist()
    return {
        "error_of_code": of_code / values,
        "error_of_embedding": of_embedding / values,
        "code_distance": distance / (len(rows) * variance),
    }
