"""Nobody serves twice: who teaches a head, chooses its weights, and tests it."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import lfs_core as lfs
from lfs_core.datasets.folders import split_classes
from lfs_core.evaluation import fresh_people
from lfs_core.evaluation.fresh_people import digests, pairs_of, parts_of_people, whose
from lfs_core.evaluation.pair_set import draw_pairs
from lfs_core.findings.stored import is_stored, stored_evaluation, stored_run
from lfs_core.studies import STUDIES
from lfs_core.studies.comparisons import BEYOND, FRESH
from lfs_core.studies.heads import first_classes
from lfs_core.studies.run import Run
from lfs_core.studies.weights import WEIGHTS


class Network:
    """Reads whole photographs at 16 px."""

    image_size, framing = 16, "whole"


def people(counts: list[int]) -> dict[str, str]:
    return {f"{k:03}/{n}.png": f"{k:03}" for k, count in enumerate(counts) for n in range(count)}


@given(st.lists(st.integers(1, 5), min_size=8, max_size=40), st.integers(0, 30))
def test_parts_share_nobody_and_are_where_they_belong(counts: list[int], drawn: int) -> None:
    classes = people(counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fresh_people, "DRAWN", drawn)
        parts = parts_of_people(classes)
    for one, other in itertools.combinations(parts.values(), 2):
        assert not one & other
    assert set().union(*parts.values()) == set(classes.values())
    first, last = split_classes(classes.values(), 0.5)
    assert parts["head"] == first
    assert parts["weights"] | parts["test"] | parts["fresh"] == last
    if parts["weights"] and parts["test"]:
        assert max(parts["weights"]) < min(parts["test"])
    for share in (0.5, 1.0):
        kept = split_classes(classes.values(), share)[1]
        among = {name: of for name, of in classes.items() if of in kept}
        for a, b, _ in itertools.islice(draw_pairs(among, 0), drawn):
            assert not {classes[a], classes[b]} & parts["fresh"]


def test_pairs_show_only_whom_they_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh_people, "DRAWN", 6)
    for name in people([4] * 24):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((20, 20, 3), int(path.parent.name), np.uint8)).save(path)
    parts = parts_of_people(whose(tmp_path))
    for part in ("weights", "test", "fresh"):
        pairs = pairs_of(tmp_path, Network(), part, 4, progress=False)
        assert pairs.same.tolist() == [True, False] * 2
        assert {Path(name).parent.name for pair in pairs.names for name in pair} <= parts[part]
    with pytest.raises(lfs.LFSError, match="gives only"):
        pairs_of(tmp_path, Network(), "fresh", 1000, progress=False)
    with pytest.raises(lfs.LFSError, match="no part 'stale'; choose one of head, weights"):
        pairs_of(tmp_path, Network(), "stale", 4, progress=False)


def test_digests_are_of_names_and_say_nothing_of_their_order() -> None:
    expected = sorted(hashlib.sha256(name).hexdigest()[:12] for name in (b"Ann", b"Bob"))
    assert digests(["Bob", "Ann"]) == digests(["Ann", "Bob"]) == expected


def test_runs_draw_from_their_parts() -> None:
    assert [run.people for run in (WEIGHTS, BEYOND, FRESH)] == ["weights", "test", "fresh"]
    assert {run.folder for run in (WEIGHTS, BEYOND, FRESH)} == {"lfw"}


@pytest.mark.parametrize("study", ["weights", "twins"])
def test_stored_people_are_disjoint(study: str) -> None:
    """Without the photographs: of every name the stored run keeps a digest."""
    if not is_stored(study):
        pytest.skip(f"{study} has not been run")
    stored = stored_run(study)["people"]
    assert set(stored) == {"head", "weights", "test", "fresh"}
    for one, other in itertools.combinations(stored.values(), 2):
        assert one and other and not set(one) & set(other)


TRAINED = ("amortised", "own-likeness", "randomised-causal")  # methods with a head, in their names
FIRST_HALF = {"birds": 37, "cars": 30}  # classes by name; of people, those of the head are listed


def test_no_trained_method_is_tested_on_people_or_classes_of_its_training() -> None:
    """In every stored comparison of methods: whose images a pair shows is known by its number."""
    classes = stored_run("classes")["classes"]
    tested = 0
    for name, study in STUDIES.items():
        run = resolve_name(study)
        if not isinstance(run, Run) or not is_stored(name):
            continue
        manifest = stored_evaluation(name).manifest
        if not any(part in of for of in manifest["explainers"] for part in TRAINED):
            continue
        learnt_from = {
            "lfw": len(stored_run("twins")["people"]["head"]),
            "cub": FIRST_HALF["birds"],
            "cars": FIRST_HALF["cars"],
        }[run.folder]
        assert np.min(classes[manifest["digest"]]) >= learnt_from, name
        tested += 1
    assert tested > 10


@pytest.mark.data
def test_people_of_the_local_tier_are_disjoint(data_folder: Path) -> None:
    lfw = data_folder / "lfw"
    parts = parts_of_people(whose(lfw))
    assert {name for _, name in first_classes(lfw)} == parts["head"]
    for one, other in itertools.combinations(parts.values(), 2):
        assert not one & other
    for study in ("weights", "twins"):
        if is_stored(study):
            stored = stored_run(study)["people"]
            assert stored == {part: digests(names) for part, names in parts.items()}
