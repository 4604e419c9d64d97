"""Studies, small: what they measure is what they say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from squares import save_squares

import lfs_core as lfs
from lfs_core.amortised import CausalHead, load_head
from lfs_core.datasets.folders import local_folder
from lfs_core.mapping import difference_map, perturb
from lfs_core.relevance import relevance
from lfs_core.studies import agreement, decoding, retrieval, run_study, workshop
from lfs_core.studies.workshop import Source, Workshop
from lfs_core.training.embedding import TrainingSet
from lfs_core.training.rows import Rows
from lfs_core.util.modules import shipped_modules


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of 200 coloured squares in 20 classes, and a network that sees colours."""
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    save_squares(tmp_path / "squares", 200)

    class Colours(torch.nn.Module):
        name, image_size, framing = "colours", 16, "whole"

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)

    monkeypatch.setattr(workshop, "load_embedder", lambda name: Colours())
    monkeypatch.setitem(workshop.SOURCES, "squares", Source("squares", "colours", "whole"))
    monkeypatch.setitem(
        workshop.SOURCES, "unseen squares", Source("squares", "colours", "whole", unseen=True)
    )
    monkeypatch.setattr(decoding, "DECODED", ("squares",))
    monkeypatch.setattr(decoding, "CURVE", (50, 100, 1000))
    for module in (decoding, retrieval):
        monkeypatch.setattr(module, "DEEP", {"epochs": 2, "width": 16})
    monkeypatch.setattr(retrieval, "RETRIEVED", ("unseen squares",))
    return tmp_path


def test_the_decoding_study(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small / "decoding.json"
    run_study("decoding", small, path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    rows = stored["rows"]
    assert stored["manifest"]["study"] == "decoding"
    linear = [row for row in rows if row["decoder"] == "linear" and not row["mirrored"]]
    assert {row["training_images"] for row in linear} == {50, 100, 160}  # 1000 is more than all
    for row in linear:
        assert row["r2"] > 0.95  # colours are linear in their averages
        assert row["r2"] == pytest.approx(1 - row["error"] / row["error_of_mean_image"])
    assert {row["decoder"] for row in rows} == {"linear", "mlp", "conv"}
    assert {row["test_identities"] for row in rows} == {2}

    assert "lfs_core.training.decoders" in stored["manifest"]["code"]["modules"]

    # What was fitted once is not fitted again: nothing new is saved.
    monkeypatch.setattr(workshop, "save_decoder", None)
    run_study("decoding", small, path)
    assert json.loads(path.read_text(encoding="utf-8"))["rows"] == rows


def test_the_retrieval_study(small: Path) -> None:
    path = small / "retrieval.json"
    run_study("retrieval", small, path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored["manifest"]["data"] == {"unseen squares": "squares"}
    (quality,) = stored["quality"]
    assert (quality["classes"], quality["images"]) == (10, 100)  # the second half by name
    right = [int(k) for k in quality["first_is_right"]]
    assert np.mean(right) == pytest.approx(quality["recall@1"])
    kinds = [row["decoder"] for row in stored["decoders"]]
    assert kinds == ["linear"] * 3 + ["mlp"] * 2 + ["conv"] * 2
    linear, conv = stored["explanations"]
    assert (linear["decoder"], conv["decoder"]) == ("linear", "conv")
    assert len(linear["nearest"]["cosine"]) == 10  # the images of one class
    assert np.allclose(linear["nearest"]["maps_of_one_pair"], 1, atol=1e-3)
    assert not np.allclose(conv["nearest"]["maps_of_one_pair"], 1, atol=1e-3)
    assert min(linear["nearest"]["cosine"]) > max(linear["farthest"]["cosine"])


def test_explanations_look_for_the_nearest_and_the_farthest(small: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    gallery = torch.nn.functional.normalize(torch.randn(30, 12, generator=generator))
    decoder = lfs.LinearDecoder.fit(gallery, torch.rand(30, 3, 4, 4, generator=generator), ridge=1)
    queries = TrainingSet(Rows.of(gallery[5:9], torch.zeros(4, 3, 4, 4)), ["a"] * 4)
    found = retrieval.explanations(decoder, gallery, queries)
    cosines = gallery[5:9] @ gallery.T
    for k in range(4):
        others = cosines[k][torch.arange(30) != 5 + k]
        assert found["nearest"]["cosine"][k] == pytest.approx(others.max().item(), abs=1e-4)
        assert found["farthest"]["cosine"][k] == pytest.approx(others.min().item(), abs=1e-4)
    own = relevance(
        gallery[5], gallery[cosines[0].argsort()[-2]], found["nearest"]["cosine"][0] > 0.3
    )
    other = relevance(
        gallery[5], gallery[cosines[0].argmin()], found["farthest"]["cosine"][0] > 0.3
    )
    a, b = (
        difference_map(decoder, gallery[5], perturb(gallery[5], R, 0.3)).flatten()
        for R in (own, other)
    )
    expected = np.corrcoef(a.numpy(), b.numpy())[0, 1]
    assert found["nearest_with_farthest"][0] == pytest.approx(expected, abs=1e-3)


def test_smaller_training_sets_hold_the_same_people_out(small: Path) -> None:
    everything, few = (Workshop(small).parts("squares", 0, images) for images in (None, 50))
    assert len(few[0]) == 50
    assert set(few[0].identities) < set(everything[0].identities)
    assert len(set(few[0].identities)) <= 7  # whole classes, of eight or so
    assert few[1].identities == everything[1].identities
    assert few[2].identities == everything[2].identities


def test_agreement_is_spearmans_rank_correlation() -> None:
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(40, 512, generator=generator) * 0.04
    h1, h2 = h[:20], h[20:]
    full = lfs.load_decoder("facenet-casia")
    decoders = (full, full.reduced(8))
    ranks = [agreement._ranks(decoder, h1, h2) for decoder in decoders]
    similar = torch.cosine_similarity(h1, h2) > 0.3
    h_p = perturb(h1, relevance(h1, h2, similar), 0.3)
    for k in (0, 7):
        a, b = (difference_map(decoder, h1, h_p)[k].flatten().numpy() for decoder in decoders)
        ours = (ranks[0][k] * ranks[1][k]).sum().item()
        assert ours == pytest.approx(spearmanr(a, b).statistic, abs=1e-9)


@pytest.mark.parametrize("before", [None, "elsewhere"])
def test_folders_of_the_data_are_found_by_name(
    before: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a control that fits its decoder to "celeba" asks for it; afterwards all is as before."""
    monkeypatch.delenv("LFS_DATA", raising=False)
    if before:
        monkeypatch.setenv("LFS_DATA", before)
    (tmp_path / "celeba").mkdir()
    asked = []

    def study(data: Path) -> dict[str, dict]:
        asked.append(local_folder("celeba"))
        return {"manifest": {}}

    monkeypatch.setattr("lfs_core.studies.twins.twins_study", study)
    run_study("twins", tmp_path, tmp_path / "out.json")
    assert asked == [tmp_path / "celeba"] and os.environ.get("LFS_DATA") == before


def test_what_a_study_cannot_do(tmp_path: Path) -> None:
    with pytest.raises(lfs.LFSError, match="not a folder"):
        run_study("decoding", tmp_path / "none", tmp_path / "out.json")
    with pytest.raises(lfs.LFSError, match="no study 'nothing'"):
        run_study("nothing", tmp_path, tmp_path / "out.json")


def test_heads_that_ship_are_trained_into_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def trained(network: str, data: Path) -> CausalHead:
        asked.append((network, data))
        head = CausalHead(12, 2, (), (3,), hidden=16)
        head.info = {"name": network}
        return head

    monkeypatch.setattr("lfs_core.studies.heads.fit_shipped", trained)
    run_study("train-heads", tmp_path, tmp_path / "new" / "heads")
    names = {path.stem for path in (tmp_path / "new" / "heads").iterdir()}
    assert names == set(shipped_modules("heads")) == {network for network, _ in asked}
    for name in names:
        head = load_head(tmp_path / "new" / "heads" / f"{name}.safetensors")
        assert head.info["name"] == name
