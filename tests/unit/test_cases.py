"""Cases for an answer and against it, on handwritten digits and in the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from typer.testing import CliRunner

import lfs_core as lfs
from lfs_core import cli
from lfs_core.search.cases import cases_in_words, find_cases
from lfs_core.search.class_to_class import ClassToClass
from lfs_core.search.gallery import Gallery, Photograph

PIXELS, DIGITS = load_digits(return_X_y=True)
CENTRED = PIXELS - PIXELS[:1000].mean(axis=0)
UNIT = CENTRED / np.linalg.norm(CENTRED, axis=1, keepdims=True)


def gallery(vectors: np.ndarray, labels: np.ndarray) -> Gallery:
    """Of embeddings (N,D) of length one."""
    photographs = [
        Photograph(name=f"{label}/{k}.png", label=str(label), size=0, modified=0)
        for k, label in enumerate(labels)
    ]
    return Gallery(Path(), "pixels", "", photographs, torch.from_numpy(vectors).float())


KNOWN = gallery(UNIT[:1000], DIGITS[:1000])


def test_cases_of_digits_are_those_that_a_search_by_hand_finds() -> None:
    for query in range(1000, 1040):
        found = find_cases(KNOWN, torch.from_numpy(UNIT[query]).float())
        cosine = UNIT[:1000] @ UNIT[query]
        order = np.argsort(-cosine)
        label = DIGITS[order[0]]
        rival = DIGITS[next(k for k in order if DIGITS[k] != label)]
        assert (found.label, found.runner_up) == (str(label), str(rival))
        for cases, name in ((found.supportive, label), (found.contrastive, rival)):
            expected = [k for k in order if DIGITS[k] == name][:3]
            assert [of.position for of in cases] == expected
            assert [of.similarity for of in cases] == pytest.approx(cosine[expected], abs=1e-5)
        means = [UNIT[:1000][DIGITS[:1000] == name].mean(axis=0) for name in (label, rival)]
        apart = means[0] - means[1]
        for case in found.contrastive:
            step = UNIT[query] - UNIT[case.position]
            pattern = step @ apart / np.linalg.norm(step) / np.linalg.norm(apart)
            assert case.pattern == pytest.approx(pattern, abs=1e-4)


def test_answers_that_are_right_differ_from_their_rivals_as_the_classes_do() -> None:
    """Of 797 digits, the pattern is weaker in those that are answered wrongly."""
    patterns: dict[bool, list[float]] = {True: [], False: []}
    for query in range(1000, len(UNIT)):
        found = find_cases(KNOWN, torch.from_numpy(UNIT[query]).float(), 1)
        (case,) = found.contrastive
        patterns[found.label == str(DIGITS[query])].append(case.pattern)
    assert len(patterns[False]) > 20
    assert np.median(patterns[True]) > np.median(patterns[False]) + 0.1


def test_a_query_of_the_gallery_is_no_case() -> None:
    found = find_cases(KNOWN, KNOWN.embeddings[5], query=5)
    assert 5 not in [of.position for of in (*found.supportive, *found.contrastive)]
    assert find_cases(KNOWN, KNOWN.embeddings[5]).supportive[0].position == 5


def test_cases_in_two_dimensions_by_hand() -> None:
    """A class at the right, one above, and a query between, nearer to the right."""
    angles = np.radians([0, 10, 90, 60])
    places = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = find_cases(gallery(places, np.array(["r", "r", "u", "u"])), torch.tensor([2.0, 0.8]))
    assert (found.label, found.runner_up) == ("r", "u")
    assert [of.name for of in found.supportive] == ["r/1.png", "r/0.png"]
    assert [of.name for of in found.contrastive] == ["u/3.png", "u/2.png"]
    assert all(of.pattern is None for of in found.supportive)
    assert all(of.pattern > 0.9 for of in found.contrastive)
    lines = cases_in_words(found)
    assert lines.startswith("class r rather than u, nearer by 0.")
    assert "it differs from the query as the classes do" in lines


def test_one_class_has_no_cases_against_it() -> None:
    alone = gallery(UNIT[:5], np.array([1, 1, 1, 1, 2]))
    with pytest.raises(lfs.LFSError, match="fewer than two classes"):
        find_cases(alone, alone.embeddings[4], query=4)
    with pytest.raises(lfs.LFSError, match="number is 0"):
        find_cases(KNOWN, KNOWN.embeddings[0], 0)


def test_learnt_patterns_are_those_of_the_network() -> None:
    known = gallery(UNIT[:100], DIGITS[:100])
    h = torch.from_numpy(UNIT[1000]).float()
    found, plain = find_cases(known, h, 1, learnt=True), find_cases(known, h, 1)
    network = ClassToClass.fit(known.embeddings, known.labels)
    (case,) = found.contrastive
    assert found.supportive == plain.supportive and case.position == plain.contrastive[0].position
    chances = network.evidence(h, known.embeddings[[case.position]], [case.label])[0].exp()
    answer, own = (network.labels.index(name) for name in (found.label, case.label))
    assert case.pattern == pytest.approx((chances[answer] - chances[own]).item())
    assert "  learnt pattern " in cases_in_words(found)
    assert "learnt" not in cases_in_words(plain)


def mean_colours(folder: Path) -> Path:
    """A file with a network that sees mean colours."""
    network = folder / "means.py"
    network.write_text(
        "def embed(images):\n    return images.mean(dim=(2, 3)) - 0.5\n\nembed.image_size = 16\n",
        encoding="utf-8",
    )
    return network


@pytest.mark.parametrize("number", [1, 2, 3])
def test_small_galleries_answer_or_say_why_not(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_image: Callable[..., Path]
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    network = mean_colours(tmp_path)
    for k in range(number + 1):
        name = f"photographs/{k % 2}" if k < number else "."
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        save_image(np.full((16, 16, 3), (90 * k, 200, 40), np.uint8), f"{name}/{k}.png")
    folder, made = tmp_path / "photographs", str(tmp_path / "all.gallery")
    run = CliRunner().invoke
    assert (
        run(cli.app, ["index", str(folder), "--embedder", f"{network}:embed", "-o", made]).exit_code
        == 0
    )
    queries = {folder / "0" / "0.png": number - 1, tmp_path / f"{number}.png": number}
    for query, others in queries.items():
        ask = ["retrieve", str(query), "--gallery", made]
        told = run(cli.app, [*ask, "--top", "50", "--bottom", "0"])
        if not others:
            assert told.exit_code == 1 and "holds nothing but the query" in told.output
            continue
        assert told.exit_code == 0 and "least similar" not in told.output
        assert f"Besides the query the gallery holds {others}, fewer than --top 50" in told.output
        page = tmp_path / "why.html"
        done = run(cli.app, [*ask, "--cases", "--method", "occlusion", "-o", str(page)])
        if others == 1:  # of one class
            without = "Without the query, t" if query.parent != tmp_path else "T"
            assert done.exit_code == 1 and not page.exists()
            assert done.output.startswith(f"Error: {without}he gallery has fewer than two classes")
            assert len(done.output.strip().splitlines()) == 1
            continue
        assert done.exit_code == 0 and "pattern " in done.output and page.exists()
        page.unlink()


def test_the_command_lists_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_image: Callable[..., Path]
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    network = mean_colours(tmp_path)
    for label, colour in (("red", (220, 40, 40)), ("blue", (40, 40, 220))):
        for k in range(4):
            pixels = np.full((16, 16, 3), colour, np.uint8)
            pixels[:, :, 1] += np.uint8(9 * k)
            (tmp_path / "photographs" / label).mkdir(parents=True, exist_ok=True)
            save_image(pixels, f"photographs/{label}/{k}.png")
    run = CliRunner().invoke
    made = tmp_path / "all.gallery"
    folder = tmp_path / "photographs"
    first = run(cli.app, ["index", str(folder), "--embedder", f"{network}:embed", "-o", str(made)])
    assert first.exit_code == 0, first.output
    query = str(folder / "red" / "0.png")
    told = run(cli.app, ["retrieve", query, "--gallery", str(made), "--cases"])
    assert told.exit_code == 0, told.output
    assert "class red rather than blue, nearer by" in told.output
    assert "against it: the nearest of blue" in told.output
    assert (
        "class red rather" not in run(cli.app, ["retrieve", query, "--gallery", str(made)]).output
    )
    learnt = run(cli.app, ["retrieve", query, "--gallery", str(made), "--cases", "--learnt"])
    assert learnt.exit_code == 0 and "learnt pattern +" in learnt.output
    alone = run(cli.app, ["retrieve", query, "--gallery", str(made), "--learnt"])
    assert alone.exit_code == 1 and "give --cases, too" in alone.output
