"""What load and faults do: figures of time and memory, and trials that all must end well.

    python benchmarks/faults.py [images] [gallery] [damage] [kill] [--trials N]

`images` indexes 100,000 small photographs with a cheap network; `gallery` searches a million
embeddings; `damage` changes bytes of everything that is kept; `kill` ends commands at random
moments, and runs them again. All of it happens in a folder of its own; nothing of the user's cache
is touched. Trials are counted, and one that ends badly ends the script with its name. Needs Linux
or macOS.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import json
import logging
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import nbformat
import numpy as np
import torch
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from torch import Tensor, nn

import lfs_core as lfs
from lfs_core import embedders
from lfs_core.book.run import NUMBERS
from lfs_core.cli import main
from lfs_core.datasets import faces
from lfs_core.embedders.network import Network
from lfs_core.evaluation.evaluate import Settings, evaluate
from lfs_core.evaluation.pair_set import load_pairs
from lfs_core.search.gallery import Gallery, Photograph, index_folder, load_gallery
from lfs_core.util.kept import keep, keep_json, kept, kept_json

IMAGES, EMBEDDINGS, LATENTS, NEAREST = 100_000, 1_000_000, 512, 20


class Quarters(nn.Module):
    """A cheap network: a random mix of the mean colours of an image's sixteen parts."""

    name, image_size, framing = "quarters", 32, "whole"

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(48, 24)
        generator = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        """(B,3,32,32) -> (B,24)."""
        return self.layer(nn.functional.adaptive_avg_pool2d(images, 4).flatten(1) - 0.5)


class Small(Network):
    """A network that is translated for ONNX Runtime within a second."""

    def __init__(self) -> None:
        super().__init__("small", 8, "whole")
        self.layer = nn.Linear(192, 12)
        nn.init.eye_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def in_torch(self, images: Tensor) -> Tensor:
        """(B,3,8,8) -> (B,12)."""
        return self.layer(images.flatten(1))


def photographs(folder: Path, count: int, classes: int, side: int = 32) -> Path:
    """Images of noise, in this many classes."""
    generator = np.random.default_rng(0)
    for k in range(count):
        path = folder / f"class {k % classes:04}" / f"{k:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, compress_level=0)
    return folder


@contextlib.contextmanager
def own_cache(folder: Path) -> Iterator[Path]:
    """A cache folder of our own, for this process and those that it starts."""
    with mock.patch.dict(os.environ, LFS_CACHE=str(folder)):
        yield folder


def index_many(folder: Path, count: int = IMAGES) -> str:
    """Time and memory of indexing, and of indexing again where nothing has changed."""
    pictures = photographs(folder / "pictures", count, classes=max(1, count // 100))
    before = _peak()
    with own_cache(folder / "cache"):
        start = time.perf_counter()
        gallery = index_folder(pictures, Quarters(), progress=False)
        first = time.perf_counter() - start
        start = time.perf_counter()
        again = index_folder(pictures, Quarters(), gallery, progress=False)
        second = time.perf_counter() - start
        start = time.perf_counter()
        without = index_folder(pictures, Quarters(), progress=False)
        third = time.perf_counter() - start
    assert len(gallery) == count and torch.equal(gallery.embeddings, again.embeddings)
    assert torch.equal(gallery.embeddings, without.embeddings)
    kept_bytes = sum(of.stat().st_size for of in (folder / "cache").rglob("*") if of.is_file())
    return (
        f"{count:,} images: {first:.0f} s, {1e3 * first / count:.2f} ms each; again with nothing "
        f"changed {second:.1f} s; without the gallery, from the cache, {third:.0f} s; at most "
        f"{_peak() - before:.0f} MB more memory; {kept_bytes / count / 1e3:.1f} kB kept for each"
    )


def search_many(folder: Path, count: int = EMBEDDINGS, queries: int = 5) -> str:
    """Time and memory of a large gallery; its answers against float64, one product at a time."""
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.empty(count, LATENTS)
    for part in embeddings.split(10_000):
        drawn = torch.randn(part.shape, generator=generator)
        part.copy_(nn.functional.normalize(drawn, dim=1))
    files = [
        Photograph(name=f"{k}.png", label=str(k % 1000), size=1, modified=0, key=f"{k:064x}")
        for k in range(count)
    ]
    before = _peak()
    path = folder / "large.gallery"
    start = time.perf_counter()
    Gallery(folder, "none", "0", files, embeddings).save(path)
    writing = time.perf_counter() - start
    del files, embeddings
    start = time.perf_counter()
    gallery = load_gallery(path)
    reading = time.perf_counter() - start
    seconds = []
    for _ in range(queries):
        h = torch.randn(LATENTS, generator=generator)
        start = time.perf_counter()
        positions, cosines = gallery.nearest(h, NEAREST)
        seconds.append(time.perf_counter() - start)
        unit = (h / h.norm()).double()
        exact = torch.cat([part.double() @ unit for part in gallery.embeddings.split(50_000)])
        best = exact.topk(NEAREST)
        assert positions == best.indices.tolist()
        np.testing.assert_allclose(cosines, best.values, atol=1e-6)
    return (
        f"{count:,} embeddings of {LATENTS}: {path.stat().st_size / 1e9:.2f} GB written in "
        f"{writing:.1f} s, read in {reading:.1f} s; the {NEAREST} nearest in "
        f"{1e3 * float(np.median(seconds)):.0f} ms, all of them right; at most "
        f"{_peak() - before:.0f} MB more memory"
    )


def damage(folder: Path, trials: int, but: tuple[str, ...] = ()) -> str:
    """Change what is kept, everywhere, and ask again: nothing may be wrong, or lost in silence."""
    told = Messages()
    logger = logging.getLogger("lfs_core")
    logger.addHandler(told)
    dice, noticed, counts = random.Random(0), 0, {}
    try:
        with own_cache(folder / "cache") as cache:
            for name, (files, ask) in _kinds(folder, cache).items():
                if name in but:
                    continue
                ask()
                whole = {path: path.read_bytes() for path in files()}
                right = ask()
                for _ in range(trials):
                    path = dice.choice(sorted(whole))
                    path.write_bytes(_damaged(whole[path], dice))
                    told.lines.clear()
                    try:
                        found = ask()
                    except lfs.LFSError as error:
                        told.lines.append(str(error))
                        found = right  # it says that it is damaged, which is no wrong number
                    assert _are_alike(found, right), f"{name}: {path} gives something else"
                    assert all(len(line.splitlines()) == 1 for line in told.lines), told.lines
                    noticed += bool(told.lines)
                    counts[name] = counts.get(name, 0) + 1
                    for other, content in whole.items():
                        other.write_bytes(content)
    finally:
        logger.removeHandler(told)
    total = sum(counts.values())
    return (
        f"{total} damaged files ({', '.join(f'{n} {what}' for what, n in counts.items())}): "
        f"{noticed} noticed and said, in the other {total - noticed} nothing was lost; 0 wrong"
    )


class Messages(logging.Handler):
    """The message about the damage."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note it."""
        self.lines.append(record.getMessage())


Kind = tuple[Callable[[], list[Path]], Callable[[], object]]


def _kinds(folder: Path, cache: Path) -> dict[str, Kind]:
    """The files of each kind, and their contents as something to compare."""
    pictures = photographs(folder / "few", 40, classes=8)
    pairs = load_pairs(str(pictures), Quarters(), 8, progress=False)
    settings = Settings(Quarters(), ("edges", "random"), ("selectivity",), seeds=2)
    image = next(pictures.rglob("*.png"))
    face = faces.Face((1.0, 2.0, 30.0, 31.0), 0.99, np.ones((5, 2), np.float32))
    decoder, gallery = folder / "decoder.safetensors", folder / "few.gallery"
    curves, state = cache / "multiverse" / "curves.kept", cache / "training" / "state.kept"
    lfs.save_decoder(lfs.LinearDecoder(24, (8, 8), 4), decoder)
    index_folder(pictures, Quarters(), progress=False).save(gallery)
    keep_json(curves, np.random.default_rng(0).random((6, 9)).round(4).tolist())
    keep(state, np.random.default_rng(0).bytes(5000))
    before = kept_json(curves), kept(state)

    def below(name: str) -> Callable[[], list[Path]]:
        files = ("*.kept", "*.safetensors", "*.sqlite")
        return lambda: [path for kind in files for path in (cache / name).rglob(kind)]

    def found_faces() -> object:
        with mock.patch.object(faces, "detect_faces", lambda image: [face]):
            return [
                (of.box, of.probability, of.landmarks.tolist()) for of in faces.find_faces(image)[1]
            ]

    def scores() -> object:
        found = evaluate(settings, pairs, cache / "evaluation", progress=False)
        return json.dumps(
            [found.to_dict()["measured"], [of.tolist() for of in found.maps.values()]]
        )

    def translated() -> object:
        with torch.no_grad():
            return Small()(torch.full((2, 3, 8, 8), 0.5)).tolist()

    return {
        "embeddings": (
            below("embeddings"),
            lambda: index_folder(pictures, Quarters(), progress=False).embeddings,
        ),
        "evaluation records": (below("evaluation"), scores),
        "networks in ONNX": (below("onnx"), translated),
        "faces": (below("faces"), found_faces),
        "curves": (lambda: [curves], lambda: kept_json(curves) or before[0]),
        "unfinished trainings": (lambda: [state], lambda: kept(state) or before[1]),
        "decoders": (
            lambda: [decoder],
            lambda: [of.tolist() for of in lfs.load_decoder(decoder).state_dict().values()],
        ),
        "galleries": (lambda: [gallery], lambda: load_gallery(gallery).embeddings.tolist()),
    }


def _are_alike(one: object, other: object) -> bool:
    """The same; embeddings but for rounding, which depends on what is embedded together."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and torch.allclose(one, other, atol=1e-5)
    return one == other


def _damaged(content: bytes, dice: random.Random) -> bytes:
    """A byte or a few changed, a sector lost, or the end cut off."""
    changed, kind = bytearray(content), dice.choice(("byte", "bytes", "sector", "end"))
    if kind == "end":
        return content[: dice.randrange(len(content))]
    if kind == "sector":
        start = dice.randrange(0, len(content), 512)
        changed[start : start + 512] = bytes(len(changed[start : start + 512]))
        return bytes(changed)
    for _ in range(1 if kind == "byte" else 5):
        changed[dice.randrange(len(content))] ^= dice.randrange(1, 256)
    return bytes(changed)


def kill(folder: Path, trials: int, names: tuple[str, ...] = ()) -> str:
    """End commands at random moments, and run them again: the same results, and nothing harmful."""
    pictures = photographs(folder / "pictures", 240, classes=12)
    notebook = _notebook(folder / "01_small.ipynb")
    lines = {
        "index": ["index", pictures, "--embedder", "quarters", "-o", "out.gallery"],
        "fit": ["fit", "--images", pictures, "--embedder", "quarters", "-o", "out.safetensors"],
        "fit-deep": [
            *("fit-deep", "--images", pictures, "--embedder", "quarters", "--kind", "mlp"),
            *("--epochs", "4", "-o", "out.safetensors"),
        ],
        "evaluate": [
            *("evaluate", "--pairs", pictures, "--number", "60", "--embedder", "quarters"),
            *("--explainer", "edges", "--explainer", "random", "--metric", "selectivity"),
            *("-o", "out.json"),
        ],
        "train": ["train", pictures, "--epochs", "1", "-o", "out.safetensors"],
        "sweep": ["sweep", notebook, "--grid", "p=0.1,0.2", "-o", "out"],
    }
    told = []
    for name in names or tuple(lines):
        line, dice, left = list(map(str, lines[name])), random.Random(name), 0
        start = time.monotonic()
        right = _results(_run(line, folder / name / "whole"))
        seconds = time.monotonic() - start
        for trial in range(trials):
            place = folder / name / str(trial)
            _run(line, place, dice.uniform(0, seconds))
            assert _results(_run(line, place)) == right, f"{name}: something else in {place}"
            left += len([of for of in place.iterdir() if of.name.startswith(".tmp")])
            shutil.rmtree(place)
        told.append(f"{name} {trials} times ({left} hidden folders left)")
    return f"killed and run again, with the same results: {', '.join(told)}"


def _run(line: list[str], place: Path, seconds: float | None = None) -> Path:
    """Run a command in a copy of this process; end it after a number of seconds."""
    place.mkdir(parents=True, exist_ok=True)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.chdir(place)
            embedders.EMBEDDERS["quarters"] = ("mean colours", f"{__name__}:Quarters")
            os.environ["LFS_CACHE"] = str(place / "cache")
            with (place / "log").open("a", encoding="utf-8") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
                sys.argv = ["lfs", *line]
                main()
        except SystemExit as end:
            code = end.code or 0
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if seconds is None:
        assert status == 0, (place / "log").read_text(encoding="utf-8")
    return place


def _results(place: Path) -> object:
    """What a command wrote, without the times at which it did."""
    if (place / "out.json").is_file():
        found = json.loads((place / "out.json").read_text(encoding="utf-8"))
        return {name: of for name, of in found.items() if name != "manifest"}
    if (place / "out").is_dir():
        with (place / "out" / "table.csv").open(encoding="utf-8") as file:
            rows = [{**row, "seconds": ""} for row in csv.DictReader(file)]
        return rows, [path.read_bytes() for path in sorted((place / "out").rglob(NUMBERS))]
    (made,) = (*place.glob("out.gallery"), *place.glob("out.safetensors"))
    return hashlib.sha256(made.read_bytes()).hexdigest()


def _notebook(path: Path) -> Path:
    cells = [
        new_code_cell("p: float = 0.3  # size", metadata={"tags": ["parameters"]}),
        new_code_cell("from myst_nb import glue\nglue('square', p * p, display=False)"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def _peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1e6 if sys.platform == "darwin" else 1e3
    )


def run(names: list[str], trials: int, commands: tuple[str, ...]) -> None:
    """Print the figures of these parts."""
    torch.set_num_threads(1)  # a copy of a process has none of its threads
    parts: dict[str, Callable[[Path], str]] = {
        "images": index_many,
        "gallery": search_many,
        "damage": lambda folder: damage(folder, trials),
        "kill": lambda folder: kill(folder, trials, commands),
    }
    for name in names or parts:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {parts[name](Path(folder))}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help="images, gallery, damage, kill; else all")
    parser.add_argument("--trials", type=int, default=25, help="of each kind of file, and command")
    parser.add_argument("--commands", nargs="*", default=(), help="to kill; else all")
    given = parser.parse_args()
    run(given.parts, given.trials, tuple(given.commands))
