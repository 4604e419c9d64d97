"""ExplainLFS with a decoder whose pictures the network recognises.

Eq. 1 asks that a picture look like the photograph. Here it has to look like it to the network: the
embedding of D(h) must point where h does.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence

import torch
from filelock import FileLock
from torch import Tensor
from tqdm import tqdm

from lfs_core.datasets.folders import find_photographs, local_folder
from lfs_core.decoder import Decoder, load_decoder, save_decoder
from lfs_core.embedders import Embedder, embed, embedder_name, fingerprint
from lfs_core.explainer import ExplainLFS, Latents
from lfs_core.training.embedding import embed_photographs
from lfs_core.util.assets import cache_folder
from lfs_core.util.digests import key

BATCH = 16  # images
EPOCHS = 3
LEARNING_RATE = 3e-4


class Recognised(ExplainLFS):
    """The paper's method with the convolutional decoder, trained on until it is recognised.

    The decoder is kept in the cache.

    Args:
        embedder: the network; gradients go through it.
        images: a folder of photographs to learn from, or its name in the folder of `LFS_DATA`.
        number: of how many.
        options: of `ExplainLFS`, but for the decoder.

    Raises:
        LFSError: as `ExplainLFS`; no convolutional decoder ships for the network, or there are no
            photographs.
    """

    method = "recognised"
    title = "ExplainLFS with a recognised decoder"
    role = "ablation"
    source = "this book"
    needs = frozenset({"training", "gradients"})

    def __init__(
        self,
        embedder: Embedder,
        images: str | os.PathLike = "celeba",
        number: int = 800,
        p: float = 0.3,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
        latents: Latents = "raw",
        relevance: str = "paper",
        perturbation: str = "add",
        seed: int = 0,
    ) -> None:
        super().__init__(
            embedder,
            recognised_decoder(embedder, images, number),
            p,
            similarity_threshold,
            map_threshold,
            latents,
            relevance,
            perturbation,
            seed,
        )


def recognised_decoder(embedder: Embedder, images: str | os.PathLike, number: int) -> Decoder:
    """The convolutional decoder of a network, trained on once; see `Recognised`."""
    paths = [path for path, _ in find_photographs(local_folder(images))[:number]]
    own = embedder_name(embedder)
    start = load_decoder(f"{own}-conv", own)
    name = key(
        code=[recognised_decoder, embedder],
        network=fingerprint(embedder),
        start=start,
        photographs=paths,
    )
    path = cache_folder() / "studies" / f"recognised-{name[:16]}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):  # two processes train once
        if not path.is_file():
            embedded = embed_photographs(embedder, paths, progress=False)
            rows = embedded.store.rows([key for key in embedded.keys if key is not None])
            h = torch.cat([batch.float() for batch, _ in rows.batches()])
            decoder, history = train_to_be_recognised(start, embedder, h)
            decoder.info |= {"likeness": history}
            save_decoder(decoder, path)
    return load_decoder(path)


def train_to_be_recognised(
    decoder: Decoder,
    embedder: Embedder,
    h: Tensor,
    *,
    epochs: int = EPOCHS,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
    progress: bool = True,
) -> tuple[Decoder, Sequence[float]]:
    """Maximise the cosine of f(D(h)) and h by Adam.

    Args:
        decoder: D, to start from; it stays as it is.
        embedder: f, through which gradients go.
        h: (N,D).
        epochs: passes over the embeddings.
        learning_rate: Adam's; it falls to 0.
        seed: of the order.
        progress: show a progress bar.

    Returns:
        The new decoder, and the mean cosine in each epoch.
    """
    decoder = copy.deepcopy(decoder).requires_grad_(True)
    optimizer = torch.optim.Adam(decoder.parameters(), learning_rate)
    steps = epochs * -(-len(h) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(seed)
    history = []
    with tqdm(total=steps, desc="Recognised", disable=not progress) as bar:
        for _ in range(epochs):
            total = 0.0
            for chosen in torch.randperm(len(h), generator=generator).split(BATCH):
                seen = embed(embedder, decoder.pixels(h[chosen]))
                likeness = torch.cosine_similarity(seen, h[chosen]).mean()
                optimizer.zero_grad()
                (-likeness).backward()
                optimizer.step()
                schedule.step()
                total += likeness.item() * len(chosen)
                bar.set_postfix(likeness=f"{likeness.item():.3f}")
                bar.update()
            history.append(total / len(h))
    return decoder.eval().requires_grad_(False), history
