"""The causal heads that ship with the package: what they learn from, and how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lfs_core.amortised import CausalHead, load_head, save_head
from lfs_core.causal import causal_map, evidence
from lfs_core.comparators.causal import draw_sets, shared_map
from lfs_core.comparators.fills import plain
from lfs_core.datasets.faces import load_faces
from lfs_core.datasets.folders import find_photographs, split_classes
from lfs_core.embedders import Embedder, embed_all, load_embedder
from lfs_core.embedders.taps import Taps, find_layers
from lfs_core.evaluation.pair_set import load_pairs
from lfs_core.training.heads import fit_causal, fit_head, unexplained, what_windows_do
from lfs_core.util.extras import needs
from lfs_core.util.windows import tiles

with needs("evaluate", "The study of heads"):
    from scipy.stats import spearmanr

FOLDERS = {
    "facenet-casia": ("celeba", "lfw"),
    "efficientnet-lite0-cub": ("cub",),
    "efficientnet-lite0-cars": ("cars",),
}
WHOLE = {"celeba"}  # no evaluation draws from it
HOLD_OUT = 0.5  # of each other folder's classes, the last by name; evaluations draw from them
VARIATIONS = {"facenet-casia": 2, "efficientnet-lite0-cub": 6, "efficientnet-lite0-cars": 8}
EPOCHS = 12
LEARNING_RATES = {"facenet-casia": 2e-3}  # with this one, that of birds went astray
GUARDED_PAIRS = 500  # as many as are evaluated
IMAGES = 60  # on which a head is compared with the exact map
SHARED_IMAGES = 6  # of these, with the Shapley-type map, too
SETS = 512  # that it rests on
RANKS = (8, 16, 32, 64, 128, 256)
CELEBRITIES = 2048  # photographs, with which variants learn; all of them take a GPU
VARIANT_EPOCHS = 2


def train_heads(data: Path, folder: Path) -> None:
    """Train the heads that ship with the package, and write them.

    Args:
        data: the folder of the local tier.
        folder: to write to, a file for each network.
    """
    for network in FOLDERS:
        save_head(fit_shipped(network, data), folder / f"{network}.safetensors")


def fit_shipped(network: str, data: Path) -> CausalHead:
    """The head that ships for a network, from the images of the local tier.

    Args:
        network: a name in `FOLDERS`.
        data: the folder of the local tier.
    """
    embedder = load_embedder(network)
    folders = FOLDERS[network]
    guarded = None
    if network == "facenet-casia":
        guarded = embed_all(embedder, guarded_faces(embedder, data))
    return fit_causal(
        embedder,
        _photographs(data, folders),
        description="; ".join(_described(folder) for folder in folders),
        guarded=guarded,
        variations=VARIATIONS[network],
        epochs=EPOCHS,
        learning_rate=LEARNING_RATES.get(network, 7e-4),
    )


def _described(folder: str) -> str:
    return f"{folder}, whole" if folder in WHOLE else f"the first half of {folder}, by name"


def _photographs(data: Path, folders: Sequence[str]) -> list[tuple[Path, str]]:
    """What heads learn from."""
    return [
        (path, f"{folder}/{name}")
        for folder in folders
        for path, name in (find_photographs if folder in WHOLE else first_classes)(data / folder)
    ]


def first_classes(folder: Path) -> list[tuple[Path, str]]:
    """The photographs of the classes that no evaluation draws from."""
    photographs = find_photographs(folder)
    kept, _ = split_classes((name for _, name in photographs), HOLD_OUT)
    return [(path, name) for path, name in photographs if name in kept]


def guarded_faces(embedder: Embedder, data: Path) -> Tensor:
    """The faces (N,3,H,W) uint8 that were to be evaluated when heads were trained; and the demo's.

    People who resemble one of them are left out of the training.
    """
    pairs = load_pairs(data / "lfw", embedder, GUARDED_PAIRS, hold_out=HOLD_OUT)
    return torch.cat([pairs.images.flatten(0, 1), load_faces("demo").images])


def heads_study(data: Path) -> dict[str, object]:
    """How close the shipped heads come to exact maps of images that they have never seen.

    And, on faces, what it takes: how many photographs, which of the network's maps.
    """
    found = {network: _nearness(network, data) for network in FOLDERS}
    return {
        "manifest": {
            "embedder": ", ".join(FOLDERS),
            "pairs": ", ".join(folders[-1] for folders in FOLDERS.values()),
            "number": IMAGES // 2,
        },
        "nearness": found,
        "variants": _variants(data),
    }


def _nearness(network: str, data: Path) -> dict[str, object]:
    """Correlations over the windows of each image of the evidence by a head with the exact one."""
    embedder, head = load_embedder(network), load_head(network)
    folder = data / FOLDERS[network][-1]
    pairs = load_pairs(folder, embedder, IMAGES // 2, hold_out=HOLD_OUT)
    images = pairs.images.flatten(0, 1).float() / 255
    size = tuple(images.shape[-2:])
    windows = tiles(size, [head.grid])
    h, maps = Taps(embedder, head.layers)(images)
    h = normalize(h, dim=-1)
    with torch.no_grad():
        C, doubt = head(h, maps)
    exact = causal_map(embedder, images, windows, plain(images, "mean"))
    others = (exact.sum(0) - exact) / (len(exact) - 1)  # the mean map of all other images
    few = images[:SHARED_IMAGES]
    sets = draw_sets(len(windows), SETS, seed=0)
    shared = shared_map(embedder, few, windows, plain(few, "mean"), sets)
    error = ((C - exact) @ h.T).square().mean(dim=-1).sqrt()
    spectrum = torch.linalg.svdvals(exact.flatten(0, 1).double()).square()
    return {
        "exact": _beside(C, exact, h),
        "mean map": _beside(others, exact, h),
        "shared": _beside(C[: len(few)], shared, h),
        "shared and exact": _beside(exact[: len(few)], shared, h),
        "doubt": float(spearmanr(doubt.flatten(), error.flatten()).statistic),
        "variance by rank": {
            rank: round(float(spectrum[:rank].sum() / spectrum.sum()), 4) for rank in RANKS
        },
        "info": {k: v for k, v in head.info.items() if k not in ("history", "skipped")},
        "parameters": sum(p.numel() for p in head.parameters()),
    }


def _beside(C: Tensor, exact: Tensor, h: Tensor) -> dict[str, list[float]]:
    """The correlations of two maps (B,K,D) of each image, for three kinds of partners."""
    own = h[: len(C)]
    partners = {
        "itself": own,
        "its partner": own.unflatten(0, (-1, 2)).flip(1).flatten(0, 1),
        "another": own.roll(2, dims=0),
    }
    return {
        name: [
            round(float(torch.corrcoef(torch.stack([a, b]))[0, 1]), 4)
            for a, b in zip(evidence(C, o), evidence(exact, o), strict=True)
        ]
        for name, o in partners.items()
    }


def _variants(data: Path) -> list[dict[str, object]]:
    """Heads trained on fewer photographs, or on other maps, and what they leave unexplained.

    All are judged on the same faces of the first half of LFW.
    """
    embedder = load_embedder("facenet-casia")
    layers = find_layers(embedder, embedder.image_size, 8)
    finer = find_layers(embedder, embedder.image_size, 16)[:1]
    rows = []
    for share, celebrities, read in (
        (0.25, 0, layers),
        (1.0, 0, layers),
        (1.0, CELEBRITIES, layers),
        (1.0, 0, layers[:1]),
        (1.0, 0, layers[1:]),
        (1.0, 0, finer + layers),
        (1.0, 0, []),
    ):
        photographs = first_classes(data / "celeba")[:celebrities] + first_classes(data / "lfw")
        removed = what_windows_do(embedder, photographs, read)
        faces = sorted({name for _, name in photographs[celebrities:]})
        learnt = faces[: round(0.9 * len(faces))]
        others = set(removed.identities) - set(faces)
        train = removed.of(others | set(learnt[: round(share * len(learnt))]))
        judge = removed.of(set(faces) - set(learnt))
        head = fit_head(train, judge, tuple(read), epochs=VARIANT_EPOCHS)
        partners, itself = unexplained(head, judge).tolist()
        rows.append(
            {
                "images": len(train),
                "layers": read,
                "partners": round(partners, 4),
                "itself": round(itself, 4),
            }
        )
    return rows
