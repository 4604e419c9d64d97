"""Faces chosen on the command line, photographs by a pipe, crops as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import run
from PIL import Image

import lfs_core as lfs
from lfs_core.datasets.faces import load_faces
from lfs_core.datasets.framing import doubt_about_crop
from lfs_core.search.gallery import load_gallery
from lfs_core.search.retriever import Retriever
from lfs_core.viz.views.explorer import RetrievalExplorer


@pytest.fixture(scope="module")
def folder(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people's photographs, of which one shows a second face, and crops of them."""
    root = tmp_path_factory.mktemp("people")
    one = Image.open(astronaut)
    for name in ("eileen/1.png", "eileen/2.png", "other/1.png"):
        (root / name).parent.mkdir(exist_ok=True)
    one.save(root / "eileen/1.png")
    one.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(root / "eileen/2.png")
    both = Image.new("RGB", (one.width + 300, one.height), "white")
    both.paste(one.resize((300, 300)), (0, 0))
    both.paste(one, (300, 0))
    both.save(root / "other/1.png")
    lfs.align_face(both, face=1).save(root / "crop.png")
    return root


@pytest.mark.slow
def test_a_face_is_chosen_by_its_number(folder: Path, tmp_path: Path) -> None:
    page, scene, one = tmp_path / "page.html", folder / "other/1.png", folder / "eileen/1.png"
    done = run("explain", scene, one, "-o", page)
    assert "1.png shows 2 faces; face 2 from the left is explained" in done.stderr
    chosen = page.read_text(encoding="utf-8")
    assert chosen.count('class="face') == 3 and chosen.count('class="face chosen') == 2
    assert "2 faces, numbered from left to right; face 2 is explained" in chosen
    assert re.search(r"similar, confidence (\d|not known)", done.stdout)
    done = run("explain", one, scene, "--face", ",1", "-o", page)
    assert done.returncode == 0 and "shows 2 faces" not in done.stderr
    assert "face 1 is explained" in page.read_text(encoding="utf-8")
    for face, problem in {
        "3": "no face 3 in 1.png; it shows 2 faces, 1 to 2 from left to right",
        "1,2": "no face 2 in 1.png; it shows one face, number 1",
        "0": "--face 0: write 2 for a face of the first photograph, 2,1 or ,1",
        "x": "--face x: write",
        "1,1,1": "--face 1,1,1: write",
    }.items():
        done = run("explain", scene, one, "--face", face, "-o", page)
        assert done.returncode == 1 and problem in done.stderr and "Traceback" not in done.stderr
    done = run("explain", scene, one, "--face", "1", "--aligned", "-o", page)
    assert done.returncode == 1 and "no face is looked for" in done.stderr


@pytest.mark.slow
def test_whole_photographs_are_no_crops(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = run("explain", folder / "crop.png", folder / "eileen/1.png", "--aligned", "-o", page)
    assert done.returncode == 0
    (doubt,) = re.findall(r"\w+\.png is taken for a face crop.*", done.stderr)
    assert "1.png" in doubt and "512x512 pixels, the network reads 160x160" in doubt
    assert "the face fills" in doubt and doubt in page.read_text(encoding="utf-8")


def test_what_looks_like_a_crop(astronaut: Path) -> None:
    network = lfs.load_embedder("facenet-casia")
    crops = load_faces("demo", progress=False).images[::30]
    for crop in crops:
        picture = Image.fromarray(crop.permute(1, 2, 0).numpy())
        assert doubt_about_crop(picture, network, "it") is None
    grey = Image.new("RGB", (160, 160), "grey")
    assert "no face is found in it" in (doubt_about_crop(grey, network, "it") or "")
    small = Image.open(astronaut).resize((160, 160))
    assert "fills 3% of it" in (doubt_about_crop(small, network, "it") or "")
    assert doubt_about_crop(grey, lfs.load_embedder("efficientnet-lite0"), "it") is None


@pytest.mark.slow
def test_folders_count_who_shows_several_faces(folder: Path, tmp_path: Path) -> None:
    gallery = tmp_path / "people.gallery"
    index = ("index", folder, "--embedder", "facenet-casia", "-o", gallery)
    said = "1 photograph shows several faces; the one that is large and near the middle was taken."
    for _ in range(2):  # found, and remembered
        assert said in run(*index).stderr
    done = run(*index, "--aligned")
    assert done.returncode == 1 and "was made without --aligned" in done.stderr
    crops = tmp_path / "crops.gallery"
    done = run("index", folder, "--embedder", "facenet-casia", "-o", crops, "--aligned")
    assert "3 of 4 images looked at do not look like face crops" in done.stderr
    assert said not in done.stderr and load_gallery(crops).framing == "whole"

    ask = ("retrieve", folder / "other/1.png", "--gallery", gallery)
    first, second = (run(*ask, "--face", face).stdout for face in (1, 2))
    assert first != second
    assert "shows 2 faces, 1 to 2" in run(*ask, "--face", 3).stderr
    retriever = Retriever(load_gallery(gallery), lfs.load_embedder("facenet-casia"))
    scene = Image.open(folder / "other/1.png")
    chosen, other = (retriever(scene, 3, 0, face).nearest for face in (2, 1))
    assert retriever(scene, 3, 0).nearest == chosen != other
    spread = retriever.embedder.spread
    for hit in chosen:
        assert hit.same == (spread and spread.same(hit.similarity))

    explorer = RetrievalExplorer(retriever, lfs.load_explainer("centre", retriever.embedder), 3, 0)
    item = explorer.queries.add(scene, "scene")
    opened = explorer.reply("open", item)
    assert opened["name"] == "scene, face 2" and opened["face"] == 1
    assert len(opened["faces"]["boxes"]) == 2
    turned = explorer.reply("face", item, 0)
    assert turned["name"] == "scene, face 1" and turned["item"] == item + 1
    asked = explorer.reply("open", turned["item"])
    found = explorer.queries.nearest(turned["item"])
    assert [hit.item for hit in found] == [hit.position for hit in other]
    assert asked["face"] == 0
    for known in (item, turned["item"]):  # a face that was chosen before is the same query
        assert explorer.reply("face", known, 1)["item"] == item
    with pytest.raises(lfs.LFSError, match="no face 3 in scene"):
        explorer.reply("face", item, 2)
    with pytest.raises(lfs.LFSError, match="of the gallery"):
        explorer.reply("face", 0, 0)
    assert explorer.reply("open", 0)["faces"] is None
