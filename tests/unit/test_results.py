"""Stored results: complete, and every number that the book shows follows from them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import lfs_core as lfs
from lfs_core.embedders import network_title
from lfs_core.findings.decoder_tables import (
    PAPER,
    agreement_table,
    decoding_table,
    retrieval_decoders_table,
)
from lfs_core.findings.parameter_tables import sensitivity_table
from lfs_core.findings.retrieval_tables import (
    PUBLISHED,
    explanations_table,
    quality_table,
    recall_gain,
)
from lfs_core.findings.speed import speed_markdown, throughput_markdown
from lfs_core.findings.stored import stored_run
from lfs_core.studies import STUDIES
from lfs_core.util.manifest import RESULTS
from lfs_core.viz.decoder_figures import plot_agreement, plot_learning_curves

STORED = sorted(path.stem for path in RESULTS.glob("*.json"))


def test_what_is_stored() -> None:
    assert set(STORED) == {"bench", "throughput", *STUDIES}


@pytest.mark.parametrize("name", STORED)
def test_a_manifest_says_how_to_repeat_the_run(name: str) -> None:
    manifest = stored_run(name)["manifest"]
    assert {"command", "commit", "versions", "seconds", "finished"} <= set(manifest)
    if name in ("decoding", "agreement", "retrieval", "sensitivity"):
        assert {"tier", "data", "networks", "seeds", "settings"} <= set(manifest)
    elif name in STUDIES:
        assert {"tier", "pairs", "number", "embedder"} <= set(manifest)


def test_no_path_of_a_machine_is_stored() -> None:
    for path in RESULTS.glob("*.json"):
        assert not re.search(r'"(/|[A-Z]:\\)', path.read_text(encoding="utf-8"))


def test_every_number_of_the_decoding_table() -> None:
    results = stored_run("decoding")
    table = decoding_table(results)
    assert set(table.index.get_level_values(0)) >= set(PAPER)
    for (source, name), line in table.iterrows():
        rows = [
            row
            for row in results["rows"]
            if row["source"] == source
            and row["all_images"]
            and {"linear": "linear", "mlp": "MLP", "conv": "convolutional"}[row["decoder"]]
            == name.split(",")[0]
            and row["mirrored"] == ("mirror" in name)
            and bool(row["ssim"]) == ("SSIM" in name)
        ]
        assert len(rows) == line["seeds"]
        assert len({row["seed"] for row in rows}) == len(rows)
        errors = np.array([row["error"] for row in rows])
        means = np.array([row["error_of_mean_image"] for row in rows])
        assert line["error"] == f"{errors.mean():.4f}"
        assert line["R²"] == f"{(1 - errors / means).mean():.3f}"


def test_every_source_has_a_learning_curve_of_every_kind() -> None:
    results = stored_run("decoding")
    for source in {row["source"] for row in results["rows"]}:
        for kind in ("linear", "mlp", "conv"):
            images = {
                row["training_images"]
                for row in results["rows"]
                if (row["source"], row["decoder"]) == (source, kind)
            }
            assert min(images) == 1000 and len(images) >= 2
    chart = plot_learning_curves(results)
    (menu,) = chart.figure.layout.updatemenus
    assert {button.label for button in menu.buttons} == {row["source"] for row in results["rows"]}
    (of,) = (
        trace
        for trace in chart.figure.data
        if trace.visible and trace.name == "linear" and trace.hovertext
    )
    plain = [
        row
        for row in results["rows"]
        if (row["source"], row["decoder"]) == (menu.buttons[0].label, "linear")
        and not (row["mirrored"] or row["ssim"])
    ]
    lowest = [row["r2"] for row in plain if row["training_images"] == of.x[0]]
    assert of.y[0] == pytest.approx(np.mean(lowest))


def test_every_number_of_the_agreement_table() -> None:
    results = stored_run("agreement")
    table = agreement_table(results)
    assert len(table) == len(results["rows"]) >= 15
    for row in results["rows"]:
        for kind in ("similar", "dissimilar"):
            values = row[kind]["with_first_decoder"]
            assert len(values) == results["pairs"]
            assert table.loc[row["decoder"], f"{kind}: first decoder"] == f"{np.mean(values):.2f}"
            others = row[kind]["with_another_pair"]
            assert table.loc[row["decoder"], f"{kind}: other pair"] == f"{np.mean(others):.2f}"
    first = results["rows"][0]
    assert np.allclose(first["similar"]["with_first_decoder"], 1)
    chart = plot_agreement(results)
    for trace, kind in zip(chart.figure.data, ("similar", "dissimilar"), strict=True):
        means = [np.mean(row[kind]["with_first_decoder"]) for row in results["rows"][1:]]
        np.testing.assert_allclose(trace.x, [*means, np.mean(first[kind]["with_another_pair"])])


def test_every_number_of_the_retrieval_tables() -> None:
    results = stored_run("retrieval")
    quality = quality_table(results)
    assert len(quality) == len(results["quality"]) + len(PUBLISHED) == 6
    names = {"cub": "birds", "cars": "cars"}
    for row in results["quality"]:
        line = quality.loc[names[row["data"]], network_title(row["network"])]
        right = [int(k) for k in row["first_is_right"]]
        assert len(right) == row["images"] == int(line["images"])
        # What was counted query by query is what the library found.
        assert np.mean(right) == pytest.approx(row["recall@1"], abs=2 / len(right))
        assert line["R@1"] == f"{row['recall@1']:.3f}" and line["NMI"] == f"{row['nmi']:.3f}"
        assert row["recall@1"] <= row["recall@2"] <= row["recall@4"] <= row["recall@8"]

    decoders = retrieval_decoders_table(results)
    for (data, network, kind), line in decoders.iterrows():
        rows = [
            row
            for row in results["decoders"]
            if (names[row["data"]], network_title(row["network"])) == (data, network)
            and kind.lower().startswith(row["decoder"])
        ]
        assert str(len(rows)) == line["seeds"]
        assert line["error"] == f"{np.mean([row['error'] for row in rows]):.4f}"
        r2 = [1 - row["error"] / row["error_of_mean_image"] for row in rows]
        assert line["R²"] == f"{np.mean(r2):.2f}"

    explained = explanations_table(results)
    assert len(explained) == len(results["explanations"]) == 8
    for row, (_, line) in zip(results["explanations"], explained.iterrows(), strict=True):
        assert line["cosine, most similar"] == f"{np.mean(row['nearest']['cosine']):.2f}"
        assert line["cosine, least similar"] == f"{np.mean(row['farthest']['cosine']):.2f}"
        if row["decoder"] == "linear":  # the algebra: both maps of a pair are one
            assert np.allclose(row["nearest"]["maps_of_one_pair"], 1, atol=1e-3)


def test_a_gain_in_recall_has_a_paired_interval() -> None:
    rows = [
        {"data": "cub", "first_is_right": "1" * 50 + "0" * 50},
        {"data": "cub", "first_is_right": "1" * 75 + "0" * 25},
    ]
    gain = recall_gain({"quality": rows}, "cub")
    assert (gain["frozen"], gain["trained"], gain["gain"]) == (0.5, 0.75, 0.25)
    assert gain["errors"] == 0.5
    # Of the paired differences, 25 are 1 and 75 are 0.
    deviation = 1.96 * np.sqrt(0.25 * 0.75 / 100)
    assert gain["low"] == pytest.approx(0.25 - deviation, abs=0.02)
    assert gain["high"] == pytest.approx(0.25 + deviation, abs=0.02)


def test_the_speed_page_shows_what_was_measured() -> None:
    bench = stored_run("bench")
    text = speed_markdown(bench)
    assert f"{bench['results']['lfs fit']['ratio']:.2f} times" in text
    assert f"{bench['results']['embedder, batches of 32']['ratio']:.2f} [" in text
    memory = bench["results"]["memory"]
    assert f"{memory['100000'] / memory['10000']:.2f} times" in text
    assert bench["manifest"]["commit"] in text


def test_results_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(lfs.LFSError, match="no stored results"):
        stored_run("nothing")
    assert (
        json.loads((RESULTS / "decoding.json").read_text(encoding="utf-8"))["manifest"]["study"]
        == "decoding"
    )


def test_every_number_of_the_sensitivity_table() -> None:
    results = stored_run("sensitivity")
    table = sensitivity_table(results)
    assert len(table) == len(results["rows"])
    for row, (_, line) in zip(results["rows"], table.iterrows(), strict=True):
        for kind in ("similar", "dissimilar"):
            values = row[kind]["with_default"]
            assert len(values) == results["pairs"]
            assert line[f"{kind}: default"] == f"{sum(values) / len(values):.2f}"
            others = row[kind]["with_another_pair"]
            assert line[f"{kind}: other pair"] == f"{sum(others) / len(others):.2f}"
        if row["default"]:  # the same map; an empty one agrees with nothing
            assert all(value > 0.999 or value <= 0.5 for value in row["similar"]["with_default"])
            assert max(row["similar"]["with_default"]) > 0.999


def test_every_number_of_the_throughput_table() -> None:
    throughput = stored_run("throughput")
    text = throughput_markdown(throughput)
    assert throughput["manifest"]["commit"] in text
    for result in throughput["results"].values():
        assert f"{result['ratio']:.2f} [" in text and f"({result['passes']:,} passes)" in text
