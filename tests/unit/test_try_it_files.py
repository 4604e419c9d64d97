"""What the page of networks loads, and what it says where it cannot be made."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest

from lfs_core.book import try_it, try_it_files
from lfs_core.embedders import load_embedder
from lfs_core.errors import AssetError
from lfs_core.findings.trust import NEAR, confidence_words, doubts_about_similarity
from lfs_core.util.confidence import Spread, spread_of

SPREAD = Spread((0.6, 0.1), (0.1, 0.15), (500, 500), "pairs of a test")


def test_scripts_hold_the_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(try_it_files, "PART", 400)
    content = np.random.default_rng(0).integers(0, 256, 3000, dtype=np.uint8).tobytes()
    asset = try_it_files._scripts("network", "mine-network", content, tmp_path)
    assert asset["name"] == "network" and len(asset["parts"]) > 9
    packed = b""
    for part in asset["parts"]:
        code = (tmp_path / part["file"]).read_text(encoding="utf-8")
        assert part["bytes"] == len(code)
        file, text = json.loads(f"[{re.fullmatch(r'lfsAsset[(](.*)[)]', code)[1]}]")
        assert file == part["file"]
        packed += base64.b64decode(text, validate=True)  # each part is bytes by itself
    assert zlib.decompress(packed) == content


def test_without_its_package_the_page_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(network: str, folder: Path) -> None:
        raise AssetError("npm could not download it.\nMore lines.")

    monkeypatch.setattr(try_it, "write_assets", refuse)
    html = try_it.try_it(tmp_path / "files", "../files/")
    contents = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html)[1])
    assert contents["offers"] == []
    assert "npm could not download it. Build it again" in contents["missing"]
    assert not list((tmp_path / "files").iterdir())


@pytest.mark.parametrize("similar", [False, True])
def test_words_for_every_confidence(similar: bool) -> None:
    steps = try_it._sure(SPREAD, similar)
    assert steps[-1][0] == 1 and [limit for limit, _ in steps] == sorted({s for s, _ in steps})
    for similarity in np.linspace(-1, 1, 41):
        words = next(of for limit, of in steps if similarity <= limit + 1e-9)
        expected = confidence_words(SPREAD.confidence(float(similarity), similar))
        assert words == expected
    assert try_it._sure(None, similar) == [(1.0, confidence_words(None))]


def test_doubts_about_similarities_are_those_of_python() -> None:
    name = "facenet-casia"
    told = try_it._about_similarities(name, spread_of(load_embedder(name)))
    assert told["near"]["within"] == NEAR
    assert told["near"]["words"] in doubts_about_similarity(name, 0.31, 0.3)
    outside = told["outside"]
    for similarity in np.linspace(-1, 1, 81):
        said = outside["words"] in doubts_about_similarity(name, float(similarity), 9)
        inside = outside["low"] <= similarity <= outside["high"]
        # Limits are told in steps of 0.005.
        near = min(abs(similarity - outside[end]) for end in ("low", "high")) < 0.005
        assert said != inside or near
