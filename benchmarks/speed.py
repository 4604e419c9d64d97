"""How fast the core is: ratios, each measured side by side in one run.

    python benchmarks/speed.py OUTPUT.json

The two sides of a comparison run in turns, round after round. So a machine that is slower for a
while is slower for both. A ratio is the median over the rounds of the ratio within one.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1
from PIL import Image
from tqdm import tqdm

import lfs_core as lfs
from lfs_core.datasets.faces import FaceSet, load_faces
from lfs_core.datasets.images import shrink
from lfs_core.embedders import embed_all
from lfs_core.util.assets import cache_folder
from lfs_core.util.code import code_of_cells
from lfs_core.util.files import replacing
from lfs_core.util.manifest import commit, made_by, versions

PHOTOGRAPHS = 10_000  # for `lfs fit`
PATIENCE = 60  # times the closed form's seconds are given to AdamW


def ratio(ours: Callable[[], object], other: Callable[[], object], rounds: int) -> dict[str, float]:
    """Seconds of each, and how many times longer the other takes."""
    for run in (ours, other):  # compiles, allocates
        run()
    times = []
    for _ in tqdm(range(rounds), leave=False):
        times.append((_seconds(ours), _seconds(other)))
    mine, theirs = np.array(times).T
    low, middle, high = np.quantile(theirs / mine, (0.25, 0.5, 0.75))
    return {
        "seconds": float(np.median(mine)),
        "seconds_of_other": float(np.median(theirs)),
        "ratio": float(middle),
        "quartiles": [float(low), float(high)],
        "rounds": rounds,
    }


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def embedder_against_eager(batch: int) -> dict[str, object]:
    """Our FaceNet against `facenet_pytorch.InceptionResnetV1` run eagerly, same batch."""
    ours, eager = lfs.load_embedder("facenet-casia"), InceptionResnetV1().eval()
    faces = load_faces("demo", progress=False).images[:batch].float() / 255
    repeats = max(1, 32 // batch)

    def run(network: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], None]:
        def passes() -> None:
            with torch.no_grad():
                for _ in range(repeats):
                    network(faces)

        return passes

    with torch.no_grad():
        difference = (ours(faces) - ours.in_torch(faces)).abs().max().item()
    return ratio(run(ours), run(eager), rounds=9) | {"largest_difference": difference}


def explanation_against_two_passes() -> dict[str, object]:
    """One ExplainLFS explanation against the two forward passes that it cannot do without."""
    embedder, decoder = lfs.load_embedder("facenet-casia"), lfs.load_decoder("facenet-casia")
    explain = lfs.ExplainLFS(embedder, decoder)
    a, b = load_faces("demo", progress=False).images[:2]
    both = torch.stack([a, b]).float() / 255

    def repeat(run: Callable[[], object]) -> Callable[[], None]:
        return lambda: [run() for _ in range(30)] and None

    result = ratio(repeat(lambda: explain(a, b)), repeat(lambda: embedder(both)), rounds=9)
    # Here the question is how much longer ours takes.
    low, high = result["quartiles"]
    return result | {"ratio": 1 / result["ratio"], "quartiles": [1 / high, 1 / low]}


def closed_form_against_adamw() -> dict[str, object]:
    """The linear decoder in closed form against AdamW, until its loss is within 1 %.

    Both see the same embeddings, of demo faces and their shifted copies, and minimise the same
    penalised loss. AdamW starts at the mean image, reads standardised latents, takes the best of
    three learning rates, and stops when it has taken `PATIENCE` times as long.
    """
    h, x = _many_pairs(4_000)
    ridge = 1e-2
    start = time.perf_counter()
    decoder = lfs.LinearDecoder.fit(h, x, ridge=ridge)
    seconds = time.perf_counter() - start
    target = x.float().flatten(1) / 255

    def loss(prediction: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return (prediction - target).square().sum() + ridge * weight.square().sum()

    aim = 1.01 * loss(decoder.pixels(h).flatten(1), decoder.weight).item()
    mean, std = h.mean(0), h.std(0)
    z = (h - mean) / std
    best = None
    for learning_rate in (1e-4, 1e-3, 1e-2):
        weight = torch.zeros(h.shape[1], target.shape[1], requires_grad=True)
        bias = target.mean(0).clone().requires_grad_()
        optimizer = torch.optim.AdamW([weight, bias], learning_rate, weight_decay=0)
        start = time.perf_counter()
        value = float("inf")
        while value > aim and time.perf_counter() - start < PATIENCE * seconds:
            for rows in torch.randperm(len(z)).split(256):
                part = (z[rows] @ weight + bias - target[rows]).square().sum()
                penalty = ridge * (weight / std[:, None]).square().sum() * len(rows) / len(z)
                optimizer.zero_grad()
                (part + penalty).backward()
                optimizer.step()
            with torch.no_grad():
                value = loss(z @ weight + bias, (weight / std[:, None]).T).item()
        run = {
            "learning_rate": learning_rate,
            "seconds": time.perf_counter() - start,
            "loss_above_closed_form": 1.01 * value / aim - 1,
            "arrived": value <= aim,
        }
        if best is None or (not run["arrived"], run["seconds"]) < (
            not best["arrived"],
            best["seconds"],
        ):
            best = run
    return {
        "seconds": seconds,
        "seconds_of_other": best["seconds"],
        "ratio": best["seconds"] / seconds,
        "adamw": best,
        "images": len(h),
    }


def fit_against_forward_passes() -> dict[str, object]:
    """`lfs fit`, from the shell to the decoder, against bare forward passes over as many images.

    The photographs are aligned faces in files, so that finding faces is no part of it.
    """
    embedder = lfs.load_embedder("facenet-casia")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "faces"
        faces = _shifted_copies(PHOTOGRAPHS)
        for k, face in enumerate(faces.images):
            path = folder / faces.identities[k] / f"{k}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(face.permute(1, 2, 0).numpy()).save(path, quality=95)
        pixels = faces.images[:32].float() / 255
        embedder(pixels)
        times = []
        for k in tqdm(range(2), "lfs fit", leave=False):
            command = [sys.executable, "-m", "lfs_core", "fit", "--framing", "whole"]
            command += ["--images", str(folder), "-o", f"{scratch}/{k}.safetensors"]
            cache = Path(scratch) / f"cache {k}"
            cache.mkdir()
            for name in ("onnx", "facenet-20180408-102900.pb"):  # fetched once for good
                (cache / name).symlink_to(cache_folder().resolve() / name)
            before = _seconds(lambda: [embedder(pixels) for _ in range(PHOTOGRAPHS // 64)])
            environment = os.environ | {"LFS_CACHE": str(cache)}
            run = partial(subprocess.run, command, env=environment, check=True, capture_output=True)
            fit = _seconds(run)
            after = _seconds(lambda: [embedder(pixels) for _ in range(PHOTOGRAPHS // 64)])
            times.append((fit, before + after))
    fits, passes = np.array(times).T
    return {
        "seconds": float(np.median(fits)),
        "seconds_of_other": float(np.median(passes)),
        "ratio": float(np.median(fits / passes)),
        "rounds": len(times),
        "images": PHOTOGRAPHS,
    }


def peak_memory(embeddings: int) -> float:
    """Megabytes that a process needs at most to fit to this many embeddings from a stream."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_fit_stream, (embeddings,))


def _fit_stream(embeddings: int) -> float:
    generator = torch.Generator().manual_seed(0)
    batches = (
        (
            torch.randn(min(1_000, embeddings - start), 512, generator=generator),
            torch.randint(
                0, 256, (min(1_000, embeddings - start), 3, 40, 40), generator=generator
            ).byte(),
        )
        for start in range(0, embeddings, 1_000)
    )
    lfs.LinearDecoder.fit(batches, ridge=1.0)
    # Not `ru_maxrss`, which a new process inherits from the one that started it.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024


def _shifted_copies(count: int) -> FaceSet:
    """The demo's faces over and over, each time moved by a few pixels, as other people."""
    faces = load_faces("demo", progress=False)
    generator = torch.Generator().manual_seed(0)
    images, identities = [], []
    for k in range(count):
        shift = torch.randint(-8, 9, (2,), generator=generator).tolist()
        images.append(faces.images[k % len(faces)].roll(shift, (1, 2)))
        identities.append(f"person {k % 40}")
    return FaceSet(torch.stack(images), identities, [], {})


def _many_pairs(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    faces = _shifted_copies(count)
    return embed_all(lfs.load_embedder("facenet-casia"), faces.images), shrink(faces.images, 40)


def main(output: str) -> None:
    """Measure everything and write it down."""
    start = time.monotonic()
    results: dict[str, object] = {}
    for name, measure in {
        "embedder, batches of 32": lambda: embedder_against_eager(32),
        "embedder, single images": lambda: embedder_against_eager(1),
        "explanation": explanation_against_two_passes,
        "closed form": closed_form_against_adamw,
        "lfs fit": fit_against_forward_passes,
        "memory": lambda: {str(n): peak_memory(n) for n in (1_000, 10_000, 100_000)},
    }.items():
        results[name] = measure()
        print(name, json.dumps(results[name]), flush=True)
    store(results, output, start)


def store(results: dict[str, object], output: str, start: float) -> None:
    """Write results and where they come from; `start` is when measuring began, monotonic."""
    manifest = {
        "command": "make bench",
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "commit": commit(Path(__file__).parent),
        "versions": versions(),
        "code": made_by(
            {"all numbers": code_of_cells([Path(sys.argv[0]).read_text(encoding="utf-8")])}
        ),
        "seconds": round(time.monotonic() - start, 1),
        "finished": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    }
    with replacing(output) as new:
        new.write_text(
            json.dumps({"manifest": manifest, "results": results}, indent=1) + "\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main(sys.argv[1])
