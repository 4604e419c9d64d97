"""From folders to embeddings: nothing twice, nothing lost, whatever interrupts."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from processes import started, wait_for
from safetensors import safe_open

import lfs_core as lfs
from lfs_core.datasets.folders import find_photographs, local_folder
from lfs_core.embedders import Embedder, embed_all
from lfs_core.training.embedding import TrainingSet, embed_folders, store_folder
from lfs_core.training.store import EmbeddingStore


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images of noise, four of each of three classes."""
    generator = np.random.default_rng(0)
    for k in range(12):
        path = tmp_path / "photographs" / f"class {k % 3}" / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(path)
    return tmp_path / "photographs"


class Brightness:
    """An embedder that counts what it is given: the means of the four quarters."""

    name, image_size, one_by_one = "brightness", 16, False

    def __init__(self, scale: float = 1.0) -> None:
        self.scale, self.seen = scale, 0

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self.seen += len(images)
        quarters = torch.nn.functional.adaptive_avg_pool2d(images.mean(dim=1), 2)
        return self.scale * quarters.flatten(1)


def embed(embedder: Embedder, folder: Path, **options: object) -> TrainingSet:
    return embed_folders(embedder, [folder], progress=False, **{"size": 8, **options})


def test_images_and_embeddings_belong_together(own_cache: Path, folder: Path) -> None:
    data = embed(Brightness(), folder)
    photographs = find_photographs(folder)
    assert list(data.identities) == [f"photographs/{who}" for _, who in photographs]
    h, x = data.rows[range(12)]
    for k, (path, _) in enumerate(photographs):
        image = Image.open(path).resize((16, 16), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        expected = Brightness()(pixels[None].float() / 255)[0]
        torch.testing.assert_close(h[k], expected)
        small = pixels.float().reshape(3, 8, 2, 8, 2).mean(dim=(2, 4))
        assert (x[k].float() - small).abs().max() <= 0.5


def test_nothing_is_embedded_twice(own_cache: Path, folder: Path) -> None:
    embedder = Brightness()
    first = embed(embedder, folder)
    seen = embedder.seen
    # Twelve images, and two of noise by which an embedder without weights is told from others.
    assert seen == 12 + 2
    again = embed(embedder, folder)
    assert embedder.seen == seen + 2
    assert torch.equal(first.rows[range(12)][0], again.rows[range(12)][0])
    # Content counts, not names: a renamed file is known, a changed one is not.
    renamed = folder / "class 1" / "1.png"
    renamed.rename(folder / "class 2" / "other name.png")
    embed(embedder, folder)
    assert embedder.seen == seen + 4
    Image.new("RGB", (20, 20), "red").save(renamed)
    embed(embedder, folder)
    assert embedder.seen == seen + 6 + 1


def test_a_file_that_lies_there_twice_is_embedded_once(own_cache: Path, folder: Path) -> None:
    copies = folder / "class 9"
    copies.mkdir()
    for name in ("a.png", "b.png"):
        (copies / name).write_bytes((folder / "class 0" / "0.png").read_bytes())
    embedder = Brightness()
    data = embed(embedder, folder)
    assert embedder.seen == 12 + 2
    assert len(data) == 14
    h, _ = data.rows[[data.identities.index("photographs/class 0"), 12, 13]]
    assert torch.equal(h[1], h[2]) and (h[0] == h[1]).all()


@pytest.mark.parametrize("change", ["network", "size", "image size"])
def test_what_decides_the_embedding_decides_the_store(
    change: str, own_cache: Path, folder: Path
) -> None:
    embed(Brightness(), folder)
    other = Brightness(scale=2.0 if change == "network" else 1.0)
    if change == "image size":
        other.image_size = 8
    data = embed(other, folder, size=4 if change == "size" else 8)
    assert other.seen == 12 + 2
    if change == "network":
        h, _ = data.rows[range(12)]
        torch.testing.assert_close(h, 2 * embed(Brightness(), folder).rows[range(12)][0])


def test_networks_of_one_name_and_other_weights_have_other_stores(own_cache: Path) -> None:
    torch.manual_seed(0)
    networks = [torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2)) for _ in range(2)]
    folders = {store_folder(network, "whole", (2, 2), 8) for network in networks}
    assert len(folders) == 2
    assert store_folder(networks[0], "whole", (2, 2), 8) in folders


def test_mirror_images_are_added_and_known_as_such(own_cache: Path, folder: Path) -> None:
    data = embed(Brightness(), folder, mirror=True)
    assert len(data) == 24 and data.mirrored == frozenset(range(1, 24, 2))
    h, x = data.rows[range(24)]
    assert torch.equal(x[1::2], x[::2].flip(3))
    torch.testing.assert_close(h[1::2], h[::2][:, [1, 0, 3, 2]])  # left and right change places
    assert data.identities[::2] == data.identities[1::2]


def test_what_cannot_be_used_is_listed_and_not_tried_again(own_cache: Path, folder: Path) -> None:
    (folder / "class 0" / "broken.png").write_bytes(b"not an image")
    small = folder / "class 0" / "tiny.png"
    Image.new("RGB", (2, 2)).save(small)
    for _ in range(2):
        data = embed(Brightness(), folder)
        assert len(data) == 12
        assert set(data.skipped) == {str(folder / "class 0" / "broken.png"), str(small)}
        assert "this file is not an image" in data.skipped[str(folder / "class 0" / "broken.png")]


def test_a_damaged_record_is_made_again(own_cache: Path, folder: Path) -> None:
    embedder = Brightness()
    data = embed(embedder, folder)
    expected, _ = data.rows[range(12)]
    store = EmbeddingStore(store_folder(embedder, "whole", (16, 16), 8), (8, 8))
    key = next(iter(store.keys()))
    cut = "UPDATE records SET value = substr(value, 1, length(value) - 1) WHERE key = ?"
    store._database.execute(cut, (key,))
    seen = embedder.seen
    again = embed(embedder, folder)
    assert embedder.seen == seen + 2 + 1
    assert torch.equal(again.rows[range(12)][0], expected)


def test_nothing_usable(own_cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(b"?")
    with pytest.raises(lfs.LFSError, match=r"1 of the 1 photographs.*1.jpg: this file is"):
        embed(Brightness(), folder)


@pytest.mark.parametrize("options", [{"framing": "feet"}, {"size": 0}])
def test_options_out_of_range(options: dict, own_cache: Path, folder: Path) -> None:
    with pytest.raises(lfs.LFSError, match=r"framing 'feet'|0 pixels"):
        embed(Brightness(), folder, **options)


def test_faces_are_framed_by_mtcnn(facenet: Embedder, astronaut: Path, tmp_path: Path) -> None:
    (tmp_path / "eileen").mkdir()
    (tmp_path / "eileen" / "1.jpg").write_bytes(astronaut.read_bytes())
    Image.new("RGB", (64, 64)).save(tmp_path / "wall.png")
    data = embed(facenet, tmp_path, size=40)
    face = lfs.align_face(astronaut)
    expected = embed_all(facenet, torch.from_numpy(np.array(face)).permute(2, 0, 1)[None])
    h, x = data.rows[[0]]
    torch.testing.assert_close(h, expected, atol=1e-5, rtol=0)
    assert x.shape == (1, 3, 40, 40)
    assert list(data.identities) == [f"{tmp_path.name}/eileen"]
    assert "no face in this file" in data.skipped[str(tmp_path / "wall.png")]


def test_celeba_as_torchvision_lays_it_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its five lists, of three photographs; the check of the lists' hashes is left out."""
    from torchvision.datasets import CelebA

    base = tmp_path / "celeba"
    (base / "img_align_celeba").mkdir(parents=True)
    names = ["000001.jpg", "000002.jpg", "000003.jpg"]
    for name in names:
        Image.new("RGB", (20, 20)).save(base / "img_align_celeba" / name)
    lines = {
        "list_eval_partition.txt": [f"{name} {k}" for k, name in enumerate(names)],
        "identity_CelebA.txt": [
            f"{name} {who}" for name, who in zip(names, (7, 9, 7), strict=True)
        ],
        "list_bbox_celeba.txt": ["3", "x_1 y_1 width height", *(f"{n} 1 1 1 1" for n in names)],
        "list_landmarks_align_celeba.txt": ["3", "a b", *(f"{n} 1 1" for n in names)],
        "list_attr_celeba.txt": ["3", "Smiling Young", *(f"{n} 1 -1" for n in names)],
    }
    for name, content in lines.items():
        (base / name).write_text("\n".join(content) + "\n", encoding="utf-8")
    with pytest.raises(lfs.ImageError, match="not a complete CelebA"):
        find_photographs(tmp_path)  # these are not CelebA's own lists
    monkeypatch.setattr(CelebA, "_check_integrity", lambda self: True)
    found = find_photographs(tmp_path)
    assert [path for path, _ in found] == [base / "img_align_celeba" / name for name in names]
    assert [who for _, who in found] == ["7", "9", "7"]


SCRIPT = """
import hashlib, os, sys, time
import torch
from lfs_core import embedders
from lfs_core.cli import main

class Slow(torch.nn.Module):
    name, image_size = "slow", 16
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(16 * 16 * 3, 12)
        self.batches = 0
    def forward(self, images):
        time.sleep(0.05)
        with open(os.environ["SEEN"], "a") as file:
            for image in images:
                print(hashlib.sha256(image.numpy().tobytes()).hexdigest(), file=file)
        self.batches += 1
        if self.batches == int(os.environ.get("STOP_AT", 0)):
            time.sleep(3600)
        return self.layer(images.flatten(1) - 0.5)

embedders.EMBEDDERS["slow"] = ("slow", "__main__:Slow")
main()
"""


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """480 images of noise in 30 classes."""
    images, generator = tmp_path / "images", np.random.default_rng(0)
    for k in range(480):
        path = images / f"class {k % 30}" / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    return images


def fit_command(
    images: Path, cache: str, command: str = "fit", *options: str
) -> tuple[list[str], dict[str, str]]:
    """`lfs fit` with a slow network that writes down what it sees; and its environment."""
    folder = images.parent
    command = [sys.executable, str(folder / "script.py"), command, "--images", str(images)]
    command += ["--embedder", "slow", "--size", "12", "-o", str(folder / f"{cache}.safetensors")]
    environment = {"LFS_CACHE": str(folder / cache), "SEEN": str(folder / f"{cache}.txt")}
    return [*command, *options], os.environ | environment


@pytest.mark.slow
def test_interrupted_by_the_user(classes: Path) -> None:
    command, environment = fit_command(classes, "cache")
    environment["STOP_AT"] = "3"  # however late the signal comes, it has not finished
    seen = Path(environment["SEEN"])
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(command, env=environment, **pipes) as process:
        wait_for(lambda: seen.exists() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "the same command goes on" in output
    assert "Traceback" not in errors
    assert not (classes.parent / "cache.safetensors").exists()


@pytest.mark.slow
def test_fit_writes_a_report_and_names_what_it_skipped(classes: Path) -> None:
    (classes / "class 0" / "broken.png").write_bytes(b"?")
    command, environment = fit_command(classes, "cache")
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "broken.png: this file is not an image that can be read" in done.stderr
    assert "img/s" in done.stderr  # rate and time left
    report = (classes.parent / "cache.html").read_text(encoding="utf-8")
    assert "broken.png" in report and "this file is not an image" in report and "slow" in report
    decoder = lfs.load_decoder(classes.parent / "cache.safetensors")
    assert f"{decoder.info['loss']:.4f}" in done.stdout and f"{decoder.info['loss']:.4f}" in report


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_killed_and_started_again_gives_the_same_decoder(kind: str, classes: Path) -> None:
    """`lfs fit`, killed with SIGKILL at random moments: same bits, nothing embedded twice."""
    deep = ("fit-deep", "--kind", kind, "--epochs", "12")
    options = ("fit",) if kind == "linear" else deep
    line, environment = fit_command(classes, "undisturbed", *options)
    start = time.monotonic()
    subprocess.run(line, env=environment, check=True, capture_output=True)
    seconds = time.monotonic() - start
    whole = classes.parent / "undisturbed.safetensors"

    line, environment = fit_command(classes, "killed", *options)
    resumed = classes.parent / "killed.safetensors"
    moments, kills = random.Random(kind), 0
    seen = Path(environment["SEEN"])
    while kills < 3:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with started(line, env=environment, **pipes) as process:
            if kills == 0:  # once certainly while it embeds
                wait_for(lambda: seen.exists() or process.poll() is not None)
                time.sleep(moments.uniform(0.05, 0.5))
            else:
                time.sleep(moments.uniform(0.3, 1.0) * seconds)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        kills += 1
    done = subprocess.run(line, env=environment, check=True, capture_output=True, encoding="utf-8")
    assert "Wrote" in done.stdout
    assert resumed.read_bytes() == whole.read_bytes()

    embedded = seen.read_text(encoding="utf-8").split()
    assert len(set(embedded)) == 480 + 2  # and the noise by which a network is known
    tried = (kills + 1) * 10  # the noise, and what tells whether batches matter, at each start
    assert len(embedded) <= 480 + kills * 32 + tried  # at most the batch in flight, each time
    with safe_open(resumed, "pt") as file:
        info = json.loads(file.metadata()["lfs_decoder"])["info"]
    assert info["images"] == {"train": 384, "choose": 48, "test": 48}


def test_a_folder_by_path_or_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "birds").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LFS_DATA", raising=False)
    assert local_folder("data/birds") == Path("data/birds")
    with pytest.raises(lfs.ImageError, match=r"birds is not a folder.*LFS_DATA"):
        local_folder("birds")
    monkeypatch.setenv("LFS_DATA", str(tmp_path / "data"))
    assert local_folder("birds") == tmp_path / "data" / "birds"
    with pytest.raises(lfs.ImageError, match="cars is not a folder"):
        local_folder("cars")
