"""The command line as a person uses it: its exit code and its messages."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import run, run_process
from PIL import Image

import lfs_core as lfs
from lfs_core.explanation import PairExplanation
from lfs_core.things.explain import METHODS
from lfs_core.viz.report import render_report


@pytest.fixture(scope="module")
def darker(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut mirrored and darker."""
    path = tmp_path_factory.mktemp("darker") / "darker.png"
    picture = np.asarray(Image.open(astronaut))[:, ::-1] // 2
    Image.fromarray(np.ascontiguousarray(picture)).save(path)
    return path


@pytest.mark.slow
def test_explain_writes_a_self_contained_page(
    astronaut: Path, darker: Path, tmp_path: Path
) -> None:
    page = tmp_path / "new folder" / "report.html"
    done = run_process("explain", astronaut, darker, "-o", page)
    assert done.returncode == 0, done.stderr
    html = page.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="explanation">(.*?)</script>', html, re.S).group(1))
    assert data["is_similar"] and data["settings"]["p"] == 0.3
    assert f"{data['similarity']:.3f}" in html and "similar" in done.stdout
    assert len(data["relevance"]) == 512
    assert np.array(data["maps"]).shape == (2, 160, 160)
    assert html.count("data:image/png;base64,") == 8
    assert html.count("<img") == html.count(" alt=")
    assert not re.search(r'(src|href)="(?!data:)', html)  # nothing is fetched
    assert "astronaut.jpg" in html and "FaceNet (CASIA-WebFace)" in html


def test_names_cannot_break_the_page(astronaut: Path, tmp_path: Path) -> None:
    evil = tmp_path / "<script>alert(1)<.png"
    Image.open(astronaut).save(evil)
    page = tmp_path / "report.html"
    assert run("explain", evil, astronaut, "-o", page).returncode == 0
    assert "<script>alert" not in page.read_text(encoding="utf-8")


def test_no_setting_means_anything_inside_the_script() -> None:
    images = torch.rand(2, 3, 8, 8)
    evil = "</script><script>alert(1)</script><!--"
    explanation = PairExplanation(
        method="explainlfs",
        similarity=0.5,
        is_similar=True,
        images=images,
        maps=images[:, 0],
        map_threshold=0.7,
        settings={"similarity_threshold": 0.3, "note": evil},
    )
    page = render_report(explanation, ("a", "b"), ())
    assert page.count("<script") == page.count("</script") == 1 and "<!--" not in page
    (data,) = re.findall(r'id="explanation">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data)["settings"]["note"] == evil


def test_settings_reach_the_explanation(astronaut: Path, darker: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    options = ["--similarity-threshold", "0.99", "--map-threshold", "0.2"]
    options += ["--method", "explainlfs,p=0.5,latents=scaled"]
    done = run("explain", astronaut, darker, "-o", page, *options)
    assert done.returncode == 0, done.stderr
    data = json.loads(
        re.search(r'id="explanation">(.*?)</script>', page.read_text(encoding="utf-8"), re.S).group(
            1
        )
    )
    settings = data["settings"]
    assert (settings["p"], settings["map_threshold"], settings["latents"]) == (0.5, 0.2, "scaled")
    assert not data["is_similar"]


def test_any_method_explains(astronaut: Path, darker: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = run("explain", astronaut, darker, "-o", page, "--method", "gradcam")
    assert done.returncode == 0, done.stderr
    html = page.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="explanation">(.*?)</script>', html, re.S).group(1))
    assert data["method"] == "gradcam" and data["relevance"] is None
    # It says what the method shows, and nothing of decoding, of which there is none.
    assert "method Grad-CAM" in html and "decoded" not in html
    done = run("explain", astronaut, darker, "-o", page, "--method", "gradcam,p=0.5")
    assert done.returncode == 1 and "gradcam takes no p" in done.stderr
    assert "Traceback" not in done.stderr


def test_methods_are_listed() -> None:
    done = run("methods")
    assert done.returncode == 0, done.stderr
    *lines, legend = done.stdout.splitlines()
    lines, others = lines[: len(lfs.list_explainers())], lines[len(lfs.list_explainers()) :]
    assert [line.split()[0] for line in lines] == lfs.list_explainers()
    assert others[0] == "For texts, graphs and recordings:"
    assert [line.split()[0] for line in others[1:]] == [*METHODS, "explainlfs"]
    line_of = {line.split()[0]: line for line in lines}
    assert line_of["gradcam"].endswith("gradients, layers") and "Grad-CAM" in line_of["gradcam"]
    assert line_of["centre"].endswith("needs nothing [control]")
    assert line_of["greedy"].endswith("[oracle]") and "an oracle looks at the test" in legend


def test_several_faces_are_said(astronaut: Path, tmp_path: Path) -> None:
    one = Image.open(astronaut)
    both = Image.new("RGB", (2 * one.width, one.height))
    both.paste(one, (0, 0))
    both.paste(one, (one.width, 0))
    both.save(tmp_path / "two.jpg")
    page = tmp_path / "report.html"
    done = run("explain", tmp_path / "two.jpg", astronaut, "-o", page)
    assert done.returncode == 0
    assert "two.jpg shows 2 faces" in done.stderr and "two.jpg shows 2 faces" in page.read_text(
        encoding="utf-8"
    )


def bad_inputs(folder: Path, good: Path) -> dict[str, tuple[list[object], str]]:
    """Arguments that must fail, and what the message must say."""
    (folder / "text.jpg").write_text("not an image", encoding="utf-8")
    (folder / "cut.jpg").write_bytes(good.read_bytes()[:3000])
    Image.new("RGB", (200, 200), "white").save(folder / "wall.png")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    other = lfs.LinearDecoder(128, (4, 4), 1)
    other.info = {"embedder": "another-network"}
    lfs.save_decoder(other, folder / "other.safetensors")
    page = folder / "out.html"
    return {
        "missing": ([folder / "none.jpg", good, "-o", page], "does not exist"),
        "not an image": ([good, folder / "text.jpg", "-o", page], "text.jpg is not an image"),
        "truncated": ([good, folder / "cut.jpg", "-o", page], "cut.jpg is damaged"),
        "one pixel": ([good, folder / "dot.png", "-o", page], "dot.png is 1x1"),
        "no face": ([folder / "wall.png", good, "-o", page], "no face in"),
        "p": ([good, good, "-o", page, "--method", "explainlfs,p=1.5"], "p is 1.5"),
        "no option": ([good, good, "-o", page, "--method", "explainlfs,p"], "is not option=value"),
        "xi_1": ([good, good, "-o", page, "--similarity-threshold", "2"], "similarity_threshold"),
        "xi_2": ([good, good, "-o", page, "--map-threshold", "-1"], "map_threshold"),
        "network": ([good, good, "-o", page, "--embedder", "resnet"], "facenet-casia"),
        "method": ([good, good, "-o", page, "--method", "lemon"], "no explainer 'lemon'"),
        "decoder": ([good, good, "-o", page, "--method", "explainlfs,decoder=none"], "no decoder"),
        "other decoder": (
            [good, good, "-o", page, "--method", f"explainlfs,decoder={folder}/other.safetensors"],
            "fitted to 'another-network'",
        ),
        "suffix": ([good, good, "-o", folder / "out.png"], "must end in .html"),
        "read-only": ([good, good, "-o", good / "out.html"], "Cannot write"),
    }


CASES = (
    "missing", "not an image", "truncated", "one pixel", "no face", "p", "no option", "xi_1",
    "xi_2", "network", "method", "decoder", "other decoder", "suffix", "read-only",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_message_and_no_page(case: str, astronaut: Path, tmp_path: Path) -> None:
    arguments, message = bad_inputs(tmp_path, astronaut)[case]
    done = run("explain", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ") and message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.html"))


@pytest.mark.slow
def test_a_failed_run_keeps_the_last_page(astronaut: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("the last good page", encoding="utf-8")
    assert run_process("explain", astronaut, tmp_path / "none.jpg", "-o", page).returncode == 1
    assert page.read_text(encoding="utf-8") == "the last good page"


def test_no_network(astronaut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    done = run("explain", astronaut, astronaut, "-o", tmp_path / "x.html")
    assert done.returncode == 1 and "offline" in done.stderr and "Traceback" not in done.stderr


def test_usage_errors() -> None:
    assert run_process("explain", "one.jpg").returncode == 2
    assert run("explain", "a", "b", "-o", "x.html", "--latents", "sideways").returncode == 2


def test_fit_refuses_what_it_cannot_use(astronaut: Path, tmp_path: Path) -> None:
    out = tmp_path / "decoder.safetensors"
    done = run("fit", "--images", tmp_path / "none", "-o", out)
    assert done.returncode == 1 and "is not a folder" in done.stderr
    (tmp_path / "eileen").mkdir()
    (tmp_path / "eileen" / "1.jpg").write_bytes(astronaut.read_bytes())
    done = run("fit", "--images", tmp_path, "-o", out)
    assert done.returncode == 1 and "at least 10" in done.stderr
    assert not out.exists()
    done = run("fit", "--images", tmp_path, "-o", tmp_path / "decoder.html")
    assert done.returncode == 1 and "must end in .safetensors" in done.stderr
    # What goes with one way to fit only is an option of that command only.
    for option in ("--variations", "--epochs", "--ssim"):
        assert run("fit", "--images", tmp_path, "-o", out, option, "2").returncode == 2
    assert run("fit-deep", "--images", tmp_path, "-o", out, "--kind", "cubic").returncode == 2
    assert run("fit-head", "--images", tmp_path, "-o", out, "--mirror").returncode == 2


def test_a_study_needs_its_data(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = run("study", "decoding", "--data", tmp_path / "none", "-o", out)
    assert done.returncode == 1 and "is not a folder" in done.stderr
    done = run("study", "decoding", "--data", tmp_path, "-o", out)
    assert done.returncode == 1 and "celeba is not a folder" in done.stderr
    assert not out.exists()


def test_book_outside_the_project(tmp_path: Path) -> None:
    done = run("book", cwd=tmp_path)
    assert done.returncode == 1 and "is not the book's folder" in done.stderr


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve crops of three photographs, as a folder of classes."""
    from lfs_core.datasets.scenes import load_scenes, write_scenes

    folder = tmp_path_factory.mktemp("scenes") / "photographs"
    scenes = load_scenes(crops=4)
    shown = [k for k, label in enumerate(scenes.labels) if label in ("china", "coffee", "rocket")]
    few = type(scenes)(scenes.images[shown], [scenes.crops[k] for k in shown])
    write_scenes(few, folder)
    return folder


def test_index_and_retrieve(photographs: Path, tmp_path: Path) -> None:
    (photographs / "rocket" / "text.jpg").write_text("not an image", encoding="utf-8")
    done = run("index", photographs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "12 photographs of 3 classes (13 added, 0 changed, 0 removed, 0 unchanged" in done.stdout
    assert "left out rocket/text.jpg: this file is not an image" in done.stderr
    gallery = tmp_path / "photographs.gallery"
    assert gallery.is_file()
    again = run("index", photographs, "-o", gallery, cwd=tmp_path)
    assert "(0 added, 0 changed, 0 removed, 13 unchanged" in again.stdout

    query = photographs / "coffee" / "02.png"
    done = run("retrieve", query, "--gallery", gallery, "--top", 5, "--bottom", 2)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "most similar" and lines[6] == "least similar"
    assert all("coffee/" in line for line in lines[1:4]) and "coffee/02" not in done.stdout
    cosines = [float(line.split()[1]) for line in lines[1:6]]
    assert cosines == sorted(cosines, reverse=True)
    assert lines[9] == "3 of the 3 others of class coffee among the 5 most similar; AP@5 1.000"

    other = run("index", photographs / "coffee", "-o", gallery)
    assert other.returncode == 1 and "name another file" in other.stderr


def test_retrieve_says_why(photographs: Path, tmp_path: Path) -> None:
    import torch

    gallery, page = tmp_path / "some.gallery", tmp_path / "why.html"
    run("index", photographs, "-o", gallery)
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(50, 1280, generator=generator)
    decoder = lfs.LinearDecoder.fit(h, torch.rand(50, 3, 10, 10, generator=generator), ridge=1)
    decoder.info = {"embedder": "efficientnet-lite0"}
    lfs.save_decoder(decoder, tmp_path / "d.safetensors")
    query = photographs / "china" / "00.png"
    command = ["retrieve", query, "--gallery", gallery, "--top", 3, "--bottom", 1, "-o", page]
    done = run(*command, "--decoder", tmp_path / "d.safetensors")
    assert done.returncode == 0, done.stderr
    held = re.findall(r'"html": ?"([^"]+)"', page.read_text(encoding="utf-8"))
    assert any(b"china/01.png" in zlib.decompress(b64decode(html)) for html in held)
    assert "Wrote" in done.stdout
    # Without a decoder there is no page, and the message says how to get one.
    page.unlink()
    done = run(*command)
    assert done.returncode == 1 and "lfs fit" in done.stderr and not page.exists()
    assert not done.stdout  # it is refused before the search
    # Other methods need none, and take none; one that does not exist is refused.
    done = run(*command, "--method", "gradcam", "--decoder", tmp_path / "d.safetensors")
    assert done.returncode == 1 and "decoder" in done.stderr and not done.stdout
    done = run(*command, "--method", "gradcam")
    assert done.returncode == 0 and "Method: " in page.read_text(encoding="utf-8")
    assert "Grad-CAM" in page.read_text(encoding="utf-8")
    done = run(*command, "--method", "lemon")
    assert done.returncode == 1 and "no explainer 'lemon'" in done.stderr and not done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["index", "EMPTY", "-o", "x.gallery"], "holds no image"),
        (["index", "none", "-o", "x.gallery"], "is not a folder"),
        (["index", "PHOTOGRAPHS", "-o", "TEXT"], "is not a gallery"),
        (["index", "PHOTOGRAPHS", "--embedder", "resnet50-dml"], "needs a file"),
        (["index", "PHOTOGRAPHS", "--weights", "TEXT"], "takes no weights"),
        (["index", "PHOTOGRAPHS", "--embedder", "timm:resnet", "--weights", "TEXT"], "no network"),
        (["index", "PHOTOGRAPHS", "--embedder", "mine.safetensors"], "mine.safetensors"),
        (["retrieve", "TEXT", "--gallery", "none.gallery"], "There is no gallery"),
        (["retrieve", "TEXT", "--gallery", "PHOTOGRAPHS"], "lfs index"),
        (["retrieve", "TEXT", "--gallery", "TEXT"], "is not a gallery"),
        (["retrieve", "TEXT", "--gallery", "TEXT", "--method", "gradcam"], "--method is for"),
        (["retrieve", "TEXT", "--gallery", "TEXT", "--decoder", "conv"], "--decoder is for"),
        (["train", "EMPTY", "-o", "x.safetensors"], "holds no image"),
        (["train", "PHOTOGRAPHS", "-o", "x.pt"], "must end in .safetensors"),
    ],
)  # fmt: skip
def test_what_retrieval_refuses(
    arguments: list[str], message: str, photographs: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("not an image", encoding="utf-8")
    places = {
        "EMPTY": tmp_path / "empty",
        "TEXT": tmp_path / "text.png",
        "PHOTOGRAPHS": photographs,
    }
    done = run(*(places.get(argument, argument) for argument in arguments), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ") and message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "text.png").read_text(encoding="utf-8") == "not an image"


def test_a_gallery_of_another_network(photographs: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from lfs_core.search.gallery import load_gallery

    gallery = tmp_path / "some.gallery"
    run("index", photographs, "-o", gallery)
    replace(load_gallery(gallery), fingerprint="of other weights").save(gallery)
    done = run("retrieve", photographs / "china" / "00.png", "--gallery", gallery)
    assert done.returncode == 1 and "made with 'efficientnet-lite0'" in done.stderr


@pytest.mark.slow
def test_a_gallery_keeps_its_network(photographs: Path, tmp_path: Path) -> None:
    from lfs_core.search.gallery import load_gallery

    gallery = tmp_path / "some.gallery"
    made = run("index", photographs, "-o", gallery, "--embedder", "efficientnet-lite0-cub")
    assert made.returncode == 0, made.stderr
    before = gallery.read_bytes()
    other = run("index", photographs, "-o", gallery, "--embedder", "efficientnet-lite0")
    assert other.returncode == 1 and "is a gallery of 'efficientnet-lite0-cub'" in other.stderr
    assert gallery.read_bytes() == before
    again = run("index", ".", "-o", gallery, cwd=photographs)
    assert again.returncode == 0 and "0 added, 0 changed, 0 removed" in again.stdout
    assert load_gallery(gallery).embedder == "efficientnet-lite0-cub"
    query = photographs / "coffee" / "02.png"
    changed = next((photographs / "coffee").glob("00.png"))
    kept = changed.read_bytes()
    changed.write_bytes((photographs / "china" / "00.png").read_bytes())
    done = run("retrieve", query, "--gallery", gallery)
    changed.write_bytes(kept)
    assert done.returncode == 0 and "coffee/00.png has changed since" in done.stderr
