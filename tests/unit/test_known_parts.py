"""What page 13 says of sentences and graphs turns when the numbers do."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import numpy as np
import pytest

from lfs_core.findings import known_parts
from lfs_core.findings.known_parts import ALONE, CAUSAL, UNMATCHED, conclusions, lead
from lfs_core.findings.sounds import sounds_described, sounds_doubts
from lfs_core.findings.stored import stored_run
from lfs_core.sound.spliced import SHARED
from lfs_core.sound.thing import STRETCH
from lfs_core.sound.words import Words
from lfs_core.studies.sentences import EACH, FIRST, LISTS, METHODS, OTHERS
from lfs_core.things.explain import TITLES
from lfs_core.things.motifs import MOTIFS
from lfs_core.things.sentence_pairs import PARAPHRASES


@pytest.fixture
def run() -> dict:
    return copy.deepcopy(stored_run("sentences"))


@pytest.fixture
def sounds() -> dict:
    return copy.deepcopy(stored_run("sounds"))


def test_numbers_in_the_prose_of_the_page_are_those_of_the_code() -> None:
    page = json.loads(Path("notebooks/13_beyond_images.ipynb").read_text("utf-8"))
    cells = [cell for cell in page["cells"] if cell["cell_type"] == "markdown"]
    prose = " ".join("".join(cell["source"]) for cell in cells)
    assert not re.search(r"\d+ (pairs|recordings|sentences|words)", prose)  # these are computed
    said = {
        "hears a second and a half": Words.seconds == 1.5,
        "One moment of a tenth of a second": STRETCH == 0.1,
        "get half a second in common": SHARED * STRETCH == 0.5,
        "a ring of six nodes": len(MOTIFS["ring of six"]) == 6,
    }
    for sentence, holds in said.items():
        assert sentence in prose and holds
    stored = json.dumps(page["cells"], ensure_ascii=False)
    assert known_parts.threshold_sentences() in stored


def test_every_pair_has_a_score_of_every_method(run: dict) -> None:
    assert set(run["exchanged"]) == set(LISTS) == {FIRST, OTHERS}
    counts = {name: len(lines) for name, lines in LISTS.items()}
    found = {**run["exchanged"], **run["motifs"]}
    counts |= dict.fromkeys(("nodes", "edges"), EACH * len(MOTIFS))
    for name, scores in found.items():
        assert {TITLES[method] for method in METHODS} < set(scores)
        for values in scores.values():
            assert len(values) == counts[name] and min(values) >= 0 and max(values) <= 1
    assert {len(of) for of in run["answering"].values()} == {len(PARAPHRASES)}


def test_a_control_of_random_numbers_is_at_chance(run: dict) -> None:
    for scores in (*run["exchanged"].values(), *run["motifs"].values()):
        assert abs(np.mean(scores[TITLES["random"]]) - 0.5) < 0.12


def test_other_networks_are_counted_by_hand() -> None:
    """A map that is always, never or sometimes ahead of core number, with three networks."""
    level, ahead = [0.5, 0.6, 0.7, 0.8], [0.6, 0.7, 0.8, 0.9]
    pairs = [(ahead, level), (level, ahead), (level, [0.4, 0.7, 0.6, 0.9])]
    run = {
        "motifs": {"edges": {}},
        "motifs of other networks": [
            {"edges": {CAUSAL: own, "Core number": core}} for own, core in pairs
        ],
    }
    assert known_parts.other_networks(run) == (
        "3 more networks learnt from other seeds. The causal map is significantly better than core "
        "number by edges with 1, and worse with 1 (lead -0.10 to +0.10)."
    )


def test_leads_are_of_the_same_pairs() -> None:
    scores = {"A": [0.6, 0.7, 0.8], "B": [0.5, 0.6, 0.7], "C": [0.5, 0.8, 0.7]}
    assert lead(scores, "A", "B") == "better than B (+0.10 [+0.10, +0.10])"
    assert lead(scores, "B", "A") == "worse than A (-0.10 [-0.10, -0.10])"
    assert lead(scores, "A", "C").startswith("not told apart from C (+0.03 [")


def test_sentences_hold_means_of_both_lists(run: dict) -> None:
    text = known_parts.exchanged_sentences(run)
    for name in (OTHERS, FIRST):
        assert f"words without a match ({np.mean(run['exchanged'][name][UNMATCHED]):.2f})" in text
    assert f"On the {len(LISTS[OTHERS])} held-out pairs" in text
    assert "- By edges, on 48 pairs" in known_parts.motif_sentences(run)
    assert f"In {len(PARAPHRASES)} paraphrases" in known_parts.answering_sentences(run)


def test_conclusions_turn_with_the_numbers(run: dict, sounds: dict) -> None:
    words = run["exchanged"][OTHERS]
    words[CAUSAL], words[ALONE] = [0.9] * 24, [0.6] * 24
    assert "for words better than words alone without a match" in conclusions(run, sounds)
    words[CAUSAL] = [0.5] * 24
    told = conclusions(run, sounds)
    assert "for words worse than" in told and "in 2 of 3 tests: nodes and edges." in told
    for found in sounds["kinds"].values():
        found["methods"]["causal"]["auroc"] = [0.5, 0.4, 0.6]
    kinds = len(sounds["kinds"])
    assert f"more often than chance in 0 of {kinds} kinds" in conclusions(run, sounds)


def test_the_run_of_sounds_is_described(sounds: dict) -> None:
    told = sounds_described(sounds)
    assert f"has {sounds['manifest']['number']} pairs" in told and "15 moments, of which 5" in told
    found = next(iter(sounds["kinds"].values()))
    found["decoder error"] = [0.3, 0.4]
    assert "0.75 (made syllables)" in sounds_doubts(sounds)
