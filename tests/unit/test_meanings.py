"""The threshold of sentences is the one that separates best pairs which no other test uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from lfs_core.studies import run_study
from lfs_core.things.files import OF_GRAPHS, OF_SENTENCES
from lfs_core.things.held_out_pairs import HELD_OUT
from lfs_core.things.meanings import (
    MEANINGS,
    Cosines,
    accuracy_on_others,
    best_threshold,
    cosines_of_meanings,
)
from lfs_core.things.minilm import TextNetwork, all_minilm
from lfs_core.things.motifs import (
    KIND,
    MOTIFS,
    GraphNetwork,
    motif_network,
    planted,
    stacked,
)
from lfs_core.things.sentence_pairs import EXCHANGED, PARAPHRASES, exchanged
from lfs_core.util.modules import stored_module


def test_no_sentence_is_of_another_list() -> None:
    own = [text for group in MEANINGS for text in group]
    lines = [exchanged(line).texts for line in (*EXCHANGED, *HELD_OUT)]
    others = {text for both in lines for text in both} | {t for e in PARAPHRASES for t in e[:2]}
    assert len(set(own)) == len(own) == 96 and not set(own) & others


def test_the_best_threshold_by_hand() -> None:
    found = Cosines(
        torch.tensor([0.9, 0.8, 0.3]), torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.0, 0.0, 0.0])
    )
    assert best_threshold(found) == 0.25  # as good as 0.75, and lower
    assert found.right(0.25) == pytest.approx((1, 2 / 3, 1))
    assert found.accuracy(0.25) == pytest.approx(1 / 2 + (2 / 3 + 1) / 4)
    assert 0 <= accuracy_on_others(found) <= 1


def percents(text: str) -> list[int]:
    return [int(of) for of in re.findall(r"(\d+) %", text)]


@pytest.mark.slow
def test_the_default_is_the_best_and_the_page_says_how_good() -> None:
    found = cosines_of_meanings(all_minilm())
    best = best_threshold(found)
    assert TextNetwork.similarity_threshold == pytest.approx(best, abs=2e-3)
    right = found.right(TextNetwork.similarity_threshold)
    assert percents(OF_SENTENCES) == [round(100 * of) for of in right]
    assert f"best {len(MEANINGS)} pairs" in OF_SENTENCES
    assert found.accuracy(best) - found.accuracy(0.3) > 0.05  # the threshold of faces
    assert abs(accuracy_on_others(found) - found.accuracy(best)) < 0.02


def shares_decided_right(network: GraphNetwork, thresholds: list[float]) -> list[float]:
    """Of pairs of graphs that no network has seen, by threshold; both kinds weighted equally."""
    graphs = [planted(motif, 5000 + k).graph for motif in MOTIFS for k in range(20)]
    h = torch.nn.functional.normalize(network(*stacked(graphs)), dim=-1)
    kind = torch.arange(len(MOTIFS)).repeat_interleave(20)
    i, j = torch.triu_indices(len(kind), len(kind), 1)
    cosines, same = (h @ h.T)[i, j], kind[i] == kind[j]
    return [
        float((cosines[same] > at).float().mean() + (cosines[~same] <= at).float().mean()) / 2
        for at in thresholds
    ]


GRID = [of / 50 for of in range(-50, 51)]


def test_the_threshold_of_graphs() -> None:
    [own] = shares_decided_right(motif_network(), [GraphNetwork.similarity_threshold])
    assert percents(OF_GRAPHS) == [round(100 * own)]
    assert own > max(shares_decided_right(motif_network(), GRID)) - 0.005


@pytest.mark.slow
def test_what_ships_can_be_learnt_again_and_kept(tmp_path: Path) -> None:
    """Not to the digit: the learning magnifies the rounding errors of each machine."""
    run_study("train-motifs", tmp_path, tmp_path / "new")
    again = GraphNetwork()
    with stored_module(tmp_path / "new" / "motifs.safetensors", KIND) as (header, tensors):
        again.load_state_dict(tensors)
        assert header["info"]["steps"] == motif_network().info["steps"]
    assert max(shares_decided_right(again, GRID)) > 0.75
